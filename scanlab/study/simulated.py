"""What a study of some size can find, in numbers: by drawing studies and judging them by the rule of `analyse`."""

from __future__ import annotations

import math
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from scanlab.study.statistics import EQUIVALENCE_PAIRS, ROUNDING, least_spread, student_quantile

__all__ = [
    "LARGEST_EFFECT",
    "MOST_SEEDS",
    "POWER",
    "Family",
    "detectable_effect",
    "equivalence_seeds",
    "equivalence_spread",
    "family_of",
    "seeds_for",
    "statistical_power",
]

POWER = 0.8
MOST_SEEDS = 1000
# A difference of more standard deviations than this is none that a study of orders meets.
LARGEST_EFFECT = 10.0
# Simulated studies of one size: the standard error of a share of 0.8 is 0.003 then.
STUDIES = 20_000
# Differences that are drawn one by one, at most: with very many pairs in fewer studies.
DRAWN = 1_000_000

# The comparisons with the baseline on every problem; that of which something is said is the first of the first.
Family = tuple[int, ...]


def family_of(comparisons: int | Family, problems: int = 1) -> Family:
    """As many comparisons on every problem; or those of each as they are, however the others are ordered.

    >>> family_of(3, problems=2), family_of((2, 1, 3))
    ((3, 3), (2, 3, 1))
    """
    if isinstance(comparisons, int):
        return (max(1, comparisons),) * problems
    return (max(1, comparisons[0]), *sorted((c for c in comparisons[1:] if c), reverse=True))


def statistical_power(
    effect: float,
    pairs: int,
    comparisons: int | Family = 1,
    confidence: float = 0.95,
    *,
    problems: int = 1,
    overlap: float = 0.0,
) -> float:
    """The chance that a true difference of one strategy from the baseline counts, among others that do not differ.

    effect: that difference in standard deviations of the paired differences. comparisons: with the baseline, on each of
    the problems; or a tuple of them, problem by problem, of which the first is the one asked about. Studies with normal
    noise are drawn (seeded) and judged by the rule of `analyse`: Student's t on the pairs of every strategy, Holm over
    all comparisons of all problems. overlap: as in `paired_difference`, of pairs that depend on each other as much as
    that correction takes them to. 0 for a single pair.

    >>> round(statistical_power(1.0, pairs=10), 1), round(statistical_power(1.0, pairs=10, overlap=0.5), 1)
    (0.8, 0.2)
    """
    if pairs < 2:
        return 0.0
    mean, error, critical = _equal_studies(pairs, family_of(comparisons, problems), 1 - confidence)
    # What pairs share moves their mean and widens its error by the same factor.
    effect /= _dependence(pairs, overlap)
    return float((np.abs(mean + effect) > critical * error).mean())


def _dependence(pairs: int, overlap: float) -> float:
    """By how much the error of a mean grows when pairs depend on each other."""
    return math.sqrt(1 + pairs * overlap)


