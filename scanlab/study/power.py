"""What a study of some size can find, said before it runs: by simulating studies and judging them as `analyse` does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from scanlab.ir.text import count_text
from scanlab.renamed import renamed_names
from scanlab.study.statistics import EQUIVALENCE_PAIRS, student_quantile
from scanlab.study.wording import amount, margin_amount

__all__ = [
    "POWER",
    "PowerOf",
    "describe_power",
    "describe_problems_power",
    "describe_study_power",
    "detectable_effect",
    "equivalence_spread",
    "seeds_for",
    "statistical_power",
]

__getattr__ = renamed_names(
    __name__, {"detectable": "detectable_effect", "power": "statistical_power", "sentence": "describe_power"}
)

POWER = 0.8
MOST_SEEDS = 1000
# A difference of more standard deviations than this is none that a study of orders meets.
LARGEST_EFFECT = 10.0
# Simulated studies of one size: the standard error of a power of 0.8 is 0.003 then.
STUDIES = 20_000


def statistical_power(
    effect: float, pairs: int, comparisons: int = 1, confidence: float = 0.95, *, problems: int = 1
) -> float:
    """The chance that a true difference of one strategy from the baseline counts, among others that do not differ.

    effect: that difference in standard deviations of the paired differences. comparisons: with the baseline, on each of
    the problems. Studies with normal noise are drawn (seeded) and judged by the rule of `analyse`: Student's t on the
    pairs of every strategy, Holm over all comparisons of all problems. 0 for a single pair.

    >>> round(statistical_power(1.0, pairs=10), 1)
    0.8
    """
    if pairs < 2:
        return 0.0
    mean, error, critical = _studies(pairs, comparisons, 1 - confidence, problems)
    return float((np.abs(mean + effect) > critical * error).mean())


@lru_cache(maxsize=32)
def _studies(pairs: int, comparisons: int, alpha: float, problems: int) -> tuple[NDArray, NDArray, NDArray]:
    """Drawn studies without any true difference, [STUDIES] each: the first comparison's mean, its standard error, and
    the t above which Holm rejects it.

    With k of the m - 1 others rejected by themselves, as the first k of m, that is where p is below alpha / (m - k).
    """
    generator = np.random.default_rng(0)
    drawn = [_problem(pairs, comparisons, generator) for _ in range(problems)]
    means, errors = (np.concatenate([problem[i] for problem in drawn], axis=1) for i in range(2))
    levels = student_quantile(alpha / np.arange(comparisons * problems, 0, -1) / 2, pairs - 1)
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


@cache
def detectable_effect(pairs: int, comparisons: int = 1, confidence: float = 0.95, *, problems: int = 1) -> float | None:
    """The smallest true difference, in standard deviations of the paired differences, that counts four times in five.

    None where even LARGEST_EFFECT of them does not.

    >>> round(detectable_effect(5), 1)
    1.7
    >>> detectable_effect(2) is None
    True
    """

    def enough(effect: float) -> bool:
        return statistical_power(effect, pairs, comparisons, confidence, problems=problems) >= POWER

    low, high = 0.0, LARGEST_EFFECT
    if not enough(high):
        return None
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@cache
def seeds_for(effect: float, comparisons: int = 1, confidence: float = 0.95, *, problems: int = 1) -> int | None:
    """How many pairs let a difference of `effect` standard deviations count four times in five; None beyond MOST_SEEDS.

    >>> seeds_for(1.0), seeds_for(1.0, comparisons=3)
    (10, 14)
    """

    def enough(pairs: int) -> bool:
        return statistical_power(effect, pairs, comparisons, confidence, problems=problems) >= POWER

    # Holm needs no more pairs than a comparison that is judged at the level of the first of them alone.
    alpha = (1 - confidence) / (comparisons * problems)
    low, high = 1, _pairs_of_one(effect, alpha)
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


def _pairs_of_one(effect: float, alpha: float) -> int:
    """Pairs with which a single test at level alpha finds the effect, by the normal approximation with its correction
    for the estimated spread (Guenther 1981, doi 10.2307/2683329); at most MOST_SEEDS."""
    quantile = -float(special.ndtri(alpha / 2))
    pairs = ((quantile + float(special.ndtri(POWER))) / effect) ** 2 + quantile**2 / 2
    return min(MOST_SEEDS, max(2, math.ceil(pairs)))


def describe_power(
    seeds: int,
    comparisons: int,
    spread: float | None = None,
    unit: str = "points",
    *,
    problems: int = 1,
    confidence: float = 0.95,
) -> str:
    """What to expect of so many seeds and, on each problem, comparisons with a baseline.

    spread: the standard deviation of paired differences, from a run before this one, in the metric; None where there is
    none.

    >>> print(describe_power(seeds=5, comparisons=3, spread=0.01))
    With 5 seeds and 3 comparisons a true difference of about 2.3 points (2.3 standard deviations of the paired
    differences, as far as they are known) is found four times in five; one standard deviation would take 14 seeds.
    """
    comparisons = max(1, comparisons)
    counted = f"{count_text(seeds, 'seed')} and {count_text(comparisons * problems, 'comparison')}"
    reach = detectable_effect(seeds, comparisons, confidence, problems=problems)
    if reach is None:
        fewest = seeds_for(LARGEST_EFFECT, comparisons, confidence, problems=problems)
        return (
            f"With {counted} nothing can be told from chance, not even a true difference of {LARGEST_EFFECT:.0f} "
            f"standard deviations of the paired differences: give {fewest} seeds or more."
        )
    words = f"{reach:.1f} standard deviations of the paired differences"
    if spread:
        words = f"about {amount(reach * spread, unit)} ({words}, as far as they are known)"
    more = seeds_for(1.0, comparisons, confidence, problems=problems)
    return (
        f"With {counted} a true difference of {words} is found four times in five; "
        f"one standard deviation would take {more} seeds."
    )


def equivalence_spread(
    pairs: int, comparisons: int = 1, confidence: float = 0.95, *, problems: int = 1
) -> float | None:
    """The largest standard deviation of paired differences, in margins, with which a strategy that does not differ at
    all is called equivalent four times in five, whatever comes of the others; None for too few pairs.

    >>> round(equivalence_spread(5), 2), equivalence_spread(2)
    (0.63, None)
    """
    if pairs < EQUIVALENCE_PAIRS:
        return None
    mean, error, _ = _studies(pairs, comparisons, 1 - confidence, problems)
    critical = float(student_quantile((1 - confidence) / (comparisons * problems), pairs - 1))
    # Both one-sided tests reject where the margin is farther than the mean and `critical` standard errors.
    return 1 / float(np.quantile(np.abs(mean) + critical * error, POWER))


def describe_problems_power(
    seeds: int,
    problems: Sequence[PowerOf],
    spread: float | None = None,
    *,
    confidence: float = 0.95,
) -> list[str]:
    """What to expect of a study of several problems: as `describe_study_power`, for the one with the most comparisons.

    spread and margin are spoken of only where they mean the same on all problems.
    """
    alike = len({(p.unit, p.margin) for p in problems}) == 1
    return describe_study_power(
        seeds,
        max(p.strategies for p in problems),
        max(p.controls for p in problems),
        spread,
        problems[0].unit,
        problems=len(problems),
        margin=problems[0].margin if alike else 0.0,
        confidence=confidence,
    )


@dataclass(frozen=True)
class PowerOf:
    """A problem as its power depends on it: how many different strategies (the baseline among them) and controls it
    has, what a hundredth of its metric is called, and its margin, 0 for none and for one below the smallest step."""

    strategies: int
    controls: int
    unit: str
    margin: float


def describe_study_power(
    seeds: int,
    strategies: int,
    controls: int = 0,
    spread: float | None = None,
    unit: str = "points",
    *,
    problems: int = 1,
    margin: float = 0.0,
    confidence: float = 0.95,
) -> list[str]:
    """What to expect of a study: of its strategies (the baseline among them), of its controls, which are a family of
    their own, and of the claim that strategies are equivalent within the margin.

    >>> for sentence in describe_study_power(seeds=5, strategies=4, controls=2, margin=0.02):
    ...     print(sentence)
    With 5 seeds and 3 comparisons a true difference of 2.3 standard deviations of the paired differences is found four
    times in five; one standard deviation would take 14 seeds.
    Controls are judged by themselves: with 5 seeds and 2 comparisons a true difference of 2.0 standard deviations of
    the paired differences is found four times in five; one standard deviation would take 13 seeds.
    Strategies that do not differ are called equivalent within ±2.0 points four times in five where their paired
    differences have a standard deviation of 0.9 points or less.
    """
    sentences = []
    if strategies > 1:
        sentences.append(describe_power(seeds, strategies - 1, spread, unit, problems=problems, confidence=confidence))
    if controls:
        said = describe_power(seeds, controls, spread, unit, problems=problems, confidence=confidence)
        sentences.append(f"Controls are judged by themselves: {said[0].lower()}{said[1:]}")
    if margin > 0 and strategies > 1:
        largest = equivalence_spread(seeds, strategies - 1, confidence, problems=problems)
        size = f"±{margin_amount(margin, unit)}"
        if largest is None:
            sentences.append(
                f"Nothing is called equivalent within {size}: that takes {EQUIVALENCE_PAIRS} seeds or more."
            )
        else:
            reach = amount(largest * margin, unit)
            sentences.append(
                f"Strategies that do not differ are called equivalent within {size} four times in five where their "
                f"paired differences have a standard deviation of {reach} or less."
            )
    return sentences
