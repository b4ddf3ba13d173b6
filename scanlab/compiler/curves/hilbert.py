"""Hilbert curve in two or three dimensions, on the enclosing cube of a power of two.

The curve is the one of J. Skilling, "Programming the Hilbert curve", AIP Conference Proceedings 707 (2004), with the
first axis as the slowest: what the packages hilbertcurve and numpy-hilbert-curve compute.

Skilling works on the bits of one point. Read instead as a statement about a cube, his steps say that the octant (or
quadrant) in corner ``c`` holds the curve of half the side, with some axes exchanged, some mirrored, and, where ``c``
has an odd number of ones, reversed. ``hilbert_grid`` builds the ranks by that doubling, with array views.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scanlab.compiler.curves.limits import require_bits, require_cells
from scanlab.compiler.curves.morton import deinterleave, interleave

__all__ = ["hilbert_grid", "hilbert_points", "hilbert_ranks"]

# Doubling fills the whole enclosing cube; past this ratio of cube to box it is faster to rank the cells one by one.
_WORTH_FILLING = 8


def hilbert_grid(box: tuple[int, ...], options: Mapping[str, int]) -> np.ndarray:
    """Hilbert rank of every cell of a box, in the enclosing cube of a power of two.

    Args:
        box: extents; 2 or 3 axes in the language, any number here.
        options: none.

    Returns:
        int64 of shape ``box``. Dense only on cubes of a power of two: elsewhere the ranks of the cells outside the
        box are missing, and sorting by rank visits the cells in the order in which the cube's curve meets them.

    Raises:
        ScanlabError: S401 for a box too large to tabulate or to rank in 62 bits.
    """
    require_cells("hilbert", box)
    bits = require_bits("hilbert", box)
    if 2 ** (bits * len(box)) <= _WORTH_FILLING * math.prod(box):
        return np.ascontiguousarray(_cube(len(box), bits)[tuple(map(slice, box))])
    return hilbert_ranks(np.ogrid[tuple(map(slice, box))], box)


def hilbert_ranks(coordinates: Sequence[np.ndarray], box: tuple[int, ...]) -> np.ndarray:
    """Hilbert ranks of given cells of a box.

    Args:
        coordinates: one int64 array per axis, broadcastable, with values in ``[0, box[axis])``.
        box: extents, which fix the bits per axis.

    Returns:
        int64 of the broadcast shape, equal to ``hilbert_grid(box, {})`` at these cells.

    Raises:
        ScanlabError: S401 where the rank would need more than 62 bits.
    """
    bits = require_bits("hilbert", box)
    axes = [a.astype(np.int64) for a in np.broadcast_arrays(*coordinates)]
    for level in reversed(range(bits)):
        low = (1 << level) - 1
        for axis in range(len(axes)):
            bit = (axes[axis] >> level) & 1
            axes[0] ^= -bit & low
            _exchange(axes, axis, (bit - 1) & low)
    for axis in range(1, len(axes)):
        axes[axis] ^= axes[axis - 1]
    backwards = axes[-1] >> 1
    shift = 1
    while shift < bits:
        backwards ^= backwards >> shift
        shift *= 2
    return interleave([axis ^ backwards for axis in axes], bits)


def hilbert_points(distances: np.ndarray, ndim: int, bits: int) -> np.ndarray:
    """Cells at given distances along the Hilbert curve: the inverse, on the cube of side ``2**bits``.

    Args:
        distances: int64, any shape, values in ``[0, 2**(ndim * bits))``.
        ndim: axes of the cube.
        bits: bits per axis.

    Returns:
        int64 of shape ``distances.shape + (ndim,)``.
    """
    axes = deinterleave(np.asarray(distances, dtype=np.int64), ndim, bits)
    backwards = axes[-1] >> 1
    axes = [axis ^ backwards for axis in axes]
    for axis in range(ndim - 1, 0, -1):
        axes[axis] ^= axes[axis - 1]
    for level in range(bits):
        low = (1 << level) - 1
        for axis in reversed(range(ndim)):
            bit = (axes[axis] >> level) & 1
            _exchange(axes, axis, (bit - 1) & low)
            axes[0] ^= -bit & low
    return np.stack(axes, axis=-1)


def _exchange(axes: list[np.ndarray], axis: int, mask: np.ndarray) -> None:
    difference = (axes[0] ^ axes[axis]) & mask
    axes[0] ^= difference
    axes[axis] ^= difference


@dataclass(frozen=True)
class _Child:
    """How the curve of half the side lies in one corner of the cube."""

    corner: tuple[int, ...]
    position: int
    sources: tuple[int, ...]
    mirrored: tuple[bool, ...]
    backwards: bool

    def ranks(self, half: np.ndarray) -> np.ndarray:
        turned = half[tuple(slice(None, None, -1 if m else 1) for m in self.mirrored)]
        turned = turned.transpose(np.argsort(self.sources))
        first = self.position * half.size
        return (first + half.size - 1) - turned if self.backwards else first + turned


def _child(corner: tuple[int, ...]) -> _Child:
    """Skilling's step for one corner: axis i of the half curve runs along ``sources[i]``, perhaps mirrored."""
    frame = [(axis, False) for axis in range(len(corner))]
    position = ones = 0
    for axis, bit in enumerate(corner):
        if bit:
            frame[0] = (frame[0][0], not frame[0][1])
        else:
            frame[0], frame[axis] = frame[axis], frame[0]
        ones ^= bit
        position = 2 * position + ones
    return _Child(corner, position, tuple(a for a, _ in frame), tuple(m for _, m in frame), bool(ones))


def _cube(ndim: int, bits: int) -> np.ndarray:
    """Ranks of the whole cube of side ``2**bits``, by doubling."""
    children = [_child(corner) for corner in itertools.product((0, 1), repeat=ndim)]
    ranks = np.zeros((1,) * ndim, dtype=np.int64)
    for level in range(bits):
        side = 2**level
        grown = np.empty((2 * side,) * ndim, dtype=np.int64)
        for child in children:
            grown[tuple(slice(c * side, (c + 1) * side) for c in child.corner)] = child.ranks(ranks)
        ranks = grown
    return ranks
