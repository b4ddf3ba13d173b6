"""The row that a step visits: read from the table. Generated path functions have the same signature."""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["patch_from_table"]


@triton.jit
def patch_from_table(steps, sequence, step):
    """steps: a pointer to the sequence's row of the table, int32 [S]; the row of u that is visited at a step."""
    return tl.load(steps + step)
