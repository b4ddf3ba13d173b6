"""Groups of patches that share the values of some keys, and the boxes of these groups, for every patch at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["Groups", "group_patches", "ranks_in_boxes"]

MOST_CELLS = 2**28
_DENSE = 4

Ranked = Callable[[list[np.ndarray], tuple[int, ...]], np.ndarray]
"""Ranks of cells (one int64 array per axis) of a box."""


@dataclass(frozen=True, eq=False)
class Groups:
    """``owner`` int64 [P]: the group of every patch, from 0 to ``count`` - 1."""

    owner: np.ndarray
    count: int

    def smallest(self, values: np.ndarray) -> np.ndarray:
        """int64 [count]: the smallest value in each group, of one value per patch."""
        found = np.full(self.count, np.iinfo(np.int64).max)
        np.minimum.at(found, self.owner, values)
        return found

    def largest(self, values: np.ndarray) -> np.ndarray:
        """int64 [count]: the largest value in each group."""
        return -self.smallest(-values)


def group_patches(columns: Sequence[np.ndarray]) -> Groups:
    """The groups of patches that agree in all columns, int64 [P] each; values are below 2^62 in size."""
    owner, count = _numbered(columns[0])
    for column in columns[1:]:
        next_owner, next_count = _numbered(column)
        # Both counts are at most the number of patches, so that their product fits.
        owner, count = _numbered(owner * next_count + next_owner)
    return Groups(owner, count)


def _numbered(values: np.ndarray) -> tuple[np.ndarray, int]:
    """The values as numbers from 0 up, without gaps, and how many there are."""
    low, high = int(values.min()), int(values.max())
    if high - low >= _DENSE * max(len(values), 64):
        different, numbers = np.unique(values, return_inverse=True)
        return numbers.reshape(-1), len(different)
    present = np.zeros(high - low + 1, dtype=bool)
    present[values - low] = True
    names = np.cumsum(present) - 1
    return names[values - low], int(names[-1]) + 1


def ranks_in_boxes(groups: Groups, operands: Sequence[np.ndarray], ranks: Ranked) -> np.ndarray:
    """int64 [P]: the rank of every patch over the box that its group spans; groups of one shape share one table.

    operands: int64 [P] for every axis of the boxes. Raises S401 where the tables would take too long.
    """
    cells, sides = [], []
    for operand in operands:
        first = groups.smallest(operand)
        cells.append(operand - first[groups.owner])
        sides.append(groups.largest(cells[-1]) + 1)
    shapes, shape = np.unique(np.stack(sides, axis=1), axis=0, return_inverse=True)
    if (cells_in_all := sum(math.prod(box) for box in shapes.tolist())) > MOST_CELLS:
        raise ScanlabError.at(
            "S401",
            f"the boxes of these groups have {len(shapes):,} shapes of {cells_in_all:,} cells in all, more than "
            f"{MOST_CELLS:,}",
            help="use groups whose patches lie close together, such as windows",
        )
    shape_of_patch = shape.reshape(-1)[groups.owner]
    found = np.empty(len(groups.owner), dtype=np.int64)
    order = np.argsort(shape_of_patch, kind="stable")
    edges = np.searchsorted(shape_of_patch[order], np.arange(len(shapes) + 1))
    for number, box in enumerate(shapes.tolist()):
        own = order[edges[number] : edges[number + 1]]
        found[own] = ranks([c[own] for c in cells], tuple(box))
    return found
