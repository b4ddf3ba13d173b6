"""Boxes [B, most, 5] (x0, y0, x1, y1, class) moved as their images are; rows of class -1, which are none, stay."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["are_boxes", "are_masks", "moved", "turned", "visible"]

# Of an object of which less can be seen than this share, nothing is said.
LEAST_SEEN = 0.3


def are_boxes(targets: Tensor) -> bool:
    """Whether targets are boxes: labels are floats too, of two axes."""
    return targets.ndim == 3 and targets.is_floating_point()


def are_masks(targets: Tensor) -> bool:
    """Whether targets are a class per pixel: of labels there are several as well, but as floats."""
    return targets.ndim > 1 and not targets.is_floating_point()


def moved(boxes: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
    """Every coordinate times a scale, plus an offset, both [B, 2] for the axes of height and width; sides that a
    negative scale exchanges are put in order."""
    down, right = scale.to(boxes).unbind(1)
    low, far = offset.to(boxes).unbind(1)
    factor = torch.stack([right, down, right, down], 1)[:, None]
    added = torch.stack([far, low, far, low], 1)[:, None]
    return _ordered(boxes, boxes[..., :4] * factor + added)


def turned(boxes: Tensor, turns: int, extents: tuple[int, ...]) -> Tensor:
    """As torch.rot90(images, turns, (-2, -1)) turns images of a height and width."""
    sides, (height, width) = boxes[..., :4], extents
    for _ in range(turns % 4):
        x0, y0, x1, y1 = sides.unbind(-1)
        sides, (height, width) = torch.stack([y0, width - x1, y1, width - x0], -1), (width, height)
    return _ordered(boxes, sides)


def visible(boxes: Tensor, extents: tuple[int, ...]) -> Tensor:
    """What is seen of boxes on an image of a height and width; those of which less than LEAST_SEEN is, are none."""
    height, width = extents
    sides, most = boxes[..., :4], boxes.new_tensor([width, height, width, height])
    inside = torch.minimum(sides.clamp(min=0), most)
    before, now = ((s[..., 2:] - s[..., :2]).prod(-1) for s in (sides, inside))
    gone = (now <= 0) | (now < LEAST_SEEN * before)
    made = torch.cat([inside, boxes[..., 4:]], -1)
    return made.where(~gone[..., None], boxes.new_tensor([0.0, 0.0, 0.0, 0.0, -1.0]))


def _ordered(boxes: Tensor, sides: Tensor) -> Tensor:
    low, high = torch.minimum(sides[..., :2], sides[..., 2:]), torch.maximum(sides[..., :2], sides[..., 2:])
    made = torch.cat([low, high, boxes[..., 4:]], -1)
    return made.where(boxes[..., 4:] >= 0, boxes)
