"""Inputs changed after training: rotated, resized, with their masks and their grids."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import BackboneConfig
from scanlab.nn.embed import PatchEmbed
from scanlab.study.transfer import patch_grid, transfer_grid, transferred

CLASSES = torch.zeros(2, dtype=torch.long)


@pytest.mark.parametrize("extents", [(4, 6), (3, 4, 6)])
@pytest.mark.parametrize("degrees, turns", [(90, 1), (180, 2), (270, 3)])
def test_rotations(extents: tuple[int, ...], degrees: int, turns: int) -> None:
    images = torch.rand(2, 3, *extents, generator=torch.Generator().manual_seed(0))
    masks = (images[:, 0] > 0.5).long()
    turned, marks = transferred(f"rotate {degrees}", images, masks)
    assert torch.equal(marks, (turned[:, 0] > 0.5).long())
    np.testing.assert_array_equal(turned, np.rot90(images.numpy(), turns, (-2, -1)))
    back, _ = transferred(f"rotate {360 - degrees}", turned, CLASSES)
    assert torch.equal(back, images)


def test_a_quarter_turn_by_hand() -> None:
    """From the rows towards the columns: the last column becomes the first row."""
    turned, _ = transferred("rotate 90", torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), CLASSES)
    assert turned[0, 0].tolist() == [[2, 4], [1, 3]]


@pytest.mark.parametrize("extents, size", [((4,), "8"), ((4, 6), "8x3"), ((2, 4, 6), "4x8x3")])
def test_sizes(extents: tuple[int, ...], size: str) -> None:
    images = torch.rand(2, 1, *extents, generator=torch.Generator().manual_seed(0))
    masks = torch.randint(5, (2, *extents), generator=torch.Generator().manual_seed(0))
    wanted = tuple(map(int, size.split("x")))
    resized, marks = transferred(f"size {size}", images, masks)
    assert resized.shape == (2, 1, *wanted) and marks.shape == (2, *wanted)
    assert marks.dtype == masks.dtype and set(marks.unique().tolist()) <= set(masks.unique().tolist())
    assert resized.min() >= images.min() and resized.max() <= images.max()
    same, _ = transferred(f"size {'x'.join(map(str, extents))}", images, CLASSES)
    assert torch.equal(same, images)


def test_a_size_by_hand() -> None:
    resized, marks = transferred("size 1x4", torch.tensor([[[[0.0, 1.0]]]]), torch.tensor([[[3, 7]]]))
    assert resized[0, 0].tolist() == [[0, 0.25, 0.75, 1]] and marks.tolist() == [[[3, 3, 7, 7]]]


@pytest.mark.parametrize("name", ["rotate 90", "rotate 180", "rotate 270", "size 9x14", "size 5x7", "size 16x16"])
@pytest.mark.parametrize("patch, stride", [(2, None), (3, None), (4, None), (3, 1), (4, 2)])
def test_the_grid_is_the_one_that_the_model_finds(name: str, patch: int, stride: int | None) -> None:
    images = torch.zeros(1, 1, 8, 12)
    embed = PatchEmbed(1, BackboneConfig(patch=patch, stride=stride, dim=4), 2)
    changed, _ = transferred(name, images, CLASSES)
    _, grid = embed(changed)
    before = patch_grid((8, 12), (patch, patch), stride)
    assert before == embed(images)[1]
    assert transfer_grid(name, before, (patch, patch), stride) == grid


NOTHING = ["rotate 45", "rotate 0", "rotate", "flip", ""]
NO_SIZES = ["size 16", "size 0x4", "size 4x", "size -4x4", "size 4 x 4", "size 4x4x4"]


@pytest.mark.parametrize("name", NOTHING + NO_SIZES)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ScanlabError) as caught:
        transfer_grid(name, (4, 4), (2, 2))
    assert caught.value.code == "S651" and f"`{name}`" in str(caught.value) and caught.value.diagnostics[0].help


def test_rotations_that_have_no_grid() -> None:
    with pytest.raises(ScanlabError, match=r"S651.*as high as wide"):
        transfer_grid("rotate 90", (4, 2), (2, 4))
    assert transfer_grid("rotate 180", (4, 2), (2, 4)) == (4, 2)
    with pytest.raises(ScanlabError, match=r"S651.*turns two axes"):
        transfer_grid("rotate 90", (4,), (2,))
    assert transfer_grid("rotate 90", (3, 4, 2), (1, 2, 2)) == (3, 2, 4)
