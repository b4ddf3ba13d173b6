"""The row that a step visits: read from the table. Generated path functions have the same signature."""

from __future__ import annotations

from numba import njit

__all__ = ["patch_from_table"]


@njit(forceinline=True)
def patch_from_table(steps, sequence, step):
    """steps int32 [T, S] of one sample: the row that a sequence visits at a step."""
    return steps[sequence, step]
