"""Annotations of boxes that tools write in odd ways: read as they are meant, or refused with what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanlab import data
from scanlab.ir.diagnostics import ScanlabError


def said(dataset: data.Dataset) -> list[str]:
    return [f"{note.kind}: {note.text}" for note in dataset.notes]


def coco_json(images: list, annotations: list, names: tuple[str, ...] = ("cell",)) -> dict:
    categories = [{"id": n + 1, "name": name} for n, name in enumerate(names)]
    return {"images": images, "annotations": annotations, "categories": categories}


COUNT = 12


def coco_folder(place: Path, content: dict, larger: int = 0, deep: bool = False) -> str:
    """COUNT pictures, the last of them twice as large."""
    for number in range(COUNT):
        height, width = (16, 18) if number >= COUNT - larger else (8, 9)
        pixels = np.full((height, width), 3000, np.uint16) if deep else np.full((height, width), 200, np.uint8)
        Image.fromarray(pixels).save(place / f"{number}.png")
    (place / "annotations.json").write_text("\ufeff" + json.dumps(content), encoding="utf-8")
    return str(place)


IMAGES = [{"id": n, "file_name": f"{n}.png"} for n in range(COUNT)]


def of(image: object, box: object = (1, 1, 3, 4), **more: object) -> dict:
    return {"image_id": image, "category_id": 1, "bbox": box} | more


def test_an_outline_has_the_box_around_it(tmp_path: Path) -> None:
    outline = {"image_id": 1, "category_id": 1, "segmentation": [[1, 2, 5, 2, 5, 6], [4, 1, 6, 3, 4, 3]]}
    dataset = data.whole(coco_folder(tmp_path, coco_json(IMAGES, [outline if n == 1 else of(n) for n in range(COUNT)])))
    assert sorted(map(tuple, dataset.labels[:, 0, :4].tolist())) == [*[(1, 1, 4, 5)] * (COUNT - 1), (1, 1, 6, 6)]
    assert "mapped: 1 outline without a box: that around each is taken" in said(dataset)


@pytest.mark.parametrize(
    "content, problem",
    [
        (coco_json([*IMAGES[:3], IMAGES[0] | {"file_name": "3.png"}], [of(0)]), "several of its images have the id 0"),
        (
            coco_json(IMAGES, [of("0"), of("1")]),
            "all its boxes are on pictures that it does not list: image_id '0', '1'",
        ),
        (coco_json([*IMAGES[:3], {"id": [3], "file_name": "3.png"}], [of(0)]), r"an entry of it has the id \[3\]"),
        (coco_json(IMAGES, [of(None)]), "an entry of it has the image_id None"),
        (
            coco_json(IMAGES, [{"image_id": 0, "category_id": 1, "segmentation": {"counts": "x"}}]),
            "a segmentation that is no list of polygons",
        ),
    ],
)
def test_coco_that_cannot_be_read_as_meant_is_refused(tmp_path: Path, content: dict, problem: str) -> None:
    with pytest.raises(ScanlabError, match=rf"(?s)S677.*{problem}"):
        data.whole(coco_folder(tmp_path, content))


def test_classes_that_may_be_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScanlabError, match=r"S696.*the classes cell, Cell may be one"):
        data.whole(coco_folder(tmp_path, coco_json(IMAGES, [of(0)], ("cell", "Cell"))))


def test_pictures_of_several_sizes_have_one_scale(tmp_path: Path) -> None:
    place = coco_folder(tmp_path, coco_json(IMAGES, [of(n) for n in range(COUNT)]), larger=4, deep=True)
    Image.fromarray(np.full((16, 18), 60_000, np.uint16)).save(tmp_path / "11.png")
    dataset = data.whole(place)
    # By size, the darker ones would be divided by 4095.
    assert sorted(np.unique(dataset.images).round(3).tolist()) == pytest.approx([0.046, 0.916])


def test_lists_of_names_count_every_line(tmp_path: Path) -> None:
    for n in range(COUNT):
        Image.fromarray(np.full((8, 9), 99, np.uint8)).save(tmp_path / f"{n}.png")
        (tmp_path / f"{n}.txt").write_text("\ufeff0 0.5 0.5 0.5 0.5\n1 0.5 0.5 0.5 0.5\n", encoding="utf-8")
    (tmp_path / "classes.txt").write_text("cell\n\nplatelet\n", encoding="utf-8")
    with pytest.raises(ScanlabError, match=r"(?s)S696.*line 2 of classes\.txt is empty"):
        data.whole(str(tmp_path))
    (tmp_path / "classes.txt").write_text("cell\ncell\n\n", encoding="utf-8")
    with pytest.raises(ScanlabError, match=r"(?s)S696.*several classes of classes\.txt are called cell"):
        data.whole(str(tmp_path))
    (tmp_path / "classes.txt").write_text("cell\nplatelet\n\n", encoding="utf-8")
    assert data.whole(str(tmp_path)).class_names == ("cell", "platelet")
    (tmp_path / "1.txt").write_text("-1 0.5 0.5 0.5 0.5\n", encoding="utf-8")
    with pytest.raises(ScanlabError, match="is of class -1"):
        data.whole(str(tmp_path))


def test_a_broken_annotation_among_others_is_named(tmp_path: Path) -> None:
    for n in range(6):
        Image.fromarray(np.full((8, 9), 99, np.uint8)).save(tmp_path / f"{n}.png")
        box = f"<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>{3 + n}</xmax><ymax>4</ymax></bndbox>"
        text = f"<annotation><filename>{n}.png</filename><object><name>{'ab'[n % 2]}</name>{box}</object></annotation>"
        (tmp_path / f"{n}.xml").write_text(text if n else "<annotation>")
    with pytest.raises(ScanlabError, match=r"(?s)S677.*0\.xml"):
        data.whole(str(tmp_path))
    (tmp_path / "0.xml").write_text((tmp_path / "2.xml").read_text().replace("2.png", "0.png"))
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("0\n1\n2\n99\n")
    (lists / "test.txt").write_text("4\n5\n")
    texts = said(data.whole(str(tmp_path)))
    assert "left out: 1 annotation that no list in ImageSets names" in texts
    assert "left out: 1 name in ImageSets without an annotation: 99" in texts
    assert not any("without an annotation: 3.png" in text for text in texts)
