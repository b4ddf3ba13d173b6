"""The built-in curves: key functions that no quasi-affine key can express.

A curve maps the cells of a box to distinct ranks. ``CURVES`` tabulates the ranks of a whole box, ``POINTWISE`` those
of single cells where a formula gives them, ``INVERSES`` the cells of given ranks, and ``curve_ranks`` chooses between
the first two. Names, argument counts and options are declared in ``scanlab.ir.functions``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from scanlab.compiler.curves.gilbert import gilbert_grid
from scanlab.compiler.curves.graph import bfs_grid, dfs_grid, rcm_grid, spectral_grid
from scanlab.compiler.curves.hilbert import hilbert_grid, hilbert_points, hilbert_ranks
from scanlab.compiler.curves.lsystem import lsystem_grid, lsystem_ranks
from scanlab.compiler.curves.morton import morton_grid, morton_points, morton_ranks
from scanlab.compiler.curves.permutation import order_of
from scanlab.compiler.curves.reversal import bit_reversal_grid
from scanlab.compiler.curves.shuffle import random_grid
from scanlab.compiler.curves.spiral import spiral_in_grid, spiral_out_grid

__all__ = ["CURVES", "INVERSES", "POINTWISE", "Grid", "Points", "Ranks", "curve_ranks", "order_of"]

Grid = Callable[[tuple[int, ...], Mapping[str, Any]], np.ndarray]
Ranks = Callable[[Sequence[np.ndarray], tuple[int, ...], Mapping[str, Any]], np.ndarray]
Points = Callable[[np.ndarray, int, int], np.ndarray]

CURVES: Mapping[str, Grid] = MappingProxyType(
    {
        "hilbert": hilbert_grid,
        "gilbert": gilbert_grid,
        "morton": morton_grid,
        "spiral_in": spiral_in_grid,
        "spiral_out": spiral_out_grid,
        "random": random_grid,
        "bfs": bfs_grid,
        "dfs": dfs_grid,
        "rcm": rcm_grid,
        "spectral": spectral_grid,
        "lsystem": lsystem_grid,
        "bit_reversal": bit_reversal_grid,
    }
)
"""``CURVES[name](box, options)``: int64 ranks of shape ``box``."""

POINTWISE: Mapping[str, Ranks] = MappingProxyType(
    {
        "hilbert": lambda coordinates, box, options: hilbert_ranks(coordinates, box),
        "morton": lambda coordinates, box, options: morton_ranks(coordinates, box),
        "lsystem": lsystem_ranks,
    }
)
"""``POINTWISE[name](coordinates, box, options)``: ranks of given cells, without tabulating the box."""

INVERSES: Mapping[str, Points] = MappingProxyType({"hilbert": hilbert_points, "morton": morton_points})
"""``INVERSES[name](ranks, ndim, bits)``: cells of the cube of side ``2**bits``, coordinates in the last axis."""


def curve_ranks(
    name: str, coordinates: Sequence[np.ndarray], box: tuple[int, ...], options: Mapping[str, Any]
) -> np.ndarray:
    """Ranks on a curve of given cells of a box.

    Args:
        name: a curve of ``CURVES``.
        coordinates: one int64 array per axis of the box, broadcastable, with values in ``[0, box[axis])``.
        box: extents, each at least 1.
        options: the curve's options; absent ones take their defaults.

    Returns:
        int64 of the broadcast shape; distinct cells have distinct ranks.

    Raises:
        ScanlabError: S401 where the box exceeds what the curve can tabulate or rank.

    >>> CURVES["hilbert"]((4, 4), {})
    array([[ 0,  3,  4,  5],
           [ 1,  2,  7,  6],
           [14, 13,  8,  9],
           [15, 12, 11, 10]])
    >>> curve_ranks("hilbert", [np.array([0, 3]), np.array([1, 0])], (4, 4), {})
    array([ 3, 15])
    """
    cells = math.prod(np.broadcast_shapes(*(np.shape(c) for c in coordinates)))
    if name in POINTWISE and math.prod(box) > cells:
        return POINTWISE[name](coordinates, box, options)
    return CURVES[name](box, options)[tuple(coordinates)]
