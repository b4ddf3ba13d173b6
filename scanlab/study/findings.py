"""What a study shows, as values: what reports and tables show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scanlab.study.locality import LocalityFinding
from scanlab.study.statistics import Difference, Friedman

__all__ = ["Comparison", "Findings", "Overall", "ProblemFindings", "Row"]


@dataclass(frozen=True)
class Comparison:
    """A strategy against the baseline.

    difference: paired, in the metric. adjusted: its p by Holm over the problem's comparisons. equivalence: the p of
    lying within the margin, by Holm likewise; None without a margin. effect: d_z. kind: "better", "worse",
    "equivalent" or "not distinguishable"; verdict: in words.
    """

    difference: Difference
    adjusted: float | None
    equivalence: float | None
    effect: float | None
    kind: str
    verdict: str

    @property
    def decided(self) -> bool:
        """Whether one of the two counts as better."""
        return self.kind in ("better", "worse")


@dataclass(frozen=True)
class Row:
    """A strategy, or a control, on a problem.

    seeds: those with a result. mean, spread: of the primary metric over them (standard deviation; None for one seed).
    metrics: means of all. same_as: the strategy that it shares its trials with, "" for none. ratios: FLOPs and
    parameters over the baseline's. seconds, memory, throughput: means per trial. transfer: means on changed inputs.
    curves: epoch by epoch, the mean and the standard deviation of the primary metric, and the mean loss.
    """

    label: str
    source: str
    control: str | None
    seeds: tuple[int, ...]
    mean: float | None
    spread: float | None
    metrics: Mapping[str, float]
    parameters: int | None
    flops: int | None
    ratios: tuple[float, float] | None
    seconds: float | None
    memory: float | None
    throughput: float | None
    transfer: Mapping[str, float]
    curves: tuple[tuple[float, float, float], ...]
    same_as: str = ""
    comparison: Comparison | None = None


@dataclass(frozen=True)
class ProblemFindings:
    """One problem. rows: strategies in their order, then controls; the baseline is among the first."""

    name: str
    task: str
    metric: str
    higher: bool
    unit: str
    margin: float
    rows: tuple[Row, ...]
    friedman: Friedman | None
    locality: tuple[LocalityFinding, ...]
    sentences: tuple[str, ...]

    def row(self, label: str) -> Row:
        """The row of a label."""
        return next(row for row in self.rows if row.label == label)


@dataclass(frozen=True)
class Overall:
    """A strategy over all problems: its mean rank (1 the best) and, where all metrics are shares, its difference."""

    label: str
    rank: float | None
    difference: Difference | None
    adjusted: float | None


@dataclass(frozen=True)
class Findings:
    """A whole study. sentences: the verdict in plain words. counts: trials by status. failures: what went wrong, by
    trial in words. overall: empty for one problem."""

    name: str
    question: str
    baseline: str
    confidence: float
    seeds: tuple[int, ...]
    problems: tuple[ProblemFindings, ...]
    overall: tuple[Overall, ...]
    friedman: Friedman | None
    sentences: tuple[str, ...]
    counts: Mapping[str, int]
    failures: tuple[tuple[str, str], ...]
