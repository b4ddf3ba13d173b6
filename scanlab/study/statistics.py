"""What the differences between paired trials allow one to say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True)
class Difference:
    """A strategy's accuracies minus the baseline's, paired by seed.

    mean, low and high in accuracy (0.01 is one point); low and high bound the confidence interval and p is the
    two-sided p of the same t test; all three are None where the seeds give no spread to judge by: a single seed, or
    equal differences for every seed.
    """

    mean: float
    seeds: int
    confidence: float
    low: float | None = None
    high: float | None = None
    p: float | None = None


def paired_difference(values: Sequence[float], baseline: Sequence[float], confidence: float = 0.95) -> Difference:
    """Compare two equally long lists of accuracies, one per seed, by Student's t on their differences.

    The interval is mean ± t sd / sqrt(n), with n - 1 degrees of freedom (Student 1908). It covers what the seed changes
    (initial weights, order of batches), not the choice of the test images.
    """
    differences = [a - b for a, b in zip(values, baseline, strict=True)]
    n = len(differences)
    mean = math.fsum(differences) / n
    squares = math.fsum((d - mean) ** 2 for d in differences)
    # Rounding leaves equal differences a spread near 1e-17, which would pass for certainty.
    if n < 2 or squares < n * 1e-20:
        return Difference(mean, n, confidence)
    error = math.sqrt(squares / (n - 1) / n)
    reach = float(stats.t.ppf(0.5 + confidence / 2, n - 1)) * error
    p = 2 * float(stats.t.sf(abs(mean) / error, n - 1))
    return Difference(mean, n, confidence, mean - reach, mean + reach, p)


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Adjust p values for making several comparisons (Holm 1979); None stays None and counts as no comparison."""
    tested = sorted((p, i) for i, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    largest = 0.0
    for rank, (p, i) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        adjusted[i] = largest
    return adjusted


def verdict(difference: Difference, adjusted_p: float | None) -> str:
    """One comparison in plain words, with the interval in points of accuracy.

    A difference counts when its Holm-adjusted p is below one minus the confidence, and nothing else does.
    """
    n = f"{difference.seeds} seed{'s' if difference.seeds != 1 else ''}"
    if difference.low is None or difference.high is None or adjusted_p is None:
        return f"not distinguishable with {n} (no spread to judge by)"
    low, high = 100 * difference.low, 100 * difference.high
    if adjusted_p >= 1 - difference.confidence:
        corrected = " once all comparisons are counted" if low > 0 or high < 0 else ""
        return f"not distinguishable with {n}{corrected}"
    if low > 0:
        return f"better by {low:.1f} to {high:.1f} points"
    return f"worse by {-high:.1f} to {-low:.1f} points"


def mean_spread(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean, and standard deviation with n - 1 in the denominator (None for a single value)."""
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, None
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))
