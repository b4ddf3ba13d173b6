"""What a study shows, as values: what reports and tables show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scanlab.renamed import renamed_names
from scanlab.study.crossed import CrossedDifference
from scanlab.study.locality import LocalityFinding
from scanlab.study.statistics import Difference, Friedman

__all__ = [
    "Comparison",
    "Findings",
    "OverallFindings",
    "ProblemFindings",
    "SizeFindings",
    "SizePoint",
    "SizeRow",
    "StrategyFindings",
]

__getattr__ = renamed_names(__name__, {"Overall": "OverallFindings", "Row": "StrategyFindings"})


@dataclass(frozen=True)
class Comparison:
    """A strategy against the baseline.

    difference: paired, in the metric. adjusted: its p by Holm over the comparisons of all problems. equivalence: the p
    of lying within the margin, by Holm likewise; None where that cannot be claimed (`equivalence` of
    study.statistics), and while any trial of the study waits. effect: d_z. kind: "better", "worse", "equivalent",
    "not distinguishable", or "waiting" where trials of the two have no result yet; verdict: in words. differences: of
    every pair, in the order of the seeds that both have. crossed: with an interval that covers other test samples too;
    None where trials kept nothing of single samples, or measured on different ones.

    >>> difference = Difference(0.02, pairs=5, confidence=0.95, low=0.01, high=0.03, p=0.004)
    >>> Comparison(difference, 0.008, None, 1.9, "better", "better by 1.0 to 3.0 points").decided
    True
    """

    difference: Difference
    adjusted: float | None
    equivalence: float | None
    effect: float | None
    kind: str
    verdict: str
    differences: tuple[float, ...] = ()
    crossed: CrossedDifference | None = None

    @property
    def decided(self) -> bool:
        """Whether one of the two counts as better."""
        return self.kind in ("better", "worse")


@dataclass(frozen=True)
class StrategyFindings:
    """A strategy, or a control, on a problem.

    seeds: those with a result. mean, spread: of the primary metric over them (standard deviation; None for one seed).
    metrics: means of all. same_as: the strategy that it shares its trials with, "" for none. ratios: FLOPs and
    parameters over the baseline's. seconds, memory, throughput: means per trial. transfer: means on changed inputs.
    curves: epoch by epoch, the mean and the standard deviation of the primary metric, and the mean loss.
    transfer_differences: from the baseline on those changed inputs; transfer_changes: from the inputs as they are.
    waiting: some of its trials have no result yet.
    diverged: the seeds whose training was stopped because its loss was no number, or whose primary metric is none.

    >>> row = StrategyFindings("row", "by h, w", None, (0, 1), 0.9, 0.01, {"accuracy": 0.9}, *[None] * 6, {}, ())
    >>> row.label, row.mean, row.comparison
    ('row', 0.9, None)
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
    transfer_differences: Mapping[str, Difference] = field(default_factory=dict)
    transfer_changes: Mapping[str, Difference] = field(default_factory=dict)
    waiting: bool = False
    diverged: tuple[int, ...] = ()


@dataclass(frozen=True)
class ProblemFindings:
    """One problem. rows: strategies in their order, then controls; the baseline is among the first. friedman: over the
    strategies, in blocks of one seed; no verdict depends on it. locality: empty where no strategy differs. blind:
    neither a control without the order nor a strategy differs from the baseline. resolution: the smallest step between
    results; guessed: from these alone, since the `tested` samples measured on are not known (0), or do not tell it.
    paired: what every strategy has over the seeds that all have, by label; `pooled_seeds` of them.

    >>> row = StrategyFindings("row", "by h, w", None, (0, 1), 0.9, 0.01, {"accuracy": 0.9}, *[None] * 6, {}, ())
    >>> digits = ProblemFindings("digits", "classification", "accuracy", True, "points", 0.0, (row,), None, (), ())
    >>> digits.row("row").mean
    0.9
    """

    name: str
    task: str
    metric: str
    higher: bool
    unit: str
    margin: float
    rows: tuple[StrategyFindings, ...]
    friedman: Friedman | None
    locality: tuple[LocalityFinding, ...]
    sentences: tuple[str, ...]
    blind: bool = False
    resolution: float | None = None
    guessed: bool = True
    tested: int = 0
    paired: Mapping[str, float] = field(default_factory=dict)
    pooled_seeds: int = 0

    def row(self, label: str) -> StrategyFindings:
        """The row of a label. Raises KeyError where the problem has none."""
        row = self.row_or_none(label)
        if row is None:
            raise KeyError(label)
        return row

    def row_or_none(self, label: str) -> StrategyFindings | None:
        """The row of a label, None where the problem has none."""
        return next((row for row in self.rows if row.label == label), None)


@dataclass(frozen=True)
class OverallFindings:
    """A strategy over all problems, each of which counts once: its mean rank (1 the best) and, where all metrics are
    shares, its difference.

    >>> OverallFindings("hilbert", rank=1.5, difference=None, adjusted=None).rank
    1.5
    """

    label: str
    rank: float | None
    difference: Difference | None
    adjusted: float | None


@dataclass(frozen=True)
class SizePoint:
    """A strategy trained on so many images: mean and standard deviation over its seeds (None for one seed).

    >>> SizePoint(100, mean=0.91, spread=0.02, seeds=5).images
    100
    """

    images: int
    mean: float
    spread: float | None
    seeds: int


@dataclass(frozen=True)
class SizeRow:
    """A strategy, or a control, over all numbers of training images.

    change: its difference from the baseline with the fewest images less that with the most, paired by seed: above 0
    where few images raise its metric against the baseline's; None where no seed has all four results. adjusted: the p
    of it by Holm over the rows of all problems with sizes.

    >>> SizeRow("row", None, (SizePoint(100, 0.91, 0.02, 5),)).decided(0.95)
    False
    """

    label: str
    control: str | None
    points: tuple[SizePoint, ...]
    change: Difference | None = None
    adjusted: float | None = None

    def decided(self, confidence: float) -> bool:
        """Whether the change counts."""
        return self.adjusted is not None and self.adjusted < 1 - confidence


@dataclass(frozen=True)
class SizeFindings:
    """A problem learnt from several numbers of images. of: its name without them; problems: their names, fewest images
    first; equal: what the trainings have in common, "steps" or "epochs".

    >>> names = ("digits, 100 images", "digits, 400 images")
    >>> SizeFindings("digits", "accuracy", True, "points", "steps", (100, 400), names, ()).images
    (100, 400)
    """

    of: str
    metric: str
    higher: bool
    unit: str
    equal: str
    images: tuple[int, ...]
    problems: tuple[str, ...]
    rows: tuple[SizeRow, ...]


@dataclass(frozen=True)
class Findings:
    """A whole study. sentences: the verdict in plain words. counts: trials by status. failures: what went wrong, by
    trial in words. overall: empty for too few problems to pool. sizes: the problems that were
    learnt from several numbers of images.

    >>> verdict = "hilbert is better by 1.0 to 3.0 points than row."
    >>> Findings("orders", "", "row", 0.95, (0, 1), (), (), None, (verdict,), {"done": 4}, ()).sentences
    ('hilbert is better by 1.0 to 3.0 points than row.',)
    """

    name: str
    question: str
    baseline: str
    confidence: float
    seeds: tuple[int, ...]
    problems: tuple[ProblemFindings, ...]
    overall: tuple[OverallFindings, ...]
    friedman: Friedman | None
    sentences: tuple[str, ...]
    counts: Mapping[str, int]
    failures: tuple[tuple[str, str], ...]
    sizes: tuple[SizeFindings, ...] = ()
