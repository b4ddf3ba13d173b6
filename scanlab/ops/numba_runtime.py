"""The threads of the CPU kernels: as many as torch was told to use, and no surprise for torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

import numba
import torch

from scanlab.cpus import available_cpus
from scanlab.ops.first_call import announce_compilation

__all__ = ["kernel_threads"]

_ONE_AT_A_TIME = Lock()


@contextmanager
def kernel_threads() -> Iterator[None]:
    """Run compiled kernels inside with torch.get_num_threads() threads, or as many as Numba has.

    Numba's `workqueue` layer, which it falls back to without OpenMP, ends the process when two threads launch kernels
    at once; there they wait for each other. As with all of OpenMP, a process that has run a kernel should not fork and
    run one in the child: start workers by "spawn" or "forkserver".
    """
    layer = _launch()
    numba.set_num_threads(min(torch.get_num_threads(), _available()))
    if layer == "workqueue":
        with _ONE_AT_A_TIME:
            yield
    else:
        yield


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
