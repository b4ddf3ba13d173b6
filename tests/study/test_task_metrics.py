"""Metrics by hand and by brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from scanlab.study.metrics import area_under_curve, balanced_accuracy, overlaps


def test_balanced_accuracy_by_hand() -> None:
    targets = torch.tensor([0, 0, 0, 0, 1, 1, 2])
    guesses = torch.tensor([0, 0, 0, 1, 1, 0, 2])
    # Recalls of 3/4, 1/2 and 1; a fourth class has no sample.
    assert balanced_accuracy(guesses, targets, 4) == pytest.approx((0.75 + 0.5 + 1) / 3)
    assert balanced_accuracy(torch.zeros(7, dtype=torch.long), targets, 3) == pytest.approx(1 / 3)


def test_area_by_hand() -> None:
    """Scores 0.1 (negative), 0.4 (positive), 0.35 (negative), 0.8 (positive), and a tie."""
    first = torch.tensor([0.1, 0.4, 0.35, 0.8])
    targets = torch.tensor([0, 1, 0, 1])
    assert area_under_curve(torch.stack([1 - first, first], 1), targets) == 1.0
    assert area_under_curve(torch.stack([first, 1 - first], 1), targets) == 0.0
    tied = torch.tensor([0.1, 0.35, 0.35, 0.8])
    # Of four pairs three are right and one ties.
    assert area_under_curve(torch.stack([1 - tied, tied], 1), targets) == pytest.approx(3.5 / 4)


def _by_pairs(scores: np.ndarray, own: np.ndarray) -> float:
    difference = scores[own][:, None] - scores[~own][None]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("seed", range(4))
def test_area_by_pairs_and_by_mann_whitney(classes: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    targets = draw.integers(0, classes, 60)
    # Rounded, so that many tie.
    scores = np.round(draw.random((60, classes)) + 0.3 * np.eye(classes)[targets], 1)
    seen = [c for c in range(classes) if 0 < (targets == c).sum() < 60]
    pairs = [_by_pairs(scores[:, c], targets == c) for c in seen]
    ranks = [
        stats.mannwhitneyu(scores[targets == c, c], scores[targets != c, c]).statistic
        / ((targets == c).sum() * (targets != c).sum())
        for c in seen
    ]
    area = area_under_curve(torch.from_numpy(scores), torch.from_numpy(targets))
    assert area == pytest.approx(np.mean(pairs), abs=1e-12) == pytest.approx(np.mean(ranks), abs=1e-12)


def test_area_without_a_class_or_without_any() -> None:
    scores = torch.rand(6, 3, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([0, 0, 0, 1, 1, 1])
    two = area_under_curve(scores[:, :2], targets)
    assert area_under_curve(scores, targets) == pytest.approx(two)
    assert math.isnan(area_under_curve(scores, torch.zeros(6, dtype=torch.long)))


def test_overlaps_by_hand() -> None:
    masks = torch.tensor([[[0, 0, 1], [0, 1, 1]]])
    guesses = torch.tensor([[[0, 1, 1], [0, 0, 1]]])
    dice, iou = overlaps(guesses, masks, 3)
    # Class 0: 3 and 3 pixels, 2 shared; class 1: 3 and 3, 2 shared; class 2: in neither.
    assert dice[0, :2].tolist() == [pytest.approx(2 / 3)] * 2 and iou[0, :2].tolist() == [0.5, 0.5]
    assert dice[0, 2].isnan() and iou[0, 2].isnan()


@pytest.mark.parametrize("extents", [(5,), (4, 6), (3, 4, 5)])
def test_overlaps_by_sets(extents: tuple[int, ...]) -> None:
    draw = np.random.default_rng(0)
    guesses, masks = draw.integers(0, 4, (2, 6, *extents))
    masks[0][masks[0] == 3] = 0
    guesses[0][guesses[0] == 3] = 0
    dice, iou = overlaps(torch.from_numpy(guesses), torch.from_numpy(masks), 4)
    for image in range(6):
        for c in range(4):
            one, other = (set(np.flatnonzero(array[image] == c).tolist()) for array in (guesses, masks))
            if not one | other:
                assert dice[image, c].isnan() and iou[image, c].isnan()
                continue
            assert dice[image, c].item() == pytest.approx(2 * len(one & other) / (len(one) + len(other)))
            assert iou[image, c].item() == pytest.approx(len(one & other) / len(one | other))
