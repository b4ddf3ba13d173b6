"""Training images moved, mirrored, turned and scaled, with their masks or boxes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.study import moved_boxes
from scanlab.study.line_images import shifted_each
from scanlab.study.moved_boxes import are_boxes, are_masks
from scanlab.study.own_augmentation import changed_by
from scanlab.study.pictures_changed import changed_pictures
from scanlab.study.recipe import Recipe

__all__ = ["Batch", "augmented", "flipped", "shifted", "turned", "zoomed"]


@dataclass(frozen=True, eq=False)
class Batch:
    """Images [B, C, *extents] with the masks [B, *extents] or the boxes [B, most, 5] that move with them."""

    images: Tensor
    masks: Tensor | None = None
    boxes: Tensor | None = None

    def moved(self, scale: Tensor, offset: Tensor) -> Tensor | None:
        """The boxes, if there are any, with every coordinate times a scale plus an offset, [B, axes] each."""
        return None if self.boxes is None else moved_boxes.moved(self.boxes, scale, offset)


def augmented(
    images: Tensor | list[Tensor], targets: Tensor, recipe: Recipe, draw: torch.Generator, video: bool = False
) -> tuple[Tensor | list[Tensor], Tensor]:
    """A batch [B, C, *extents], or a list of images of different widths, with its classes [B], labels [B, labels],
    masks [B, *extents] or boxes [B, most, 5], changed as the recipe says.

    Masks and boxes move with their images; a box of which too little is seen is dropped (`moved_boxes.visible`). The
    draws are made on the CPU and depend on the recipe and the shapes alone. video: the first axis is time, along which
    nothing is mirrored.
    """
    if isinstance(images, list):
        # Nobody mirrors or turns these: `study.reading.check_lines`.
        return shifted_each(images, recipe.shift, draw), targets
    masks, boxes = are_masks(targets), are_boxes(targets)
    batch = Batch(images, targets if masks else None, targets if boxes else None)
    batch = shifted(batch, recipe.shift, draw)
    if recipe.flip:
        batch = flipped(batch, draw, first=1 if video else 0)
    if recipe.mirror:
        batch = flipped(batch, draw, first=images.ndim - 3)
    if recipe.turn:
        batch = turned(batch, draw)
    if recipe.zoom:
        batch = zoomed(batch, recipe.zoom, draw)
    if recipe.of_pictures:
        batch = replace(batch, images=changed_pictures(batch.images, recipe, draw))
    if batch.boxes is not None:
        targets = moved_boxes.visible(batch.boxes, tuple(images.shape[2:]))
    elif batch.masks is not None:
        targets = batch.masks
    return changed_by(recipe.augment, batch.images, targets, draw) if recipe.augment else (batch.images, targets)


def shifted(batch: Batch, most: int, draw: torch.Generator) -> Batch:
    """Every image moved by -most to most pixels along every axis, with zeros coming in."""
    count, _, *extents = batch.images.shape
    # Drawn in any case: the same seed gives the same batches with and without shifts.
    moves = torch.randint(2 * most + 1, (len(extents), count), generator=draw)
    if not most:
        return batch
    chosen = (torch.arange(count), *moves)

    def windowed(images: Tensor) -> Tensor:
        windows = F.pad(images, (most,) * (2 * len(extents)))
        # A view with a window of the images' extents at every place, [B, C, *places, *extents]; one is taken of each.
        for axis, extent in enumerate(extents, start=2):
            windows = windows.unfold(axis, extent, 1)
        return windows.movedim(1, 1 + len(extents))[tuple(index.to(images.device) for index in chosen)]

    boxes = batch.moved(torch.ones(count, len(extents)), (most - moves.T).float())
    return Batch(windowed(batch.images), _over(windowed, batch.masks), boxes)


def flipped(batch: Batch, draw: torch.Generator, first: int = 0) -> Batch:
    """Every image mirrored along every axis from the first with probability one half."""
    extents = batch.images.shape[2:]
    images, masks = batch.images.clone(), None if batch.masks is None else batch.masks.clone()
    scale, offset = torch.ones(len(images), len(extents)), torch.zeros(len(images), len(extents))
    for axis in range(first, len(extents)):
        mirrored = torch.rand(len(images), generator=draw) < 0.5
        chosen = mirrored.nonzero()[:, 0].to(images.device)
        images[chosen] = images[chosen].flip(2 + axis)
        if masks is not None:
            masks[chosen] = masks[chosen].flip(1 + axis)
        scale[mirrored, axis], offset[mirrored, axis] = -1.0, float(extents[axis])
    return Batch(images, masks, batch.moved(scale, offset))


def turned(batch: Batch, draw: torch.Generator) -> Batch:
    """Every image turned in the plane of its last two axes: by any number of quarter turns where they are equal, else
    by half a turn or not at all."""
    *_, height, width = batch.images.shape
    step = 1 if height == width else 2
    turns = step * torch.randint(4 // step, (len(batch.images),), generator=draw)
    images, boxes = batch.images.clone(), None if batch.boxes is None else batch.boxes.clone()
    masks = None if batch.masks is None else batch.masks.clone()
    for turn in range(step, 4, step):
        chosen = (turns == turn).nonzero()[:, 0].to(images.device)
        images[chosen] = torch.rot90(images[chosen], turn, (-2, -1))
        if masks is not None:
            masks[chosen] = torch.rot90(masks[chosen], turn, (-2, -1))
        if boxes is not None:
            boxes[chosen] = moved_boxes.turned(boxes[chosen], turn, (height, width))
    return Batch(images, masks, boxes)


def zoomed(batch: Batch, most: float, draw: torch.Generator) -> Batch:
    """Every image made larger or smaller by a factor of at most 1 + most, the same for two or three axes, and moved:
    what is larger is cropped anywhere, what is smaller lies anywhere among zeros."""
    count, _, *extents = batch.images.shape
    factor = ((2 * torch.rand(count, generator=draw) - 1) * math.log1p(most)).exp()[:, None].expand(-1, len(extents))
    sizes = torch.tensor([float(n) for n in extents])
    room = sizes * (1 - factor)
    offset = torch.rand(count, len(extents), generator=draw) * room
    # From the output's coordinates, which go from -1 to 1, to the input's; the last axis comes first.
    theta = torch.zeros(count, len(extents), len(extents) + 1)
    for axis in range(len(extents)):
        row = len(extents) - 1 - axis
        theta[:, row, row] = 1 / factor[:, axis]
        theta[:, row, -1] = 1 / factor[:, axis] - 1 - 2 * offset[:, axis] / (factor[:, axis] * sizes[axis])
    grid = F.affine_grid(theta, [count, 1, *extents], align_corners=False).to(batch.images.device)

    def sampled(images: Tensor, mode: str = "bilinear") -> Tensor:
        return F.grid_sample(images, grid.to(images.dtype), mode=mode, align_corners=False)

    masks = None
    if batch.masks is not None:
        masks = sampled(batch.masks[:, None].to(batch.images.dtype), "nearest")[:, 0].round().to(batch.masks.dtype)
    return replace(batch, images=sampled(batch.images), masks=masks, boxes=batch.moved(factor, offset))


def _over(change: Callable[[Tensor], Tensor], masks: Tensor | None) -> Tensor | None:
    """What a change of images makes of masks."""
    return None if masks is None else change(masks[:, None])[:, 0]
