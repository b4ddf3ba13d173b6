"""Where a program stands on a grid.

CUDA's second and third axes end at 65,535, which samples, work items and tiles pass; the first goes to 2^31 - 1. So
every launch has one axis, into which those of its kernel are folded, the first of them running fastest.
"""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["folded", "place"]


def folded(*axes: int) -> tuple[int]:
    """The grid of a launch over some axes, for a kernel that begins with `place`."""
    programs = 1
    for size in axes:
        programs *= size
    return (programs,)


@triton.jit
def place(first, second):
    """This program's numbers on three axes, of which the first two have `first` and `second` programs.

    The number on the third is int64: what is addressed by samples may pass 2^31.
    """
    number = tl.program_id(0)
    rest = number // first
    return number % first, rest % second, (rest // second).to(tl.int64)
