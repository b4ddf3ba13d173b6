"""The smallest call of every kernel against float64, each in a process of its own; then what the host costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from scanlab.bench.gpu_timing import replayed
from scanlab.bench.numerics import relative_error
from scanlab.facade import compile
from scanlab.ops import PathTable, index_table, path_table, selective_scan

from .device import device, under_a_stub
from .processes import Job
from .results import Results
from .settings import Settings
from .smoke_cases import CASES, Case

__all__ = ["case", "host", "smoke_jobs"]


ALLOWED = {"float32": 2e-4, "bfloat16": 3e-2}
Values = dict[str, Tensor]


def smoke_jobs(run: Settings, seconds: float) -> list[Job]:
    """One job for each case, and one for the host's share."""
    calls = [*(partial(case, run, number) for number in range(len(CASES))), partial(host, run)]
    names = [*(str(given) for given in CASES), "host"]
    return [Job(n, partial(under_a_stub, run, call), seconds) for n, call in zip(names, calls, strict=True)]


def case(run: Settings, number: int) -> None:
    """Values and gradients of a case against the float64 reference, and the same bits twice."""
    results, given = Results(run.out), CASES[number]
    about = {"case": str(given)}
    with results.caught("smoke", **about):
        values, table = _inputs(given, number)
        began = time.perf_counter()
        found = _outcome(values, table, "triton", device(run))
        torch.cuda.synchronize()
        first = time.perf_counter() - began
        again = _outcome(values, table, "triton", device(run))
        # Under a stub nothing is computed.
        wide = {name: value.double() for name, value in values.items()}
        expected = found if run.stub else _outcome(wide, table, "reference", device(run))
        errors = {name: relative_error(found[name], expected[name]) for name in expected}
        worst = max(errors, key=lambda name: errors[name])
        same = run.stub or all(torch.equal(found[name], again[name]) for name in found)
        right = same and (run.stub or errors[worst] <= ALLOWED[given.dtype])
        results.note("smoke", **about, right=right, worst=errors[worst], where=worst, same_bits=same, errors=errors)
        verdict = f"{'right' if right else 'WRONG'}, {'same' if same else 'OTHER'} bits"
        verdict += f", error {errors[worst]:.1e} in {worst}"
        results.show(f"smoke {given}: {'launched' if run.stub else verdict}, first call {first:.1f} s")


def _inputs(given: Case, seed: int) -> tuple[Values, PathTable]:
    draw = torch.Generator().manual_seed(seed)

    def normal(*size: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.randn(*size, generator=draw).to(dtype)

    half = getattr(torch, given.dtype)
    rows, paths, by_path = (given.samples, given.length, given.channels), 2, (2, given.channels)
    orders = torch.stack([torch.randperm(given.length, generator=draw) for _ in range(paths)])
    coefficients = (given.samples, paths, given.length, given.states)
    values = {
        "u": normal(*rows, dtype=half),
        "delta": normal(given.samples, paths, *rows[1:], dtype=half),
        "A": -normal(*by_path, given.states).exp(),
        "B": normal(*coefficients, dtype=half),
        "C": normal(*coefficients, dtype=half),
        "D": normal(*by_path),
        "delta_bias": normal(*by_path),
    }
    return values, index_table(orders, given.length, permutations=True)


def _outcome(values: Values, table: PathTable, backend: str, where: torch.device) -> Values:
    """y and the gradients of everything."""
    leaves = {name: t.to(where, copy=True).requires_grad_() for name, t in values.items()}
    options: dict[str, Any] = {**leaves, "paths": table.to(where), "delta_softplus": True, "backend": backend}
    y = selective_scan(**options)
    assert isinstance(y, Tensor), "no last state was asked for"
    # Rounded alike for both: half precision cannot count so far.
    upstream = torch.arange(y.shape[1], device=where).cos().to(values["u"].dtype).to(y.dtype)
    gradients = torch.autograd.grad(y, list(leaves.values()), upstream[:, None].expand_as(y).contiguous())
    return {"y": y.detach()} | dict(zip(leaves, gradients, strict=True))


def host(run: Settings) -> None:
    """Microseconds of the host per call, and whether the replay of a captured call gives the same bits."""
    results, where = Results(run.out), device(run)
    table = path_table(compile("cross", (7, 7))).to(where)
    shapes = ((1, 49, 96), (1, 4, 49, 96), (4, 96, 1), (1, 4, 49, 1), (1, 4, 49, 1), (4, 96), (4, 96))
    leaves = [torch.randn(*shape, device=where) for shape in shapes]
    leaves[2] = -leaves[2].exp()
    for leaf in leaves:
        leaf.requires_grad_()

    def call() -> Tensor:
        u, delta, A, B, C, D, bias = leaves
        y = selective_scan(u, delta, A, B, C, D, delta_bias=bias, delta_softplus=True, paths=table, backend="triton")
        assert isinstance(y, Tensor), "no last state was asked for"
        return y

    for what, backward in (("forward", False), ("forward + backward", True)):
        with results.caught("host", what=what):
            microseconds = _host_microseconds(call, leaves, backward, 3 if run.stub else 100)
            results.note("host", what=what, microseconds=round(microseconds, 1))
            results.show(f"host: {microseconds:.0f} us a call, {what}")
    with results.caught("graph"):
        same = _replays_alike(call) or run.stub
        results.note("graph", captured=True, same=same)
        results.show(f"CUDA graph: captured, its replay {'gives the same' if same else 'DIFFERS'}")


def _host_microseconds(call: Callable[[], Tensor], leaves: list[Tensor], backward: bool, times: int) -> float:
    def once() -> None:
        with torch.set_grad_enabled(backward):
            y = call()
        if backward:
            torch.autograd.grad(y.sum(), leaves)

    for _ in range(3):
        once()
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(times):
        once()
    microseconds = 1e6 * (time.perf_counter() - began) / times
    torch.cuda.synchronize()
    return microseconds


def _replays_alike(call: Callable[[], Tensor]) -> bool:
    kept: list[Tensor] = []

    def keep() -> None:
        with torch.no_grad():
            kept[:] = [call()]

    with torch.no_grad():
        expected = call().clone()
    replay = replayed(keep)
    kept[0].zero_()
    replay()
    torch.cuda.synchronize()
    return torch.equal(kept[0], expected)
