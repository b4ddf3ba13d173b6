"""A row of results as every table shows it: shares in percent, differences in points, no p that is zero."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scanlab.study.findings import ProblemFindings, StrategyFindings
from scanlab.study.kinds import Kind, kind_of, kind_words
from scanlab.study.statistics import Difference, format_difference

__all__ = ["Cells", "cells", "chance", "interval", "share"]


@dataclass(frozen=True)
class Cells:
    """What a table may show of a row, "" for what is not known.

    kind: how it stands against the baseline. mean, spread: of the metric. difference, interval, p, effect: of the
    comparison with the baseline. samples: the interval that covers the choice of the test samples as well. words: its
    verdict, or why there is none. seconds: of a trial; throughput: its training samples per second; memory: MiB by
    which it grew at most.
    """

    kind: Kind
    mean: str
    spread: str
    difference: str
    interval: str
    p: str
    effect: str
    words: str
    parameters: str
    seconds: str
    samples: str = ""
    throughput: str = ""
    memory: str = ""


def cells(row: StrategyFindings, problem: ProblemFindings, baseline: str) -> Cells:
    """A row of a problem's results."""
    unit, c = problem.unit, row.comparison
    d = c.difference if c else None
    return Cells(
        kind=kind_of(row, problem, baseline),
        mean=share(row.mean, unit),
        spread=share(row.spread, unit),
        difference=format_difference(d.mean, unit) if d else "",
        interval=interval(d, unit) if d else "",
        p=chance(c.adjusted) if c else "",
        effect="" if c is None or c.effect is None else f"{c.effect:+.1f}",
        words=kind_words(row, problem, baseline),
        parameters="" if row.parameters is None else f"{row.parameters:,}",
        seconds="" if row.seconds is None else f"{row.seconds:.1f}",
        throughput="" if row.throughput is None else f"{row.throughput:,.0f}",
        memory="" if row.memory is None else f"{row.memory / (1 << 20):,.0f}",
        samples=interval(c.crossed.difference, unit) if c and c.crossed else "",
    )


def share(value: float | None, unit: str) -> str:
    """A metric: in percent, or as it is without a unit."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return "no number"
    return f"{100 * value:.2f}" if unit else f"{value:.4g}"


def interval(difference: Difference, unit: str = "points") -> str:
    """From where to where, "" where that cannot be judged."""
    if difference.low is None or difference.high is None:
        return ""
    return f"{format_difference(difference.low, unit)} to {format_difference(difference.high, unit)}"


def chance(p: float | None) -> str:
    """A p value; none is zero."""
    return "" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
