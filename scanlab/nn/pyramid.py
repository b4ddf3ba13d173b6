"""A feature pyramid over the stages of a backbone (arXiv 1612.03144), for heads that say something of every place."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.nn.backbone import Backbone
from scanlab.nn.embed import convolution, to_picture
from scanlab.nn.head import Head

__all__ = ["PyramidHead", "enlarged", "fusion"]


class PyramidHead(Head):
    """A head that reads a pyramid: from the last stage up, every stage's rows, normalized and projected to `width`
    channels, are added to the enlarged map of the coarser stage and convolved."""

    def __init__(self, backbone: Backbone, width: int) -> None:
        super().__init__()
        config, conv = backbone.config, convolution(len(backbone.input_size))
        dims = [config.dim * 2**i for i in range(len(config.depths))]
        self.backbone = backbone
        self.lateral = nn.ModuleList(nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, width)) for dim in dims)
        self.fuse = nn.ModuleList(fusion(conv, width) for _ in dims)

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """Images [B, C, *extents] to a map [B, width, *grid] per stage, the first stage's, which is finest, first."""
        maps: list[Tensor] = []
        features = self.backbone.features(images)
        for (rows, grid), lateral, fuse in reversed(list(zip(features, self.lateral, self.fuse, strict=True))):
            picture = to_picture(lateral(rows), grid)
            maps.insert(0, fuse(picture + enlarged(maps[0], grid) if maps else picture))
        return maps


def fusion(conv: Callable[..., nn.Module], width: int) -> nn.Sequential:
    """A convolution over neighbours, a norm over groups of channels and a GELU, all of `width` channels."""
    return nn.Sequential(conv(width, width, 3, padding=1), nn.GroupNorm(math.gcd(8, width), width), nn.GELU())


def enlarged(picture: Tensor, grid: tuple[int, ...]) -> Tensor:
    """A map [B, D, *smaller] interpolated to [B, D, *grid], linearly along every axis."""
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(grid)]
    return F.interpolate(picture, grid, mode=mode, align_corners=False)
