"""What a study of some size can find, said before it runs."""

from __future__ import annotations

import math
from functools import cache

from scipy import stats

from scanlab.renamed import renamed_names

__all__ = ["POWER", "describe_power", "detectable_effect", "seeds_for", "statistical_power"]

__getattr__ = renamed_names(
    __name__, {"detectable": "detectable_effect", "power": "statistical_power", "sentence": "describe_power"}
)

POWER = 0.8
MOST_SEEDS = 1000


def statistical_power(effect: float, pairs: int, comparisons: int = 1, confidence: float = 0.95) -> float:
    """The chance that a paired t test finds a true difference of `effect` standard deviations of the differences.

    The level is divided by the number of comparisons, as for the smallest p under Holm (Bonferroni). By the noncentral
    t distribution.

    >>> round(statistical_power(1.0, pairs=10), 2)
    0.8
    """
    freedom = pairs - 1
    limit = float(stats.t.ppf(1 - (1 - confidence) / (2 * comparisons), freedom))
    shift = effect * math.sqrt(pairs)
    return float(stats.nct.sf(limit, freedom, shift) + stats.nct.cdf(-limit, freedom, shift))


@cache
def detectable_effect(pairs: int, comparisons: int = 1, confidence: float = 0.95) -> float | None:
    """The smallest true difference, in standard deviations of the paired differences, detected four times in five.

    None for a single pair, which shows no spread.

    >>> round(detectable_effect(5), 2)
    1.68
    """
    if pairs < 2:
        return None
    low, high = 0.0, 1.0
    while statistical_power(high, pairs, comparisons, confidence) < POWER:
        low, high = high, 2 * high
    for _ in range(40):
        middle = (low + high) / 2
        enough = statistical_power(middle, pairs, comparisons, confidence) >= POWER
        low, high = (low, middle) if enough else (middle, high)
    return high


@cache
def seeds_for(effect: float, comparisons: int = 1, confidence: float = 0.95) -> int | None:
    """How many pairs find a difference of `effect` standard deviations four times in five; None beyond MOST_SEEDS.

    >>> seeds_for(1.0), seeds_for(1.0, comparisons=3)
    (10, 14)
    """
    counts = range(2, MOST_SEEDS)
    return next((n for n in counts if statistical_power(effect, n, comparisons, confidence) >= POWER), None)


def describe_power(seeds: int, comparisons: int, spread: float | None = None, unit: str = "points") -> str:
    """What to expect of so many seeds and comparisons with a baseline.

    spread: the standard deviation of paired differences, from a run before this one, in the metric; None where there is
    none.

    >>> describe_power(seeds=1, comparisons=3)
    'With 1 seed and 3 comparisons no difference can be told from chance: give at least 2 seeds, better 5.'
    """
    counted = f"{seeds} seed{'s' if seeds != 1 else ''} and {comparisons} comparison{'s' if comparisons != 1 else ''}"
    reach = detectable_effect(seeds, max(1, comparisons))
    if reach is None:
        return f"With {counted} no difference can be told from chance: give at least 2 seeds, better 5."
    words = f"{reach:.1f} standard deviations of the paired differences"
    if spread:
        size = f"{100 * reach * spread:.1f} {unit}" if unit else f"{reach * spread:.3g}"
        words = f"about {size} ({words}, as far as they are known)"
    more = seeds_for(1.0, max(1, comparisons))
    return (
        f"With {counted} a true difference of {words} is found four times in five; "
        f"one standard deviation would take {more} seeds."
    )
