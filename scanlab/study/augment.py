"""Training images moved and mirrored, with their masks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.study.trial import Recipe

__all__ = ["augmented", "flipped", "shifted"]


def augmented(
    images: Tensor, targets: Tensor, recipe: Recipe, draw: torch.Generator, video: bool = False
) -> tuple[Tensor, Tensor]:
    """A batch [B, C, *extents] with its classes [B] or masks [B, *extents], changed as the recipe says.

    Masks move with their images. The draws are made on the CPU and depend on the recipe and the shapes alone. video:
    the first axis is time, along which nothing is mirrored.
    """
    masks = targets.ndim > 1
    if masks:
        # One array, so that image and mask cannot come apart.
        images = torch.cat([images, targets[:, None].to(images.dtype)], dim=1)
    images = shifted(images, recipe.shift, draw)
    if recipe.flip:
        images = flipped(images, draw, first=1 if video else 0)
    return (images[:, :-1], images[:, -1].round().to(targets.dtype)) if masks else (images, targets)


def shifted(images: Tensor, most: int, draw: torch.Generator) -> Tensor:
    """Images [B, C, *extents], each moved by -most to most pixels along every axis, with zeros coming in."""
    count, channels, *extents = images.shape
    # Drawn in any case: the same seed gives the same batches with and without shifts.
    moves = torch.randint(2 * most + 1, (len(extents), count), generator=draw)
    if not most:
        return images
    padded = F.pad(images, (most,) * (2 * len(extents)))
    where = images.device
    places = [torch.arange(count, device=where), torch.arange(channels, device=where)]
    places = [p.view(-1, *[1] * (len(extents) + 1 - axis)) for axis, p in enumerate(places)]
    for axis, (move, extent) in enumerate(zip(moves, extents, strict=True)):
        along = move.to(where)[:, None] + torch.arange(extent, device=where)
        places.append(along.view(count, 1, *[1] * axis, extent, *[1] * (len(extents) - axis - 1)))
    return padded[tuple(places)]


def flipped(images: Tensor, draw: torch.Generator, first: int = 0) -> Tensor:
    """Images [B, C, *extents], each mirrored along every axis from the first with probability one half."""
    for axis in range(first, images.ndim - 2):
        chosen = (torch.rand(len(images), generator=draw) < 0.5).to(images.device)
        mirrored = images.flip(2 + axis)
        images = torch.where(chosen.view(-1, *[1] * (images.ndim - 1)), mirrored, images)
    return images
