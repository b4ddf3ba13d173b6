"""How far the surfaces of a predicted and of a true mask lie apart, by SciPy's distance transform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text

__all__ = ["SurfaceScores", "class_surfaces", "surface_scores"]

# Of the distances from one surface to the other, the share that the robust Hausdorff distance covers.
ROBUST = 95


@dataclass(frozen=True)
class SurfaceScores:
    """How far two surfaces lie apart, in pixels or in the unit of the spacing.

    average: the mean over both surfaces' pixels of the way to the other (average symmetric surface distance); hd95: the
    larger of the two 95th percentiles (robust Hausdorff distance); dice: the share of both surfaces' pixels that lie
    within the tolerance of the other (surface Dice, arXiv 1809.04430, counted by pixels and not by area). Where one of
    the masks is empty there is no way to it: both distances are NaN and dice is 0; all are NaN where both are.
    """

    average: float
    hd95: float
    dice: float


def surface_scores(
    guess: NDArray, mask: NDArray, spacing: Sequence[float] | None = None, tolerance: float = 1.0
) -> SurfaceScores:
    """Compare two masks of one object: bool [*extents] twice.

    spacing: the way from pixel to pixel along every axis, 1 unless given; tolerance: in the same unit. A surface is the
    pixels of an object that have a neighbour along an axis outside of it; the edge of the image is outside. Raises S625
    for other shapes.

    >>> square, shifted = np.zeros((2, 12, 12), bool)
    >>> square[2:6, 2:6] = shifted[2:6, 4:8] = True
    >>> surface_scores(square, shifted)
    SurfaceScores(average=1.0, hd95=2.0, dice=0.6666666666666666)
    >>> surface_scores(square, shifted, spacing=(1, 0.5)).hd95
    1.0
    """
    steps = _checked(guess, mask, spacing)
    both = guess | mask
    if not both.any():
        return SurfaceScores(np.nan, np.nan, np.nan)
    if not guess.any() or not mask.any():
        return SurfaceScores(np.nan, np.nan, 0.0)
    # The nearest pixel of a surface lies within the box around both.
    box = tuple(slice(int(i.min()), int(i.max()) + 1) for i in both.nonzero())
    surfaces = [_surface(each[box]) for each in (guess, mask)]
    ways = [_distances(surfaces[1], steps)[surfaces[0]], _distances(surfaces[0], steps)[surfaces[1]]]
    all_ways = np.concatenate(ways)
    return SurfaceScores(
        average=float(all_ways.mean()),
        hd95=float(max(np.percentile(way, ROBUST) for way in ways)),
        dice=float((all_ways <= tolerance).mean()),
    )


def class_surfaces(
    guesses: NDArray,
    masks: NDArray,
    classes: int,
    spacing: Sequence[float] | None = None,
    tolerance: float = 1.0,
) -> NDArray[np.float64]:
    """`surface_scores` of every class but the background in every image: numbers of classes [B, *extents] twice ->
    float64 [B, classes - 1, 3], average, hd95 and dice.

    >>> class_surfaces(np.array([[0, 1, 1, 0]]), np.array([[0, 1, 0, 0]]), classes=3)[0, :, 1]
    array([0.95,  nan])
    """
    scores = np.full((len(guesses), classes - 1, 3), np.nan)
    for number, (guess, mask) in enumerate(zip(guesses, masks, strict=True)):
        for c in range(1, classes):
            one = surface_scores(guess == c, mask == c, spacing, tolerance)
            scores[number, c - 1] = one.average, one.hd95, one.dice
    return scores


def _surface(mask: NDArray) -> NDArray[np.bool_]:
    from scipy.ndimage import binary_erosion

    return mask & ~binary_erosion(mask)


def _distances(surface: NDArray, steps: Sequence[float]) -> NDArray[np.float64]:
    """Of every pixel the way to the nearest of a surface."""
    from scipy.ndimage import distance_transform_edt

    return np.asarray(distance_transform_edt(~surface, sampling=steps))


def _checked(guess: NDArray, mask: NDArray, spacing: Sequence[float] | None) -> tuple[float, ...]:
    if guess.shape != mask.shape:
        raise ScanlabError.at(
            "S625", f"one mask has {grid_text(guess.shape)} pixels, and the other {grid_text(mask.shape)}"
        )
    steps = (1.0,) * mask.ndim if spacing is None else tuple(map(float, spacing))
    if len(steps) != mask.ndim or not all(np.isfinite(step) and step > 0 for step in steps):
        shown = "x".join(f"{step:g}" for step in steps)
        raise ScanlabError.at(
            "S625",
            f"the spacing is {shown}, and the masks have {count_text(mask.ndim, 'axis')}",
            help="give a positive length for each axis",
        )
    return steps
