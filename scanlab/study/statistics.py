"""What the differences between paired trials allow one to say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from scanlab.renamed import renamed_names

__all__ = [
    "Correlation",
    "Difference",
    "Friedman",
    "average_ranks",
    "effect_size",
    "equivalence",
    "format_difference",
    "friedman",
    "holm",
    "holm_adjusted",
    "least_spread",
    "mean_spread",
    "paired_difference",
    "rank_correlation",
    "smallest_step",
    "student_p",
    "student_quantile",
    "student_tail",
]

__getattr__ = renamed_names(__name__, {"points": "format_difference"})


# Random orders that a permutation test draws.
DRAWS = 9_999
# Values nearer to each other than this are one value that was rounded twice.
ROUNDING = 1e-12
# With two pairs their spread is a matter of luck: it cannot carry the claim that there is no difference, and that two
# differences are equal says next to nothing.
EQUIVALENCE_PAIRS = 3


@dataclass(frozen=True)
class Difference:
    """A strategy's values minus the baseline's, paired.

    mean, low and high in the metric's own unit (0.01 of accuracy is one point). low and high bound an interval that
    holds, with the given confidence, for all `family` comparisons together; p is the two-sided p of Student's t for
    this comparison alone: low and high leave out 0 exactly where family times p is below one minus the confidence.
    spread: the standard deviation of the paired differences, None for a single pair and where all are the same; then
    low, high and p are None too, but where `paired_difference` could put a spread in its place.

    >>> Difference(0.02, pairs=1, confidence=0.95).p is None
    True
    """

    mean: float
    pairs: int
    confidence: float
    low: float | None = None
    high: float | None = None
    p: float | None = None
    family: int = 1
    spread: float | None = None

    @property
    def constant(self) -> bool:
        """Whether several pairs differ by the same: their spread is none, which is no certainty."""
        return self.spread is None and self.pairs > 1


def paired_difference(
    values: Sequence[float],
    baseline: Sequence[float],
    confidence: float = 0.95,
    *,
    family: int = 1,
    overlap: float = 0.0,
    resolution: float | None = None,
) -> Difference:
    """Compare two equally long lists of values, pair by pair.

    The interval is Student's, mean ± t sd sqrt(1 / n + overlap), for `family` comparisons together (Bonferroni). It
    covers what differs between the pairs (initial weights, batches; problems where they are pooled), not the choice of
    the test samples. overlap: samples measured on over samples trained on, where pairs redraw both from the same data
    (Nadeau and Bengio 2003, doi 10.1023/A:1024068626366). Raises ValueError for lists of unequal length: numpy would
    stretch a list of one.

    resolution: the smallest step of the metric. Differences that fall on few steps are no normal ones, and Student's t
    alone finds up to 6.6 % of studies without a true difference to have one, where 5 % are allowed (3 to 20 pairs, 1 to
    8 comparisons, simulated). Their spread counts as sqrt(sd^2 + step^2 / 12) therefore, what rounding to a step adds,
    and as half a step at least: at most 5.0 % then. So it does with EQUIVALENCE_PAIRS pairs or more that all differ by
    the same; without a resolution these have no interval and no p.

    >>> difference = paired_difference([0.93, 0.95, 0.94], [0.90, 0.91, 0.92])
    >>> f"{difference.mean:.3f}, from {difference.low:.3f} to {difference.high:.3f}, p = {difference.p:.3f}"
    '0.030, from 0.005 to 0.055, p = 0.035'
    """
    differences = _paired(values, baseline)
    n, mean = len(differences), float(math.fsum(differences) / len(differences))
    spread = float(differences.std(ddof=1)) if n > 1 else 0.0
    # Rounding leaves equal differences a spread near 1e-17, which would pass for certainty.
    constant = n < 2 or spread < ROUNDING * max(1.0, float(np.abs(values).max()))
    if constant and (n < EQUIVALENCE_PAIRS or not resolution):
        return Difference(mean, n, confidence, family=family)
    measured = None if constant else spread
    if resolution:
        spread = float(least_spread(0.0 if constant else math.hypot(spread, resolution / math.sqrt(12)), resolution))
    error = spread * math.sqrt(1 / n + overlap)
    reach = float(student_quantile((1 - confidence) / family / 2, n - 1)) * error
    p = float(student_p(mean, error, n))
    return Difference(mean, n, confidence, mean - reach, mean + reach, p, family, measured)


def least_spread(spread: ArrayLike, step: float) -> NDArray[np.float64]:
    """What the standard deviation of paired differences counts as at least where the metric has steps: half of one, the
    most that a difference which falls on two neighbouring steps can have."""
    return np.maximum(spread, step / 2)


def student_p(mean: ArrayLike, error: ArrayLike, pairs: int) -> NDArray[np.float64]:
    """The two-sided p of Student's t for means of paired differences and their standard errors, of any shape."""
    return 2 * student_tail(np.abs(mean) / np.asarray(error), pairs - 1)


