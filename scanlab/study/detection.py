"""How boxes are learnt and measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scanlab.data import Dataset
from scanlab.nn import Backbone, Detector
from scanlab.study.average_precision import average_precision, mean_over, per_image
from scanlab.study.recipe import Recipe

__all__ = ["built", "loss", "measured", "predicted"]

# Channels of a detector's pyramid and towers in a study, whose models are small.
WIDTH = 32


def built(backbone: Backbone, dataset: Dataset) -> nn.Module:
    """A detector of the classes of a data set."""
    return Detector(backbone, dataset.classes, WIDTH)


def loss(model: nn.Module, images: Tensor, boxes: Tensor, recipe: Recipe) -> Tensor:
    """The detector's own; labels are not smoothed, for a score is to be the IoU of its box."""
    assert isinstance(model, Detector)
    return model.loss(images, boxes)


def measured(model: nn.Module, images: Tensor, boxes: Tensor, batch: int) -> dict[str, float]:
    """map, map50, map75; ap_0, ap50_0, … of every class (`study.average_precision`); and image_ap50: AP at IoU 0.5 of
    every image by itself, averaged over the images that have or are said to have a class, then over classes."""
    assert isinstance(model, Detector)
    said, true = _detections(model, images, batch), _rows(boxes)
    own = per_image(said, true, model.classes)
    return average_precision(said, true, model.classes).metrics() | {"image_ap50": mean_over(own)}


def predicted(model: nn.Module, images: Tensor, boxes: Tensor, batch: int) -> tuple[str, Tensor]:
    """AP at IoU 0.5 of every image by itself, float64 [M, classes]."""
    assert isinstance(model, Detector)
    own = per_image(_detections(model, images, batch), _rows(boxes), model.classes)
    return "ap50", torch.from_numpy(own)


def _detections(model: Detector, images: Tensor, batch: int) -> Sequence[NDArray]:
    return [each.cpu().numpy() for some in images.split(batch) for each in model.detect(some)]


def _rows(boxes: Tensor) -> Sequence[NDArray]:
    return list(boxes.cpu().numpy().astype(np.float64))
