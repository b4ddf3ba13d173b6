"""What the kernels that take steps by the tile share: pieces of walks, and stores to rows that may recur.

A piece is six numbers: track, path, first, last, start, end; steps first to last - 1 are the piece, start to end - 1
the walk around it. visits, int32 like the table of steps, holds the number of a path's earlier visits of a step's row.
"""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["piece_at", "put"]


@triton.jit
def piece_at(pieces, number):
    """Track, path, first, last, start and end of a piece."""
    row = pieces + number * 6
    path = tl.load(row + 1).to(tl.int64)
    return tl.load(row), path, tl.load(row + 2), tl.load(row + 3), tl.load(row + 4), tl.load(row + 5)


@triton.jit
def put(target, value, visits, step, mask, level, REVISITS: tl.constexpr):
    """Store a tile [steps, ...]; with REVISITS add the visits of one level to what stands there."""
    if REVISITS:
        first = tl.load(visits + step) == level
        mask = mask & (first[:, None] if len(value.shape) == 2 else first)
        value += tl.load(target, mask=mask, other=0.0).to(tl.float32)
    tl.store(target, value.to(target.dtype.element_ty), mask=mask)
