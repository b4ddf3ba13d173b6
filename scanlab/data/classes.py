"""Which class the values of masks and labels stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scanlab.data.dataset import IGNORED
from scanlab.data.layout import Layout, settled_by
from scanlab.data.notes import Note, listed
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["MOST_CLASSES", "classes_of_labels", "classes_of_values", "mapped_values", "values_of"]

# Of masks: what numbers more is no class but an object, or a colour.
MOST_CLASSES = 64
# Of labels: a set that uses fewer of its numbers has other things in them than counted classes.
LEAST_USED = 0.25
MOST_LABELS = 1 << 16
WHITE, HALF, DEEPEST = 255, 128, 65535
# Masks that end at so many numbers seem to count.
LEAST_COUNTS = 3


def classes_of_values(
    seen: Sequence[frozenset[int]], layout: Layout, name: str, notes: list[Note], ignored: int | None = None
) -> dict[int, int] | None:
    """The class of every value of masks, where they are classes; None where nothing says what they mean.

    seen: the values of each mask, or of each file. Values below 64 are classes as they stand. 255 beside two or more of
    them is no class: IGNORED, and so is the value `ignored`. 0 and 255, and levels evenly spread up to 255, are classes
    in their order. Raises S691 where 255 may be either, and S692 for more levels than classes.
    """
    if ignored is not None:
        notes.append(Note("mapped", f"{ignored} in masks marks pixels that do not count, as dataset.json says"))
        table = _table([values - {ignored} for values in seen], layout, name, notes)
        return None if table is None else {**table, ignored: IGNORED}
    return _table(seen, layout, name, notes)


def _table(seen: Sequence[frozenset[int]], layout: Layout, name: str, notes: list[Note]) -> dict[int, int] | None:
    if not frozenset().union(*seen):
        return {}
    values = sorted(frozenset().union(*seen))
    chosen = layout.chosen("instances", "levels", "threshold", "ignore_255")
    if chosen == "instances":
        return {value: int(value > 0) for value in values}
    if chosen == "threshold":
        notes.append(Note("mapped", f"mask values from {HALF} up are class 1, those below class 0"))
        return {value: int(value >= HALF) for value in values}
    if chosen == "levels":
        return _in_order(values, name, notes)
    if values[0] < 0:
        return None
    if values[-1] == IGNORED and _ignores(seen, values, layout, name):
        notes.append(
            Note("mapped", "255 in masks marks pixels that do not count: they are neither learned nor measured")
        )
        if max(values[:-1], default=0) >= MOST_CLASSES:
            problem = f"the masks of {name} have values up to {values[-2]} beside 255, which marks no class"
            raise ScanlabError.at("S692", problem, help=f"number the classes from 0 to {MOST_CLASSES - 1}")
        return {value: value for value in values}
    if values[-1] < MOST_CLASSES:
        notes += _like_objects(seen)
        return {value: value for value in values}
    if values in ([0, WHITE], [WHITE]):
        notes.append(Note("mapped", "mask values: 0 is class 0, 255 is class 1"))
        return {value: value // WHITE for value in values}
    if _evenly_spread(values) or values == [0, DEEPEST]:
        return _in_order(values, name, notes)
    return None


def values_of(mask: NDArray) -> frozenset[int]:
    """The different values of a mask of whole numbers."""
    if mask.dtype == np.uint8:
        return frozenset(np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).tolist())
    return frozenset(np.unique(mask).tolist())


def mapped_values(mask: NDArray, table: Mapping[int, int]) -> NDArray[np.uint8]:
    """A mask of whole numbers with the class of each in its place."""
    if mask.dtype == np.uint8:
        classes = np.array([table.get(value, 0) for value in range(256)], np.uint8)
        return classes[mask]
    values, place = np.unique(mask, return_inverse=True)
    classes = np.array([table[int(value)] for value in values], np.uint8)
    return classes[place].reshape(mask.shape)


def _in_order(values: Sequence[int], name: str, notes: list[Note]) -> dict[int, int]:
    if len(values) > MOST_CLASSES:
        raise ScanlabError.at(
            "S692",
            f"the masks of {name} have {len(values):,} different values, and at most {MOST_CLASSES} are classes",
            help="JPEG and smoothed edges blur numbers: save masks as they were drawn, as PNG without smoothing",
        )
    table = {value: number for number, value in enumerate(values)}
    notes.append(Note("mapped", f"mask values: {listed(f'{v} is class {c}' for v, c in table.items())}"))
    return table


def _ignores(seen: Sequence[frozenset[int]], values: Sequence[int], layout: Layout, name: str) -> bool:
    """Whether 255 marks pixels without a class, as in Pascal VOC: beside numbers of classes, whichever are used."""
    if "ignore_255" in layout:
        return True
    classes = list(values[:-1])
    if len(classes) < 2 or classes[-1] >= MOST_CLASSES:
        return False
    if not any(IGNORED in some and some - {0, IGNORED} for some in seen):
        if classes != list(range(len(classes))):
            return False
        raise ScanlabError.at(
            "S691",
            f"some masks of {name} have the values 0 and 255, others 0 to {classes[-1]}, and none both: 255 may be "
            "the class 1, or mark pixels that do not count",
            help=f"{settled_by('ignore_255')}; or save all masks with one numbering",
        )
    return True


def _like_objects(seen: Sequence[frozenset[int]]) -> list[Note]:
    """A note where every mask numbers from 1 without a gap, and some further than others, as objects are counted."""
    most = [max(values) for values in seen if values - {0}]
    counted = all(values - {0} == set(range(1, max(values) + 1)) for values in seen if values)
    if not counted or len(set(most)) < LEAST_COUNTS:
        return []
    what = f"{1 + max(most)} classes, numbered as objects would be: every mask from 1 to its own last, {min(most)} to"
    return [Note("assumed", f'{what} {max(most)}; if they are objects, layout = "instances"')]


def _evenly_spread(values: Sequence[int]) -> bool:
    """Whether values are grey levels that divide 0 to 255 in equal steps, such as 0, 127 and 255."""
    if values[0] != 0 or values[-1] != WHITE or not 2 < len(values) <= 16:
        return False
    steps = [high - low for low, high in pairwise(values)]
    return max(steps) - min(steps) <= 2


def classes_of_labels(
    labels: NDArray, names: Sequence[str], notes: list[Note]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Whole numbers as classes from 0 up, with the classes' names.

    Numbers that begin above 0, or use few of those up to the largest, are mapped in their order; all others stay.
    """
    values = np.unique(labels)
    used = len(values) / (1 + int(values[-1]))
    counted = values[0] == 0 and (used >= LEAST_USED or len(values) == 1)
    if names or counted or values[-1] >= MOST_LABELS or (values[0] < 0 and values.tolist() != [-1, 1]):
        return labels.astype(np.int64), tuple(names)
    pairs = listed(f"{value} is class {number}" for number, value in enumerate(values))
    notes.append(Note("mapped", f"labels: {pairs}"))
    return np.searchsorted(values, labels).astype(np.int64), tuple(str(value) for value in values)
