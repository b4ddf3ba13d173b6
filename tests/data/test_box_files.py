"""Boxes of COCO's, Pascal VOC's and YOLO's files: the same data from each, in the layouts that tools write."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from box_folders import coco, picture, voc, yolo

from scanlab.data import load, whole
from scanlab.data.dataset import Dataset
from scanlab.data.target_kinds import BOXES
from scanlab.ir.diagnostics import ScanlabError

pytest.importorskip("PIL")
TRAIN = {
    "a.png": [(2.0, 3.0, 10.0, 9.0, "dog"), (0.0, 0.0, 32.0, 24.0, "cat")],
    "b.png": [],
    "c.png": [(5, 5, 6, 8, "cat")],
}
TEST = {"d.png": [(20.0, 11.0, 31.0, 20.0, "dog")], "e.png": [(1.0, 2.0, 3.0, 4.0, "cat")]}
EXPECTED = {
    "a.png": [[2, 3, 10, 9, 1], [0, 0, 32, 24, 0]],
    "b.png": [],
    "c.png": [[5, 5, 6, 8, 0]],
    "d.png": [[20, 11, 31, 20, 1]],
    "e.png": [[1, 2, 3, 4, 0]],
}


def beside_images(folder: Path) -> None:
    for part, boxes in (("train", TRAIN), ("test", TEST)):
        coco(folder / f"{part}.json", boxes)
        for name in boxes:
            picture(folder / "images" / name)


def as_coco_itself(folder: Path) -> None:
    """annotations/instances_train2017.json beside other annotations, train2017/."""
    for part, boxes in (("train2017", TRAIN), ("test2017", TEST)):
        content = coco(folder / "annotations" / f"instances_{part}.json", boxes)
        captions = [{"id": 1, "image_id": 10, "caption": "a cat"}]
        (folder / "annotations" / f"captions_{part}.json").write_text(json.dumps({**content, "annotations": captions}))
        for name in boxes:
            picture(folder / part / name)


def as_roboflow(folder: Path) -> None:
    for part, boxes in (("train", TRAIN), ("test", TEST)):
        coco(folder / part / "_annotations.coco.json", boxes)
        for name in boxes:
            picture(folder / part / name)


def as_voc_itself(folder: Path) -> None:
    for part, boxes in (("trainval", TRAIN), ("test", TEST)):
        for name, rows in boxes.items():
            picture(folder / "JPEGImages" / name)
            voc(folder / "Annotations" / f"{name[0]}.xml", name, rows)
        lists = folder / "ImageSets" / "Main"
        lists.mkdir(parents=True, exist_ok=True)
        (lists / f"{part}.txt").write_text("".join(f"{name[0]}\n" for name in boxes))
        (lists / f"cat_{part}.txt").write_text("".join(f"{name[0]} 1\n" for name in boxes))


def voc_by_parts(folder: Path) -> None:
    for part, boxes in (("train", TRAIN), ("test", TEST)):
        for name, rows in boxes.items():
            picture(folder / part / name)
            voc(folder / part / f"{name[0]}.xml", name, rows)


def as_ultralytics(folder: Path) -> None:
    """images/train, labels/train; a picture without boxes has no file."""
    for part, boxes in (("train", TRAIN), ("test", TEST)):
        for name, rows in boxes.items():
            picture(folder / "images" / part / name)
            if rows:
                yolo(folder / "labels" / part / f"{name[0]}.txt", rows)
    (folder / "data.yaml").write_text("train: images/train\nval: images/test\nnc: 2\nnames: [cat, dog]\n")


def yolo_by_parts(folder: Path) -> None:
    """train/images, train/labels; an empty file says that there is nothing; names by number."""
    for part, boxes in (("train", TRAIN), ("test", TEST)):
        for name, rows in boxes.items():
            picture(folder / part / "images" / name)
            yolo(folder / part / "labels" / f"{name[0]}.txt", rows)
    (folder / "data.yaml").write_text("names:\n  0: cat\n  1: dog\n")


def as_darknet(folder: Path) -> None:
    for part, boxes in (("train", TRAIN), ("test", TEST)):
        for name, rows in boxes.items():
            picture(folder / part / name)
            yolo(folder / part / f"{name[0]}.txt", rows)
    (folder / "classes.txt").write_text("cat\ndog\n")


FOLDERS = {
    each.__name__: each
    for each in (
        beside_images,
        as_coco_itself,
        as_roboflow,
        as_voc_itself,
        voc_by_parts,
        as_ultralytics,
        yolo_by_parts,
        as_darknet,
    )
}


def boxes_of(dataset: Dataset) -> list[list[list[float]]]:
    return [rows[rows[:, 4] >= 0].tolist() for rows in dataset.labels]


def said(dataset: Dataset) -> list[str]:
    return [f"{note.kind}: {note.text}" for note in dataset.notes]


@pytest.mark.parametrize("make", FOLDERS.values(), ids=FOLDERS)
def test_every_form_gives_the_same(make, tmp_path: Path) -> None:
    make(tmp_path)
    dataset = load(str(tmp_path))
    assert dataset.target_kind is BOXES and dataset.class_names == ("cat", "dog") and dataset.classes == 2
    assert dataset.images.shape == (5, 3, 24, 32) and dataset.labels.shape == (5, 2, 5)
    assert dataset.labels.dtype == np.float32 and not dataset.drawn
    np.testing.assert_allclose(
        np.concatenate([np.array(rows).reshape(-1, 5) for rows in boxes_of(dataset)]),
        np.concatenate([np.array(rows).reshape(-1, 5) for rows in EXPECTED.values()]),
        atol=1e-5,
    )
    assert [len(rows) for rows in boxes_of(dataset)] == [2, 0, 1, 1, 1]
    assert dataset.train.tolist() == [0, 1, 2] and dataset.test.tolist() == [3, 4]
    assert "assumed: 1 picture without a box: what is found there counts as wrong" in said(dataset)
    assert sorted(dataset.class_numbers(dataset.train).tolist()) == [0, 0, 1]


def test_without_parts_some_are_held_out(tmp_path: Path) -> None:
    boxes = {f"{k}.png": [(1.0, 2.0, 9.0, 12.0, "cat")] for k in range(10)}
    coco(tmp_path / "boxes.json", boxes)
    for name in boxes:
        picture(tmp_path / name)
    dataset = load(str(tmp_path))
    assert (len(dataset.train), len(dataset.test)) == (7, 3) or len(dataset.train) + len(dataset.test) == 10
    assert dataset.drawn and any("no test part" in text for text in said(dataset))


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    content = coco(tmp_path / "train.json", TRAIN)
    crowd = {"id": 90, "image_id": 10, "category_id": 3, "iscrowd": 1, "bbox": [0, 0, 9, 9]}
    stray = {"id": 91, "image_id": 99, "category_id": 3, "bbox": [0, 0, 9, 9]}
    content["annotations"] += [crowd, stray]
    (tmp_path / "train.json").write_text(json.dumps(content))
    coco(tmp_path / "test.json", TEST)
    for name in (*TRAIN, *TEST, "more.png"):
        picture(tmp_path / "images" / name)
    (tmp_path / "read.me").write_text("…")
    dataset = load(str(tmp_path))
    texts = "\n".join(said(dataset))
    assert (
        "left out: 1 box around a crowd" in texts
        and "left out: 1 box on pictures that no file lists: image_id 99" in texts
    )
    assert "left out: 1 picture that no file lists: more.png" in texts and "1 .me" in texts
    assert [len(rows) for rows in boxes_of(dataset)] == [2, 0, 1, 1, 1]


def test_boxes_outside_and_of_no_area(tmp_path: Path) -> None:
    rows = [
        (-4, -4, 8, 30, "cat"),
        (40, 2, 50, 9, "cat"),
        (5, 5, 5, 9, "dog"),
        (9, 9, 4, 12, "dog"),
        (31.5, 2, 40, 4, "dog"),
    ]
    coco(tmp_path / "train.json", {"a.png": rows, "b.png": [(32, 0, 33, 4, "cat")]})
    coco(tmp_path / "test.json", TEST)
    for name in ("a.png", "b.png", *TEST):
        picture(tmp_path / name)
    dataset = load(str(tmp_path))
    assert boxes_of(dataset)[:2] == [[[0, 0, 8, 24, 0], [31.5, 2, 32, 4, 1]], []]
    texts = said(dataset)
    assert "mapped: 2 boxes beyond the border of a picture: what lies outside is cut off" in texts
    assert "left out: 2 boxes outside of a picture" in texts and "left out: 2 boxes without an area" in texts
    assert "assumed: 1 picture without a box: what is found there counts as wrong" in texts


def test_no_box_at_all(tmp_path: Path) -> None:
    coco(tmp_path / "train.json", {"a.png": []})
    coco(tmp_path / "test.json", TEST)
    for name in ("a.png", *TEST):
        picture(tmp_path / name)
    with pytest.raises(ScanlabError, match=r"S646.*no training sample.*has boxes"):
        load(str(tmp_path))


def test_sizes_are_brought_to_one_in_their_proportions(tmp_path: Path) -> None:
    sizes = {"a.png": (24, 32), "b.png": (48, 64), "c.png": (48, 32), "d.png": (24, 32)}
    boxes = {name: [(8.0, 4.0, 16.0, 12.0, "cat")] for name in sizes}
    coco(tmp_path / "train.json", dict(list(boxes.items())[:3]), size=None)
    coco(tmp_path / "test.json", {"d.png": boxes["d.png"]}, size=None)
    for name, size in sizes.items():
        picture(tmp_path / name, size)
    dataset = load(str(tmp_path))
    assert dataset.extents == (24, 32)
    assert boxes_of(dataset) == [[[8, 4, 16, 12, 0]], [[4, 2, 8, 6, 0]], [[4, 2, 8, 6, 0]], [[8, 4, 16, 12, 0]]]
    assert (dataset.images[2, :, :, 16:] == 0).all() and (dataset.images[2, :, :, :16] > 0).any()
    assert any("pictures of 3 sizes are scaled to fit 24x32" in text for text in said(dataset))
    small = load(str(tmp_path), size=(12, 12))
    assert boxes_of(small)[0] == [[3, 1.5, 6, 4.5, 0]] and (small.images[0, :, 9:] == 0).all()


def test_pixels_of_voc_are_counted_from_one_or_from_zero(tmp_path: Path) -> None:
    for first, folder in ((1, tmp_path / "one"), (0, tmp_path / "zero")):
        for name, rows in {**TRAIN, **TEST}.items():
            picture(folder / ("train" if name in TRAIN else "test") / name)
            voc(folder / ("train" if name in TRAIN else "test") / f"{name[0]}.xml", name, rows, first)
    one, zero = load(str(tmp_path / "one")), load(str(tmp_path / "zero"))
    np.testing.assert_array_equal(one.labels, zero.labels)
    assert any("counted from 1" in text for text in said(one)) and any("counted from 0" in text for text in said(zero))


def test_difficult_objects_of_voc_are_left_out(tmp_path: Path) -> None:
    for part, boxes in (("train", TRAIN), ("test", TEST)):
        for name, rows in boxes.items():
            picture(tmp_path / part / name)
            voc(tmp_path / part / f"{name[0]}.xml", "IMG.JPG", rows, difficult=[1] if name == "a.png" else [])
    dataset = load(str(tmp_path))
    assert [len(rows) for rows in boxes_of(dataset)] == [1, 0, 1, 1, 1]
    assert "left out: 1 object marked difficult" in said(dataset)


def test_outlines_of_yolo_become_boxes(tmp_path: Path) -> None:
    as_ultralytics(tmp_path)
    (tmp_path / "labels" / "train" / "c.txt").write_text("1 0.25 0.5 0.5 0.25 0.5 0.75\n")
    (tmp_path / "data.yaml").unlink()
    (tmp_path / "labels" / "train" / "z.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    dataset = load(str(tmp_path))
    assert boxes_of(dataset)[2] == [[8, 6, 16, 18, 1]] and dataset.class_names == ("class 0", "class 1")
    texts = "\n".join(said(dataset))
    assert (
        "1 outline: the box around each is taken" in texts and "no file names the classes: 2 classes by number" in texts
    )
    assert "1 text file without a picture: z.txt" in texts


def _coco_with(folder: Path, change) -> None:
    content = coco(folder / "train.json", TRAIN)
    change(content)
    (folder / "train.json").write_text(json.dumps(content))
    coco(folder / "test.json", TEST)
    for name in (*TRAIN, *TEST):
        picture(folder / "images" / name)


def _annotation(**changes):
    return lambda content: content["annotations"][0].update(changes)


WRONG_COCO = {
    "an unknown category": (
        _annotation(category_id=4),
        r"S696.*train.json has a box of category 4.*3 \(cat\), 8 \(dog\)",
    ),
    "a box of three numbers": (_annotation(bbox=[1, 2, 3]), r"S677.*train.json.*bbox.*\[1, 2, 3\]"),
    "a number that is none": (_annotation(bbox=[1, 2, float("nan"), 3]), r"S677.*a.png.*NaN"),
    "no category": (lambda c: c["annotations"][0].pop("category_id"), r"S677.*no 'category_id'"),
    "a missing picture": (lambda c: c["images"][0].update(file_name="x.png"), r"S677.*'x.png'.*no such picture"),
    "another size": (lambda c: c["images"][0].update(width=64), r"S697.*a.png has 24x32 pixels.*24x64"),
    "two names": (lambda c: c["categories"].append({"id": 9, "name": "cat"}), r"S696.*called cat"),
    "another name": (
        lambda c: c["categories"][0].update(name="wolf"),
        r"S696.*category 8 is 'dog', and 'wolf' in train",
    ),
}


@pytest.mark.parametrize("change, message", WRONG_COCO.values(), ids=WRONG_COCO)
def test_wrong_coco(change, message: str, tmp_path: Path) -> None:
    _coco_with(tmp_path, change)
    with pytest.raises(ScanlabError, match=f"(?s){message}"):
        load(str(tmp_path))


WRONG_YOLO = {
    "three numbers": ("0 0.5 0.5 0.1", r"S677.*line 2 has 3 numbers"),
    "pixels": ("0 12 14 5 6", r"S677.*line 2.*no shares"),
    "a word": ("cat 0.5 0.5 0.1 0.1", r"S677.*line 2 is 'cat"),
    "a class too many": ("2 0.5 0.5 0.1 0.1", r"S696.*line 2 of a.txt is of class 2, and there are names of 2 classes"),
}


@pytest.mark.parametrize("line, message", WRONG_YOLO.values(), ids=WRONG_YOLO)
def test_wrong_yolo(line: str, message: str, tmp_path: Path) -> None:
    as_ultralytics(tmp_path)
    (tmp_path / "labels" / "train" / "a.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(ScanlabError, match=f"(?s){message}"):
        load(str(tmp_path))


WRONG_VOC = {
    "no number": ("<object><name>cat</name><bndbox><xmin>1</xmin></bndbox></object>", r"S677.*a.xml.*xmin, ymin"),
    "no name": (
        "<object><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object>",
        r"S677.*a.xml.*no name",
    ),
    "another case": (
        "<object><name>Cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object>",
        r"S696.*may be one",
    ),
    "no end": ("<object>", r"S677.*a.xml"),
    "no size": ("<size><width>wide</width><height>3</height></size>", r"S677.*a.xml.*whole numbers"),
}


@pytest.mark.parametrize("inside, message", WRONG_VOC.values(), ids=WRONG_VOC)
def test_wrong_voc(inside: str, message: str, tmp_path: Path) -> None:
    voc_by_parts(tmp_path)
    # The first file tells what all are; this is the second.
    (tmp_path / "train" / "b.xml").write_text(f"<annotation><filename>b.png</filename>{inside}</annotation>")
    with pytest.raises(ScanlabError, match=f"(?s){message.replace('a.xml', 'b.xml')}"):
        load(str(tmp_path))


def test_two_forms_are_settled_by_a_word(tmp_path: Path) -> None:
    beside_images(tmp_path)
    for name, rows in {**TRAIN, **TEST}.items():
        voc(tmp_path / "xml" / f"{name[0]}.xml", name, rows)
    with pytest.raises(ScanlabError, match=r"(?s)S691.*coco and voc.*--layout coco"):
        load(str(tmp_path))
    assert load(str(tmp_path), layout="coco").class_names == ("cat", "dog")
    with pytest.raises(ScanlabError, match=r"S644.*no boxes of the form yolo"):
        load(str(tmp_path), layout="yolo")
    with pytest.raises(ScanlabError, match=r"S690.*frames"):
        load(str(tmp_path), layout="coco frames")


def test_two_files_of_one_part_are_refused(tmp_path: Path) -> None:
    beside_images(tmp_path)
    coco(tmp_path / "train_more.json", TRAIN)
    with pytest.raises(ScanlabError, match=r"S691.*train.json and train_more.json.*train part"):
        load(str(tmp_path))


def test_one_name_in_two_folders_is_the_one_of_the_part(tmp_path: Path) -> None:
    for part in ("train", "test"):
        coco(tmp_path / "annotations" / f"{part}.json", {"1.png": [(1.0, 2.0, 9.0, 12.0, "cat")]})
        picture(tmp_path / part / "1.png", seed=len(part))
    dataset = whole(str(tmp_path))
    assert not np.array_equal(dataset.images[0], dataset.images[1])
    picture(tmp_path / "train" / "more" / "1.png", seed=9)
    with pytest.raises(ScanlabError, match=r"S691.*1.png"):
        load(str(tmp_path))


def test_other_data_are_read_as_before(tmp_path: Path) -> None:
    """JSON, XML and texts beside pictures that are something else make no boxes."""
    for label in ("cat", "dog"):
        for k in range(4):
            picture(tmp_path / label / f"{label}{k}.png")
            (tmp_path / label / f"{label}{k}.txt").write_text(f"a {label}\n")
    (tmp_path / "about.json").write_text('{"images": [], "annotations": "none"}')
    (tmp_path / "about.xml").write_text("<html/>")
    assert load(str(tmp_path)).class_names == ("cat", "dog")
