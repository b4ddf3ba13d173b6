"""A feature pyramid over the stages of a backbone (arXiv 1612.03144), for heads that say something of every place."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.nn.backbone import Backbone
from scanlab.nn.embed import Grid, convolution, to_picture
from scanlab.nn.head import Head

__all__ = ["Pyramid", "PyramidHead", "enlarged", "fusion", "group_norm", "stage_dims"]


class Pyramid(nn.Module):
    """From the last stage up, every stage's rows, normalized and projected to `width` channels, are added to the
    enlarged map of the coarser stage and convolved."""

    def __init__(self, backbone: Backbone, width: int) -> None:
        super().__init__()
        conv = convolution(len(backbone.input_size))
        self.lateral = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, width)) for dim in stage_dims(backbone)
        )
        self.fuse = nn.ModuleList(fusion(conv, width) for _ in self.lateral)

    def forward(self, features: Sequence[tuple[Tensor, Grid]]) -> list[Tensor]:
        """Rows [B, L, dim] and the grid of every stage -> a map [B, width, *grid] of each, the finest first."""
        return self.joined(
            [(lateral(rows), grid) for (rows, grid), lateral in zip(features, self.lateral, strict=True)]
        )

    def joined(self, stages: Sequence[tuple[Tensor, Grid]]) -> list[Tensor]:
        """The maps, from what is read of every stage: rows [B, L, width] and their grid."""
        maps: list[Tensor] = []
        for (rows, grid), fuse in reversed(list(zip(stages, self.fuse, strict=True))):
            picture = to_picture(rows, grid)
            maps.insert(0, fuse(picture + enlarged(maps[0], grid) if maps else picture))
        return maps


class PyramidHead(Head):
    """A head that reads a pyramid of `width` channels."""

    def __init__(self, backbone: Backbone, width: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.levels = Pyramid(backbone, width)

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """Images [B, C, *extents] to a map [B, width, *grid] per stage, the first stage's, which is finest, first."""
        return self.levels(self.backbone.features(images))


def stage_dims(backbone: Backbone) -> list[int]:
    """The width of the rows of every stage."""
    return [backbone.config.dim * 2**i for i in range(len(backbone.config.depths))]


def fusion(conv: Callable[..., nn.Module], width: int) -> nn.Sequential:
    """A convolution over neighbours, a norm over groups of channels and a GELU, all of `width` channels."""
    return nn.Sequential(conv(width, width, 3, padding=1), group_norm(width), nn.GELU())


def group_norm(width: int) -> nn.GroupNorm:
    """A norm over groups of channels within one image, whatever the batch."""
    return nn.GroupNorm(math.gcd(8, width), width)


def enlarged(picture: Tensor, grid: tuple[int, ...]) -> Tensor:
    """A map [B, D, *smaller] interpolated to [B, D, *grid], linearly along every axis."""
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(grid)]
    return F.interpolate(picture, grid, mode=mode, align_corners=False)
