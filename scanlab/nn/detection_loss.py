"""What a detector is to learn: which place of its pyramid speaks for which object, and the loss of what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.nn.boxes import overlaps_of_pairs

__all__ = ["Places", "assigned", "detection_loss"]

# An object belongs to the level on which the square root of its area is at most so many steps.
STEPS = 8.0
# Places within so many steps of an object's middle speak for it (arXiv 1904.01355).
NEAR = 1.5
FOCUS = 2.0
BOX_WEIGHT = 2.0


@dataclass(frozen=True, eq=False)
class Places:
    """The P places of a pyramid, level by level from the finest, each level in raster order.

    centres [P, 2]: x and y in pixels; steps [P, 2]: from place to place on their level; smallest, largest [P]: the
    square roots of the areas that their level is for, the first excluded.
    """

    centres: Tensor
    steps: Tensor
    smallest: Tensor
    largest: Tensor

    @classmethod
    def of(cls, grids: Sequence[Sequence[int]], step: Sequence[int], patch: Sequence[int], like: Tensor) -> Places:
        """Those of levels with these grids (rows, columns), the first with such steps between patches of such sides;
        on the device and of the dtype of `like`."""
        centres, steps, smallest, largest = [], [], [], []
        for level, (rows, columns) in enumerate(grids):
            down, right = (n * 2**level for n in step)
            ys = (torch.arange(rows, device=like.device) + 0.5) * down + (patch[0] - step[0]) / 2
            xs = (torch.arange(columns, device=like.device) + 0.5) * right + (patch[1] - step[1]) / 2
            y, x = torch.meshgrid(ys, xs, indexing="ij")
            centres.append(torch.stack([x.flatten(), y.flatten()], 1))
            steps.append(torch.tensor([right, down], device=like.device).expand(rows * columns, 2))
            side = STEPS * (down * right) ** 0.5
            last = level == len(grids) - 1
            smallest.append(torch.full((rows * columns,), 0.5 * side if level else 0.0, device=like.device))
            largest.append(torch.full((rows * columns,), torch.inf if last else side, device=like.device))
        joined = [torch.cat(parts).to(like.dtype) for parts in (centres, steps, smallest, largest)]
        return cls(*joined)


def assigned(places: Places, targets: Tensor) -> Tensor:
    """For which object each place speaks: targets [B, most, 5] -> int64 [B, P], -1 for none.

    A place speaks for an object of its level that it lies in, near the middle; of several for the smallest. The place
    nearest to the middle of an object speaks for it in any case, unless it does so for a smaller one.
    """
    if not targets.shape[1]:
        return torch.full((len(targets), len(places.centres)), -1, device=targets.device)
    boxes, real = targets[..., :4], targets[..., 4] >= 0
    extent = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0)
    area = extent.prod(-1)
    # [B, P, most], with axes of two behind where x and y are meant.
    offset = (places.centres[:, None] - (boxes[:, None, :, :2] + boxes[:, None, :, 2:]) / 2).abs()
    size = area.sqrt()[:, None]
    level = (size > places.smallest[:, None]) & (size <= places.largest[:, None])
    inside = (offset < extent[:, None] / 2).all(-1) & (offset < NEAR * places.steps[:, None]).all(-1)
    distance = (offset / places.steps[:, None]).square().sum(-1)
    nearest = torch.where(level, distance, torch.inf).argmin(1, keepdim=True)
    speaks = (inside & level).scatter(1, nearest, True) & real[:, None]
    smallest, chosen = torch.where(speaks, area[:, None], torch.inf).min(-1)
    return torch.where(smallest.isfinite(), chosen, -1)


def detection_loss(outputs: Tensor, places: Places, targets: Tensor) -> Tensor:
    """The loss of a detector's outputs [B, P, 4 + classes] for boxes [B, most, 5] with class -1 where there is none.

    Per place that speaks for an object, one minus the generalized IoU of its box, twice; and over all places the
    quality focal loss (arXiv 2006.04388): the score of the object's class is to be the IoU that the box has now, all
    others 0. Both are divided by the number of places that speak.
    """
    chosen = assigned(places, targets)
    batch, place = (chosen >= 0).nonzero(as_tuple=True)
    aims = targets[batch, chosen[batch, place]] if len(batch) else outputs.new_zeros(0, 5)
    boxes, logits = outputs[..., :4].float(), outputs[..., 4:].float()
    iou, giou = overlaps_of_pairs(boxes[batch, place], aims[:, :4].float())
    quality = torch.zeros_like(logits)
    quality[batch, place, aims[:, 4].long()] = iou.detach()
    focus = (quality - logits.sigmoid()).abs().pow(FOCUS)
    scores = (focus * F.binary_cross_entropy_with_logits(logits, quality, reduction="none")).sum()
    return (scores + BOX_WEIGHT * (1 - giou).sum()) / max(1, len(batch))
