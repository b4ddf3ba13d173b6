"""What a GPU could do at best: exponentials that never leave the registers."""

# pyright: reportOperatorIssue=false

from __future__ import annotations

import triton.language as tl

from .launching import kernel
from .mathematics import exp2

__all__ = ["exp2_rate_kernel"]


@kernel
def exp2_rate_kernel(out, rounds, BLOCK: tl.constexpr, ASM: tl.constexpr):
    """x = 2^-x, `rounds` times, in each of BLOCK lanes of every program; out float32 [programs * BLOCK], filled.

    The sign is a modifier of the instruction, so a round is one exponential and nothing else.
    """
    lane = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = lane.to(tl.float32) * 1e-9
    for _ in range(rounds):
        x = exp2(-x, ASM)
    tl.store(out + lane, x)
