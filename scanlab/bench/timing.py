"""Time calls side by side: in turns, in one process, as medians with their spread; and the memory they take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Self

import numpy as np

from scanlab.nn.measure import PeakMemory

__all__ = ["Times", "in_turns", "peak_extra_memory"]

Call = Callable[[], object]
BURST_S = 0.02


@dataclass(frozen=True)
class Times:
    """Milliseconds of several runs: median, quartiles, the quickest, how many; first_ms: the first of all."""

    median_ms: float
    low_ms: float
    high_ms: float
    fastest_ms: float
    runs: int
    first_ms: float

    @classmethod
    def of(cls, times_ms: Sequence[float], first_ms: float, *more: Any) -> Self:
        """The summary of several runs; more: what a subclass has besides.

        >>> Times.of([3.0, 1.0, 2.0, 4.0, 5.0], 9.0)
        Times(median_ms=3.0, low_ms=2.0, high_ms=4.0, fastest_ms=1.0, runs=5, first_ms=9.0)
        """
        low, median, high = (float(np.quantile(times_ms, q)) for q in (0.25, 0.5, 0.75))
        return cls(median, low, high, min(times_ms), len(times_ms), first_ms, *more)


def in_turns(calls: Mapping[str, Call], budget_s: float, most: int = 200) -> dict[str, Times]:
    """Run all calls in turns until each has had its part of the budget, so that noise meets all of them alike.

    Each runs twice unmeasured; the second run, which compiles and loads nothing any more, tells how often it fits into
    its part: 3 to `most` times. One whose first run takes more than twice the budget runs once more only. A quick call
    takes its turns in bursts of up to BURST_S, each after one run that is not measured: threads of the last call still
    wait busily for work, and the caches hold its data.
    """
    first = {name: _timed(call) for name, call in calls.items()}
    expected = {name: t if t > 2 * budget_s else _timed(calls[name]) for name, t in first.items()}
    share = budget_s / max(len(calls), 1)
    counts = {n: 1 if first[n] > 2 * budget_s else int(np.clip(share / t, 3, most)) for n, t in expected.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    while any(len(times[name]) < count for name, count in counts.items()):
        for name, call in calls.items():
            if len(times[name]) < counts[name]:
                times[name] += _burst(call, expected[name], counts[name] - len(times[name]))
    return {name: Times.of([1e3 * t for t in times[name]], 1e3 * first[name]) for name in calls}


def _burst(call: Call, expected: float, most: int) -> list[float]:
    if expected > BURST_S:
        return [_timed(call)]
    call()
    times = [_timed(call)]
    while sum(times) < BURST_S and len(times) < most:
        times.append(_timed(call))
    return times


def _timed(call: Call) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def peak_extra_memory(call: Call, device: str = "cpu") -> int | None:
    """Bytes by which memory grew, at most, while a call ran, see `PeakMemory`; None where the system does not tell."""
    with PeakMemory(device) as memory:
        call()
    return memory.peak
