"""What ScanLab promises about its speed on a CPU with two cores, and whether a run bears it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scanlab.bench.kernels import LIMIT, Figure, Report

__all__ = ["Check", "checks"]


@dataclass(frozen=True)
class Promise:
    """A ratio to a peer, for N = 1 or more states: at least `least` times as fast, or at most `most` times as slow."""

    peer: str
    one_state: bool
    backward: bool
    least: float = 0.0
    most: float = float("inf")


PROMISES = (
    Promise("torch, sequential", False, False, least=50),
    Promise("mamba.py pscan", False, False, least=25),
    Promise("torch associative_scan, compiled", False, False, least=8),
    Promise("torch, sequential", True, False, least=40),
    Promise("mamba.py pscan", True, False, least=11),
    Promise("mamba.py pscan", False, True, least=12),
    Promise("mamba.py pscan", True, True, least=8),
    Promise(LIMIT, False, False, most=1.3),
    Promise(LIMIT, False, True, most=1.5),
    Promise(LIMIT, True, False, most=2),
    Promise(LIMIT, True, True, most=2),
)
RANDOM_ORDER = 1.1


@dataclass(frozen=True)
class Check:
    """One promise at one size: what was measured, in words, and whether it holds."""

    text: str
    wanted: str
    measured: float
    holds: bool


def checks(report: Report) -> Iterator[Check]:
    """Every promise that the run can speak to."""
    for figure in report.figures:
        for promise in PROMISES:
            if _concerns(promise, figure, report):
                yield _check(promise, figure)
    for order in report.orders:
        text = f"L={order.length} N={order.states} K={order.paths}, {_direction(order.backward)}: random over row"
        yield Check(text, f"at most {RANDOM_ORDER:g}", order.ratio, order.ratio <= RANDOM_ORDER)


def _concerns(promise: Promise, figure: Figure, report: Report) -> bool:
    same = promise.peer == figure.name and promise.backward == figure.backward and figure.times is not None
    return same and promise.one_state == (report.sizes[figure.size].states == 1)


def _check(promise: Promise, figure: Figure) -> Check:
    where = f"{figure.size}, {_direction(figure.backward)}"
    ratio = figure.times_ours or 0.0
    if promise.least:
        return Check(f"{where}: {figure.name} over ours", f"at least {promise.least:g}", ratio, ratio >= promise.least)
    ours = 1 / ratio if ratio else float("inf")
    return Check(f"{where}: ours over {figure.name}", f"at most {promise.most:g}", ours, ours <= promise.most)


def _direction(backward: bool) -> str:
    return "forward + backward" if backward else "forward"
