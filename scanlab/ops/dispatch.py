"""Which implementation runs where, and what to say when the fast one is missing."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import Any

import torch

from scanlab.compiler.bind import CompiledScan
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.marks import constant_result

__all__ = [
    "BACKENDS",
    "ScanlabWarning",
    "choose",
    "implementation",
    "missing",
    "path_function",
    "program_for",
    "say_once",
    "use_backend",
]


@dataclass(frozen=True)
class Backend:
    """Kernels of one kind. package: what they are compiled by; module: their file in the folder of every operator;
    device: the type of the devices that run them unless another backend is asked for."""

    package: str
    module: str
    device: str


KERNELS: Mapping[str, Backend] = MappingProxyType(
    {"cpu": Backend("numba", "cpu", "cpu"), "triton": Backend("triton", "gpu", "cuda")}
)
BACKENDS = ("reference", *KERNELS)
_FAST = {backend.device: name for name, backend in KERNELS.items()}


class ScanlabWarning(UserWarning):
    """Something works, but not as well as it could; the message says what to install or change.

    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", ScanlabWarning)  # what would run slowly is refused
    """


@cache
def missing(backend: str) -> str:
    """Why a backend cannot run on this machine, and what to install; "" where it can."""
    if backend == "reference":
        return ""
    package = KERNELS[backend].package
    try:
        import_module(package)
    except Exception as error:  # a broken installation raises whatever it likes
        return f"{package} cannot be imported ({type(error).__name__}: {error}); install it with: pip install {package}"
    return ""


# What every operator of the process uses unless its call says otherwise; read where torch.compile sees it change.
_chosen: str | None = None


@contextmanager
def use_backend(backend: str | None) -> Iterator[None]:
    """Let all operators inside run on a backend, those within models too, unless a call names its own.

    backend: "reference", "cpu", "triton", or None for the usual choice. It holds for the whole process, all threads
    included, and for a backward as its forward chose. Raises S750 for an unknown backend; S751, for one that cannot
    take the tensors, comes from the operators.

    >>> with use_backend("reference"):
    ...     choose(None, torch.device("cpu"), torch.float32)
    'reference'
    """
    global _chosen
    if backend is not None:
        _check_known(backend)
    before, _chosen = _chosen, backend
    try:
        yield
    finally:
        _chosen = before


def choose(requested: str | None, device: torch.device, dtype: torch.dtype) -> str:
    """The backend for tensors of a device and dtype: the requested one, that of `use_backend`, or the usual."""
    asked = _chosen if requested is None else requested
    if torch.compiler.is_compiling():
        from scanlab.ops.marked import MARKED

        return MARKED["_choice"](asked, device, dtype)
    return _choice(asked, device, dtype)


# The choice depends on the machine and on constants of a traced graph, never on data.
@constant_result
def _choice(requested: str | None, device: torch.device, dtype: torch.dtype) -> str:
    """The backend for tensors of a device and dtype.

    Without a request: Numba on the CPU, Triton on CUDA and ROCm devices, and the reference for float64 and for devices
    that have no kernels; a warning says once where that is slow. Raises S750 for an unknown backend, S751 for one
    that is missing or cannot take the tensors.
    """
    if requested is not None:
        return _checked(requested, device, dtype)
    # Shapes alone are asked for on the meta device, and every kernel gives the same.
    fast = "cpu" if device.type == "meta" else _FAST.get(device.type)
    if dtype == torch.float64:
        say_once("float64 is computed by the reference, step by step; the kernels take float32, bfloat16 and float16")
    elif fast is None:
        say_once(f"there are no kernels for {device.type} devices: the reference runs, about 100 times slower")
    elif missing(fast):
        say_once(f"the reference runs, about 100 times slower than the kernels: {missing(fast)}")
    else:
        return fast
    return "reference"


@cache
def implementation(operator: str, backend: str) -> ModuleType:
    """The module with `forward` and `backward` of an operator, named as its folder, on a backend that has kernels."""
    return import_module(f"scanlab.ops.{operator}.{KERNELS[backend].module}")


def _check_known(backend: str) -> None:
    if backend not in BACKENDS:
        raise ScanlabError.at("S750", f"there is no backend {backend!r}", help=f"choose one of {', '.join(BACKENDS)}")


def _checked(backend: str, device: torch.device, dtype: torch.dtype) -> str:
    _check_known(backend)
    if missing(backend):
        raise ScanlabError.at("S751", f"the backend {backend} is missing", note=missing(backend))
    if backend == "reference":
        return backend
    if dtype == torch.float64:
        raise ScanlabError.at("S751", f"the backend {backend} takes no float64", help='choose backend="reference"')
    if device.type == "meta":
        return backend
    if backend == "cpu" and device.type != "cpu":
        raise ScanlabError.at(
            "S751", f"the backend cpu takes no tensors on {device}", help="move the tensors to the CPU"
        )
    if backend == "triton" and device.type == "cpu" and not _interpreted():
        raise ScanlabError.at(
            "S751",
            "the backend triton needs tensors on a GPU",
            help="to run its kernels on the CPU, slowly, set TRITON_INTERPRET=1 before Python starts",
        )
    return backend


def _interpreted() -> bool:
    from triton import knobs

    return knobs.runtime.interpret


@cache
def say_once(message: str) -> None:
    """Warn with a ScanlabWarning, but never twice with the same words."""
    warnings.warn(message, ScanlabWarning, stacklevel=4)


@cache
def program_for(scan: CompiledScan, device: torch.device) -> str:
    """The name of the scan's path program, "" where the table serves as well or better: on CPUs always.

    Where the cache of generated code cannot be used, a warning says so once, and the table serves.
    """
    if device.type != "cuda" or missing("triton"):
        return ""
    from scanlab.codegen import program

    try:
        return program(scan).name
    except ScanlabError as error:
        say_once(f"paths are read from tables, since generated code cannot be kept: {error.diagnostics[0].message}")
        return ""


def path_function(program: str) -> Any:
    """The Triton function that gives the row of a step: a generated one, or the look-up in the table."""
    if program:
        from scanlab.codegen import load

        return load(program)
    from scanlab.kernels.gpu.paths import patch_from_table

    return patch_from_table
