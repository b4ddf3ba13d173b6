"""What a study found, and the comparisons drawn from it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from scanlab.nn import BackboneSizes
from scanlab.study.statistics import Difference, holm, mean_spread, paired_difference, verdict
from scanlab.study.trial import Recipe, TrialResult


@dataclass(frozen=True)
class Strategy:
    """A strategy or control of a study: its name, its source text, and which control it is, if any."""

    name: str
    source: str
    control: str | None = None


@dataclass(frozen=True)
class StudyResult:
    """Everything a study measured and held equal.

    images: how many train and test images. linear: test accuracy of the linear classifier on the same split. The first
    strategy is the baseline. seconds: the whole run, on the wall clock.
    """

    dataset: str
    credit: str
    images: tuple[int, int]
    grid: tuple[int, ...]
    seeds: tuple[int, ...]
    sizes: BackboneSizes
    recipe: Recipe
    strategies: tuple[Strategy, ...]
    trials: tuple[TrialResult, ...]
    linear: float
    seconds: float
    versions: Mapping[str, str] = field(default_factory=lambda: versions())

    def of(self, strategy: str) -> list[TrialResult]:
        """The trials of a strategy, in the order of the seeds."""
        by_seed = {t.seed: t for t in self.trials if t.strategy == strategy}
        return [by_seed[seed] for seed in self.seeds]

    def to_json(self) -> dict[str, Any]:
        """The result in plain lists, dicts and numbers, with every epoch of every trial and the comparisons."""
        return asdict(self) | {"versions": dict(self.versions), "comparisons": [asdict(row) for row in rows(self)]}


@dataclass(frozen=True)
class Row:
    """One line of the results: a strategy's accuracy over the seeds and how it compares with the baseline.

    mean and spread (standard deviation, None with one seed) in accuracy; seconds per trial, mean; difference, p and
    verdict are None for the baseline itself; p is adjusted for all comparisons (Holm).
    """

    strategy: Strategy
    mean: float
    spread: float | None
    parameters: int
    seconds: float
    difference: Difference | None = None
    p: float | None = None
    verdict: str | None = None


def rows(result: StudyResult) -> list[Row]:
    """The results, one row per strategy and control; the baseline first."""
    values = {s.name: [t.accuracy for t in result.of(s.name)] for s in result.strategies}
    baseline, *others = result.strategies
    differences = {s.name: paired_difference(values[s.name], values[baseline.name]) for s in others}
    adjusted = dict(zip(differences, holm([d.p for d in differences.values()]), strict=True))
    table = []
    for strategy in result.strategies:
        mean, spread = mean_spread(values[strategy.name])
        trials = result.of(strategy.name)
        seconds = sum(t.seconds for t in trials) / len(trials)
        row = Row(strategy, mean, spread, trials[0].parameters, seconds)
        if strategy != baseline:
            difference, p = differences[strategy.name], adjusted[strategy.name]
            row = Row(strategy, mean, spread, row.parameters, seconds, difference, p, verdict(difference, p))
        table.append(row)
    return table


def points(difference: float) -> str:
    """A difference of accuracies in points, signed, with two decimals and no minus before a zero."""
    return f"{round(100 * difference, 2) + 0.0:+.2f}"


def conclusion(result: StudyResult) -> list[str]:
    """The findings in plain sentences: comparisons, controls, the linear classifier, parameters."""
    baseline, *others = rows(result)
    strategies = [row for row in others if row.strategy.control is None]
    sentences = _comparisons(baseline, strategies, len(result.seeds))
    sentences += [_control(row, baseline) for row in others if row.strategy.control]
    lowest = min([baseline, *strategies], key=lambda row: row.mean)
    relation = "is above" if lowest.mean > result.linear else "is not above"
    images = abs(lowest.mean - result.linear) * result.images[1]
    sentences.append(
        f"The lowest mean, {100 * lowest.mean:.1f} % of {lowest.strategy.name}, {relation} the linear classifier's "
        f"{100 * result.linear:.1f} % on the same split; they are {images:.0f} of {result.images[1]} images apart."
    )
    counts = {row.parameters for row in (baseline, *others)}
    equal = f"All have {baseline.parameters:,} parameters."
    return [*sentences, equal if len(counts) == 1 else f"Parameters differ, {min(counts):,} to {max(counts):,}."]


def _comparisons(baseline: Row, others: list[Row], seeds: int) -> list[str]:
    sentences = [
        f"{row.strategy.name} is {row.verdict} than {baseline.strategy.name}." for row in others if _found(row)
    ]
    alike = [row.strategy.name for row in others if not _found(row)]
    if alike:
        count = f"{seeds} seed{'s' if seeds != 1 else ''}"
        sentences.append(f"Not distinguishable from {baseline.strategy.name} with {count}: {', '.join(alike)}.")
    reaches = [
        (d.high - d.low) / 2 for d in (r.difference for r in others) if d and d.low is not None and d.high is not None
    ]
    if reaches:
        sentences.append(
            f"The intervals reach up to {100 * max(reaches):.1f} points either way: smaller effects may be missed."
        )
    return sentences


def _control(row: Row, baseline: Row) -> str:
    meaning = {
        "random order": "{0} over a shuffled grid is {1}: {2}the order of {0} mattered here.",
        "no memory": "{0} without memory between patches is {1}: {2}the scan itself mattered here.",
    }[row.strategy.control or ""]
    doubt = "" if _found(row) else "this study does not show that "
    verdict = f"{row.verdict} than {baseline.strategy.name}" if _found(row) else row.verdict
    return meaning.format(baseline.strategy.name, verdict, doubt)


def _found(row: Row) -> bool:
    return row.verdict is not None and not row.verdict.startswith("not ")


def versions() -> Mapping[str, str]:
    """What the numbers depend on: Python, the packages that compute, the machine."""
    found = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    for package in ("scanlab", "torch", "numpy", "scipy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "from source"
    return found
