"""What the kernels that take many steps at once share: the tiles of sequences, and stores to rows that may recur.

The columns of a tile are those of Tiles.rows. visits, int32 like the table of steps, holds the number of a path's
earlier visits of a step's row.
"""

from __future__ import annotations

import triton
import triton.language as tl

from .columns import END, FIRST, LAST, PATH, SEQUENCE, START, TILE_COLUMNS

__all__ = ["put", "tile_at"]


@triton.jit
def tile_at(tiles, number):
    """Sequence, path, first, last, start and end of a tile."""
    row = tiles + number * TILE_COLUMNS
    path = tl.load(row + PATH).to(tl.int64)
    sequence, first, last = tl.load(row + SEQUENCE), tl.load(row + FIRST), tl.load(row + LAST)
    return sequence, path, first, last, tl.load(row + START), tl.load(row + END)


@triton.jit
def put(target, value, visits, step, mask, round_number, REVISITS: tl.constexpr):
    """Store values [steps, ...]; with REVISITS add the visits of one round to what stands there."""
    if REVISITS:
        first = tl.load(visits + step) == round_number
        mask = mask & (first[:, None] if len(value.shape) == 2 else first)
        value += tl.load(target, mask=mask, other=0.0).to(tl.float32)
    tl.store(target, value.to(target.dtype.element_ty), mask=mask)
