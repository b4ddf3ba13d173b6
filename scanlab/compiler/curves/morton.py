"""Morton order (Z-order): the rank of a cell is the bits of its coordinates, interleaved.

Source: G. M. Morton, "A computer oriented geodetic data base and a new technique in file sequencing", IBM, 1966.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from scanlab.compiler.curves.limits import bits_of, require_bits, require_cells

__all__ = ["deinterleave", "interleave", "morton_grid", "morton_points", "morton_ranks"]


def morton_grid(box: tuple[int, ...], options: Mapping[str, int]) -> np.ndarray:
    """Morton rank of every cell of a box, in the enclosing cube of a power of two.

    Args:
        box: extents, any number of axes.
        options: none.

    Returns:
        int64 of shape ``box``; the last axis holds the lowest of each group of bits. Dense only on cubes of a power
        of two.

    Raises:
        ScanlabError: S401 for a box too large to tabulate or to rank in 62 bits.
    """
    require_cells("morton", box)
    bits, ndim = require_bits("morton", box), len(box)
    ranks = np.zeros((1,) * ndim, dtype=np.int64)
    for axis, extent in enumerate(box):
        # Each axis owns its own bits of the rank, so the grid is an outer sum of one short vector per axis.
        column = _spread(np.arange(extent, dtype=np.int64), bits, ndim, axis)
        ranks = ranks + column.reshape((1,) * axis + (-1,) + (1,) * (ndim - axis - 1))
    return ranks


def morton_ranks(coordinates: Sequence[np.ndarray], box: tuple[int, ...]) -> np.ndarray:
    """Morton ranks of given cells of a box.

    Args:
        coordinates: one int64 array per axis, broadcastable, with values in ``[0, box[axis])``.
        box: extents, which fix the bits per axis.

    Returns:
        int64 of the broadcast shape, equal to ``morton_grid(box, {})`` at these cells.

    Raises:
        ScanlabError: S401 where the rank would need more than 62 bits.
    """
    require_bits("morton", box)
    return interleave(coordinates, bits_of(box))


def morton_points(ranks: np.ndarray, ndim: int, bits: int) -> np.ndarray:
    """Cells with given Morton ranks: the inverse, on the cube of side ``2**bits``.

    Args:
        ranks: int64, any shape, values in ``[0, 2**(ndim * bits))``.
        ndim: axes of the cube.
        bits: bits per axis.

    Returns:
        int64 of shape ``ranks.shape + (ndim,)``.
    """
    return np.stack(deinterleave(np.asarray(ranks, dtype=np.int64), ndim, bits), axis=-1)


def interleave(digits: Sequence[np.ndarray], bits: int) -> np.ndarray:
    """Interleave the low ``bits`` bits of several integers, the first highest within each group.

    Returns:
        int64 of the broadcast shape.
    """
    parts = [_spread(np.asarray(d, dtype=np.int64), bits, len(digits), axis) for axis, d in enumerate(digits)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def deinterleave(ranks: np.ndarray, ndim: int, bits: int) -> list[np.ndarray]:
    """Undo ``interleave``: one int64 array per axis, each of the shape of ``ranks``."""
    axes = []
    for axis in range(ndim):
        value = np.zeros_like(ranks)
        for bit in range(bits):
            value |= ((ranks >> (bit * ndim + ndim - 1 - axis)) & 1) << bit
        axes.append(value)
    return axes


def _spread(values: np.ndarray, bits: int, ndim: int, axis: int) -> np.ndarray:
    if values.size > 2**bits:
        return _spread(np.arange(2**bits, dtype=np.int64), bits, ndim, axis)[values]
    spread = np.zeros_like(values)
    for bit in range(bits):
        spread |= ((values >> bit) & 1) << (bit * ndim + ndim - 1 - axis)
    return spread
