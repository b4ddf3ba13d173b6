"""Training images moved and mirrored, with their masks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.study.trial import Recipe

__all__ = ["are_masks", "augmented", "flipped", "shifted"]


def augmented(
    images: Tensor, targets: Tensor, recipe: Recipe, draw: torch.Generator, video: bool = False
) -> tuple[Tensor, Tensor]:
    """A batch [B, C, *extents] with its classes [B], labels [B, labels] or masks [B, *extents], changed as the recipe
    says.

    Masks move with their images. The draws are made on the CPU and depend on the recipe and the shapes alone. video:
    the first axis is time, along which nothing is mirrored.
    """
    masks = are_masks(targets)
    if masks:
        # One array, so that image and mask cannot come apart.
        images = torch.cat([images, targets[:, None].to(images.dtype)], dim=1)
    images = shifted(images, recipe.shift, draw)
    if recipe.flip:
        images = flipped(images, draw, first=1 if video else 0)
    return (images[:, :-1], images[:, -1].round().to(targets.dtype)) if masks else (images, targets)


def are_masks(targets: Tensor) -> bool:
    """Whether targets are a class per pixel: of labels there are several as well, but as floats."""
    return targets.ndim > 1 and not targets.is_floating_point()


def shifted(images: Tensor, most: int, draw: torch.Generator) -> Tensor:
    """Images [B, C, *extents], each moved by -most to most pixels along every axis, with zeros coming in."""
    count, _, *extents = images.shape
    # Drawn in any case: the same seed gives the same batches with and without shifts.
    moves = torch.randint(2 * most + 1, (len(extents), count), generator=draw)
    if not most:
        return images
    windows = F.pad(images, (most,) * (2 * len(extents)))
    # A view with a window of the images' extents at every place, [B, C, *places, *extents]; one is taken of each image.
    for axis, extent in enumerate(extents, start=2):
        windows = windows.unfold(axis, extent, 1)
    chosen = (torch.arange(count), *moves)
    return windows.movedim(1, 1 + len(extents))[tuple(index.to(images.device) for index in chosen)]


def flipped(images: Tensor, draw: torch.Generator, first: int = 0) -> Tensor:
    """Images [B, C, *extents], each mirrored along every axis from the first with probability one half."""
    mirrored = images.clone()
    for axis in range(2 + first, images.ndim):
        chosen = (torch.rand(len(images), generator=draw) < 0.5).nonzero()[:, 0].to(images.device)
        mirrored[chosen] = mirrored[chosen].flip(axis)
    return mirrored
