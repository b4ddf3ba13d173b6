"""Versions, device and what is missing: each asked for on its own, since this is what explains all the rest."""

from __future__ import annotations

import importlib
import platform
import shutil
import subprocess
from collections.abc import Callable

from .results import Results
from .settings import Settings

__all__ = ["environment"]

PACKAGES = ("torch", "triton", "numpy", "lark", "islpy", "networkx")
# Missing, these leave parts out: Numba tests against the CPU, pytest and hypothesis the device tests.
OPTIONAL = ("numba", "scipy", "typer", "rich", "pytest", "hypothesis", "einops")
OURS = ("scanlab", "scanlab.ops.mamba.gpu", "scanlab.nn", "scanlab.zoo", "scanlab.bench.gpu")
MISSING = "MISSING"
_CARD = "name,driver_version,clocks.sm,clocks.max.sm,clocks.mem,power.limit,memory.used,utilization.gpu"


def environment(run: Settings) -> None:
    """Note everything that is asked for, and show what decides; exit 1 where scanlab cannot be imported."""
    results = Results(run.out)
    facts = {"python": platform.python_version(), "stub": run.stub}
    for name in (*PACKAGES, *OPTIONAL, *OURS):
        facts[name] = _asked(lambda n=name: _version(n))
    facts["card"] = "none: a stub" if run.stub else _asked(_card)
    facts["nvidia-smi"] = _asked(lambda: _said("nvidia-smi", f"--query-gpu={_CARD}", "--format=csv,noheader"))
    for tool in ("nvcc", "gcc", "ncu"):
        facts[tool] = _asked(lambda t=tool: _said(t, "--version").splitlines()[-1])
    results.note("environment", **facts)
    results.show(f"GPU: {facts['nvidia-smi']}; torch's: {facts['card']}")
    results.show(", ".join(f"{name} {facts[name]}" for name in ("python", "torch", "triton", "numpy") if name in facts))
    absent = [name for name in facts if str(facts[name]).startswith(MISSING)]
    for name in [n for n in absent if n in (*PACKAGES, *OURS)][:6]:
        results.show(f"{name}: {facts[name]}")
    results.show(f"missing: {', '.join(absent) or 'nothing'}")
    if set(absent) & {*PACKAGES, *OURS}:
        raise SystemExit(1)


def _asked(question: Callable[[], object]) -> str:
    try:
        return str(question())
    except Exception as error:  # whatever a broken installation raises
        return f"{MISSING} {type(error).__name__}: {str(error)[:200]}"


def _version(name: str) -> str:
    return str(getattr(importlib.import_module(name), "__version__", "there"))


def _card() -> str:
    import torch

    found = torch.cuda.get_device_properties(0)
    level = ".".join(map(str, torch.cuda.get_device_capability(0)))
    size = f"{found.total_memory / 2**30:.0f} GiB, {found.multi_processor_count} multiprocessors"
    return f"{found.name}, capability {level}, {size}, CUDA {torch.version.cuda}"


def _said(*words: str) -> str:
    if shutil.which(words[0]) is None:
        raise FileNotFoundError(f"no {words[0]} on this machine")
    done = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False)
    return (done.stdout + done.stderr).strip()[-400:]
