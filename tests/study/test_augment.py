"""Augmentation: every image against the same change by hand; masks go with their images; draws are fixed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scanlab.study.augment import Batch, augmented, flipped, shifted
from scanlab.study.trial import Recipe

EXTENTS = [(7,), (5, 6), (4, 5, 6)]


def images(extents: tuple[int, ...], count: int = 40, channels: int = 2) -> torch.Tensor:
    return torch.rand(count, channels, *extents, generator=torch.Generator().manual_seed(0)) + 0.5


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def by_hand(image: np.ndarray, moves: tuple[int, ...]) -> np.ndarray:
    """An image [C, *extents] moved up and left by so many pixels, with zeros coming in."""
    moved = np.zeros_like(image)
    for place in np.ndindex(image.shape[1:]):
        source = tuple(p + m for p, m in zip(place, moves, strict=True))
        if all(0 <= s < n for s, n in zip(source, image.shape[1:], strict=True)):
            moved[:, *place] = image[:, *source]
    return moved


@pytest.mark.parametrize("extents", EXTENTS)
def test_every_image_is_moved_as_a_whole(extents: tuple[int, ...]) -> None:
    before, most = images(extents), 2
    after = shifted(Batch(before), most, seeded()).images.numpy()
    moves = torch.randint(2 * most + 1, (len(extents), len(before)), generator=seeded()).numpy().T - most
    for image, moved, move in zip(before.numpy(), after, moves, strict=True):
        np.testing.assert_array_equal(moved, by_hand(image, tuple(move)))
    assert moves.min() == -most and moves.max() == most


def test_no_shift_draws_as_many_numbers() -> None:
    """The same seed gives the same batches with and without shifts."""
    one, other = seeded(), seeded()
    assert torch.equal(shifted(Batch(images((4, 4))), 0, one).images, images((4, 4)))
    shifted(Batch(images((4, 4))), 2, other)
    assert torch.equal(one.get_state(), other.get_state())


@pytest.mark.parametrize("extents, first", [((7,), 0), ((5, 6), 0), ((5, 6), 1), ((4, 5, 6), 0), ((4, 5, 6), 1)])
def test_every_image_is_mirrored_along_its_own_axes(extents: tuple[int, ...], first: int) -> None:
    before = images(extents)
    after = flipped(Batch(before), seeded(), first).images
    seen = set()
    for image, mirrored in zip(before, after, strict=True):
        axes = range(first, len(extents))
        chosen = [
            tuple(a for k, a in enumerate(axes) if number >> k & 1)
            for number in range(2 ** len(axes))
            if torch.equal(mirrored, image.flip([1 + a for k, a in enumerate(axes) if number >> k & 1]))
        ]
        assert len(chosen) == 1
        seen.add(chosen[0])
    assert len(seen) == 2 ** (len(extents) - first)


def test_a_video_is_never_mirrored_in_time() -> None:
    videos = torch.arange(6.0).view(1, 1, 6, 1, 1).expand(30, 1, 6, 3, 3)
    labels = torch.zeros(30, dtype=torch.long)
    after, _ = augmented(videos, labels, Recipe(flip=True), seeded(), video=True)
    assert torch.equal(after, videos)
    as_volumes, _ = augmented(videos, labels, Recipe(flip=True), seeded(), video=False)
    assert not torch.equal(as_volumes, videos)


@pytest.mark.parametrize("extents", EXTENTS)
def test_masks_go_with_their_images(extents: tuple[int, ...]) -> None:
    before = images(extents)
    # What is bright is class 1: true before, and after, but for the zeros that come in, which are background.
    masks = (before[:, 0] > 1).long()
    after, moved = augmented(before, masks, Recipe(shift=2, flip=True), seeded())
    assert moved.dtype == masks.dtype and after.shape == before.shape
    assert torch.equal(moved, (after[:, 0] > 1).long()) and not torch.equal(moved, masks)


def test_all_classes_survive_as_whole_numbers() -> None:
    masks = torch.randint(64, (20, 6, 6), generator=seeded())
    _, moved = augmented(images((6, 6), 20), masks, Recipe(flip=True), seeded())
    assert torch.equal(moved.flatten(1).sort(1).values, masks.flatten(1).sort(1).values)


def test_classes_stay_as_they_are() -> None:
    labels = torch.arange(40)
    _, after = augmented(images((5, 6)), labels, Recipe(shift=1, flip=True), seeded())
    assert torch.equal(after, labels)


def test_the_same_seed_gives_the_same_changes() -> None:
    recipe, labels = Recipe(shift=1, flip=True), torch.arange(40)
    one, other, third = (augmented(images((5, 6)), labels, recipe, seeded(s))[0] for s in (1, 1, 2))
    assert torch.equal(one, other) and not torch.equal(one, third)
