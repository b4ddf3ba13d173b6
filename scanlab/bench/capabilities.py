"""What this machine can run: versions, devices, threads, directories, extras, and what to install where one lacks."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import torch

from scanlab.bench.machine import environment
from scanlab.codegen.cache import contents
from scanlab.cpus import available_cpus
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.dispatch import BACKENDS, missing

__all__ = ["Fact", "facts"]

EXTRAS = {
    "pictures": ("matplotlib", "PIL"),
    "reports": ("jinja2", "pyarrow"),
    "checkpoints": ("safetensors",),
    "data": ("PIL", "nibabel"),
    "explorer": ("nicegui",),
    "cluster": ("ray",),
    "search": ("optuna",),
    "logs": ("tensorboard",),
}


@dataclass(frozen=True)
class Fact:
    """One line about the machine; advice says what to install or change, "" where nothing is amiss."""

    name: str
    value: str
    advice: str = ""


def facts(backends: Sequence[str] = BACKENDS) -> Iterator[Fact]:
    """Everything that decides what runs where, for these backends.

    A parallel kernel must have run before, or Numba names no layer.
    """
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    yield Fact("scanlab", f"{_installed('scanlab')}, Python {platform.python_version()}, {system}")
    yield Fact("processor", str(environment(())["device"]))
    yield Fact("torch", f"{torch.__version__}, {torch.get_num_threads()} threads, {available_cpus()} processors to use")
    yield _gpu()
    if "cpu" in backends:
        yield _numba()
    if "triton" in backends:
        yield _triton()
    yield _cache()
    for extra, modules in EXTRAS.items():
        absent = [name for name in modules if find_spec(name) is None]
        advice = f'pip install "scanlab[{extra}]"' if absent else ""
        yield Fact(f"extra {extra}", f"missing: {', '.join(absent)}" if absent else "installed", advice)


def _gpu() -> Fact:
    """The CUDA or ROCm device; torch calls both cuda."""
    if not torch.cuda.is_available():
        built = "with CUDA" if torch.version.cuda else "with ROCm" if torch.version.hip else "for CPUs only"
        advice = "" if built == "for CPUs only" else "its driver does not answer; see nvidia-smi or rocm-smi"
        return Fact("GPU", f"none that torch can use ({torch.__version__} is built {built})", advice)
    device = torch.cuda.get_device_properties(0)
    platform_name = f"ROCm {torch.version.hip}" if torch.version.hip else f"CUDA {torch.version.cuda}"
    size = f"{device.total_memory / 2**30:.0f} GiB, {device.multi_processor_count} multiprocessors"
    return Fact("GPU", f"{device.name}, {platform_name}, {size}")


def _numba() -> Fact:
    """Version, width of a vector, threading layer and threads of the CPU kernels."""
    if why := missing("cpu"):
        return Fact("numba", "missing", why)
    from numba.core import config
    from numba.np.ufunc.parallel import threading_layer

    from scanlab.kernels.cpu.caching import not_kept
    from scanlab.kernels.cpu.target import TARGET

    try:
        layer = threading_layer()
    except ValueError:
        layer = "not started"
    threads: int = config.NUMBA_NUM_THREADS  # pyright: ignore[reportAttributeAccessIssue]
    used = min(torch.get_num_threads(), threads, available_cpus())
    advice = []
    if TARGET.width < 8:
        # Below AVX2 registers hold four float32 each: everything works, at a quarter of the speed.
        advice.append(f"compiled for {TARGET.name}, without AVX2: expect a quarter of the published speed")
    if why := not_kept():
        advice.append(f"kernels are compiled in every process: {why}")
    value = f"{_installed('numba')}, vectors of {TARGET.width} float32, threading layer {layer}, {used} threads"
    return Fact("numba", value, "; ".join(advice))


def _triton() -> Fact:
    if why := missing("triton"):
        return Fact("triton", "missing", why if torch.cuda.is_available() else f"only GPUs need it; {why}")
    from triton import knobs

    return Fact("triton", f"{_installed('triton')}, {'interpreted' if knobs.runtime.interpret else 'compiled'}")


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "of unknown version"


def _cache() -> Fact:
    """Where generated path functions are kept."""
    try:
        cache = contents()
    except ScanlabError as error:
        [diagnostic] = error.diagnostics
        return Fact("cache", diagnostic.message, ": ".join(p for p in (diagnostic.note, diagnostic.help) if p))
    return Fact("cache", f"{cache.directory}, {cache.functions} path functions, {cache.size / 1024:.1f} KiB")
