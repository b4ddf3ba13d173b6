"""Tensors as the arrays that CPU kernels take."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["flat"]


def flat(tensor: Tensor) -> np.ndarray:
    """The memory that a tensor spans, as one array and without a copy; bfloat16 as int16, float16 as uint16."""
    span = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    memory = tensor.detach().as_strided((span if tensor.numel() else 0,), (1,))
    if memory.dtype == torch.bfloat16:
        return memory.view(torch.int16).numpy()
    if memory.dtype == torch.float16:
        return memory.view(torch.int16).numpy().view(np.uint16)
    return memory.numpy()
