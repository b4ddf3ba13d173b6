"""Strategies against the baseline: families of comparisons over all problems of a study, judged together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from scanlab.study.findings import Comparison, StrategyFindings
from scanlab.study.record import TrialResult
from scanlab.study.statistics import (
    Difference,
    effect_size,
    equivalence,
    holm,
    paired_difference,
    smallest_step,
)
from scanlab.study.tasks import Task
from scanlab.study.wording import verdict

__all__ = ["Measured", "compared", "resolution_of", "transfer_changes", "transfer_differences"]

Results = Mapping[tuple[str, int], TrialResult]


@dataclass(frozen=True)
class Measured:
    """A problem's trials as they are compared.

    results: by strategy and seed. waiting: the strategies of which trials have no result yet. margin: the largest
    difference of the metric that counts as none. overlap: as in `paired_difference`. step: the smallest that the metric
    can make on the samples measured on, None where nobody wrote down how many these are, or none follows from it.
    """

    name: str
    task: Task
    rows: Sequence[StrategyFindings]
    results: Results
    waiting: frozenset[str]
    margin: float
    overlap: float = 0.0
    step: float | None = None

    def comparable(self, baseline: str) -> list[StrategyFindings]:
        """Rows other than the baseline with trials of their own. None that diverged with some seed: those with which it
        did not are no fair choice among its seeds."""
        diverged = {row.label for row in self.rows if row.diverged}
        rows = [] if baseline in diverged else self.rows
        return [r for r in rows if r.label != baseline and not r.same_as and r.label not in diverged]

    def values(self, label: str, seeds: Sequence[int], transfer: str = "") -> list[float]:
        """The primary metric of a strategy on the test part, or on a change of it, by seed."""
        own = [self.results[label, seed] for seed in seeds]
        return [r.transfer.get(transfer, np.nan) if transfer else r.final[self.task.primary] for r in own]

    def difference(
        self, own: Sequence[float], base: Sequence[float], confidence: float, family: int, guess: float | None = None
    ) -> Difference:
        """Two lists of values compared; shares differ by no more than 1. guess: of the metric's step where that is not
        known. It may be far too large, and only judges what could not be judged without; nothing of equal values."""
        compare = partial(paired_difference, own, base, confidence, family=family, overlap=self.overlap)
        made = compare(resolution=self.step)
        if self.step is None and made.constant and not np.array_equal(own, base):
            made = compare(resolution=guess)
        if not self.task.unit or made.low is None or made.high is None:
            return made
        return replace(made, low=max(-1.0, made.low), high=min(1.0, made.high))


@dataclass(frozen=True)
class _Pair:
    problem: Measured
    label: str
    own: list[float]
    base: list[float]
    waiting: bool


def compared(problems: Sequence[Measured], baseline: str, confidence: float) -> dict[tuple[str, str], Comparison]:
    """The comparisons of a study by problem and label: strategies are one family, and controls another.

    A family is all comparisons with the baseline on all problems, those whose trials still wait included: they are not
    judged, and count as if they would not differ, so that no verdict that is given can be lost when they are done.
    """
    finished = not any(problem.waiting for problem in problems)
    return {
        place: comparison
        for control in (False, True)
        for place, comparison in _family(_pairs(problems, baseline, control), confidence, finished).items()
    }


def _pairs(problems: Sequence[Measured], baseline: str, control: bool) -> list[_Pair]:
    """Every row that can be compared with the baseline."""
    pairs = []
    for problem in problems:
        for row in problem.comparable(baseline):
            if (row.control is not None) != control:
                continue
            seeds = [seed for seed in row.seeds if (baseline, seed) in problem.results]
            own, base = problem.values(row.label, seeds), problem.values(baseline, seeds)
            waiting = not problem.waiting.isdisjoint((row.label, baseline))
            if seeds or waiting:
                pairs.append(_Pair(problem, row.label, own, base, waiting))
    return pairs


def _family(pairs: Sequence[_Pair], confidence: float, finished: bool) -> dict[tuple[str, str], Comparison]:
    steps = {p.problem.name: resolution_of(p.problem) for p in pairs}
    differences = [
        p.problem.difference(p.own, p.base, confidence, len(pairs), steps[p.problem.name]) if p.own else None
        for p in pairs
    ]
    adjusted = holm([1.0 if p.waiting else d and d.p for p, d in zip(pairs, differences, strict=True)])
    within = holm([_within(p, steps[p.problem.name]) if finished else None for p in pairs])
    comparisons = {}
    for pair, difference, p, q in zip(pairs, differences, adjusted, within, strict=True):
        if difference is None:
            continue
        place, effect = (pair.problem.name, pair.label), effect_size(pair.own, pair.base)
        p = None if pair.waiting else p
        kind, words = verdict(difference, p, q, pair.problem.margin, pair.problem.task, pair.waiting)
        each = tuple(np.subtract(pair.own, pair.base).tolist())
        comparisons[place] = Comparison(difference, p, q, effect, kind, words, each)
    return comparisons


def _within(pair: _Pair, step: float | None) -> float | None:
    problem = pair.problem
    return equivalence(pair.own, pair.base, problem.margin, step, overlap=problem.overlap) if step else None


def resolution_of(problem: Measured) -> float | None:
    """The metric's resolution: its step, or else a guess from all values of a problem, which show more steps than those
    of one pair."""
    if problem.step is not None:
        return problem.step
    values = [r.final[problem.task.primary] for r in problem.results.values()]
    return smallest_step([v for v in values if np.isfinite(v)] or [0.0])


def transfer_differences(
    problems: Sequence[Measured], baseline: str, confidence: float
) -> dict[tuple[str, str], dict[str, Difference]]:
    """Differences from the baseline on changed inputs, by problem, label and change; their intervals hold together."""
    pairs = [
        (problem, row, change, seeds)
        for problem in problems
        for row in problem.comparable(baseline)
        for change in row.transfer
        if (seeds := [s for s in row.seeds if change in _changes(problem, baseline, s)])
    ]
    differences: dict[tuple[str, str], dict[str, Difference]] = {}
    for problem, row, change, seeds in pairs:
        own, base = (problem.values(label, seeds, change) for label in (row.label, baseline))
        if np.isfinite([own, base]).all():
            made = problem.difference(own, base, confidence, len(pairs))
            differences.setdefault((problem.name, row.label), {})[change] = made
    return differences


def transfer_changes(problems: Sequence[Measured], confidence: float) -> dict[tuple[str, str], dict[str, Difference]]:
    """What changed inputs do to every strategy and control: its metric on them less that on the test part as it is,
    paired by seed, by problem, label and change; their intervals hold together."""
    rows = [(problem, row) for problem in problems for row in problem.rows if not row.diverged]
    pairs = [(problem, row, change) for problem, row in rows for change in row.transfer]
    changes: dict[tuple[str, str], dict[str, Difference]] = {}
    for problem, row, change in pairs:
        seeds = [s for s in row.seeds if change in _changes(problem, row.label, s)]
        own, usual = (problem.values(row.label, seeds, name) for name in (change, ""))
        if seeds and np.isfinite([own, usual]).all():
            made = problem.difference(own, usual, confidence, len(pairs))
            changes.setdefault((problem.name, row.label), {})[change] = made
    return changes


def _changes(problem: Measured, label: str, seed: int) -> Mapping[str, float]:
    result = problem.results.get((label, seed))
    return result.transfer if result else {}
