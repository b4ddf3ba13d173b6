"""Pictures with boxes as files say them, and the rules for boxes that cannot be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.notes import Note
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text

__all__ = ["Annotations", "Boxed", "check_pictures", "packed", "text_of", "unpacked", "usable", "wrong_file"]

NO_BOX = (0.0, 0.0, 0.0, 0.0, -1.0)


@dataclass(frozen=True, eq=False)
class Boxed:
    """A picture and what its annotation says of it.

    boxes: float64 [n, 5] of x0, y0, x1, y1 in pixels and the class, as they were written; part: "" for none; size:
    height and width that the annotation gives the picture, None where it gives none.
    """

    file: Path
    boxes: NDArray[np.float64]
    part: str = ""
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Annotations:
    """What the files of a folder say. form: what they are; class_names: one per class, or none; read: endings of the
    files that were read beside the pictures."""

    form: str
    pictures: tuple[Boxed, ...]
    class_names: tuple[str, ...]
    read: tuple[str, ...]
    notes: tuple[Note, ...] = field(default=())


def wrong_file(file: Path, problem: str, expected: str = "") -> ScanlabError:
    """S677 for an annotation that cannot be read."""
    return ScanlabError.at("S677", f"{file} cannot be read as boxes: {problem}", help=expected)


def text_of(file: Path) -> str:
    """The text of an annotation. Raises S677."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise wrong_file(file, str(error), "save it as UTF-8") from None


def usable(boxes: Sequence[NDArray], sizes: Sequence[Sequence[int]], notes: list[Note]) -> list[NDArray]:
    """The boxes [n, 5] of pictures with these heights and widths that something can be learned from.

    What reaches beyond a picture is cut off. Boxes that lie outside, or have no area, are left out, and pictures
    without a box stay as pictures of nothing; notes say how many there are of each.
    """
    counts: Counter[str] = Counter()
    kept = []
    for some, (height, width) in zip(boxes, sizes, strict=True):
        inside = some.copy()
        inside[:, :4] = some[:, :4].clip(0, np.array([width, height, width, height]))
        flat = (some[:, 2:4] <= some[:, :2]).any(1)
        outside = (inside[:, 2:4] <= inside[:, :2]).any(1) & ~flat
        good = ~flat & ~outside
        counts["flat"] += int(flat.sum())
        counts["outside"] += int(outside.sum())
        counts["cut"] += int((inside[good] != some[good]).any(1).sum())
        counts["empty"] += not good.any()
        kept.append(inside[good])
    for key, (kind, word, sentence) in _RULES.items():
        if counts[key]:
            notes.append(Note(kind, f"{count_text(counts[key], word)} {sentence}"))
    return kept


_RULES = {
    "cut": ("mapped", "box", "beyond the border of a picture: what lies outside is cut off"),
    "outside": ("left out", "box", "outside of a picture"),
    "flat": ("left out", "box", "without an area"),
    "empty": ("assumed", "picture", "without a box: what is found there counts as wrong"),
}


def check_pictures(pictures: Sequence[Boxed], sizes: Sequence[tuple[int, int]]) -> None:
    """Raise S697 for an annotation of a picture of another size than it has, and S677 for numbers that are none."""
    for picture, size in zip(pictures, sizes, strict=True):
        if picture.size not in (None, size):
            said, real = (grid_text(each) for each in (picture.size or (), size))
            help = 'give boxes for the pictures as they are; layout = "as_stored" leaves EXIF\'s orientation aside'
            problem = f"{picture.file.name} has {real} pixels, and its annotation speaks of {said}"
            raise ScanlabError.at("S697", problem, help=help)
        if not np.isfinite(picture.boxes).all():
            problem = f"a box on {picture.file.name} has a number that is NaN or infinite"
            raise ScanlabError.at("S677", problem, help="repair the box, or take it out")


def packed(boxes: Sequence[NDArray]) -> NDArray[np.float32]:
    """Boxes [n, 5] of each sample as float32 [M, most, 5], filled with class -1.

    >>> packed([np.array([[1, 2, 3, 4, 0]]), np.empty((0, 5))]).tolist()
    [[[1.0, 2.0, 3.0, 4.0, 0.0]], [[0.0, 0.0, 0.0, 0.0, -1.0]]]
    """
    most = max((len(some) for some in boxes), default=0)
    made = np.full((len(boxes), max(1, most), 5), NO_BOX, np.float32)
    for row, some in zip(made, boxes, strict=True):
        row[: len(some)] = some
    return made


def unpacked(boxes: NDArray) -> list[NDArray]:
    """The inverse: [M, most, 5] to the boxes [n, 5] of each sample."""
    return [some[some[:, 4] >= 0] for some in boxes]
