"""What kernels compiled by Numba need around them: threads, memory, and a word when the first call compiles."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from threading import Lock, Timer
from typing import Any

import numba
import numpy as np
import torch
from numba.core.event import Event, Listener, register
from torch import Tensor

from scanlab.cpus import available_cpus
from scanlab.ops.modes import outside_modes

__all__ = ["announce_compilation", "empty", "flat", "kernel_threads", "zeros"]

_ONE_AT_A_TIME, _AT_ONCE = Lock(), nullcontext()
_NOTHING = np.empty(0, np.float32)


def kernel_threads() -> AbstractContextManager[Any]:
    """A context to run compiled kernels in, with torch.get_num_threads() threads, or as many as Numba has.

    Numba's `workqueue` layer, which it falls back to without OpenMP, ends the process when two threads launch kernels
    at once; there they wait for each other. As with all of OpenMP, a process that has run a kernel should not fork and
    run one in the child: start workers by "spawn" or "forkserver".
    """
    layer = _launch()
    wanted = min(torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS)  # pyright: ignore
    # One thread may run anywhere, and asking what this process may use takes as long as a small scan.
    numba.set_num_threads(wanted if wanted == 1 else min(wanted, available_cpus()))
    return _ONE_AT_A_TIME if layer == "workqueue" else _AT_ONCE


@cache
def _launch() -> str:
    """Start Numba's threads, once; the name of their layer.

    Both libraries may share one OpenMP runtime, whose number of threads Numba sets when it starts its own: torch's is
    put back.
    """
    announce_compilation()
    before = torch.get_num_threads()
    numba.set_num_threads(min(before, _available()))
    torch.set_num_threads(before)
    return numba.threading_layer()  # pyright: ignore


def _available() -> int:
    return min(numba.config.NUMBA_NUM_THREADS, available_cpus())  # pyright: ignore


# From here on NumPy asks Linux for huge pages, which torch does not: the first write to a page costs more than a scan
# of what it holds. Measured: a backward pass of 100 MB takes half the time.
_HUGE = 4 << 20
_CACHE_LINE = 64


def flat(tensor: Tensor | None) -> np.ndarray:
    """The memory that a tensor spans, as one array and without a copy; bfloat16 as int16, float16 as uint16.

    None is empty float32.
    """
    if tensor is None:
        return _NOTHING
    memory = tensor.detach() if tensor.requires_grad else tensor
    if memory.dtype == torch.float32 and memory.is_contiguous():
        return memory.numpy().ravel()
    if memory.dtype in (torch.bfloat16, torch.float16):
        memory = memory.view(torch.int16)
    if not memory.is_contiguous():
        span = 1 + sum((size - 1) * stride for size, stride in zip(memory.shape, memory.stride(), strict=True))
        memory = memory.as_strided((span if memory.numel() else 0,), (1,))
    array = memory.numpy().ravel()
    return array.view(np.uint16) if tensor.dtype == torch.float16 else array


def empty(shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
    """As torch.empty on the CPU; in huge pages where it is large."""
    return _allocated(_example(dtype).new_empty, np.empty, shape, dtype)


def zeros(shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
    """As torch.zeros on the CPU; in huge pages where it is large."""
    return _allocated(_example(dtype).new_zeros, np.zeros, shape, dtype)


@cache
def _example(dtype: torch.dtype) -> Tensor:
    """An empty tensor on the CPU: torch makes others like it in a fifth of the time that it takes with words."""
    with outside_modes():
        return torch.empty(0, dtype=dtype)


def _allocated(small: Callable[..., Tensor], large: Any, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    size = math.prod(shape) * dtype.itemsize
    if size < _HUGE:
        return small(shape)
    raw = large(size + _CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % _CACHE_LINE
    return torch.from_numpy(raw[start : start + size]).view(dtype).view(shape)


PATIENCE_S = 2.0


@cache
def announce_compilation() -> None:
    """From now on, say so when Numba has been compiling a kernel of ScanLab for PATIENCE_S seconds.

    Kernels that come from Numba's cache are quicker.
    """
    register("numba:compile", _Announcer())


class _Announcer(Listener):
    """Numba compiles under a lock, and what a kernel calls within it: only the outermost kernel is announced."""

    def __init__(self) -> None:
        self.timer: Timer | None = None
        self.kernel: Any = None

    def on_start(self, event: Event) -> None:
        data: Any = event.data
        kernel = data["dispatcher"]
        if self.timer is None and str(kernel.py_func.__module__).startswith("scanlab.kernels"):
            name = kernel.py_func.__name__.replace("_", " ").strip()
            self.timer, self.kernel = Timer(PATIENCE_S, _say, (name,)), kernel
            self.timer.daemon = True
            self.timer.start()

    def on_end(self, event: Event) -> None:
        data: Any = event.data
        if self.timer is not None and data["dispatcher"] is self.kernel:
            self.timer.cancel()
            self.timer = self.kernel = None


def _say(name: str) -> None:
    from scanlab.kernels.cpu.caching import not_kept

    kept = "for this process alone" if not_kept() else "once; it is kept on disk"
    print(f"ScanLab: compiling the {name} for this processor, {kept}", file=sys.stderr, flush=True)
