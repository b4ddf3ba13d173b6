"""Intervals that cover the choice of the test samples as well as the seeds, from the scores of every sample."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanlab.study.statistics import Difference, student_quantile, student_tail

__all__ = ["CrossedDifference", "crossed_difference", "flips"]

DRAWS = 1_999
# Weights that are held at once while drawing.
_CHUNK = 1 << 24


@dataclass(frozen=True)
class CrossedDifference:
    """A strategy's metric minus the baseline's, over seeds and samples that both may be others another time.

    difference: with `pairs` seeds; method: "crossed t" or "crossed bootstrap". samples: how many. from_samples: the
    share of the variance of the mean that more test samples would take away, the rest being what more seeds would;
    None where nothing varies.

    >>> CrossedDifference(Difference(0.02, pairs=5, confidence=0.95), samples=539, from_samples=0.3).samples
    539
    """

    difference: Difference
    samples: int
    from_samples: float | None = None
    method: str = ""


def crossed_difference(
    values: NDArray[np.float64],
    baseline: NDArray[np.float64],
    confidence: float = 0.95,
    *,
    bootstrap: bool = False,
    rng: int = 0,
) -> CrossedDifference:
    """Compare scores [seeds, samples] or [seeds, samples, columns] of the same seeds on the same samples.

    A score says what a sample gives to the metric (right or wrong, Dice of each class), NaN that it gives nothing; the
    metric is the mean over columns of their means over samples. Seeds and samples are crossed random effects: the
    variance of the mean comes from the mean squares of the two-way table of differences, and interval and p are
    Student's with Satterthwaite's degrees of freedom ("crossed t"). bootstrap: the interval is between percentiles of
    tables whose seeds and samples are drawn with replacement, both arms alike ("crossed bootstrap"; Owen 2007, arXiv
    0711.3083; fixed seed), which few seeds make too short and no true difference too long. Raises ValueError for arrays
    of unequal shapes, or fewer than 2 seeds or samples.

    Coverage at 95 %, simulated (normal effects of seed, sample and both, from none to what dominates; right and wrong
    answers of two models; 72 and 500 samples; 1,000 tables each): 92 to 98 % with 3 seeds, 94 to 98 % with 5, 94 to
    97 % with 20. By bootstrap 89 to 99 % with 3 and 5 and 95 to 100 % with 20. Student's t over the seeds, which takes
    these samples for all there are, covers 80 to 96 % with 5 and 50 to 95 % with 20.

    >>> draw = np.random.default_rng(0)
    >>> easy, luck = draw.normal(size=(1, 200)), draw.normal(size=(5, 200))
    >>> baseline = (easy + luck > -1) * 1.0
    >>> values = (easy + luck + draw.normal(scale=0.5, size=(5, 200)) > -1.5) * 1.0
    >>> crossed = crossed_difference(values, baseline)
    >>> d = crossed.difference
    >>> f"{d.mean:.3f}, from {d.low:.3f} to {d.high:.3f}, {crossed.from_samples:.0%} of it from samples"
    '0.074, from 0.041 to 0.107, 15% of it from samples'
    """
    if values.shape != baseline.shape or min(values.shape[:2]) < 2:
        raise ValueError(f"scores of shapes {values.shape} and {baseline.shape} do not cross seeds with samples")
    table = _as_means(values) - _as_means(baseline)
    seeds, samples = table.shape
    mean = float(table.mean())
    error, freedom, share = _error(table)
    # Rounding leaves equal differences a spread near 1e-17, which would pass for certainty.
    if error < 1e-12:
        return CrossedDifference(Difference(mean, seeds, confidence), samples)
    p = 2 * float(student_tail(abs(mean) / error, freedom))
    if not bootstrap:
        reach = float(student_quantile((1 - confidence) / 2, freedom)) * error
        low, high, method = mean - reach, mean + reach, "crossed t"
    else:
        tail = (1 - confidence) / 2
        low, high = map(float, np.quantile(_drawn_means(table, rng), [tail, 1 - tail]))
        method = "crossed bootstrap"
    return CrossedDifference(Difference(mean, seeds, confidence, low, high, p), samples, share, method)


def flips(values: NDArray[np.float64], baseline: NDArray[np.float64]) -> NDArray[np.float64]:
    """What every sample gains over the baseline, averaged over seeds: [seeds, samples(, columns)] twice -> [samples].

    Its sum over samples is the difference of the metric times their number; the largest are the samples to look at.

    >>> flips(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]]), np.array([[0.0, 1.0, 1.0], [0.0, 1.0, 0.0]]))
    array([ 1. ,  0. , -0.5])
    """
    return (_as_means(values) - _as_means(baseline)).mean(0)


def _as_means(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """[seeds, samples] whose mean over samples is each seed's metric, and which vary with the samples as it does.

    Where a column has its mean over some samples only, that is a ratio of two means; it is taken as linear about where
    it is, which is right to first order.
    """
    if scores.ndim == 2:
        scores = scores[:, :, None]
    given = ~np.isnan(scores)
    if given.all():
        return scores.mean(2)
    sums, counts = np.nansum(scores, 1, keepdims=True), given.sum(1, keepdims=True)
    known = counts > 0
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=known)
    weight = np.divide(scores.shape[1], counts, out=np.zeros_like(sums), where=known)
    each = means + np.where(given, np.nan_to_num(scores) - means, 0.0) * weight
    return (each * known).sum(2) / np.maximum(known.sum(2), 1)


def _error(table: NDArray[np.float64]) -> tuple[float, float, float | None]:
    """The standard error of the mean of [seeds, samples], its degrees of freedom, the samples' share of its square."""
    seeds, samples = table.shape
    by_seed, by_sample, mean = table.mean(1, keepdims=True), table.mean(0, keepdims=True), table.mean()
    freedoms = (seeds - 1, samples - 1, (seeds - 1) * (samples - 1))
    of_seeds = float(samples * ((by_seed - mean) ** 2).sum()) / freedoms[0]
    of_samples = float(seeds * ((by_sample - mean) ** 2).sum()) / freedoms[1]
    rest = float(((table - by_seed - by_sample + mean) ** 2).sum()) / freedoms[2]
    total, freedom = of_seeds + of_samples - rest, 0.0
    # By chance a mean square may be below the rest, and the sum below either: no axis varies less than not at all.
    if total < max(of_seeds, of_samples):
        total, freedom = max((of_seeds, freedoms[0]), (of_samples, freedoms[1]))
    elif total > 0:
        parts = zip((of_seeds, of_samples, rest), freedoms, strict=True)
        freedom = total**2 / sum(square**2 / free for square, free in parts)
    share = max(0.0, min(1.0, (of_samples - rest) / total)) if total > 0 else None
    return math.sqrt(total / table.size), freedom, share


def _drawn_means(table: NDArray[np.float64], rng: int) -> NDArray[np.float64]:
    """Means of DRAWS tables whose seeds and samples are drawn with replacement."""
    generator = np.random.default_rng(rng)
    seeds, samples = table.shape
    means, step = [], max(1, _CHUNK // samples)
    for start in range(0, DRAWS, step):
        count = min(step, DRAWS - start)
        by_seed = _counts(generator, count, seeds)
        means.append(np.einsum("bm,bm->b", by_seed @ table, _counts(generator, count, samples)) / table.size)
    return np.concatenate(means)


def _counts(generator: np.random.Generator, draws: int, number: int) -> NDArray[np.float64]:
    """How often each of so many is drawn, when as many are drawn with replacement: float64 [draws, number]."""
    places = generator.integers(number, size=(draws, number)) + number * np.arange(draws)[:, None]
    return np.bincount(places.ravel(), minlength=draws * number).reshape(draws, number).astype(np.float64)
