"""Distances of surfaces against all pairs of their pixels, in pixels and in millimetres."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.learning import LEARNINGS
from scanlab.study.surfaces import SurfaceScores, class_surfaces, surface_scores


def edge(mask):
    """Pixels of an object that have a neighbour along an axis outside of it, one by one."""
    inside = {tuple(p) for p in np.argwhere(mask)}
    steps = [tuple(sign * (axis == k) for k in range(mask.ndim)) for axis in range(mask.ndim) for sign in (1, -1)]
    outer = [p for p in sorted(inside) if any(tuple(np.add(p, s)) not in inside for s in steps)]
    return np.array(outer, float)


def by_pairs(guess, mask, spacing, tolerance):
    a, b = (edge(m) * spacing for m in (guess, mask))
    ways = np.linalg.norm(a[:, None] - b[None], axis=-1)
    there, back = ways.min(1), ways.min(0)
    both = np.concatenate([there, back])
    larger = max(np.percentile(there, 95), np.percentile(back, 95))
    return both.mean(), larger, (both <= tolerance).mean()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from([(9, 11), (5, 6, 7)]), st.floats(0.1, 0.9))
def test_scores_are_those_of_all_pairs(seed, extents, share):
    draw = np.random.default_rng(seed)
    guess, mask = (draw.random((2, *extents)) < share)[:]
    if not guess.any() or not mask.any():
        return
    spacing = draw.uniform(0.5, 3, len(extents))
    tolerance = float(draw.uniform(0.3, 2))
    made = surface_scores(guess, mask, spacing, tolerance)
    np.testing.assert_allclose((made.average, made.hd95, made.dice), by_pairs(guess, mask, spacing, tolerance))


def test_a_shifted_box_by_hand():
    """Of two cubes of 4, one voxel apart along an axis of 2 mm."""
    one, other = np.zeros((2, 10, 10, 10), bool)
    one[2:6, 2:6, 2:6] = other[3:7, 2:6, 2:6] = True
    made = surface_scores(one, other, spacing=(2.0, 1.0, 1.0))
    assert made.hd95 == 2.0 and 0 < made.average < 2.0
    assert surface_scores(one, other, (2.0, 1.0, 1.0), tolerance=2.0).dice == 1.0
    assert surface_scores(one, one) == SurfaceScores(0.0, 0.0, 1.0)
    # In pixels the way is 1, within the usual tolerance.
    assert surface_scores(one, other).hd95 == 1.0 and surface_scores(one, other).dice == 1.0


def test_an_empty_mask_has_no_way_to_it():
    some, none = np.ones((4, 4), bool), np.zeros((4, 4), bool)
    made = surface_scores(some, none)
    assert np.isnan(made.average) and np.isnan(made.hd95) and made.dice == 0
    made = surface_scores(none, none)
    assert np.isnan([made.average, made.hd95, made.dice]).all()


def test_classes_of_several_images():
    masks = np.zeros((2, 8, 8), np.int64)
    masks[0, 1:4, 1:4], masks[1, 4:7, 4:7] = 1, 2
    guesses = np.roll(masks, 1, axis=2)
    made = class_surfaces(guesses, masks, 4)
    assert made.shape == (2, 3, 3)
    assert np.isnan(made[0, 1:]).all() and np.isnan(made[1, 0]).all() and np.isnan(made[1, 2]).all()
    np.testing.assert_allclose(made[0, 0], by_pairs(guesses[0] == 1, masks[0] == 1, (1, 1), 1))
    np.testing.assert_allclose(made[1, 1], made[0, 0])


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 0.0), (1.0, float("nan")), (1.0, -1.0)])
def test_spacings_that_are_none(spacing):
    with pytest.raises(ScanlabError, match="S625"):
        surface_scores(np.ones((3, 3), bool), np.ones((3, 3), bool), spacing)


def test_masks_of_other_shapes():
    with pytest.raises(ScanlabError, match=r"S625.*3x3.*3x4"):
        surface_scores(np.ones((3, 3), bool), np.ones((3, 4), bool))


class Fixed(torch.nn.Module):
    """Gives the class that every pixel's value is."""

    def forward(self, images):
        return torch.nn.functional.one_hot(images[:, 0].long(), 3).movedim(-1, 1).float()


def test_a_segmentation_is_measured_by_its_surfaces():
    masks = torch.zeros(2, 8, 8, dtype=torch.long)
    masks[0, 1:4, 1:4], masks[1, 2:6, 2:6] = 1, 2
    guesses = masks.roll(1, 2)
    guesses[1, 0, 0] = 1
    measured = LEARNINGS["segmentation"].measure(Fixed(), guesses[:, None].float(), masks, 1)
    ways = class_surfaces(guesses.numpy(), masks.numpy(), 3)
    assert measured["surface_distance"] == pytest.approx(np.nanmean(np.nanmean(ways[..., 0], 0)))
    assert measured["hd95"] == 1.0
    # Class 1: once within a pixel, once guessed where it is not. Class 2: within a pixel.
    assert measured["surface_dice"] == pytest.approx((0.5 + 1) / 2)
    assert measured["surface_missed"] == pytest.approx(1 / 3)
    # What is of no class is compared with nothing.
    unknown = masks.clone()
    unknown[1, 0, 0] = 255
    assert LEARNINGS["segmentation"].measure(Fixed(), guesses[:, None].float(), unknown, 1)["surface_missed"] == 0
