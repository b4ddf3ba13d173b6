"""Tensors as the arrays that CPU kernels take, and memory for what the kernels put out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["empty", "flat", "zeros"]

# From here on NumPy asks Linux for huge pages, which torch does not: the first write to a page costs more than a scan
# of what it holds. Measured: a backward pass of 100 MB takes half the time.
_HUGE = 4 << 20
_CACHE_LINE = 64


def flat(tensor: Tensor) -> np.ndarray:
    """The memory that a tensor spans, as one array and without a copy; bfloat16 as int16, float16 as uint16."""
    memory = tensor.detach()
    if memory.dtype in (torch.bfloat16, torch.float16):
        memory = memory.view(torch.int16)
    if not memory.is_contiguous():
        span = 1 + sum((size - 1) * stride for size, stride in zip(memory.shape, memory.stride(), strict=True))
        memory = memory.as_strided((span if memory.numel() else 0,), (1,))
    array = memory.numpy().ravel()
    return array.view(np.uint16) if tensor.dtype == torch.float16 else array


def empty(shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
    """As torch.empty on the CPU; in huge pages where it is large."""
    return _allocated(torch.empty, np.empty, shape, dtype)


def zeros(shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
    """As torch.zeros on the CPU; in huge pages where it is large."""
    return _allocated(torch.zeros, np.zeros, shape, dtype)


def _allocated(small: Callable[..., Tensor], large: Any, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    size = math.prod(shape) * dtype.itemsize
    if size < _HUGE:
        return small(shape, dtype=dtype, device="cpu")
    raw = large(size + _CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % _CACHE_LINE
    return torch.from_numpy(raw[start : start + size]).view(dtype).view(shape)
