"""mamba_ssm's scan kernels from a C library that was compiled ahead of time, for machines where its wheel is not.

The library is not ours and not in this repository; benchmarks/README.md says what it has to export. Its path is in the
environment variable SCANLAB_PEER.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

__all__ = ["VARIABLE", "library_missing", "library_scan"]

VARIABLE = "SCANLAB_PEER"
# Of the kernel's checkpoints: it keeps two numbers per state after so many steps.
CHUNK = 2048


def library_missing() -> str:
    """Why there is no library, and how to name one; "" where it can be loaded."""
    path = os.environ.get(VARIABLE, "")
    if not path:
        return f"{VARIABLE} names no C library of mamba_ssm's kernels (benchmarks/README.md)"
    if not Path(path).is_file():
        return f"{VARIABLE} names {Path(path).name}, which is not there"
    try:
        _library(path)
    except (OSError, AttributeError) as error:
        return f"{Path(path).name} cannot be used ({type(error).__name__}: {error})"
    return ""


def library_scan(*tensors: Tensor) -> Tensor:
    """y [B, K D, L] of u, delta [B, K D, L], A [K D, N], B, C [B, K, N, L], D and bias [K D], with gradients.

    u, delta, B and C are bfloat16, the rest float32, all contiguous; softplus is applied to delta + bias.
    """
    y = _LibraryScan.apply(*tensors)
    assert isinstance(y, Tensor), "one output"
    return y


@cache
def _library(path: str) -> ctypes.CDLL:
    library = ctypes.CDLL(path)
    for function in (library.peer_forward, library.peer_backward):
        function.restype = ctypes.c_int
        function.argtypes = [*[ctypes.c_int] * 5, ctypes.c_void_p, ctypes.c_void_p]
    return library


class _LibraryScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> Tensor:
        u, _, A, *_ = tensors
        batch, width, length = u.shape
        y = torch.empty_like(u)
        states = A.new_empty(batch, width, -(-length // CHUNK), 2 * A.shape[1])
        _launch("peer_forward", (*tensors, y, states))
        ctx.save_for_backward(*tensors, y, states)
        return y

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, ...]:
        u, delta, A, B, C, D, bias, y, states = ctx.saved_tensors
        [dy] = upstream
        # The kernel adds to all but the first two: what it costs to clear them belongs to its time.
        sums = [torch.zeros(t.shape, dtype=torch.float32, device=t.device) for t in (A, B, C, D, bias)]
        gradients = [torch.empty_like(u), torch.empty_like(delta), *sums]
        _launch("peer_backward", (u, delta, A, B, C, D, bias, y, states, dy.contiguous(), *gradients))
        return tuple(g.to(t.dtype) for g, t in zip(gradients, (u, delta, A, B, C, D, bias), strict=True))


def _launch(name: str, tensors: tuple[Tensor, ...]) -> None:
    """Call a function of the library: (b, d, l, n, groups, 17 pointers, stream), which gives CUDA's error code."""
    u, A, B = tensors[0], tensors[2], tensors[3]
    pointers = (ctypes.c_void_p * 17)(*[t.data_ptr() for t in tensors])
    batch, width, length = u.shape
    size = (batch, width, length, A.shape[1], B.shape[1])
    code = getattr(_library(os.environ[VARIABLE]), name)(*size, pointers, _stream(u))
    if code != 0:
        raise RuntimeError(f"{name} of the peer's library failed with CUDA error {code}")


def _stream(tensor: Tensor) -> int | None:
    return torch.cuda.current_stream(tensor.device).cuda_stream if tensor.is_cuda else None
