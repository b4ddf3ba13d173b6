"""Boxes in Pascal VOC's XML (host.robots.ox.ac.uk/pascal/VOC)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from scanlab.data.boxes.lookup import Pictures, part_within
from scanlab.data.boxes.values import Annotations, Boxed, text_of, wrong_file
from scanlab.data.notes import Note, listed
from scanlab.data.parts import PARTS
from scanlab.data.places import below
from scanlab.data.words import alike
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["read_voc", "voc_files"]

_SUFFIX = (".xml",)


def voc_files(folder: Path) -> list[Path]:
    """The XML files at any depth, if one of them is an annotation of Pascal VOC's form: what is wrong with others is
    said where they are read."""
    files = list(below(folder, _SUFFIX))
    return files if any(map(_is_annotation, files)) else []


def _is_annotation(file: Path) -> bool:
    try:
        return ElementTree.parse(file).getroot().tag == "annotation"
    except (OSError, ElementTree.ParseError):
        return False


@dataclass(frozen=True)
class _Object:
    name: str
    sides: tuple[float, float, float, float]
    difficult: bool


def read_voc(folder: Path, files: Sequence[Path]) -> Annotations:
    """Every file's picture with its boxes. Parts are those of ImageSets/Main, or of the folders that files lie in.

    Classes are numbered by name. VOC counts pixels from 1 and a box's last pixel belongs to it: x0 is xmin - 1 and x1
    is xmax, unless some box begins at pixel 0. Objects marked difficult, which VOC does not count, are left out. Raises
    S677 for damaged files and missing pictures, and S696 for classes that may be one.
    """
    pictures, notes = Pictures(folder), list[Note]()
    read = [(file, *_read(file)) for file in files]
    every = [made for _, _, _, objects in read for made in objects]
    names = tuple(sorted({made.name for made in every if not made.difficult}))
    if twice := alike(names):
        raise ScanlabError.at("S696", f"the classes {listed(twice)} may be one", help="write a class alike everywhere")
    first = 0 if any(min(made.sides[:2]) < 1 for made in every) else 1
    notes.append(Note("assumed", _COUNTED[first]))
    if hard := sum(made.difficult for made in every):
        notes.append(Note("left out", f"{count_text(hard, 'object')} marked difficult"))
    parts = _image_sets(folder)
    boxed, unnamed = [], []
    for file, name, size, objects in read:
        part = parts.get(file.stem, "") if parts else part_within(file, folder)
        if parts and not part:
            unnamed.append(pictures.of_annotation(file, name))
            continue
        rows = [[*_from_pixels(made.sides, first), names.index(made.name)] for made in objects if not made.difficult]
        boxes = np.array(rows, np.float64).reshape(-1, 5)
        boxed.append(Boxed(pictures.of_annotation(file, name, part), boxes, part, size))
    if unnamed:
        notes.append(Note("left out", f"{count_text(len(unnamed), 'annotation')} that no list in ImageSets names"))
    if missing := sorted(set(parts) - {file.stem for file in files}):
        what = f"{count_text(len(missing), 'name')} in ImageSets without an annotation: {listed(missing)}"
        notes.append(Note("left out", what))
    notes += pictures.left((*(each.file for each in boxed), *unnamed), "without an annotation")
    return Annotations("Pascal VOC's XML", tuple(boxed), names, (*_SUFFIX, ".txt") if parts else _SUFFIX, tuple(notes))


_COUNTED = {
    1: "pixels of boxes are counted from 1, as Pascal VOC does: the first column is 1, and the last belongs to a box",
    0: "pixels of boxes are counted from 0, for some box begins there: sides are taken as they are",
}


def _from_pixels(sides: tuple[float, float, float, float], first: int) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = sides
    return x0 - first, y0 - first, x1, y1


def _read(file: Path) -> tuple[str, tuple[int, int] | None, list[_Object]]:
    """The picture's name, its size if it is given, and the objects."""
    try:
        root = ElementTree.parse(file).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise wrong_file(file, str(error), "repair the file, or take it out of the folder") from None
    if root.tag != "annotation":
        raise wrong_file(file, f"it holds <{root.tag}>", "expected <annotation>, as Pascal VOC has it")
    said = [root.findtext(f"size/{word}") or "0" for word in ("height", "width")]
    if not all(text.strip().isdigit() for text in said):
        raise wrong_file(file, f"its height and width are {said}", "expected whole numbers, or no size")
    height, width = map(int, said)
    name = (root.findtext("filename") or "").strip()
    return name, (height, width) if height and width else None, list(_objects(root, file))


def _objects(root: ElementTree.Element, file: Path) -> Iterator[_Object]:
    for made in root.iterfind("object"):
        name = (made.findtext("name") or "").strip()
        texts = [made.findtext(f"bndbox/{word}") for word in ("xmin", "ymin", "xmax", "ymax")]
        try:
            x0, y0, x1, y1 = (float(text or "") for text in texts)
        except ValueError:
            raise wrong_file(file, f"an object has the box {texts}", "expected xmin, ymin, xmax and ymax") from None
        if not name:
            raise wrong_file(file, "an object has no name", "name its class")
        yield _Object(name, (x0, y0, x1, y1), (made.findtext("difficult") or "0").strip() == "1")


def _image_sets(folder: Path) -> dict[str, str]:
    """The part of every picture by its stem, where ImageSets/Main lists them."""
    lists = {file.stem: file for file in below(folder, (".txt",)) if file.parent.parts[-2:] == ("ImageSets", "Main")}
    if "train" not in lists and "trainval" in lists:
        lists["train"] = lists["trainval"]
    return {
        line.split()[0]: part
        for part in PARTS
        if part in lists
        for line in text_of(lists[part]).splitlines()
        if line.split()
    }
