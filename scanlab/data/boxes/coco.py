"""Boxes in COCO's JSON (cocodataset.org/#format-data)."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scanlab.data.boxes.lookup import Pictures, part_within
from scanlab.data.boxes.values import Annotations, Boxed, text_of, wrong_file
from scanlab.data.notes import Note, listed
from scanlab.data.places import files_in, folders_in, hints
from scanlab.data.words import alike
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["coco_files", "read_coco"]

_SUFFIX = (".json",)


def coco_files(folder: Path) -> list[Path]:
    """The files of COCO's form with boxes: in the folder, or in one of its folders."""
    places = [folder, *folders_in(folder)]
    return [file for place in places for file in files_in(place, _SUFFIX) if _holds_boxes(file)]


def _holds_boxes(file: Path) -> bool:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return False
    if not isinstance(content, dict) or not all(isinstance(content.get(k), list) for k in ("images", "annotations")):
        return False
    made = content["annotations"]
    boxed = any(isinstance(a, dict) and ("bbox" in a or "segmentation" in a) for a in made)
    return "categories" in content and (not made or boxed)


def read_coco(folder: Path, files: Sequence[Path]) -> Annotations:
    """The pictures that the files speak of, with their boxes; every file is the part that its name or its folder says.

    A class is a category, numbered in the order of the identifiers. An annotation of an outline alone has the box
    around it. Crowds, which stand for many objects in one box, are left out. Raises S677 for files and pictures that
    are missing or damaged, S691 for two files of one part, and S696 for a box of a category that is not listed.
    """
    by_part: dict[str, Path] = {}
    for file in files:
        part = _part(file, folder)
        if part in by_part:
            which = f"both {by_part[part].name} and {file.name} may be " + (f"the {part} part" if part else "the data")
            raise ScanlabError.at("S691", which, help="leave one, or call them after parts, as in train.json, val.json")
        by_part[part] = file
    if len(by_part) > 1 and "" in by_part:
        help = "call it after the part that it is, or take it out of the folder"
        raise ScanlabError.at("S691", f"{by_part[''].name} lies beside files of parts, and names none", help=help)
    held = {part: json.loads(text_of(file)) for part, file in by_part.items()}
    names = _names(held, by_part)
    pictures, notes = Pictures(folder), list[Note]()
    crowds, strays, outlines = 0, list[str](), 0
    boxed: list[Boxed] = []
    for part, content in held.items():
        boxes, tally = _boxes(content, by_part[part], names)
        crowds, outlines = crowds + tally.crowds, outlines + tally.outlines
        strays += tally.strays
        for image in content["images"]:
            file = pictures.named(str(_of(image, "file_name", by_part[part])), by_part[part], part)
            height, width = image.get("height"), image.get("width")
            size = (height, width) if isinstance(height, int) and isinstance(width, int) else None
            boxed.append(Boxed(file, _array(boxes.get(image["id"], [])), part, size))
    if crowds:
        what = f"{count_text(crowds, 'box')} around a crowd of many objects: what is found there counts as wrong"
        notes.append(Note("left out", what))
    if strays:
        what = f"{count_text(len(strays), 'box')} on pictures that no file lists: image_id {listed(strays)}"
        notes.append(Note("left out", what))
    if outlines:
        notes.append(Note("mapped", f"{count_text(outlines, 'outline')} without a box: that around each is taken"))
    notes += pictures.left((each.file for each in boxed), "that no file lists")
    return Annotations("COCO's JSON", tuple(boxed), tuple(names.values()), _SUFFIX, tuple(notes))


def _part(file: Path, folder: Path) -> str:
    said = hints(file.stem)
    return said.pop() if len(said) == 1 else part_within(file, folder)


def _names(held: Mapping[str, Any], files: Mapping[str, Path]) -> dict[Any, str]:
    """Names of categories by identifier. Raises S696 where two files disagree."""
    names: dict[Any, str] = {}
    for part, content in held.items():
        for category in content["categories"]:
            number, name = _identifier(category, "id", files[part]), str(_of(category, "name", files[part]))
            if names.setdefault(number, name) != name:
                problem = f"category {number} is {names[number]!r}, and {name!r} in {files[part].name}"
                raise ScanlabError.at("S696", problem, help="number the categories of all files alike")
    if twice := sorted({name for name in names.values() if list(names.values()).count(name) > 1}):
        raise ScanlabError.at(
            "S696", f"several categories are called {listed(twice)}", help="give each a name of its own"
        )
    if close := alike(names.values()):
        raise ScanlabError.at("S696", f"the classes {listed(close)} may be one", help="write a class alike everywhere")
    return dict(sorted(names.items(), key=lambda item: (isinstance(item[0], str), item[0])))