@cache
def detectable_effect(
    pairs: int,
    comparisons: int | Family = 1,
    confidence: float = 0.95,
    *,
    problems: int = 1,
    overlap: float = 0.0,
) -> float | None:
    """The smallest true difference, in standard deviations of the paired differences, that counts four times in five.

    None where even LARGEST_EFFECT of them does not.

    >>> round(detectable_effect(5), 1), round(detectable_effect(5, overlap=0.5), 1)
    (1.7, 3.1)
    >>> detectable_effect(2) is None
    True
    """

    def enough(effect: float) -> bool:
        return statistical_power(effect, pairs, comparisons, confidence, problems=problems, overlap=overlap) >= POWER

    low, high = 0.0, LARGEST_EFFECT
    if not enough(high):
        return None
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@cache
def seeds_for(
    effect: float,
    comparisons: int | Family = 1,
    confidence: float = 0.95,
    *,
    problems: int = 1,
    overlap: float = 0.0,
) -> int | None:
    """How many pairs let a difference of `effect` standard deviations count four times in five; None beyond MOST_SEEDS,
    and where pairs depend on each other so much that no number is enough.

    >>> seeds_for(1.0), seeds_for(1.0, comparisons=3), seeds_for(1.0, overlap=0.05), seeds_for(1.0, overlap=0.5)
    (10, 14, 17, None)
    """
    family = family_of(comparisons, problems)

    def enough(pairs: int) -> bool:
        return statistical_power(effect, pairs, family, confidence, overlap=overlap) >= POWER

    # Holm needs no more pairs than a comparison that is judged at the level of the first of them alone.
    low, high = 1, _pairs_of_one(effect, (1 - confidence) / sum(family), overlap)
    while not enough(high):
        if high >= MOST_SEEDS:
            return None
        low, high = high, min(MOST_SEEDS, high + 1 + high // 8)
    # What Holm spares is little: look below the guess before halving all of the range.
    step = 1
    while high - low > 1:
        middle = max(low + 1, high - step)
        low, high, step = (low, middle, 2 * step) if enough(middle) else (middle, high, 1)
    return high


def _pairs_of_one(effect: float, alpha: float, overlap: float) -> int:
    """Pairs with which a single test at level alpha finds the effect, by the normal approximation with its correction
    for the estimated spread (Guenther 1981, doi 10.2307/2683329); at most MOST_SEEDS."""
    quantile = -float(special.ndtri(alpha / 2))
    share = (effect / (quantile + float(special.ndtri(POWER)))) ** 2 - overlap
    return MOST_SEEDS if share <= 0 else min(MOST_SEEDS, max(2, math.ceil(1 / share + quantile**2 / 2)))


@cache
def equivalence_spread(
    pairs: int,
    comparisons: int | Family = 1,
    confidence: float = 0.95,
    *,
    problems: int = 1,
    overlap: float = 0.0,
    step: float = 0.0,
) -> float | None:
    """The largest standard deviation of paired differences, in margins, with which a strategy that does not differ at
    all is called equivalent four times in five, whatever comes of the others.

    step: the smallest of the metric, in margins; the deviation is then that of differences that have fallen on steps.
    None for too few pairs, for a margin below the step, and where half a step, which a deviation counts as at least,
    is too much already.

    >>> round(equivalence_spread(5), 2), round(equivalence_spread(5, overlap=0.5), 2), equivalence_spread(2)
    (0.63, 0.33, None)
    >>> round(equivalence_spread(5, step=0.7), 2), equivalence_spread(3, comparisons=2, step=0.9)
    (0.59, None)
    """
    if pairs < EQUIVALENCE_PAIRS or step * (1 - ROUNDING) > 1:
        return None
    family = family_of(comparisons, problems)
    critical = float(student_quantile((1 - confidence) / sum(family), pairs - 1))
    # Both one-sided tests reject where the margin is farther than the mean and `critical` standard errors.
    mean, error, _ = _equal_studies(pairs, family, 1 - confidence)
    stepless = 1 / float(np.quantile(np.abs(mean) + critical * error, POWER)) / _dependence(pairs, overlap)
    if not step:
        return stepless
    if critical * float(least_spread(0.0, step)) * math.sqrt(1 / pairs + overlap) >= 1:
        return None
    low, high = 0.0, stepless / step
    for _ in range(12):
        middle = (low + high) / 2
        called, _ = _equivalent_share(middle, 1 / step, pairs, critical, overlap)
        low, high = (middle, high) if called >= POWER else (low, middle)
    return _equivalent_share(low, 1 / step, pairs, critical, overlap)[1] * step


def equivalence_seeds(
    comparisons: int | Family, confidence: float, *, overlap: float = 0.0, step: float = 0.0
) -> int | None:
    """The fewest pairs of which something can be called equivalent, as `equivalence_spread` has it; None where no
    number up to MOST_SEEDS is enough."""
    family = family_of(comparisons)
    for pairs in range(EQUIVALENCE_PAIRS, MOST_SEEDS + 1):
        critical = float(student_quantile((1 - confidence) / sum(family), pairs - 1))
        if critical * float(least_spread(0.0, step)) * math.sqrt(1 / pairs + overlap) < 1:
            return pairs
    return None


@lru_cache(maxsize=32)
def _equal_studies(pairs: int, family: Family, alpha: float) -> tuple[NDArray, NDArray, NDArray]:
    """Drawn studies without any true difference, [STUDIES] each: the first comparison's mean, its standard error, and
    the t above which Holm rejects it, in standard deviations of the paired differences.

    With k of the m - 1 others rejected by themselves, as the first k of m, that is where p is below alpha / (m - k).
    """
    generator = np.random.default_rng(0)
    drawn = [_problem(pairs, comparisons, generator) for comparisons in family]
    means, errors = (np.concatenate([problem[i] for problem in drawn], axis=1) for i in range(2))
    levels = student_quantile(alpha / np.arange(sum(family), 0, -1) / 2, pairs - 1)
    others = -np.sort(-np.abs(means[:, 1:] / errors[:, 1:]), axis=1)
    rejected = np.logical_and.accumulate(others > levels[:-1], axis=1).sum(1)
    return means[:, 0], errors[:, 0], levels[rejected]


def _problem(pairs: int, comparisons: int, generator: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Means and standard errors of the differences of strategies from one baseline, [STUDIES, comparisons] each.

    Differences have standard deviation 1, and 1/2 as covariance: they share the baseline. Of many pairs only moments
    are drawn: the mean, and the covariance's diagonal by Bartlett's decomposition of the Wishart distribution.
    """
    if pairs <= comparisons + 1:
        values = generator.normal(0, math.sqrt(0.5), (STUDIES, comparisons + 1, pairs))
        differences = values[:, 1:] - values[:, :1]
        return differences.mean(-1), differences.std(-1, ddof=1) / math.sqrt(pairs)
    root = np.linalg.cholesky(0.5 * (np.eye(comparisons) + 1))
    means = generator.normal(size=(STUDIES, comparisons)) @ root.T / math.sqrt(pairs)
    factor = np.tril(generator.normal(size=(STUDIES, comparisons, comparisons)), -1)
    diagonal = np.arange(comparisons)
    factor[:, diagonal, diagonal] = np.sqrt(generator.chisquare(pairs - 1 - diagonal, (STUDIES, comparisons)))
    variances = ((root @ factor) ** 2).sum(-1) / (pairs - 1)
    return means, np.sqrt(variances / pairs)


def _equivalent_share(
    deviation: float, margin: float, pairs: int, critical: float, overlap: float
) -> tuple[float, float]:
    """Of studies of a metric whose steps are 1, those in which a strategy that does not differ is called equivalent;
    and the standard deviation of its paired differences as it is measured, in steps.

    deviation: that of the differences before they fall on steps. margin: in steps. critical: the t that both one-sided
    tests must pass. overlap: as in `paired_difference`.
    """
    noise, shift, place = _pairs_drawn(pairs)
    common = math.sqrt(overlap) * deviation * shift
    differences = np.round(place + deviation * noise + common) - np.round(place)
    spread = differences.std(1, ddof=1)
    reach = critical * least_spread(spread, 1.0) * math.sqrt(1 / pairs + overlap)
    called = np.abs(differences.mean(1)) + reach < margin
    return float(called.mean()), math.sqrt(float((spread**2).mean()))


@cache
def _pairs_drawn(pairs: int) -> tuple[NDArray, NDArray, NDArray]:
    """Differences with standard deviation 1, [studies, pairs]; what all pairs of a study share, [studies, 1]; and where
    between two steps the baseline's values lie, [studies, pairs]."""
    generator, studies = np.random.default_rng(1), min(STUDIES, max(1, DRAWN // pairs))
    size = (studies, pairs)
    return generator.normal(size=size), generator.normal(size=(studies, 1)), generator.uniform(size=size)
