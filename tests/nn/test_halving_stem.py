"""A stem of convolutions that halve a patch to one cell: its grid, its sizes, and what it refuses."""

import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, NextPatch


def backbone(patch, extents=(32, 20), **settings):
    config = BackboneConfig(patch=patch, stem="halving", dim=32, depth=1, **settings)
    return Backbone("row", config, input_size=extents)


@pytest.mark.parametrize(
    ("patch", "extents", "grid"), [((16, 4), (32, 20), (2, 5)), ((4, 8), (30, 21), (8, 3)), (4, (8, 8), (2, 2))]
)
def test_patches_are_those_of_the_grid(patch, extents, grid):
    model = backbone(patch, extents)
    rows, own = model.embedded(torch.rand(2, 1, *extents))
    assert own == grid and rows.shape == (2, grid[0] * grid[1], 32)


def test_channels_double_up_to_the_width():
    strides = [
        (module.stride, module.out_channels)
        for module in backbone((16, 4)).embed.modules()
        if isinstance(module, torch.nn.Conv2d)
    ]
    assert strides == [((2, 2), 8), ((2, 2), 8), ((2, 1), 16), ((2, 1), 32)]


@pytest.mark.parametrize("patch", [(12, 4), 2, 6])
def test_sides_that_are_not_halved_to_one_are_refused(patch):
    with pytest.raises(ScanlabError, match="S612"):
        backbone(patch, (24, 24))


def test_it_shows_a_patch_its_neighbours_and_no_next_patch_is_learnt():
    with pytest.raises(ScanlabError, match="S615"):
        NextPatch(backbone(4, (16, 16)))
