"""What a study of some size can find, said before it runs: by simulating studies and judging them as `analyse` does."""

from __future__ import annotations

import math
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from scanlab.ir.text import count_text
from scanlab.renamed import renamed_names
from scanlab.study.statistics import holm_adjusted, student_p

__all__ = ["POWER", "describe_power", "detectable_effect", "seeds_for", "statistical_power"]

__getattr__ = renamed_names(
    __name__, {"detectable": "detectable_effect", "power": "statistical_power", "sentence": "describe_power"}
)

POWER = 0.8
MOST_SEEDS = 1000
# A difference of more standard deviations than this is none that a study of orders meets.
LARGEST_EFFECT = 10.0
# Simulated studies of one size: the standard error of a power of 0.8 is 0.002 then.
STUDIES = 40_000


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
    mean, error, others = _studies(pairs, comparisons, problems)
    ps = np.concatenate([student_p(mean + effect, error, pairs)[:, None], others], axis=1)
    return float((holm_adjusted(ps)[:, 0] < 1 - confidence).mean())


@lru_cache(maxsize=8)
def _studies(pairs: int, comparisons: int, problems: int) -> tuple[NDArray, NDArray, NDArray]:
    """Drawn studies without any true difference: the first comparison's mean and standard error, [STUDIES], and the p
    of all others, [STUDIES, problems x comparisons - 1]."""
    generator = np.random.default_rng(0)
    drawn = [_problem(pairs, comparisons, generator) for _ in range(problems)]
    means, errors = (np.concatenate([problem[i] for problem in drawn], axis=1) for i in range(2))
    return means[:, 0], errors[:, 0], student_p(means[:, 1:], errors[:, 1:], pairs)


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
    low, high = 1, MOST_SEEDS
    if statistical_power(effect, high, comparisons, confidence, problems=problems) < POWER:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        enough = statistical_power(effect, middle, comparisons, confidence, problems=problems) >= POWER
        low, high = (low, middle) if enough else (middle, high)
    return high


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
            f"standard deviations of the paired differences: give at least {fewest} seeds, better {max(5, fewest or 5)}."
        )
    words = f"{reach:.1f} standard deviations of the paired differences"
    if spread:
        size = f"{100 * reach * spread:.1f} {unit}" if unit else f"{reach * spread:.3g}"
        words = f"about {size} ({words}, as far as they are known)"
    more = seeds_for(1.0, comparisons, confidence, problems=problems)
    return (
        f"With {counted} a true difference of {words} is found four times in five; "
        f"one standard deviation would take {more} seeds."
    )
