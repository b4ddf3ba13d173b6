"""Boxes in YOLO's text files (docs.ultralytics.com/datasets/detect): a line per box, in shares of the picture."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.boxes.lookup import Pictures, part_within
from scanlab.data.boxes.values import Annotations, Boxed, text_of, wrong_file
from scanlab.data.notes import Note, listed
from scanlab.data.places import below, files_in
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["read_yolo", "yolo_files"]

_SUFFIX = (".txt",)
_LINE = re.compile(r"\s*[0-9]+(\s+[-+.0-9eE]+){4,}\s*")
_NAME_LISTS = ("classes.txt", "obj.names", "names.txt", "labels.txt", "_darknet.labels")
# Shares are rounded when they are written; beyond this they are no shares.
MOST = 1.5


def yolo_files(folder: Path) -> list[Path]:
    """The text files that belong to pictures, if the first with a line has one of a box; none where less than half of
    the pictures have one, which are then something else's."""
    texts = [file for file in below(folder, _SUFFIX) if file.name not in _NAME_LISTS]
    stems = {file.stem for file in below(folder)} if texts else set()
    files = [file for file in texts if file.stem in stems]
    for file in files if 2 * len({file.stem for file in files}) >= len(stems) else ():
        try:
            lines = [line for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError):
            return []
        if lines:
            return files if _LINE.fullmatch(lines[0]) else []
    return []


def read_yolo(folder: Path, files: Sequence[Path], sizes: Mapping[Path, tuple[int, int]]) -> Annotations:
    """Every picture with the boxes of the text file that has its stem, beside it or below `labels`.

    sizes: height and width of the pictures. Names of classes are those of data.yaml or of a list (classes.txt,
    obj.names). A line of more than four numbers is an outline, whose box is taken. Pictures without a file have no box.
    Raises S677 for damaged lines and S696 for a class without a name.
    """
    pictures, notes = Pictures(folder), list[Note]()
    by_key: dict[tuple[str, str], list[Path]] = {}
    for file in files:
        by_key.setdefault((part_within(file, folder), file.stem), []).append(file)
    names, source = _names(folder)
    boxed, outlines, used = [], 0, set()
    for picture in pictures.all:
        part = part_within(picture, folder)
        own = _own(picture, by_key.get((part, picture.stem), []))
        rows, more = _rows(own, sizes[picture], len(names)) if own else (np.empty((0, 5)), 0)
        outlines += more
        used |= {own}
        boxed.append(Boxed(picture, rows, part))
    highest = max((int(each.boxes[:, 4].max(initial=-1)) for each in boxed), default=-1)
    if not names:
        names = tuple(f"class {number}" for number in range(highest + 1))
        notes.append(Note("assumed", f"no file names the classes: {count_text(len(names), 'class')} by number"))
    else:
        notes.append(Note("mapped", f"names of classes: those of {source}"))
    if outlines:
        notes.append(Note("mapped", f"{count_text(outlines, 'outline')}: the box around each is taken"))
    places = {file.parent for file in files}
    beside = [file for place in sorted(places) for file in files_in(place, _SUFFIX) if file.name not in _NAME_LISTS]
    if stray := [file.name for file in beside if file not in used]:
        notes.append(Note("left out", f"{count_text(len(stray), 'text file')} without a picture: {listed(stray)}"))
    return Annotations("YOLO's text files", tuple(boxed), names, (*_SUFFIX, ".yaml", ".yml", ".names"), tuple(notes))


def _own(picture: Path, files: Sequence[Path]) -> Path | None:
    """The text file of a picture: the one beside it, or where `labels` stands for `images`. Raises S691."""
    if len(files) < 2:
        return files[0] if files else None
    swapped = Path(*["labels" if word == "images" else word for word in picture.parent.parts])
    for place in (picture.parent, swapped):
        if chosen := [file for file in files if file.parent == place]:
            return chosen[0]
    places = listed(str(file) for file in files)
    raise ScanlabError.at("S691", f"{picture.name} may belong to {places}", help="leave one of them")


def _rows(file: Path, size: tuple[int, int], classes: int) -> tuple[NDArray[np.float64], int]:
    """Boxes in pixels, and how many of them are of outlines."""
    rows, outlines = [], 0
    height, width = size
    for number, line in enumerate(text_of(file).splitlines(), start=1):
        if not line.strip():
            continue
        label, numbers = _parsed(file, number, line)
        if classes and label >= classes:
            named = count_text(classes, "class")
            problem = f"line {number} of {file.name} is of class {label}, and there are names of {named}"
            raise ScanlabError.at("S696", problem, help="name it, or number the classes from 0")
        if len(numbers) == 4:
            x, y, wide, high = numbers
            sides = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
        else:
            outlines += 1
            sides = (min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2]))
        rows.append([sides[0] * width, sides[1] * height, sides[2] * width, sides[3] * height, label])
    return np.array(rows, np.float64).reshape(-1, 5), outlines


def _parsed(file: Path, number: int, line: str) -> tuple[int, list[float]]:
    label, *words = line.split()
    expected = "expected `class x y width height`, in shares of the picture from 0 to 1"
    try:
        values = [float(word) for word in words]
        known = int(label)
    except ValueError:
        raise wrong_file(file, f"line {number} is {line.strip()!r}", expected) from None
    if known < 0:
        raise wrong_file(file, f"line {number} is of class {known}", "number the classes from 0")
    if len(values) < 4 or len(values) % 2:
        raise wrong_file(file, f"line {number} has {count_text(len(values), 'number')} after the class", expected)
    if any(not -MOST < value < MOST for value in values):
        raise wrong_file(file, f"line {number} has numbers that are no shares: {line.strip()!r}", expected)
    return known, values


def _names(folder: Path) -> tuple[tuple[str, ...], str]:
    """Names of the classes, and the file that has them; nothing where none does."""
    for file in files_in(folder, (".yaml", ".yml")):
        if names := _yaml_names(file):
            return _once(names, file), file.name
    for file in (*below(folder, (".txt", ".names", ".labels")),):
        if file.name in _NAME_LISTS:
            lines = [line.strip() for line in text_of(file).rstrip().splitlines()]
            if "" in lines:
                problem = (
                    f"line {lines.index('') + 1} of {file.name} is empty: what number the next name has is not clear"
                )
                raise ScanlabError.at("S696", problem, help="write a name for every class, in their order")
            return _once(tuple(lines), file), file.name
    return (), ""


def _once(names: tuple[str, ...], file: Path) -> tuple[str, ...]:
    """Raise S696 for a name that several classes have."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        problem = f"several classes of {file.name} are called {listed(twice)}"
        raise ScanlabError.at("S696", problem, help="give each a name of its own")
    return names


def _yaml_names(file: Path) -> tuple[str, ...]:
    try:
        import yaml
    except ImportError:
        help = 'pip install "scanlab[detection]"'
        raise ScanlabError.at(
            "S676", f"{file.name} names the classes, and reading it needs PyYAML", help=help
        ) from None
    try:
        content = yaml.safe_load(text_of(file))
    except yaml.YAMLError as error:
        raise wrong_file(file, str(error).replace("\n", " "), "repair the file") from None
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, dict):
        if sorted(names) != list(range(len(names))):
            raise wrong_file(file, f"its names have the numbers {listed(names)}", "number the classes from 0")
        return tuple(str(names[number]) for number in range(len(names)))
    return tuple(map(str, names)) if isinstance(names, list) else ()
