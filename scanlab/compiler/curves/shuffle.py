"""A seeded random permutation of a box: the control that every order is measured against."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from scanlab.compiler.curves.limits import require_cells
from scanlab.compiler.curves.permutation import ranks_of

__all__ = ["draws", "random_grid"]


def random_grid(box: tuple[int, ...], options: Mapping[str, int]) -> np.ndarray:
    """Rank of every cell in a random permutation: each cell draws a 64-bit number, and the lowest goes first.

    Args:
        box: extents, any number of axes.
        options: ``seed``, at least 0 (default 0).

    Returns:
        int64 of shape ``box``, dense; the same for a given seed and box on every machine and numpy version.

    Raises:
        ScanlabError: S401 for a box too large to tabulate.

    >>> random_grid((2, 3), {"seed": 1})
    array([[3, 5, 0],
           [4, 1, 2]])
    """
    require_cells("random", box)
    order = np.argsort(draws(options.get("seed", 0), math.prod(box)), kind="stable")
    return ranks_of(order, box)


def draws(seed: int, count: int) -> np.ndarray:
    """The first ``count`` raw outputs of PCG64 seeded with ``seed``: uint64 of shape ``[count]``.

    numpy promises the stream of a bit generator across versions (NEP 19) but not that of ``Generator.permutation``,
    so nothing above the raw stream is used.
    """
    return np.random.PCG64(seed).random_raw(count)
