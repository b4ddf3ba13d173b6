"""Labels of pictures in CSV files: columns, parts, groups, several labels, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import classes, colours, noted, refused, save

from scanlab import data


def pictures(folder: Path, count: int = 12, name: str = "{}.jpg") -> Path:
    for n in range(count):
        save(folder / name.format(n), np.full((4, 4, 3), 20 * n, np.uint8), quality=100)
    return folder


def table(file: Path, header: str, row, count: int = 12) -> None:
    file.write_text("\n".join([header, *(row(n) for n in range(count))]))


@pytest.mark.parametrize("written", ["{}", "{}.jpg", "train/{}.jpg", "train/{}"])
def test_a_column_names_the_files_and_one_the_class(tmp_path: Path, written: str) -> None:
    pictures(tmp_path / "train")
    pictures(tmp_path / "test", 3, "t{}.jpg")
    # In another order than the files: the row says which picture it speaks of.
    table(tmp_path / "train.csv", "id,label", lambda n: f"{written.format(11 - n)},{'dog' if n % 3 else 'cat'}")
    table(tmp_path / "sample_submission.csv", "id,label", lambda n: f"t{n},cat", 3)
    dataset = data.whole(str(tmp_path))
    assert dataset.class_names == ("cat", "dog") and dataset.labels.tolist() == [int(n % 3 > 0) for n in range(12)]
    shades = (dataset.images[:, 0, 0, 0] * 255).round().astype(int)
    assert shades.tolist() == [20 * (11 - n) for n in range(12)]
    noted(dataset, "left out", "3 pictures without a label")
    noted(dataset, "layout", "train.csv")
    named = data.whole(str(tmp_path / "train.csv"))
    assert named.labels.tolist() == dataset.labels.tolist()


def test_parts_and_groups_in_columns(tmp_path: Path) -> None:
    pictures(tmp_path)
    parts = ("train", "valid", "test")
    table(tmp_path / "all.csv", "file;target;split", lambda n: f"{n};{n // 3 % 2};{parts[n % 3]}")
    dataset = data.whole(str(tmp_path))
    assert [len(part) for part in (dataset.train, dataset.val, dataset.test)] == [4, 4, 4]
    (tmp_path / "all.csv").unlink()
    table(tmp_path / "all.csv", "file,class,patient_id", lambda n: f"{n}.jpg,{n % 2},p{n // 3}")
    grouped = data.whole(str(tmp_path))
    assert grouped.groups is not None and grouped.groups.tolist() == [n // 3 for n in range(12)]
    noted(grouped, "assumed", "patient_id names groups")


def test_files_called_after_parts(tmp_path: Path) -> None:
    pictures(tmp_path / "images")
    table(tmp_path / "train.csv", "image,label", lambda n: f"{n},{n % 2}", 8)
    table(tmp_path / "test.csv", "image,label", lambda n: f"{8 + n},{n % 2}", 4)
    dataset = data.whole(str(tmp_path))
    assert (len(dataset.train), len(dataset.test)) == (8, 4) and dataset.class_names == ("0", "1")
    (tmp_path / "test.csv").rename(tmp_path / "more.csv")
    refused(tmp_path, "S691", "labels in more.csv, train.csv")


def test_the_column_of_the_class_may_need_a_word(tmp_path: Path) -> None:
    pictures(tmp_path)
    table(tmp_path / "meta.csv", "lesion,image,dx,age", lambda n: f"L{n // 2},{n},{'nv' if n % 2 else 'mel'},{n}")
    refused(tmp_path, "S691", "the columns lesion, dx, age", "label=")
    dataset = data.whole(str(tmp_path), layout="label=dx group=lesion")
    assert dataset.class_names == ("mel", "nv") and dataset.groups is not None
    assert dataset.groups.tolist() == np.unique([f"L{n // 2}" for n in range(12)], return_inverse=True)[1].tolist()
    refused(tmp_path, "S644", "no column colour", layout="label=colour")


def test_several_labels(tmp_path: Path) -> None:
    pictures(tmp_path / "columns"), pictures(tmp_path / "cells"), pictures(tmp_path / "one")
    table(tmp_path / "columns" / "y.csv", "id,a,b,c", lambda n: f"{n},{n % 2},{int(n < 6)},{int(n % 3 == 0)}")
    dataset = data.whole(str(tmp_path / "columns"))
    assert dataset.several and dataset.class_names == ("a", "b", "c")
    assert dataset.labels.tolist() == [[n % 2, int(n < 6), int(n % 3 == 0)] for n in range(12)]
    table(tmp_path / "cells" / "y.csv", "id,finding", lambda n: f"{n},{'a|b' if n % 2 else 'b'}{'|c' if n > 5 else ''}")
    refused(tmp_path / "cells", "S691", "'a|b|c'", "multi_label")
    cells = data.whole(str(tmp_path / "cells"), layout="multi_label")
    assert cells.labels.tolist() == [[n % 2, 1, int(n > 5)] for n in range(12)]
    table(tmp_path / "one" / "y.csv", "id,a,b", lambda n: f"{n},{n % 2},{1 - n % 2}")
    one = data.whole(str(tmp_path / "one"))
    assert not one.several and one.labels.tolist() == [1 - n % 2 for n in range(12)]
    assert data.whole(str(tmp_path / "one"), layout="multi_label").several


def test_folders_of_classes_beside_a_table(tmp_path: Path) -> None:
    classes(tmp_path)
    both = [(name, n) for name in ("cat", "dog") for n in range(6)]
    table(tmp_path / "y.csv", "file,label", lambda k: f"{both[k][0]}/{both[k][1]}.png,{both[k][0]}")
    assert data.whole(str(tmp_path)).class_names == ("cat", "dog")
    table(tmp_path / "y.csv", "file,label", lambda k: f"{both[k][0]}/{both[k][1]}.png,{both[k % 6][0]}")
    table(tmp_path / "y.csv", "file,label", lambda k: f"{both[k][0]}/{both[k][1]}.png,{'cat' if k % 2 else 'dog'}")
    refused(tmp_path, "S691", "puts pictures into other classes")
    assert data.whole(str(tmp_path), layout="table").labels.tolist() == [1, 0] * 6
    assert data.whole(str(tmp_path), layout="classes").labels.tolist() == [0] * 6 + [1] * 6


def test_tables_that_do_not_fit(tmp_path: Path) -> None:
    pictures(tmp_path)
    table(tmp_path / "y.csv", "id,label", lambda n: f"{n + (n > 10)},{n % 2}")
    refused(tmp_path, "S644", "12 of its column id are no pictures there")
    table(tmp_path / "y.csv", "id,label", lambda n: f"{n % 11},{n % 2}")
    refused(tmp_path, "S691", "several rows for a picture")
    table(tmp_path / "y.csv", "id,label", lambda n: f"{n},{'' if n == 3 else n % 2}")
    refused(tmp_path, "S644", "column label is empty in 1 row")
    table(tmp_path / "y.csv", "id,label", lambda n: f"{n},{n / 7}")
    refused(tmp_path, "S644", "12 different values in 12 rows")
    save(tmp_path / "more" / "0.jpg", colours())
    table(tmp_path / "y.csv", "id,label", lambda n: f"{n},{n % 2}")
    refused(tmp_path, "S691", "two folders have")


@pytest.mark.parametrize("written", ["./a/{}.jpg", "a\\{}.jpg", "/data/a/{}.jpg", "a/{}.png", "C:\\data\\a\\{}.jpg"])
def test_names_as_other_machines_write_them(tmp_path: Path, written: str) -> None:
    pictures(tmp_path / "a")
    pictures(tmp_path / "b", 3, "b{}.jpg")
    table(tmp_path / "labels.csv", "path,label", lambda n: f"{written.format(n)},{'dog' if n % 3 else 'cat'}")
    dataset = data.whole(str(tmp_path))
    assert dataset.class_names == ("cat", "dog") and len(dataset.images) == 12


def test_a_table_whose_labels_would_be_lost_is_refused(tmp_path: Path) -> None:
    pictures(tmp_path / "a")
    pictures(tmp_path / "b", 3, "b{}.jpg")
    table(tmp_path / "labels.csv", "path,label", lambda n: f"scan_{n}.jpg,{n % 2}")
    refused(tmp_path, "S644", "names pictures")
    table(tmp_path / "labels.csv", "0.jpg,0", lambda n: f"{n + 1}.jpg,{n % 2}", 11)
    refused(tmp_path, "S691", "names a picture")
