"""Targets in arrays: classes, several labels, or masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanlab.data.classes import MOST_CLASSES, classes_of_labels, classes_of_values, mapped_values, values_of
from scanlab.data.layout import Layout
from scanlab.data.notes import Note, listed
from scanlab.data.table_files import is_missing
from scanlab.data.target_kinds import LABELS, TargetKind
from scanlab.data.words import alike
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text

__all__ = ["Targets", "as_masks", "as_targets", "is_masks"]

_LABELS = "expected one whole number from 0 up for each image, [M] or [M, 1], or a mask for each"


@dataclass(frozen=True, eq=False)
class Targets:
    """Classes int64 [M], masks uint8 [M, *extents], labels uint8 [M, classes] or boxes float32 [M, most, 5];
    class_names may be empty; kind: by the shape of the labels unless it is given."""

    labels: NDArray
    class_names: tuple[str, ...] = ()
    kind: TargetKind | None = None


Refuse = Callable[[str, str], ScanlabError]


def is_masks(kind: str, array: NDArray, extents: tuple[int, ...]) -> bool:
    """Whether an array holds a value per pixel: by its name's kind, or by its shape."""
    return kind in ("masks", "instances") or (array.ndim > 2 and _squeezed(array, extents).shape[1:] == extents)


def as_masks(kind: str, name: str, array: NDArray, extents: tuple[int, ...], refuse: Refuse) -> NDArray:
    """Masks of whole numbers [M, *extents], as they were stored. An axis of one channel is left out."""
    made = _squeezed(array, extents)
    whole = made.dtype.kind in "bui" or (made.dtype.kind == "f" and (made == np.round(made)).all())
    if made.shape[1:] != extents or not whole:
        shape = f"{array.dtype} of shape {list(array.shape)}"
        raise refuse(f"its {name} are {shape}", f"expected whole numbers, of the images' {grid_text(extents)}")
    if kind == "instances":
        return (made > 0).astype(np.uint8)
    return (
        made.astype(np.uint8) if made.dtype.kind == "b" else made if made.dtype.kind in "ui" else made.astype(np.int64)
    )


def classes_of_masks(masks: NDArray, name: str, layout: Layout, notes: list[Note], refuse: Refuse) -> NDArray[np.uint8]:
    """Masks with the class of each pixel, as `classes_of_values` says."""
    seen = [values_of(mask) for mask in masks]
    table = classes_of_values(seen, layout, f"its {name}", notes)
    if table is None:
        values = f"values from {masks.min()} to {masks.max()}"
        expected = f"expected classes from 0 to {MOST_CLASSES - 1}; numbered objects are called instances"
        raise refuse(f"its {name} have {values}", f'{expected}; layout = "levels" makes every value a class')
    if all(value == number for value, number in table.items()):
        return masks.astype(np.uint8)
    return np.stack([mapped_values(mask, table) for mask in masks])


def as_targets(name: str, array: NDArray, layout: Layout, notes: list[Note], refuse: Refuse) -> Targets:
    """Labels of all samples as classes from 0 up: numbers, words, or one of several columns; or as several labels."""
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if flat.ndim == 1 and flat.dtype.kind in "US" and len(flat):
        words = flat.astype(str)
        names, labels = np.unique(words, return_inverse=True)
        _check_words(name, names, refuse)
        notes.append(Note("mapped", f"names of classes: {listed(f'{n} is class {c}' for c, n in enumerate(names))}"))
        return Targets(labels.astype(np.int64), tuple(map(str, names)))
    if flat.ndim == 2 and len(flat) and flat.dtype.kind in "buif" and np.isin(flat, (0, 1)).all() and flat.any():
        return _columns(name, flat, layout, notes)
    if flat.dtype.kind == "b":
        flat = flat.astype(np.uint8)
    if (
        flat.dtype.kind == "f"
        and flat.ndim == 1
        and len(flat)
        and np.isfinite(flat).all()
        and (flat == np.round(flat)).all()
    ):
        notes.append(Note("assumed", f"{name} are floats that are whole numbers: they are classes"))
        flat = flat.astype(np.int64)
    signed = flat.size and flat.dtype.kind in "ui" and flat.min() < 0 and np.unique(flat).tolist() != [-1, 1]
    if flat.ndim != 1 or not len(flat) or flat.dtype.kind not in "ui" or signed:
        low = f" from {flat.min()}" if flat.size and flat.dtype.kind in "if" else ""
        raise refuse(f"its {name} are {flat.dtype} of shape {list(array.shape)}{low}", _LABELS)
    if flat.max() > np.iinfo(np.int64).max:
        raise refuse(f"its {name} go up to {flat.max()}", "number the classes from 0 up")
    if "multi_label" in layout:
        raise refuse(f"its {name} are one number for each image", "expected 0 or 1 for every label, [M, labels]")
    return Targets(*classes_of_labels(flat, (), notes))


def _check_words(name: str, words: NDArray[np.str_], refuse: Refuse) -> None:
    """Refuse words that are no value, and those that may be one class."""
    if missing := [word for word in words if is_missing(str(word))]:
        raise refuse(f"its {name} have samples without a class ({str(missing[0]) or 'empty'})", "give each one")
    if twice := alike(map(str, words)):
        help = "write a class alike everywhere, or call different ones by different words"
        raise ScanlabError.at(
            "S691", f"the {name} have the classes {listed(map(repr, twice))}, which may be one", help=help
        )


def _columns(name: str, marks: NDArray, layout: Layout, notes: list[Note]) -> Targets:
    if (marks.sum(1) == 1).all() and "multi_label" not in layout:
        notes.append(Note("assumed", f"{name} are one-hot: the column of the 1 is the class"))
        return Targets(marks.argmax(1).astype(np.int64))
    notes.append(Note("assumed", f"{name} mark {marks.shape[1]} labels, of which a sample has any number"))
    return Targets(marks.astype(np.uint8), kind=LABELS)


def _squeezed(array: NDArray, extents: tuple[int, ...]) -> NDArray:
    """Without an axis of one channel, which stands first or last."""
    if array.ndim == len(extents) + 2:
        if array.shape[1] == 1 and array.shape[2:] == extents:
            return array[:, 0]
        if array.shape[-1] == 1:
            return array[..., 0]
    return array
