"""Strategies over several problems: problems are the units, since another seed is no other problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from scanlab.study.findings import OverallFindings, ProblemFindings
from scanlab.study.statistics import Friedman, friedman, holm, paired_difference

__all__ = ["POOLED_PROBLEMS", "is_pooled", "overall_findings"]

# Below so many problems a mean over them says more of the choice of problems than of the strategies.
POOLED_PROBLEMS = 6


def overall_findings(
    problems: Sequence[ProblemFindings], data: Mapping[str, str], baseline: str, confidence: float
) -> tuple[tuple[OverallFindings, ...], Friedman | None]:
    """Every strategy's mean rank and, where all metrics are shares, its difference from the baseline, over problems.

    Values are means over seeds first, of those seeds that all strategies of a problem have. data: what each problem
    learns from, by its name: problems of one data set and task are variants and stand for one problem, by their mean.
    Problems that lack a strategy, or have no seed with all of them, are left out. Nothing is pooled below
    POOLED_PROBLEMS. The intervals hold for all strategies together, "for another problem of this kind", and p is Holm's
    over them.
    """
    labels = list(dict.fromkeys(row.label for problem in problems for row in problem.rows if row.control is None))
    known = {p.name: [p.paired[label] for label in labels] for p in problems if is_pooled(p, labels)}
    groups: dict[tuple[str, str], list[ProblemFindings]] = {}
    for problem in problems:
        if problem.name in known:
            groups.setdefault((data[problem.name], problem.task), []).append(problem)
    if len(groups) < POOLED_PROBLEMS:
        return (), None
    means = np.array([np.mean([known[p.name] for p in group], axis=0) for group in groups.values()])
    signs = np.array([[1.0 if group[0].higher else -1.0] for group in groups.values()])
    test = friedman(means * signs)
    ranks = dict(zip(labels, test.ranks, strict=True)) if test else {}
    first = next(iter(groups.values()))[0]
    compared = [label for label in labels if label != baseline and not first.row(label).same_as]
    pooled = {}
    if all(problem.unit and problem.higher for group in groups.values() for problem in group):
        columns = dict(zip(labels, means.T.tolist(), strict=True))
        pooled = {
            label: paired_difference(columns[label], columns[baseline], confidence, family=len(compared))
            for label in compared
        }
    adjusted = dict(zip(pooled, holm([d.p for d in pooled.values()]), strict=True))
    rows = [OverallFindings(x, ranks.get(x), pooled.get(x), adjusted.get(x)) for x in labels]
    return tuple(rows), test


def is_pooled(problem: ProblemFindings, labels: Sequence[str]) -> bool:
    """Whether a problem has a paired mean of every one of these strategies."""
    return all(label in problem.paired for label in labels)
