"""What an earlier run says of the spread to expect."""

from __future__ import annotations

from collections.abc import Sequence

from scanlab.study.analysis import analyse
from scanlab.study.findings import ProblemFindings
from scanlab.study.record import StudyRecord

__all__ = ["spread_so_far", "spreads_so_far"]


def spread_so_far(record: StudyRecord) -> float | None:
    """The standard deviation of paired differences in what has run, averaged over problems and strategies; None where
    there are no pairs yet, or the metrics of the problems are of different kinds."""
    findings = analyse(record)
    if len({problem.unit for problem in findings.problems}) > 1:
        return None
    return _mean([spread for problem in findings.problems for spread in _spreads(problem)])


def spreads_so_far(record: StudyRecord) -> dict[str, float]:
    """As `spread_so_far`, of each problem by its name; of those that have pairs."""
    means = {problem.name: _mean(_spreads(problem)) for problem in analyse(record).problems}
    return {name: mean for name, mean in means.items() if mean is not None}


def _spreads(problem: ProblemFindings) -> list[float]:
    compared = [row.comparison for row in problem.rows if row.comparison and not row.control]
    return [c.difference.spread for c in compared if c.difference.spread is not None]


def _mean(spreads: Sequence[float]) -> float | None:
    return sum(spreads) / len(spreads) if spreads else None
