"""A one-stage detector without anchors: every place of a feature pyramid says of which class the object around it is,
and how far away the sides of its box are (FCOS, arXiv 1904.01355)."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text
from scanlab.nn.backbone import Backbone
from scanlab.nn.boxes import clipped, separated
from scanlab.nn.detection_loss import Places, detection_loss
from scanlab.nn.embed import halved
from scanlab.nn.pyramid import PyramidHead, fusion

__all__ = ["LEAST_SCORE", "MOST", "OVERLAP", "Detector"]

# What the score of every class is at first, so that the many places without an object do not drown the others
# (arXiv 1708.02002).
FIRST_SCORE = 0.01
# A side is at most so many steps away: the exponential of a wild number is infinite.
FARTHEST = 1000.0
# What is less sure is left out; the IoU from which the better one of two boxes stays; boxes of an image.
LEAST_SCORE, OVERLAP, MOST = 0.05, 0.6, 100


class Detector(PyramidHead):
    """Images [B, C, H, W] to boxes with a score for every class, in two dimensions.

    Every stage of the backbone is a level of the pyramid, which shares its two towers of convolutions with the others;
    objects are looked for on the level whose steps fit their size. The score of a class is to be the IoU that its box
    will have (generalized focal loss, arXiv 2006.04388), so one number orders them.

    Raises S679 for other axes than two and for no class.

    >>> import torch
    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> config = BackboneConfig(patch=4, dim=8, depth=(1, 1))
    >>> model = Detector(Backbone("cross", config, input_size=(32, 32), channels=3), classes=2, width=8)
    >>> model(torch.zeros(1, 3, 32, 48)).shape  # 8 x 12 and 4 x 6 places; a box, and two classes
    torch.Size([1, 120, 6])
    """

    def __init__(self, backbone: Backbone, classes: int, width: int = 32) -> None:
        if len(backbone.input_size) != 2 or classes < 1:
            what = count_text(len(backbone.input_size), "axis") if classes > 0 else count_text(classes, "class")
            help = "give a backbone over two axes and at least one class"
            raise ScanlabError.at("S679", f"a detector cannot be built over {what}", help=help)
        super().__init__(backbone, width)
        self.score_tower, self.box_tower = (
            nn.Sequential(fusion(nn.Conv2d, width), fusion(nn.Conv2d, width)) for _ in range(2)
        )
        self.scores = nn.Conv2d(width, classes, 3, padding=1)
        self.sides = nn.Conv2d(width, 4, 3, padding=1)
        self.level_sizes = nn.Parameter(torch.zeros(len(backbone.config.depths)))
        nn.init.normal_(self.scores.weight, std=0.01)
        nn.init.normal_(self.sides.weight, std=0.01)
        nn.init.constant_(cast(Tensor, self.scores.bias), -math.log(1 / FIRST_SCORE - 1))

    @property
    def classes(self) -> int:
        """How many classes it knows."""
        return self.scores.out_channels

    def options(self) -> dict[str, Any]:
        """The number of classes, and the pyramid's width."""
        return {"classes": self.classes, "width": self.sides.in_channels}

    def forward(self, images: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, P, 4 + classes]: of every place a box (x0, y0, x1, y1, in pixels, perhaps beyond the
        image) and a logit for every class."""
        places, sides, logits = self.places(images), [], []
        for picture, size in zip(self.pyramid(images), self.level_sizes, strict=True):
            sides.append((self.sides(self.box_tower(picture)) + size).flatten(2))
            logits.append(self.scores(self.score_tower(picture)).flatten(2))
        away = torch.cat(sides, 2).transpose(1, 2).clamp(max=math.log(FARTHEST)).exp()
        away = away * places.steps.repeat(1, 2)
        boxes = torch.cat([places.centres - away[..., :2], places.centres + away[..., 2:]], -1)
        return torch.cat([boxes, torch.cat(logits, 2).transpose(1, 2)], -1)

    def loss(self, images: Tensor, targets: Tensor) -> Tensor:
        """The mean over the objects of a batch: images [B, C, H, W] and boxes [B, most, 5] (x0, y0, x1, y1, class),
        filled with class -1; see `nn.detection_loss`. Boxes are taken as they are: what `scanlab.data` reads has areas,
        finite sides and known classes.

        >>> import torch
        >>> from scanlab.nn import Backbone, BackboneConfig
        >>> model = Detector(Backbone("row", BackboneConfig(patch=4, dim=8), input_size=(32, 32)), classes=2, width=8)
        >>> boxes = torch.tensor([[[4.0, 4.0, 12.0, 20.0, 1.0]]])
        >>> bool(model.loss(torch.zeros(1, 1, 32, 32), boxes) > 0)
        True
        """
        return detection_loss(self(images), self.places(images), targets)

    def places(self, images: Tensor) -> Places:
        """The places of images [B, C, H, W], in the order of `forward`."""
        embed, grids = self.backbone.embed, [self.backbone.grid_of(images.shape[2:])]
        for _ in self.backbone.config.depths[1:]:
            grids.append(halved(grids[-1]))
        step = (embed.stride,) * 2 if embed.stride else embed.patch
        return Places.of(grids, step, embed.patch, images)

    @torch.no_grad()
    def detect(
        self, images: Tensor, *, least_score: float = LEAST_SCORE, overlap: float = OVERLAP, most: int = MOST
    ) -> list[Tensor]:
        """The objects in images [B, C, H, W] of any size: float32 [n, 6] each (x0, y0, x1, y1 in pixels within the
        image, score in [0, 1], class), best first.

        least_score: what is less sure is left out. overlap: of two boxes of a class with a higher IoU the better one
        stays (non-maximum suppression). most: how many boxes an image may have. The model should be in evaluation mode.
        Raises S676 without kornia, and S614 for images that do not fit.

        >>> import torch
        >>> from scanlab.nn import Backbone, BackboneConfig
        >>> model = Detector(Backbone("row", BackboneConfig(patch=4, dim=8), input_size=(32, 32)), classes=2, width=8)
        >>> [tuple(one.shape) for one in model.eval().detect(torch.zeros(2, 1, 40, 24), least_score=0.5)]
        [(0, 6), (0, 6)]
        """
        height, width = images.shape[-2:]
        kept = []
        for outputs in self(images).float():
            boxes, scores = clipped(outputs[:, :4], height, width), outputs[:, 4:].sigmoid()
            # At the border a box may come to have no area, and then covers nothing.
            scores = scores * (boxes[:, 2:] > boxes[:, :2]).all(1, keepdim=True)
            place, label = (scores > least_score).nonzero(as_tuple=True)
            score = scores[place, label]
            best = score.topk(min(len(score), 10 * most)).indices
            place, label, score = place[best], label[best], score[best]
            stays = separated(boxes[place], score, label, overlap)[:most]
            kept.append(torch.cat([boxes[place], score[:, None], label[:, None].to(boxes.dtype)], 1)[stays])
        return kept
