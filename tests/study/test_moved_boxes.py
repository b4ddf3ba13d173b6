"""Boxes go with their images: a box around what is bright is around it after every change, too."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scanlab.study import moved_boxes
from scanlab.study.augment import Batch, augmented, flipped, shifted, turned, zoomed
from scanlab.study.moved_boxes import LEAST_SEEN, are_boxes, are_masks, visible
from scanlab.study.transfer import transferred
from scanlab.study.trial import Recipe

NONE = [0.0, 0.0, 0.0, 0.0, -1.0]


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def bright(count: int, extents: tuple[int, int], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Images [count, 1, H, W] with one bright rectangle each, and boxes [count, 2, 5], the second of which is none."""
    draw = np.random.default_rng(seed)
    images, boxes = torch.zeros(count, 1, *extents), torch.tensor([[NONE, NONE]] * count)
    for image, rows in zip(images, boxes, strict=True):
        (y0, x0), (high, wide) = draw.integers(2, 6, 2), draw.integers(3, 9, 2)
        image[0, y0 : y0 + high, x0 : x0 + wide] = 1
        rows[0] = torch.tensor([x0, y0, min(x0 + wide, extents[1]), min(y0 + high, extents[0]), 3], dtype=torch.float32)
    return images, boxes


def around(image: torch.Tensor) -> list[float]:
    """The box around what is bright."""
    ys, xs = (image[0] > 0.5).nonzero(as_tuple=True)
    return [xs.min().item(), ys.min().item(), xs.max().item() + 1, ys.max().item() + 1] if len(xs) else NONE[:4]


CHANGES = {
    "shifted": lambda batch: shifted(batch, 2, seeded()),
    "flipped": lambda batch: flipped(batch, seeded()),
    "turned": lambda batch: turned(batch, seeded()),
}


@pytest.mark.parametrize("extents", [(16, 16), (12, 17)])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_boxes_stay_around_what_is_bright(change, extents: tuple[int, int]) -> None:
    images, boxes = bright(40, extents)
    made = change(Batch(images, boxes=boxes))
    inside = visible(made.boxes, extents)
    for image, (row, none) in zip(made.images, inside, strict=True):
        assert row[4] == 3 and row[:4].tolist() == around(image) and none.tolist() == NONE
    assert not torch.equal(made.images, images)


def test_zoomed_boxes_are_around_what_is_bright_to_a_pixel() -> None:
    images, boxes = bright(60, (24, 20))
    made = zoomed(Batch(images, boxes=boxes), 0.5, seeded())
    assert made.boxes is not None
    extents = boxes[:, 0, 2:4] - boxes[:, 0, :2]
    factor = (made.boxes[:, 0, 2:4] - made.boxes[:, 0, :2]) / extents
    assert torch.allclose(factor[:, 0], factor[:, 1], atol=1e-4) and factor.min() > 0.66 and factor.max() < 1.51
    seen = 0
    for image, row in zip(made.images, visible(made.boxes, (24, 20))[:, 0], strict=True):
        if row[4] >= 0:
            assert row[:4].tolist() == pytest.approx(around(image), abs=1.01)
            seen += 1
    assert seen > 50


def test_masks_are_zoomed_with_their_images() -> None:
    images, _ = bright(30, (16, 16))
    smooth = torch.nn.functional.interpolate(images, scale_factor=2)
    masks = (smooth[:, 0] > 0.5).long()
    made = zoomed(Batch(smooth, masks=masks), 0.4, seeded())
    assert made.masks is not None and made.masks.dtype == masks.dtype
    agree = (made.masks == (made.images[:, 0] > 0.5).long()).double().mean()
    assert agree > 0.97 and not torch.equal(made.masks, masks)


def test_volumes_are_zoomed_along_all_axes() -> None:
    volumes = torch.rand(4, 1, 6, 7, 8)
    masks = (volumes[:, 0] > 0.5).long()
    made, moved = augmented(volumes, masks, Recipe(zoom=0.3), seeded())
    assert made.shape == volumes.shape and moved.shape == masks.shape and not torch.equal(moved, masks)


def test_all_changes_at_once() -> None:
    images, boxes = bright(40, (20, 20))
    recipe = Recipe(shift=3, flip=True, turn=True, zoom=0.3)
    made, moved = augmented(images, boxes, recipe, seeded())
    again, same = augmented(images, boxes, recipe, seeded())
    assert torch.equal(made, again) and torch.equal(moved, same) and moved.dtype == boxes.dtype
    for image, row in zip(made, moved[:, 0], strict=True):
        if row[4] >= 0:
            assert row[:4].tolist() == pytest.approx(around(image), abs=1.01)
    assert (moved[:, 0, 4] >= 0).double().mean() > 0.8


def test_a_recipe_without_changes_draws_as_before() -> None:
    """Turning and zooming draw only where they are asked for: earlier recipes give the batches that they gave."""
    one, other = seeded(), seeded()
    images, boxes = bright(8, (16, 16))
    augmented(images, boxes, Recipe(flip=True), one)
    shifted(Batch(images), 0, other)
    flipped(Batch(images), other)
    assert torch.equal(one.get_state(), other.get_state())


def test_what_is_hardly_seen_is_dropped() -> None:
    rows = torch.tensor([[[-8.0, 2, 4, 6, 1], [-4, 2, 6, 6, 2], [20, 20, 30, 30, 0], [1, 1, 3, 3, 4]]])
    made = visible(rows, (16, 16))
    assert made[0].tolist() == [[0, 2, 4, 6, 1], [0, 2, 6, 6, 2], NONE, [1, 1, 3, 3, 4]]
    assert visible(rows - torch.tensor([1.0, 0, 1, 0, 0]), (16, 16))[0, 0].tolist() == NONE and LEAST_SEEN == 0.3


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5])
def test_turns_by_torch(turns: int) -> None:
    images, boxes = bright(10, (12, 17))
    rotated = torch.rot90(images, turns, (-2, -1))
    for image, row in zip(rotated, moved_boxes.turned(boxes, turns, (12, 17))[:, 0], strict=True):
        assert row[:4].tolist() == around(image)


@pytest.mark.parametrize("name", ["rotate 90", "rotate 180", "rotate 270", "size 24x51"])
def test_transfer(name: str) -> None:
    images, boxes = bright(10, (12, 17))
    changed, moved = transferred(name, images, boxes)
    for image, (row, none) in zip(changed, moved, strict=True):
        assert row[:4].tolist() == pytest.approx(around(image), abs=0.01 if "rotate" in name else 1.01)
        assert none.tolist() == NONE


def test_what_targets_are() -> None:
    kinds = {"classes": torch.zeros(3).long(), "labels": torch.zeros(3, 4), "masks": torch.zeros(3, 8, 8).long()}
    kinds["boxes"] = torch.zeros(3, 2, 5)
    assert [name for name, targets in kinds.items() if are_boxes(targets)] == ["boxes"]
    assert [name for name, targets in kinds.items() if are_masks(targets)] == ["masks"]
