"""Images cut into the values of their patches, and put together from them."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from scanlab.nn.backbone import Backbone

__all__ = ["joined_patches", "patch_values"]


def patch_values(backbone: Backbone, images: Tensor) -> Tensor:
    """The patches that a backbone cuts images [B, C, *extents] into: [B, L, C × sides], zeros beyond the edges."""
    grid, sides = backbone.grid_of(images.shape[2:]), backbone.embed.patch
    missing = [n * side - have for n, side, have in zip(grid, sides, images.shape[2:], strict=True)]
    cells = F.pad(images, [pad for n in reversed(missing) for pad in (0, n)])
    for axis, side in enumerate(sides):
        cells = cells.unflatten(2 + 2 * axis, (-1, side))
    axes = len(sides)
    places = [0, *(2 + 2 * a for a in range(axes)), 1, *(3 + 2 * a for a in range(axes))]
    return cells.permute(places).flatten(1 + axes).flatten(1, axes)


def joined_patches(backbone: Backbone, patches: Tensor, extents: Sequence[int], channels: int) -> Tensor:
    """The inverse of `patch_values`: [B, L, C × sides] -> [B, C, *extents]."""
    grid, sides = backbone.grid_of(extents), backbone.embed.patch
    axes = len(sides)
    cells = patches.unflatten(2, (channels, *sides)).unflatten(1, grid)
    places = [0, 1 + axes]
    for axis in range(axes):
        places += [1 + axis, 2 + axes + axis]
    whole = cells.permute(places)
    for axis in range(axes):
        whole = whole.flatten(2 + axis, 3 + axis)
    return whole[(..., *(slice(n) for n in extents))]
