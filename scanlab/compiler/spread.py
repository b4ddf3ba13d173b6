"""How far a receptive field spreads: the figures by which fields are compared."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["SHARES", "Cell", "Spread", "centre_cell", "normalised", "spread"]

# RepLKNet's, arXiv 2203.06717, table 9.
SHARES = (0.2, 0.3, 0.5, 0.99)
Cell = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Spread:
    """How far the contributions to one cell lie from it.

    areas: for each of SHARES, the part of the whole grid, in (0, 1], that the smallest box around the cell covers when
    it holds that share of all contributions. mean_distance: the Euclidean distance of a contribution from the cell's
    middle, in elements of the field, averaged by contribution. All are NaN for a field without any contribution.
    """

    areas: tuple[float, ...]
    mean_distance: float


def centre_cell(grid: tuple[int, ...]) -> Cell:
    """The patch at n // 2 of every axis, as (first, last + 1) per axis: the one that published fields are taken of.

    >>> centre_cell((14, 14))
    ((7, 8), (7, 8))
    """
    return tuple((n // 2, n // 2 + 1) for n in grid)


def spread(field: np.ndarray, cell: Cell | None = None) -> Spread:
    """Measure how far a field spreads around a cell.

    field: contributions of at least 0, any number of axes. cell: (first, last + 1) per axis, by default the field's
    middle element. The box starts as the cell and grows by one element at both ends of every axis, cut off at the
    border (RepLKNet, arXiv 2203.06717, section 4.3; its script measures log10(1 + sum of gradients) in place of the
    contributions, which depends on their scale and agrees where they are small).

    >>> import scanlab
    >>> from scanlab.compiler.decay import predicted_decay
    >>> scan = scanlab.compile("hilbert", (16, 16))
    >>> [round(spread(predicted_decay(scan, decay)).mean_distance, 2) for decay in (0.5, 0.9)]
    [0.74, 3.1]
    """
    cell = cell or centre_cell(field.shape)
    total = float(field.sum())
    if not total > 0:
        return Spread((math.nan,) * len(SHARES), math.nan)
    held, sizes = _boxes(field, cell)
    # The last box is the whole field; rounding must not leave it below 99 %.
    reached = [int(np.argmax(held >= share * held[-1])) for share in SHARES]
    distances = _distances(field.shape, cell)
    return Spread(tuple(sizes[i] / field.size for i in reached), float((field * distances).sum() / total))


def normalised(field: np.ndarray) -> np.ndarray:
    """The field with its largest contribution as 1, so that fields of different models can share one scale."""
    most = field.max(initial=0)
    return field / most if most > 0 else field


def _boxes(field: np.ndarray, cell: Cell) -> tuple[np.ndarray, list[int]]:
    """For the cell and every larger box up to the whole field: the sum inside, and the number of elements."""
    # Each element belongs to the first box that reaches it: the largest distance from the cell along any axis.
    ring = np.zeros(field.shape, dtype=np.int64)
    for axis, (extent, (first, stop)) in enumerate(zip(field.shape, cell, strict=True)):
        place = np.arange(extent)
        outside = np.maximum(np.maximum(first - place, place - (stop - 1)), 0)
        ring = np.maximum(ring, outside.reshape([-1 if a == axis else 1 for a in range(field.ndim)]))
    held = np.cumsum(np.bincount(ring.ravel(), weights=field.ravel()))
    return held, np.cumsum(np.bincount(ring.ravel())).tolist()


def _distances(extents: tuple[int, ...], cell: Cell) -> np.ndarray:
    squares = np.zeros(extents)
    for axis, (extent, (first, stop)) in enumerate(zip(extents, cell, strict=True)):
        away = np.arange(extent) - (first + stop - 1) / 2
        squares = squares + (away**2).reshape([-1 if a == axis else 1 for a in range(len(extents))])
    return np.sqrt(squares)
