"""Arithmetic of boxes: x0, y0, x1, y1, in pixels."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["clipped", "overlaps_of_pairs", "separated"]


def overlaps_of_pairs(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalized IoU (arXiv 1902.09630) of boxes with their partners: [..., 4] twice -> [...] twice.

    The generalized one is less by the share of the smallest box around both that neither covers, so that boxes which
    do not meet have a gradient too. Boxes without an area have IoU 0.
    """
    low, high = torch.maximum(one[..., :2], other[..., :2]), torch.minimum(one[..., 2:], other[..., 2:])
    both = (high - low).clamp(min=0).prod(-1)
    either = _area(one) + _area(other) - both
    around = torch.maximum(one[..., 2:], other[..., 2:]) - torch.minimum(one[..., :2], other[..., :2])
    whole = around.prod(-1)
    least = torch.finfo(either.dtype).eps
    iou = both / either.clamp(min=least)
    return iou, iou - (whole - either) / whole.clamp(min=least)


def clipped(boxes: Tensor, height: int, width: int) -> Tensor:
    """Boxes [..., 4] without what lies outside an image."""
    most = boxes.new_tensor([width, height, width, height])
    return torch.minimum(boxes.clamp(min=0), most)


def separated(boxes: Tensor, scores: Tensor, classes: Tensor, overlap: float) -> Tensor:
    """Non-maximum suppression within each class: which boxes stay, best first.

    boxes [n, 4], scores [n], classes int64 [n] -> int64 [m]. Of two boxes of a class whose IoU is above `overlap` the
    one with the higher score stays. By kornia; raises S676 without it.
    """
    nms = _suppression()
    # Boxes of different classes are moved so far apart that they never meet.
    apart = (boxes.detach().max() - boxes.detach().min() + 1 if len(boxes) else 1) * classes
    return nms(boxes.double() + apart[:, None].double(), scores, overlap)


def _suppression() -> Callable[[Tensor, Tensor, float], Tensor]:
    try:
        return import_module("kornia.geometry.bbox").nms
    except ImportError as error:
        help = 'pip install "scanlab[detection]"'
        raise ScanlabError.at("S676", f"overlapping boxes are suppressed by kornia: {error}", help=help) from None


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)