@dataclass
class _Tally:
    """What stands in the way of reading every annotation as a box: crowds, pictures that are not listed, outlines."""

    crowds: int = 0
    strays: list[str] = field(default_factory=list)
    outlines: int = 0


def _boxes(content: Any, file: Path, names: Mapping[Any, str]) -> tuple[dict[Any, list[list[float]]], _Tally]:
    """Boxes by picture. Raises S677 where no box is on a picture that is listed."""
    numbers = {identifier: number for number, identifier in enumerate(names)}
    images = _images(content, file)
    boxes: dict[Any, list[list[float]]] = defaultdict(list)
    tally = _Tally()
    for made in content["annotations"]:
        category, image = _identifier(made, "category_id", file), _identifier(made, "image_id", file)
        if category not in numbers:
            known = listed(f"{number} ({name})" for number, name in names.items())
            problem = f"{file.name} has a box of category {category}, which it does not list"
            raise ScanlabError.at("S696", problem, help=f"add it to its categories, which are {known}")
        if image not in images:
            tally.strays.append(repr(image))
        elif made.get("iscrowd"):
            tally.crowds += 1
        else:
            tally.outlines += "bbox" not in made
            x, y, width, height = _numbers(made, file) if "bbox" in made else _around(made, file)
            boxes[image].append([x, y, x + width, y + height, numbers[category]])
    if tally.strays and len(tally.strays) == len(content["annotations"]):
        problem = f"all its boxes are on pictures that it does not list: image_id {listed(tally.strays)}"
        help = f"its images have the id {listed(map(repr, images))}: write both alike, numbers as numbers"
        raise wrong_file(file, problem, help)
    return boxes, tally


def _images(content: Any, file: Path) -> Collection[Any]:
    """The identifiers of the pictures, where each box looks for its own. Raises S677 for one that several have."""
    images = Counter(_identifier(image, "id", file) for image in content["images"])
    if twice := [image for image, count in images.items() if count > 1]:
        problem = f"several of its images have the id {listed(map(repr, twice))}"
        raise wrong_file(file, problem, "give every picture a number of its own, for its boxes name it")
    return images.keys()


def _numbers(made: Any, file: Path) -> list[float]:
    box = _of(made, "bbox", file)
    try:
        x, y, width, height = map(float, box)
    except (TypeError, ValueError):
        raise wrong_file(file, f"a bbox of it is {box!r}", "expected [x, y, width, height] in pixels") from None
    return [x, y, width, height]


def _around(made: Any, file: Path) -> list[float]:
    """The box around an outline, a list of polygons x0, y0, x1, y1, …."""
    outline = _of(made, "segmentation", file)
    try:
        points = np.concatenate([np.asarray(polygon, np.float64).reshape(-1, 2) for polygon in outline])
    except (TypeError, ValueError):
        problem = "an annotation has no bbox, and a segmentation that is no list of polygons"
        raise wrong_file(file, problem, "give it a bbox, [x, y, width, height] in pixels") from None
    low, high = points.min(0), points.max(0)
    return [*low.tolist(), *(high - low).tolist()]


def _identifier(made: Any, key: str, file: Path) -> int | str:
    value = _of(made, key, file)
    if not isinstance(value, int | str):
        raise wrong_file(file, f"an entry of it has the {key} {value!r}", "expected a whole number")
    return value


def _of(made: Any, key: str, file: Path) -> Any:
    try:
        return made[key]
    except (KeyError, TypeError):
        raise wrong_file(file, f"an entry of it has no {key!r}", "see cocodataset.org/#format-data") from None


def _array(rows: Sequence[Sequence[float]]) -> np.ndarray:
    return np.array(rows, np.float64).reshape(-1, 5)
