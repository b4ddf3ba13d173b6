"""What two sets of answers to the same questions allow one to say."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special


@dataclass(frozen=True)
class MatchedDifference:
    """The share of right answers minus the baseline's, on the same questions.

    difference, low, high: in [-1, 1] (0.01 is one point), with the bounds of the confidence interval; gained, lost: how
    many answers are right here alone, and in the baseline alone; p: of the hypothesis that both are as likely.

    >>> MatchedDifference(0.02, -0.01, 0.05, gained=5, lost=3, p=0.73).gained
    5
    """

    difference: float
    low: float
    high: float
    gained: int
    lost: int
    p: float


def matched_difference(
    right: NDArray[np.bool_], baseline: NDArray[np.bool_], confidence: float = 0.95
) -> MatchedDifference:
    """Compare two bool arrays [M], which answers are right, M at least 1.

    The interval is Wald's with half an answer added to each of the four counts (Agresti and Min 2005, doi
    10.1002/sim.1781), clipped to [-1, 1]; p is McNemar's, exact: binomial over the answers on which the two differ. So
    they may disagree by a little. Both speak of other questions of the same kind, not of other trainings.

    >>> right, baseline = np.array([True] * 95 + [False] * 5), np.array([True] * 85 + [False] * 15)
    >>> difference = matched_difference(right, baseline)
    >>> difference.difference, round(difference.p, 4)
    (0.1, 0.002)
    """
    gained, lost, n = int((right & ~baseline).sum()), int((baseline & ~right).sum()), len(right)
    # Both tails of the binomial with 1/2 are alike. scipy.stats has the test, and takes a second to import.
    p = min(1.0, 2 * float(special.bdtr(min(gained, lost), gained + lost, 0.5))) if gained + lost else 1.0
    more, less, total = gained + 0.5, lost + 0.5, n + 2
    middle = (more - less) / total
    spread = math.sqrt(more + less - (more - less) ** 2 / total) / total
    reach = float(special.ndtri(0.5 + confidence / 2)) * spread
    low, high = max(-1.0, middle - reach), min(1.0, middle + reach)
    return MatchedDifference((gained - lost) / n, low, high, gained, lost, p)
