"""A scan written by hand in C++, as the practical limit: compiled when it is asked for, never part of ScanLab."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from scanlab.bench.workloads import Problem
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["compiled_limit", "limit_calls"]

LOG2_E = 1.4426950408889634
CHUNK = 32
STATES = (1, 16)


def compiled_limit(source: Path) -> ctypes.CDLL:
    """Compile a file that exports scan_fwd and scan_bwd (float32, vectors of 16). Raises S752 where that fails."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        raise ScanlabError.at("S752", "there is no C++ compiler", help="install g++, or leave --limit out")
    target = Path(tempfile.mkdtemp()) / "limit.so"
    flags = ["-O3", "-march=native", "-fopenmp", "-DPF=8", "-shared", "-fPIC"]
    built = subprocess.run([compiler, *flags, str(source), "-o", str(target)], capture_output=True, text=True)
    if built.returncode:
        note = built.stderr.strip().split("\n")[0]
        raise ScanlabError.at("S752", f"{source} does not compile", note=note, help="it needs a CPU with AVX-512")
    return ctypes.CDLL(str(target))


def limit_calls(library: ctypes.CDLL, given: Problem) -> tuple[Callable[[], object], Callable[[], object]]:
    """The forward, and the forward and backward, of a problem."""
    size = given.size
    A = given.A * LOG2_E
    inputs = (given.u, given.delta, A, given.B, given.C, given.D, given.orders.int().contiguous())
    y = torch.empty_like(given.u)
    chunks = -(-size.length // CHUNK)
    kept = torch.empty(size.samples * size.paths * chunks * size.channels * size.states)
    gradients = [torch.zeros_like(t) for t in inputs[:6]]
    sizes = (size.samples, size.paths, size.length, size.channels, size.states, CHUNK)

    def forward(checkpoints: Tensor | None = None) -> None:
        library.scan_fwd(*map(_address, (*inputs, y, checkpoints)), *sizes)

    def both() -> None:
        forward(kept)
        for gradient in gradients:
            gradient.zero_()
        library.scan_bwd(*map(_address, (*inputs, kept, given.upstream, *gradients)), *sizes)

    return forward, both


def _address(tensor: Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())
