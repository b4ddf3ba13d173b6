"""Our state space dual beside mamba_ssm's Triton kernels of it, where its files are: they need no compiled extension.

They are imported by file, since importing mamba_ssm itself asks for its extension. MAMBA_SSM names the folder of the
package; else it is looked for where Python looks for packages.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from scanlab.bench.gpu_timing import gpu_turns
from scanlab.bench.numerics import relative_error
from scanlab.ops import index_table
from scanlab.ops.mamba2.api import ssd

from .device import FEW, device, under_a_stub
from .processes import Job
from .results import Results
from .settings import Settings

__all__ = ["dual_jobs"]

VARIABLE, COMBINED = "MAMBA_SSM", Path("ops/triton/ssd_combined.py")
OURS, THEIRS = "scanlab triton", "mamba_ssm Triton SSD"
# A layer of Mamba-2's 130M model: samples, length, heads, width of a head, states, chunk.
SIZE = (8, 4096, 24, 64, 128, 64)
TURNS = 10


def dual_jobs(run: Settings, seconds: float) -> list[Job]:
    """One process."""
    return [Job("state space dual", partial(under_a_stub, run, partial(_dual, run)), seconds)]


def _dual(run: Settings) -> None:
    results = Results(run.out)
    with results.caught("dual"):
        leaves = _leaves(run)
        calls: dict[str, Callable[[], Any]] = {OURS: partial(_ours, leaves)}
        folder = _folder()
        if folder is None:
            why = f"no {COMBINED} of mamba_ssm: name its folder in {VARIABLE}, or install it"
            results.note("dual", name=THEIRS, absent=why)
        else:
            calls[THEIRS] = partial(_theirs, _combined(folder), leaves)
        with torch.no_grad():
            outputs = {name: call().float() for name, call in calls.items()}
        upstream = torch.randn_like(leaves["x"])
        for backward in (False, True):
            timed = {name: _pass(call, list(leaves.values()), upstream, backward) for name, call in calls.items()}
            for name, times in gpu_turns(timed, 1 if run.stub else TURNS).items():
                differs = relative_error(outputs[name], outputs[OURS])
                results.note("dual", name=name, backward=backward, differs=differs, times=asdict(times))


def _leaves(run: Settings) -> dict[str, torch.Tensor]:
    samples, length, heads, width, states, _ = (FEW, 128, 2, 64, 64, 64) if run.stub else SIZE
    where = device(run)

    def normal(*size: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.randn(*size, device=where, dtype=dtype)

    half = torch.bfloat16
    values = {
        "x": normal(samples, length, heads, width, dtype=half),
        "dt": normal(samples, length, heads).sigmoid(),
        "A": -normal(heads).exp(),
        "B": normal(samples, length, 1, states, dtype=half),
        "C": normal(samples, length, 1, states, dtype=half),
        "D": normal(heads),
    }
    return {name: value.requires_grad_() for name, value in values.items()}


def _ours(leaves: dict[str, torch.Tensor]) -> Any:
    x, dt, A, B, C, D = leaves.values()
    table = _row_by_row(x.shape[1], x.device)
    return ssd(x, dt[:, None], A[None], B[:, None], C[:, None], D[None], paths=table, chunk=SIZE[-1], backend="triton")


_TABLES: dict[int, Any] = {}


def _row_by_row(length: int, where: torch.device) -> Any:
    """Made once: looking at a table on the device would wait for it."""
    if length not in _TABLES:
        _TABLES[length] = index_table(torch.arange(length)[None], length, permutations=True).to(where)
    return _TABLES[length]


def _theirs(combined: Callable[..., Any], leaves: dict[str, torch.Tensor]) -> Any:
    x, dt, A, B, C, D = leaves.values()
    return combined(x, dt, A, B, C, SIZE[-1], D=D)


def _pass(call: Callable[[], Any], leaves: list[torch.Tensor], upstream: torch.Tensor, backward: bool) -> Any:
    def both() -> Any:
        return torch.autograd.grad(call(), leaves, upstream)

    return both if backward else torch.no_grad()(call)


def _folder() -> Path | None:
    named = [Path(os.environ[VARIABLE])] if os.environ.get(VARIABLE) else []
    return next((f for f in (*named, *(Path(p) / "mamba_ssm" for p in sys.path)) if (f / COMBINED).is_file()), None)


def _combined(folder: Path) -> Callable[..., Any]:
    """mamba_ssm's function, without running the package's own __init__."""
    for name in ("mamba_ssm", "mamba_ssm.ops", "mamba_ssm.ops.triton", "mamba_ssm.utils"):
        package = ModuleType(name)
        package.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
    return import_module("mamba_ssm.ops.triton.ssd_combined").mamba_chunk_scan_combined
