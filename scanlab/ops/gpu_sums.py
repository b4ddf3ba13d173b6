"""What programs of a GPU left apart, added up in one pass."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from scanlab.kernels.gpu.grid import folded
from scanlab.kernels.gpu.merging import AT_ONCE, BLOCK, merge_kernel

__all__ = ["merged"]


def merged(values: Tensor, dtype: torch.dtype, size: int = 1, *, shares: bool = False) -> Tensor:
    """Copies [B, T, ...] summed over T unless that is `size`, in a dtype; with `shares` [P, B, T, ...], over P as well.

    Returns [B, size, ...]. Values of which there is one copy are only converted.
    """
    parts = values if shares else values[None]
    outer, batch, copies, *rest = parts.shape
    kept = copies == size
    if outer == 1 and kept:
        return parts[0].to(dtype)
    out = values.new_empty((batch, size, *rest), dtype=dtype)
    numbers = math.prod(out.shape[1:])
    if not out.numel():
        return out
    blocks = -(-numbers // BLOCK)
    merge_kernel[folded(blocks, 1, batch)](
        parts, out, numbers, blocks, outer, 1 if kept else copies,
        parts.stride(0), 0 if kept else parts.stride(2), parts.stride(1),
        BLOCK=BLOCK, AT_ONCE=AT_ONCE, num_warps=4,
    )  # fmt: skip
    return out
