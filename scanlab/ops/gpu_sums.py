"""What programs of a GPU left apart, added up in one pass."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from scanlab.kernels.gpu.grid import folded
from scanlab.kernels.gpu.merging import AT_ONCE, BLOCK, merge_kernel

__all__ = ["merged"]


def merged(values: Tensor, dtype: torch.dtype, size: int = 1) -> Tensor:
    """Copies [B, T, ...], or [P, B, T, ...] with six axes, summed over P, and over T unless that is `size`; in a dtype.

    Returns [B, size, ...]. Values of which there is one copy are only converted.
    """
    shares = values if values.ndim == 6 else values[None]
    outer, batch, copies, *rest = shares.shape
    kept = copies == size
    if outer == 1 and kept:
        return shares[0].to(dtype)
    out = values.new_empty((batch, size, *rest), dtype=dtype)
    numbers = math.prod(out.shape[1:])
    if not out.numel():
        return out
    blocks = -(-numbers // BLOCK)
    merge_kernel[folded(blocks, 1, batch)](
        shares, out, numbers, blocks, outer, 1 if kept else copies,
        shares.stride(0), 0 if kept else shares.stride(2), shares.stride(1),
        BLOCK=BLOCK, AT_ONCE=AT_ONCE, num_warps=4,
    )  # fmt: skip
    return out
