"""What a model learns, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.data import Dataset
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, Classifier, NextPatch, Segmenter
from scanlab.study.trial import Recipe

__all__ = ["TASKS", "Task", "task_named"]


@dataclass(frozen=True)
class Task:
    """One kind of task.

    primary: the metric that a study judges by; higher: whether more of it is better. unit: what one hundredth of the
    metric is called in words ("points"), or "" where differences are given as they are. build: the model over a
    backbone. loss: of a batch in training, from images [B, C, *extents] and targets (classes int64 [B] or masks
    int64 [B, *extents]). measure: metrics by name, over all given images, in batches of the given size; the model is
    in evaluation mode.
    """

    name: str
    primary: str
    higher: bool
    unit: str
    build: Callable[[Backbone, Dataset], nn.Module]
    loss: Callable[[nn.Module, Tensor, Tensor, Recipe], Tensor]
    measure: Callable[[nn.Module, Tensor, Tensor, int], dict[str, float]]


def task_named(name: str) -> Task:
    """A task by name. Raises S650."""
    if name not in TASKS:
        raise ScanlabError.at("S650", f"there is no task {name!r}", help=f"choose from {', '.join(TASKS)}")
    return TASKS[name]


def _classification_loss(model: nn.Module, images: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
    return F.cross_entropy(model(images), targets, label_smoothing=recipe.label_smoothing)


def _classification(model: nn.Module, images: Tensor, targets: Tensor, batch: int) -> dict[str, float]:
    guesses = torch.cat([model(some).argmax(1) for some in images.split(batch)])
    return {"accuracy": (guesses == targets).float().mean().item()}


TASKS: Mapping[str, Task] = MappingProxyType(
    {
        "classification": Task(
            "classification",
            "accuracy",
            True,
            "points",
            lambda backbone, data: Classifier(backbone, data.classes),
            _classification_loss,
            _classification,
        ),
    }
)
_ = NextPatch, Segmenter
