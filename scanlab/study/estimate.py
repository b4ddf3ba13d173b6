"""What an earlier run says of the spread to expect."""

from __future__ import annotations

from scanlab.study.analysis import analyse
from scanlab.study.record import StudyRecord

__all__ = ["spread_so_far"]


def spread_so_far(record: StudyRecord) -> float | None:
    """The standard deviation of paired differences in what has run, averaged over problems and strategies; None where
    there are no pairs yet, or the metrics of the problems are of different kinds."""
    findings = analyse(record)
    if len({problem.unit for problem in findings.problems}) > 1:
        return None
    rows = [row for problem in findings.problems for row in problem.rows if row.comparison and not row.control]
    spreads = [c.difference.spread for row in rows if (c := row.comparison) and c.difference.spread is not None]
    return sum(spreads) / len(spreads) if spreads else None
