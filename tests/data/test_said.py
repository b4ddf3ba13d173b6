"""What is assumed is said: shares held out, channels, z-scores, unnamed classes, columns, parts, odd class names."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from layouts import classes, masked, noted, refused, save
from typer.testing import CliRunner

from scanlab import data
from scanlab.cli.app import app
from scanlab.data.notes import notes_of
from scanlab.data.table_files import read_rows

DRAW = np.random.default_rng(0)


def pictures(folder: Path, count: int = 12) -> Path:
    for n in range(count):
        save(folder / f"{n}.png", np.full((4, 4), 20 * n, np.uint8))
    return folder


def table(file: Path, *lines: str, encoding: str = "utf-8") -> None:
    file.write_text("\n".join(lines), encoding=encoding)


@pytest.mark.parametrize("each, counts", [(1, None), (2, "2 of 4 samples (50 %)"), (4, "2 of 8 samples (25 %)")])
def test_the_share_that_is_held_out_is_the_true_one(tmp_path: Path, each: int, counts: str | None) -> None:
    if counts is None:
        return refused(classes(tmp_path, each=each), "S646", "no test samples")
    dataset = data.whole(str(classes(tmp_path, each=each)))
    noted(dataset, "assumed", f"there is no test part: {counts} are held out as one, by a fixed seed")
    assert f"{len(dataset.test)} of {len(dataset.images)}" in counts


def test_arrays_in_memory_and_validation_parts_say_their_counts_too() -> None:
    made = data.from_arrays(DRAW.random((10, 1, 4, 4)), np.arange(10) % 2)
    noted(made, "assumed", f"{len(made.test)} of 10 samples ({10 * len(made.test)} %) are held out")
    grouped = data.from_arrays(DRAW.random((10, 1, 4, 4)), np.arange(10) % 2, groups=np.arange(10) // 4)
    noted(grouped, "assumed", f"{len(grouped.test)} of 10 samples", "by group")
    validated = data.load("digits", part="val")
    noted(validated, "assumed", f"{len(validated.test):,} of the 1,258 training samples are measured on")


@pytest.mark.parametrize(
    "shape, words",
    [
        ((40, 8, 8, 4), "the last axis of x, of 4, holds channels (layout says no_channels if it is in space)"),
        ((40, 4, 4, 4), "the last axis of x, of 4, holds channels"),
        ((40, 3, 3, 3), "the last axis of x, of 3, holds channels"),
        ((40, 4, 4, 4, 2), "the last axis of x, of 2, holds channels (layout says channels_first if the second does)"),
        ((40, 8, 8, 8), "x are volumes of 8x8x8 with one channel (layout says channels_first if there are 8)"),
    ],
)
def test_channels_that_extents_alone_tell_are_noted(tmp_path: Path, shape: tuple[int, ...], words: str) -> None:
    np.savez(tmp_path / "a.npz", x=DRAW.random(shape), y=np.arange(40) % 2)
    noted(data.whole(str(tmp_path / "a.npz")), "assumed", words)


def test_of_colours_and_of_what_was_settled_nothing_is_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=DRAW.random((40, 8, 8, 3)), y=np.arange(40) % 2)
    assert "channels" not in str(notes_of(data.whole(str(tmp_path / "a.npz"))))
    np.savez(tmp_path / "b.npz", x=DRAW.random((40, 8, 8, 4)), y=np.arange(40) % 2)
    settled = data.whole(str(tmp_path / "b.npz"), layout="no_channels")
    assert settled.extents == (8, 8, 4) and "axis" not in str(notes_of(settled))


def test_volumes_are_z_scored_and_classes_without_a_name_are_said(tmp_path: Path) -> None:
    volume = DRAW.random((6, 6, 6)).astype(np.float32)
    for n in range(5):
        for place, array in (("imagesTr", volume), ("labelsTr", (volume > 0.5) * np.uint8(1) + (volume > 0.8) * 2)):
            (tmp_path / place).mkdir(exist_ok=True)
            file = tmp_path / place / f"v{n}.nii.gz"
            nibabel.save(nibabel.Nifti1Image(array.astype(np.float32), np.eye(4)), file)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "liver": 1}}))
    dataset = data.whole(str(tmp_path))
    noted(dataset, "assumed", "every volume is z-scored by itself")
    noted(dataset, "assumed", "masks have the class 3, which dataset.json does not name")
    assert dataset.class_names == ("background", "liver", "class 2", "class 3")
    (tmp_path / "dataset.json").unlink()
    assert "dataset.json" not in str(notes_of(data.whole(str(tmp_path))))


@pytest.mark.parametrize("values", [(1, 2), (0, 2), (2, 5), (0, 1)])
def test_255_beside_any_classes_marks_what_does_not_count(tmp_path: Path, values: tuple[int, int]) -> None:
    mask = np.full((6, 8), values[0], np.uint8)
    mask[2:4], mask[5] = values[1], 255
    dataset = data.whole(str(masked(tmp_path, lambda _: mask)))
    assert np.array_equal(dataset.labels[0], mask) and dataset.classes == values[1] + 1
    noted(dataset, "mapped", "255 in masks marks pixels that do not count")


def test_black_and_white_beside_one_class_is_not_guessed(tmp_path: Path) -> None:
    mask = np.full((6, 8), 1, np.uint8)
    mask[2:4] = 255
    refused(masked(tmp_path, lambda _: mask), "S644", "the value 255")
    masks = [np.uint8(255) * (np.arange(48).reshape(6, 8) > 9), np.uint8(1) * (np.arange(48).reshape(6, 8) > 9)]
    refused(masked(tmp_path / "two", lambda n: masks[n % 2]), "S691", "255 may be the class 1")


@pytest.mark.parametrize("mark", [",", ";", "|", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_delimiters_and_encodings(tmp_path: Path, mark: str, encoding: str) -> None:
    rows = [mark.join((f"{n}.png", ("Bär", "Igel")[n % 2])) for n in range(12)]
    table(pictures(tmp_path) / "labels.csv", mark.join(("file", "class")), *rows, encoding=encoding)
    dataset = data.whole(str(tmp_path))
    assert dataset.class_names == ("Bär", "Igel")
    if encoding in ("utf-16", "cp1252"):
        noted(dataset, "assumed", "the text of labels.csv is", {"utf-16": "UTF-16", "cp1252": "Windows-1252"}[encoding])


@pytest.mark.parametrize("mark", [",", "\t", " "])
def test_tables_in_text_files(tmp_path: Path, mark: str) -> None:
    (tmp_path / "readme.txt").write_text("These pictures, of 2024, were taken\nby a person, who says so.")
    table(pictures(tmp_path) / "labels.txt", f"file{mark}label", *(f"{n}.png{mark}{n % 3}" for n in range(12)))
    dataset = data.whole(str(tmp_path))
    assert dataset.labels.tolist() == [n % 3 for n in range(12)]
    noted(dataset, "layout", "labels in labels.txt")
    noted(dataset, "left out", "1 .txt")
    assert data.whole(str(tmp_path / "labels.txt")).labels.tolist() == dataset.labels.tolist()
    table(tmp_path / "labels.txt", *(f"{n}.png{mark}{n % 3}" for n in range(12)))
    refused(tmp_path, "S691", "the first line of", "names a picture, 0.png")


def test_a_list_of_pictures_is_no_table(tmp_path: Path) -> None:
    classes(tmp_path)
    table(tmp_path / "val.txt", "name", "0", "1", "1", "missing.png")
    assert data.whole(str(tmp_path)).class_names == ("cat", "dog")


def test_text_beside_folders_of_classes_and_numbered_classes_are_no_tables(tmp_path: Path) -> None:
    classes(tmp_path / "a")
    table(tmp_path / "a" / "list.txt", *(f"cat/{n}.png 0" for n in range(6)))
    table(tmp_path / "a" / "sizes.txt", "file,bytes", *(f"dog/{n}.png,{n}" for n in range(6)))
    assert data.whole(str(tmp_path / "a")).class_names == ("cat", "dog")
    rows = [f"{n}.png,{n % 2}" for n in range(12)]
    table(pictures(tmp_path / "b") / "t.csv", "file,class", *rows)
    table(tmp_path / "b" / "classes.txt", "0 cat", "1 dog", "2 emu")
    table(tmp_path / "b" / "7.txt", "7 0.1 0.2 0.3 0.4", "3 0.2 0.3 0.4 0.5")
    noted(data.whole(str(tmp_path / "b")), "layout", "labels in t.csv")


def test_words_of_arrays_are_classes_like_those_of_tables(tmp_path: Path) -> None:
    images = DRAW.random((12, 4, 4))
    for words, code, said in (
        (("y", "Y"), "S691", "which may be one"),
        (("a", "nan"), "S642", "without a class (nan)"),
    ):
        np.savez(tmp_path / "a.npz", x=images, y=np.array(words)[np.arange(12) % 2])
        refused(tmp_path / "a.npz", code, said)


def test_values_that_may_be_one_class(tmp_path: Path) -> None:
    table(pictures(tmp_path) / "t.csv", "file,flag", *(f"{n}.png,{'yYn'[n % 3]}" for n in range(12)))
    refused(tmp_path, "S691", "has the classes Y, y in its column flag, which may be one")
    table(tmp_path / "t.csv", "file,flag", *(f"{n}.png,{('0', '0.0', '1')[n % 3]}" for n in range(12)))
    dataset = data.whole(str(tmp_path))
    assert dataset.class_names == ("0", "1") and dataset.labels.tolist() == [int(n % 3 == 2) for n in range(12)]
    noted(dataset, "mapped", "numbers: 0.0 is 0")


@pytest.mark.parametrize("cell", ["", "nan", "NaN", "NA", "<NA>", "null"])
def test_no_value_is_no_class_and_no_group(tmp_path: Path, cell: str) -> None:
    pictures(tmp_path)
    table(tmp_path / "t.csv", "file,class", *(f"{n}.png,{cell if n == 5 else 'ab'[n % 2]}" for n in range(12)))
    refused(tmp_path, "S644", "its column class is empty", "in 1 row")
    table(tmp_path / "t.csv", "file,class,patient", *(f"{n}.png,{n % 2},{cell if n > 9 else n}" for n in range(12)))
    refused(tmp_path, "S644", "its column patient is empty in 2 rows")
    table(tmp_path / "t.csv", "file,class", *(f"{n}.png,{('none', 'some')[n % 2]}" for n in range(12)))
    assert data.whole(str(tmp_path)).class_names == ("none", "some")


def test_columns_and_rows_that_are_used_and_that_are_not(tmp_path: Path) -> None:
    rows = [f"{n}.png,{n % 2},{30 + n},{('train', 'train', 'dev', 'test')[n // 3]},x" for n in range(12)]
    table(pictures(tmp_path) / "t.csv", "file,class,age,split,site", *rows, "one cell")
    (tmp_path / "other.csv").write_text("a,b\nx,y")
    dataset = data.whole(str(tmp_path))
    noted(dataset, "assumed", "the column split gives the parts: train is train, dev is val, test is test")
    noted(dataset, "left out", "the columns age, site: class gives the class")
    noted(dataset, "left out", "1 row of t.csv, of other length than the first")
    noted(dataset, "left out", "files that are no pictures: 1 .csv")


def test_parts_of_folders_and_of_files_are_said(tmp_path: Path) -> None:
    pictures(tmp_path / "a" / "train"), pictures(tmp_path / "a" / "test", 4)
    rows = [f"train/{n}.png,{n % 2}" for n in range(12)] + [f"test/{n}.png,{n % 2}" for n in range(4)]
    table(tmp_path / "a" / "t.csv", "file,class", *rows)
    noted(data.whole(str(tmp_path / "a")), "assumed", "the parts are those of the folders that the pictures lie in")
    pictures(tmp_path / "b" / "images")
    for part, some in (("train", range(8)), ("test", range(8, 12))):
        lines = [f"{n}.png,{n % 2},train" for n in some]
        table(tmp_path / "b" / f"{part}.csv", "file,class,split", *lines)
    dataset = data.whole(str(tmp_path / "b"))
    assert len(dataset.test) == 4
    noted(dataset, "assumed", "test.csv, train.csv are the parts")
    noted(dataset, "left out", "the column split: the parts are those of the files")


def test_numbers_of_rows_do_not_name_the_pictures(tmp_path: Path) -> None:
    pictures(tmp_path)
    table(tmp_path / "t.csv", ",file,class", *(f"{n},{11 - n}.png,{n // 6}" for n in range(12)))
    dataset = data.whole(str(tmp_path))
    shades = (dataset.images[:, 0, 0, 0] * 255 / 20).round().astype(int)
    assert dataset.labels.tolist() == [int(shade < 6) for shade in shades] and dataset.class_names == ("0", "1")
    table(tmp_path / "t.csv", ",file,class", *(f"{n},{11 - n},{n // 6}" for n in range(12)))
    assert data.whole(str(tmp_path)).labels.tolist() == dataset.labels.tolist()
    table(tmp_path / "t.csv", "row,file,class", *(f"{n},{11 - n},{n // 6}" for n in range(12)))
    refused(tmp_path, "S691", "has the columns row, file, and each may name the pictures")
    table(tmp_path / "t.csv", "file,class,class", *(f"{n}.png,{n % 2},{n % 3}" for n in range(12)))
    refused(tmp_path, "S644", "it has two columns called class")


def test_what_is_no_table(tmp_path: Path) -> None:
    for content in (b"", b"\n\n", b"\x00\x01", b"\xff\xfe\x00"):
        (tmp_path / "t.csv").write_bytes(content)
        assert read_rows(tmp_path / "t.csv").rows == []


def test_a_class_may_be_called_train_and_is_said_to_be_one(tmp_path: Path) -> None:
    dataset = data.whole(str(classes(tmp_path, ("bus", "car", "train"))))
    assert dataset.class_names == ("bus", "car", "train")
    noted(dataset, "assumed", "train is a class, and no part of the data")


@pytest.mark.parametrize("names", [("test", "train"), ("cat", "dog", "test"), ("cat", "dog", "val"), ("test", "val")])
def test_folders_called_after_parts_are_not_guessed_to_be_classes(tmp_path: Path, names: tuple[str, ...]) -> None:
    classes(tmp_path, names)
    refused(tmp_path, "S691", "with files and no folders of classes", "--layout classes")
    dataset = data.whole(str(tmp_path), layout="classes")
    assert dataset.class_names == names


def test_classes_called_after_parts_within_parts(tmp_path: Path) -> None:
    for part in ("train", "test"):
        classes(tmp_path / part, ("bus", "train"))
    dataset = data.whole(str(tmp_path))
    assert dataset.class_names == ("bus", "train") and len(dataset.test) == 12
    assert data.whole(str(tmp_path), layout="classes").class_names == ("bus", "train")


def test_layout_is_an_option_wherever_data_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=DRAW.random((40, 8, 8, 4)), y=np.arange(40) % 2)
    path = str(tmp_path / "a.npz")
    words = ["search", "--data", path, "--dry-run", "--trials", "3", "--json"]
    runner = CliRunner()
    flat, deep = (runner.invoke(app, [*words, *more]) for more in ([], ["--layout", "no_channels"]))
    assert flat.exit_code == deep.exit_code == 0 and flat.output != deep.output
    assert [len(json.loads(each.output)["grid"]) for each in (flat, deep)] == [2, 3]
    wrong = runner.invoke(app, ["erf", "row", "--train", "--data", path, "--layout", "no_channels"])
    assert wrong.exit_code and "volumes cannot be trained on" in str(wrong.exception)
    alone = runner.invoke(app, ["erf", "row", "--layout", "no_channels"])
    assert alone.exit_code and "layout says how data are read" in str(alone.exception)
