"""What ScanLab promises about its speed on a CPU with two cores, and whether a run bears it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scanlab.bench.kernels import LIMIT, OURS, Figure, Report
from scanlab.bench.timing import Times

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
FIRST_CALL_S = 2.0


@dataclass(frozen=True)
class Check:
    """One promise at one size: what was promised, what was measured, and whether it holds, by the medians.

    fastest: the same ratio of the quickest runs, which noise on a shared machine touches least.
    """

    text: str
    promised: str
    measured: float
    holds: bool
    fastest: float


def checks(report: Report) -> Iterator[Check]:
    """Every promise that the run can speak to."""
    ours = {(f.size, f.backward): f.times for f in report.figures if f.name == OURS}
    for backward in (False, True):
        # The first size of a run: later ones find the kernels loaded.
        times = next((t for (_, b), t in ours.items() if b == backward and t is not None), None)
        if times is not None:
            seconds = times.first_ms / 1e3
            text = f"first call, {_direction(backward)}: seconds (kernels compiled by an earlier run)"
            yield Check(text, f"at most {FIRST_CALL_S:g}", seconds, seconds <= FIRST_CALL_S, seconds)
    for figure in report.figures:
        base = ours.get((figure.size, figure.backward))
        for promise in PROMISES:
            if figure.times is not None and base is not None and _concerns(promise, figure, report):
                yield _check(promise, figure, figure.times, base)
    for order in report.orders:
        text = f"L={order.length} N={order.states} K={order.paths}, {_direction(order.backward)}: random over row"
        fastest = order.shuffled.fastest_ms / order.row.fastest_ms
        yield Check(text, f"at most {RANDOM_ORDER:g}", order.ratio, order.ratio <= RANDOM_ORDER, fastest)
    for figure in report.continued:
        if figure.most is None:
            continue
        text = f"{figure.size}, {_direction(figure.backward)}: {figure.what} over {figure.beside}"
        fastest = figure.times.fastest_ms / figure.times_beside.fastest_ms
        yield Check(text, f"at most {figure.most:g}", figure.ratio, figure.ratio <= figure.most, fastest)


def _concerns(promise: Promise, figure: Figure, report: Report) -> bool:
    same = promise.peer == figure.name and promise.backward == figure.backward
    return same and promise.one_state == (report.sizes[figure.size].states == 1)


def _check(promise: Promise, figure: Figure, times: Times, ours: Times) -> Check:
    where = f"{figure.size}, {_direction(figure.backward)}"
    ratio, fastest = times.median_ms / ours.median_ms, times.fastest_ms / ours.fastest_ms
    if promise.least:
        promised = f"at least {promise.least:g}"
        return Check(f"{where}: {figure.name} over ours", promised, ratio, ratio >= promise.least, fastest)
    promised = f"at most {promise.most:g}"
    return Check(f"{where}: ours over {figure.name}", promised, 1 / ratio, 1 / ratio <= promise.most, 1 / fastest)


def _direction(backward: bool) -> str:
    return "forward + backward" if backward else "forward"
