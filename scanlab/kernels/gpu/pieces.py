"""What the kernels that take steps by the tile share: pieces of walks, and stores to rows that may recur.

The columns of a piece are those of Pieces.rows. visits, int32 like the table of steps, holds the number of a path's
earlier visits of a step's row.
"""

from __future__ import annotations

import triton
import triton.language as tl

from .columns import END, FIRST, LAST, PATH, PIECE_COLUMNS, START, TRACK

__all__ = ["piece_at", "put"]


@triton.jit
def piece_at(pieces, number):
    """Track, path, first, last, start and end of a piece."""
    row = pieces + number * PIECE_COLUMNS
    path = tl.load(row + PATH).to(tl.int64)
    track, first, last = tl.load(row + TRACK), tl.load(row + FIRST), tl.load(row + LAST)
    return track, path, first, last, tl.load(row + START), tl.load(row + END)


@triton.jit
def put(target, value, visits, step, mask, level, REVISITS: tl.constexpr):
    """Store a tile [steps, ...]; with REVISITS add the visits of one level to what stands there."""
    if REVISITS:
        first = tl.load(visits + step) == level
        mask = mask & (first[:, None] if len(value.shape) == 2 else first)
        value += tl.load(target, mask=mask, other=0.0).to(tl.float32)
    tl.store(target, value.to(target.dtype.element_ty), mask=mask)