def student_tail(t: ArrayLike, freedom: ArrayLike) -> NDArray[np.float64]:
    """The chance that Student's t with so many degrees of freedom is above t."""
    # scipy.stats has the same, and takes a second to import.
    return special.stdtr(freedom, -np.asarray(t, dtype=float))


def student_quantile(tail: ArrayLike, freedom: ArrayLike) -> NDArray[np.float64]:
    """The t that is exceeded with the chance `tail`."""
    return -special.stdtrit(freedom, tail)


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Adjust p values for making several comparisons (Holm 1979); None stays None and counts as no comparison.

    >>> holm([0.01, 0.04, None])
    [0.02, 0.04, None]
    """
    tested = [i for i, p in enumerate(ps) if p is not None]
    adjusted: list[float | None] = [None] * len(ps)
    for i, p in zip(tested, holm_adjusted(np.array([ps[i] for i in tested], dtype=float)).tolist(), strict=True):
        adjusted[i] = p
    return adjusted


def holm_adjusted(ps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's adjusted p values along the last axis: the k-th smallest of m, k from 0, times m - k, and never below a
    smaller one's.

    >>> holm_adjusted(np.array([[0.04, 0.01], [0.5, 0.9]])).tolist()
    [[0.04, 0.02], [1.0, 1.0]]
    """
    order = np.argsort(ps, axis=-1, kind="stable")
    steps = np.take_along_axis(ps, order, -1) * np.arange(ps.shape[-1], 0, -1)
    raised = np.maximum.accumulate(np.minimum(steps, 1.0), axis=-1)
    adjusted = np.empty_like(raised)
    np.put_along_axis(adjusted, order, raised, -1)
    return adjusted


def equivalence(
    values: Sequence[float],
    baseline: Sequence[float],
    margin: float,
    resolution: float | None = None,
    *,
    overlap: float = 0.0,
) -> float | None:
    """The p of the claim that the true difference lies within ±margin: two one-sided paired t tests, the larger p.

    Schuirmann 1987, doi 10.1007/BF01068419. resolution: the smallest step of the metric, such as one over the samples
    of an accuracy; by default the smallest step between the values. Differences that rounding to it makes equal are no
    proof that there is none: their standard deviation counts as `least_spread` (with resolution / sqrt(12), that of
    rounding, 7 % of studies claimed equivalence at the margin; so 0 to 5.7 % do in the 18 cases of
    `benchmarks/results/statistics.json`, with a standard error of 0.5 %, and 5.1 % with one of 0.2 % of 12,000 studies
    of the worst). None, and so no claim, without a margin, for one below the resolution, for fewer than
    EQUIVALENCE_PAIRS pairs, and where all values are the same, so that nothing tells how finely they are measured.
    overlap: as in `paired_difference`.

    >>> round(equivalence([0.93, 0.95, 0.94], [0.92, 0.95, 0.95], margin=0.03), 3)
    0.018
    """
    differences = _paired(values, baseline)
    n = len(differences)
    step = smallest_step([*values, *baseline]) if resolution is None else resolution
    if n < EQUIVALENCE_PAIRS or not step or margin <= 0 or margin < step * (1 - ROUNDING):
        return None
    spread = float(least_spread(differences.std(ddof=1), step))
    mean, error = float(differences.mean()), spread * math.sqrt(1 / n + overlap)
    return float(max(student_tail((mean + margin) / error, n - 1), student_tail((margin - mean) / error, n - 1)))


def smallest_step(values: Sequence[float]) -> float | None:
    """The smallest difference between two of the values that are not the same; None where all are.

    >>> f"{smallest_step([0.50, 0.75, 0.625, 0.5]):.3f}"
    '0.125'
    """
    steps = np.diff(np.unique(np.asarray(values, dtype=float)))
    steps = steps[steps > ROUNDING * max(1.0, float(np.abs(values).max()))]
    return float(steps.min()) if len(steps) else None


def effect_size(values: Sequence[float], baseline: Sequence[float]) -> float | None:
    """The mean difference in standard deviations of the differences, Cohen's d_z, with Hedges' correction for few pairs
    (1 - 3 / (4 (n - 1) - 1)). None where there is no spread to divide by.

    >>> round(effect_size([0.93, 0.95, 0.94, 0.96], [0.90, 0.91, 0.92, 0.93]), 2)
    2.67
    """
    differences = _paired(values, baseline)
    n = len(differences)
    if n < 3 or differences.std(ddof=1) < ROUNDING:
        return None
    return float(differences.mean() / differences.std(ddof=1) * (1 - 3 / (4 * (n - 1) - 1)))


