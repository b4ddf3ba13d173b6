"""How tasks are learnt: models, losses and metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.data.dataset import IGNORED, Dataset
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, Classifier, NextFrame, NextPatch, Segmenter
from scanlab.study import detection
from scanlab.study.metrics import area_under_curve, balanced_accuracy, labels_area_under_curve, labels_f1, overlaps
from scanlab.study.reading import build_reader, edits_of_lines, error_rates, reading_loss
from scanlab.study.recipe import Recipe
from scanlab.study.surfaces import class_surfaces
from scanlab.study.tasks import Task
from scanlab.study.window_measure import in_windows, window_overlaps

__all__ = ["LEARNINGS", "Learning", "learning_of", "loss_of", "metrics_of"]

# Channels of a segmenter's decoder: a study's models are small, and at full resolution these dominate their cost.
PYRAMID_WIDTH = 16


@dataclass(frozen=True)
class Learning:
    """How a task is learnt.

    build: the model over a backbone. loss: of a batch in training, from images [B, C, *extents], or a list of them
    where widths differ, and targets (classes int64 [B], masks int64 [B, *extents], texts int64 [B, longest], labels
    float32 [B, labels] of 0 and 1, or boxes float32 [B, most, 5]). measure: metrics by name over all given images, so
    many at a time; the model is in evaluation mode and nothing is differentiated. predict: what is kept of every given
    image, likewise: the kind of its predictions and their values as `study.predictions.Predictions` has them; None to
    keep nothing; the kind "value", float32 [M], is for a primary metric that is their mean. channels: how many times
    those of the data the backbone reads. outputs: the shape of what a model gives for one sample, from the data, which
    a model of a person's own is held to; None where the loss reads only the model that `build` makes.

    >>> from scanlab.data import load
    >>> LEARNINGS["classification"].outputs(load("digits"))
    (10,)
    """

    build: Callable[[Backbone, Dataset], nn.Module]
    loss: Callable[[nn.Module, Any, Tensor, Recipe], Tensor]
    measure: Callable[[nn.Module, Any, Any, int], dict[str, float]]
    predict: Callable[[nn.Module, Any, Any, int], tuple[str, Tensor]] | None = None
    channels: int = 1
    outputs: Callable[[Dataset], tuple[int, ...]] | None = None


def learning_of(task: Task) -> Learning:
    """How a task is learnt."""
    return LEARNINGS[task.learning] if isinstance(task.learning, str) else task.learning


def loss_of(learning: Learning, model: nn.Module, images: Any, targets: Tensor, recipe: Recipe) -> Tensor:
    """The loss of a batch. Raises S852 for what is no number of one element."""
    loss = learning.loss(model, images, targets, recipe)
    if not isinstance(loss, Tensor) or loss.ndim:
        what = f"of shape {list(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise ScanlabError.at("S852", f"the loss is {what}", help="return a tensor of one number, as loss.mean()")
    return loss


def metrics_of(task: Task, model: nn.Module, images: Any, targets: Any, batch: int) -> dict[str, float]:
    """The metrics of a task. Raises S852 for metrics that are no numbers by name, or lack the primary one."""
    made = learning_of(task).measure(model, images, targets, batch)
    if not isinstance(made, Mapping):
        what = f"{task.name} measured a {type(made).__name__}"
        raise ScanlabError.at("S852", what, help=f'return a dictionary, as {{"{task.primary}": 0.5}}')
    metrics = {str(name): _number(task, name, value) for name, value in made.items()}
    if task.primary not in metrics:
        what = f"{task.name} is judged by {task.primary}, and measured {', '.join(metrics) or 'nothing'}"
        raise ScanlabError.at("S852", what, help=f"return {task.primary} with the metrics")
    return metrics


def _number(task: Task, name: object, value: object) -> float:
    try:
        if not isinstance(value, str):
            return float(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, RuntimeError):
        pass
    shown = f"a tensor of shape {list(value.shape)}" if isinstance(value, Tensor) else repr(value)[:60]
    raise ScanlabError.at(
        "S852", f"the metric {name} of {task.name} is {shown}", help="return one number for each name"
    )


def _one_per_class(dataset: Dataset) -> tuple[int, ...]:
    return (dataset.classes,)


def _one_per_pixel(dataset: Dataset) -> tuple[int, ...]:
    return (dataset.classes, *dataset.extents)


def _classifier(backbone: Backbone, dataset: Dataset) -> nn.Module:
    return Classifier(backbone, dataset.classes)


def _classification_loss(model: nn.Module, images: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
    return F.cross_entropy(model(images), targets, label_smoothing=recipe.label_smoothing)


def _classification(model: nn.Module, images: Tensor, targets: Tensor, batch: int) -> dict[str, float]:
    """accuracy: the share of right answers; balanced_accuracy and auc as in `study.metrics`."""
    logits = torch.cat([model(some) for some in images.split(batch)])
    guesses = logits.argmax(1)
    return {
        "accuracy": (guesses == targets).double().mean().item(),
        "balanced_accuracy": balanced_accuracy(guesses, targets, logits.shape[1]),
        "auc": area_under_curve(logits.softmax(1), targets),
    }


def _classes(model: nn.Module, images: Tensor, targets: Tensor, batch: int) -> tuple[str, Tensor]:
    return "class", torch.cat([model(some).argmax(1) for some in images.split(batch)])


def _labels_loss(model: nn.Module, images: Tensor, marks: Tensor, recipe: Recipe) -> Tensor:
    """Binary cross-entropy of every label, averaged; smoothing moves 0 and 1 towards one half."""
    smooth = recipe.label_smoothing
    return F.binary_cross_entropy_with_logits(model(images), marks * (1 - smooth) + smooth / 2)


def _labels(model: nn.Module, images: Tensor, marks: Tensor, batch: int) -> dict[str, float]:
    """auc, f1: of every label, averaged; exact: the share of samples with all labels right; label_accuracy: the share
    of all labels of all samples that are right. A label is guessed from a probability of one half up."""
    logits = torch.cat([model(some) for some in images.split(batch)])
    guesses, true = logits >= 0, marks > 0
    return {
        "auc": labels_area_under_curve(logits, marks),
        "f1": labels_f1(guesses, true),
        "exact": (guesses == true).all(1).double().mean().item(),
        "label_accuracy": (guesses == true).double().mean().item(),
    }


def _segmenter(decoder: str, backbone: Backbone, dataset: Dataset) -> nn.Module:
    return Segmenter(backbone, dataset.classes, PYRAMID_WIDTH, decoder)


def _segmentation_loss(model: nn.Module, images: Tensor, masks: Tensor, recipe: Recipe) -> Tensor:
    """Cross-entropy plus one minus the soft Dice of the classes but the background, over the batch: the sum that
    nnU-Net trains on (arXiv 1809.10486). Labels are not smoothed: a border is where it is."""
    logits = model(images)
    shares = logits.softmax(1)[:, 1:]
    known = _known(masks, logits.shape[1])
    one_hot = F.one_hot(masks if known is None else masks * known, logits.shape[1]).movedim(-1, 1)[:, 1:]
    one_hot = one_hot.to(shares.dtype)
    if known is not None:
        shares, one_hot = shares * known[:, None], one_hot * known[:, None]
        if not known.any():
            return 0 * logits.sum()
    over = (0, *range(2, logits.ndim))
    dice = (2 * (shares * one_hot).sum(over) + 1) / (shares.sum(over) + one_hot.sum(over) + 1)
    entropy = F.cross_entropy(logits, masks, ignore_index=-100 if known is None else IGNORED)
    return entropy + 1 - dice.mean()


def _known(masks: Tensor, classes: int) -> Tensor | None:
    """Where masks have a class; None where they have one everywhere."""
    if classes > IGNORED:
        return None
    known = masks != IGNORED
    return None if known.all() else known


def _segmentation(model: nn.Module, images: Any, masks: Tensor, batch: int) -> dict[str, float]:
    """dice: of every class but the background, averaged over the images where the mask or the guess has it, then over
    the classes; dice_1, dice_2, …: of each; iou: as dice. An image whose mask lacks a class that the guess has counts
    0 for it. surface_distance, hd95 (both less is better, in pixels) and surface_dice (within 1 pixel): as dice, see
    `study.surfaces`; surface_missed: the share of pairs of an image and a class where only one of mask and guess has
    the class, for which there is no distance. Of volumes that are read in windows dice and iou of the whole volumes:
    surfaces would need all voxels at once."""
    if in_windows(images):
        return _overlap_means(*window_overlaps(model, images, batch))
    dices, ious, surfaces = [], [], []
    for some, true in zip(images.split(batch), masks.split(batch), strict=True):
        logits = model(some)
        guesses, known = logits.argmax(1), _known(true, logits.shape[1])
        # What is of no class is no wrong guess either.
        guesses = guesses if known is None else guesses.where(known, IGNORED)
        dice, iou = overlaps(guesses, true, logits.shape[1])
        dices.append(dice)
        ious.append(iou)
        surfaces.append(class_surfaces(guesses.cpu().numpy(), true.cpu().numpy(), logits.shape[1]))
    return _overlap_means(torch.cat(dices), torch.cat(ious)) | _surfaces(torch.from_numpy(np.concatenate(surfaces)))


def _overlap_means(dices: Tensor, ious: Tensor) -> dict[str, float]:
    """Means of [M, classes] over images, then over the classes but the background."""
    per_class = dices[:, 1:].nanmean(0)
    means = {"dice": per_class.nanmean().item(), "iou": ious[:, 1:].nanmean(0).nanmean().item()}
    return means | {f"dice_{c}": value for c, value in enumerate(per_class.tolist(), start=1)}


def _surfaces(scores: Tensor) -> dict[str, float]:
    """Means over images, then over classes, of [B, classes - 1, 3]."""
    average, hd95, dice = (scores[..., k].nanmean(0).nanmean().item() for k in range(3))
    there = ~scores[..., 2].isnan()
    missed = (there & scores[..., 0].isnan()).sum() / there.sum()
    return {"surface_distance": average, "hd95": hd95, "surface_dice": dice, "surface_missed": missed.item()}


def _dices(model: nn.Module, images: Any, masks: Tensor, batch: int) -> tuple[str, Tensor]:
    if in_windows(images):
        return "dice", window_overlaps(model, images, batch)[0][:, 1:]
    dices = []
    for some, true in zip(images.split(batch), masks.split(batch), strict=True):
        logits = model(some)
        dices.append(overlaps(logits.argmax(1), true, logits.shape[1])[0][:, 1:])
    return "dice", torch.cat(dices)


def _next_patch(loss: str, backbone: Backbone, dataset: Dataset) -> nn.Module:
    return NextPatch(backbone, loss)


def _next_patch_loss(model: nn.Module, images: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
    # Through the module's own call, so that a wrapper for several processes sees the step.
    assert isinstance(model, NextPatch)
    return model.loss(images)


def _next_patch_error(name: str, model: nn.Module, images: Tensor, targets: Tensor, batch: int) -> dict[str, float]:
    """The mean over all values of all patches."""
    assert isinstance(model, NextPatch)
    return {name: sum(model.loss(some).item() * len(some) for some in images.split(batch)) / len(images)}


def _next_patch_losses(model: nn.Module, images: Tensor, targets: Tensor, batch: int) -> tuple[str, Tensor]:
    assert isinstance(model, NextPatch)
    return "loss", torch.cat([model.losses(some) for some in images.split(batch)])


def _next_frame(backbone: Backbone, dataset: Dataset) -> nn.Module:
    return NextFrame(backbone)


def _next_frame_loss(model: nn.Module, images: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
    assert isinstance(model, NextFrame)
    return model.loss(images)


def _next_frame_error(model: nn.Module, images: Tensor, targets: Tensor, batch: int) -> dict[str, float]:
    """mae: the mean absolute error of all frames but the first; mae_of_repeating: of the last frame in its place."""
    assert isinstance(model, NextFrame)
    repeated = torch.cat([model.repeated(some) for some in images.split(batch)])
    errors = _next_frame_losses(model, images, targets, batch)[1]
    return {"mae": errors.mean().item(), "mae_of_repeating": repeated.mean().item()}


def _next_frame_losses(model: nn.Module, images: Tensor, targets: Tensor, batch: int) -> tuple[str, Tensor]:
    assert isinstance(model, NextFrame)
    return "loss", torch.cat([model.losses(some) for some in images.split(batch)])


LEARNINGS: Mapping[str, Learning] = MappingProxyType(
    {
        "classification": Learning(
            _classifier, _classification_loss, _classification, _classes, outputs=_one_per_class
        ),
        "multi_label_classification": Learning(_classifier, _labels_loss, _labels, outputs=_one_per_class),
        "segmentation": Learning(
            partial(_segmenter, "pyramid"), _segmentation_loss, _segmentation, _dices, outputs=_one_per_pixel
        ),
        "segmentation_with_unet": Learning(
            partial(_segmenter, "unet"), _segmentation_loss, _segmentation, _dices, outputs=_one_per_pixel
        ),
        "detection": Learning(detection.built, detection.loss, detection.measured, detection.predicted),
        "next_frame": Learning(_next_frame, _next_frame_loss, _next_frame_error, _next_frame_losses, channels=2),
        "text_lines": Learning(partial(build_reader, "columns"), reading_loss, error_rates, edits_of_lines),
        "text_pages": Learning(partial(build_reader, "path"), reading_loss, error_rates, edits_of_lines),
        "next_patch": Learning(
            partial(_next_patch, "mse"), _next_patch_loss, partial(_next_patch_error, "mse"), _next_patch_losses
        ),
        "next_patch_in_bits": Learning(
            partial(_next_patch, "bits"),
            _next_patch_loss,
            partial(_next_patch_error, "bits_per_value"),
            _next_patch_losses,
        ),
    }
)
