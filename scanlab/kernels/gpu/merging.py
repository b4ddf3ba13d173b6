"""Sums of what programs left apart: the outputs and gradients of sequences, and the shares of blocks of channels.

One pass reads every copy once and writes the sum once in its final dtype; added up by torch, a float32 sum is written
and read again for the conversion.
"""

# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

import triton.language as tl

from .grid import place
from .launching import kernel
from .scan_primitives import where

__all__ = ["AT_ONCE", "BLOCK", "merge_kernel"]

# Numbers of a program of four warps, and how many copies it asks for at once.
BLOCK = 1024
AT_ONCE = 4


@kernel
def merge_kernel(
    values, out, size, blocks, outer_copies, copies, outer_stride, copy_stride, sample_stride,
    BLOCK: tl.constexpr, AT_ONCE: tl.constexpr,
):  # fmt: skip
    """out[b, i] = the sum of values[p, b, t, i] over p and t, in this order; in float32, then in the dtype of out.

    values float32 with strides for p, b and t, out [B, size]; p counts `outer_copies`, t `copies`, i `size` numbers
    side by side. Grid: blocks of size, 1, B.
    """
    block, _, sample = place(blocks, 1)
    number = block.to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    exists = number < size
    values += sample * sample_stride + number
    total = tl.zeros((BLOCK,), tl.float32)
    for first in range(0, outer_copies * copies, AT_ONCE):
        for j in tl.static_range(AT_ONCE):
            copy = first + j
            source = values + (copy // copies).to(tl.int64) * outer_stride + (copy % copies).to(tl.int64) * copy_stride
            total += tl.load(source, mask=where(copy < outer_copies * copies, exists), other=0.0).to(tl.float32)
    tl.store(out + sample * size + number, total.to(out.dtype.element_ty), mask=exists)