@dataclass(frozen=True)
class Friedman:
    """Friedman's test that all strategies are alike, over blocks: seeds by problems.

    statistic: his chi-square with `strategies` - 1 degrees of freedom; p: by permutation; ranks: of every strategy, 1
    for the best, averaged over blocks.

    >>> Friedman(statistic=6.0, p=0.03, blocks=3, ranks=(1.0, 2.0, 3.0)).ranks[0]
    1.0
    """

    statistic: float
    p: float
    blocks: int
    ranks: tuple[float, ...]


def friedman(values: NDArray[np.float64], higher: bool = True) -> Friedman | None:
    """Test [blocks, strategies] (Friedman 1937); None for fewer than 3 strategies or 2 blocks.

    p is the share of DRAWS random orders within the blocks, by a fixed seed, whose statistic is as large: chi-square's
    own tail is too far off with the handful of blocks that a study has.

    >>> test = friedman(np.array([[0.90, 0.93, 0.91], [0.91, 0.95, 0.92], [0.92, 0.94, 0.93]]))
    >>> round(test.p, 2), test.ranks
    (0.03, (3.0, 1.0, 2.0))
    """
    blocks, count = values.shape
    if blocks < 2 or count < 3:
        return None
    ranks = average_ranks(-values if higher else values)
    spread = float(((ranks - (count + 1) / 2) ** 2).sum())
    if not spread:
        return Friedman(0.0, 1.0, blocks, tuple(ranks.mean(0).tolist()))
    scale = (count - 1) / spread

    def statistic(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return scale * ((sums - blocks * (count + 1) / 2) ** 2).sum(-1)

    observed = float(statistic(ranks.sum(0)))
    generator = np.random.default_rng(0)
    sums = np.zeros((DRAWS, count))
    for row in ranks:
        sums += generator.permuted(np.broadcast_to(row, sums.shape), axis=1)
    # The observed order is one of those that could have been drawn.
    p = (1 + int((statistic(sums) >= observed - 1e-9).sum())) / (DRAWS + 1)
    return Friedman(observed, p, blocks, tuple(ranks.mean(0).tolist()))


def average_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1 along the last axis, averaged where values are equal: scipy.stats takes a second to import."""
    below = (values[..., None] > values[..., None, :]).sum(-1)
    upto = (values[..., None] >= values[..., None, :]).sum(-1)
    return (below + upto + 1) / 2


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation over strategies, with its interval; None where there are too few of them.

    >>> Correlation(rho=0.8, low=None, high=None, count=4).rho
    0.8
    """

    rho: float
    low: float | None
    high: float | None
    count: int


def rank_correlation(x: Sequence[float], y: Sequence[float], confidence: float = 0.95) -> Correlation | None:
    """Spearman's rho with Fisher's interval; its standard error is sqrt(1.06 / (n - 3)) on the arctanh scale (Fieller,
    Hartley and Pearson 1957). None where one of the two is constant; no interval below 5 points.

    >>> result = rank_correlation([1.0, 2.0, 3.0, 4.0, 5.0], [0.90, 0.91, 0.93, 0.92, 0.95])
    >>> f"{result.rho:.1f}, from {result.low:.2f} to {result.high:.2f}"
    '0.9, from 0.05 to 0.99'
    """
    n = len(x)
    if n < 3 or len(set(x)) < 2 or len(set(y)) < 2:
        return None
    matrix = np.asarray(np.corrcoef(average_ranks(np.array([x, y], np.float64))))
    rho = float(matrix[0, 1])
    if n < 5 or abs(rho) > 1 - 1e-9:
        return Correlation(rho, None, None, n)
    reach = float(special.ndtri(0.5 + confidence / 2)) * math.sqrt(1.06 / (n - 3))
    return Correlation(rho, math.tanh(math.atanh(rho) - reach), math.tanh(math.atanh(rho) + reach), n)


def _paired(values: Sequence[float], baseline: Sequence[float]) -> NDArray[np.float64]:
    if len(values) != len(baseline):
        raise ValueError(f"{len(values)} values and {len(baseline)} of the baseline are no pairs")
    return np.subtract(values, baseline)


def format_difference(difference: float, unit: str = "points") -> str:
    """A difference, signed and with no minus before a zero: in points (hundredths), or as it is without a unit."""
    return f"{round(100 * difference, 2) + 0.0:+.2f}" if unit else f"{difference:+.3g}"


def mean_spread(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean, and standard deviation with n - 1 in the denominator (None for a single value)."""
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, None
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))
