"""The part of ``scanlab erf`` that computes with models."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from scanlab import data
from scanlab.cli.arguments import Subject, labelled
from scanlab.cli.output import console
from scanlab.data import Dataset
from scanlab.data.ragged import require_one_size
from scanlab.facade import bound
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import Value
from scanlab.nn import Backbone, BackboneConfig, set_scan
from scanlab.study.preflight import check_study
from scanlab.study.receptive_field import receptive_field
from scanlab.study.train import initial_model, train_model
from scanlab.study.trial import DataChoice, Problem, Study
from scanlab.study.work import dataset_of, one_thread
from scanlab.view.receptive_field import Field
from scanlab.zoo import load

__all__ = ["of_checkpoint", "of_training"]

BEFORE, AFTER, AS_TRAINED = "before training", "after training", "as trained"
_IMAGES = 64
_AXES_TRAINED = 2


def of_training(names: list[str], grid: str, epochs: int | None, choice: DataChoice, quiet: bool) -> Subject:
    """Fields of the study's model for each strategy, before and after training it with seed 0.

    grid: into which the images are divided, by default one patch per pixel of the digits and 2x2 pixels of larger
    images. Raises S636 for a grid that the images do not have, S600 and S642 for the data, and what a study refuses.
    """
    dataset = dataset_of(choice)
    if len(dataset.extents) != _AXES_TRAINED:
        raise ScanlabError.at(
            "S636", f"{dataset.name} is no data set of images", help="volumes cannot be trained on yet"
        )
    config = BackboneConfig(patch=_patch(dataset, grid))
    divided = tuple(n // side for n, side in zip(dataset.extents, config.patch_sides(_AXES_TRAINED), strict=True))
    values = labelled(names, grid_text(divided))
    plans = tuple((name, bound(value, divided)) for name, value in values)
    problem = Problem(dataset.name, choice, "classification", dataset.fingerprint, plans, config)
    if epochs is not None:
        problem = replace(problem, recipe=replace(problem.recipe, epochs=epochs))
    study = Study(dataset.name, (problem,), (0,), controls=(), unequal=True)
    check_study(study)
    images = _test_images(dataset)
    before, after, reached = [], [], []
    screen = console(stderr=True)
    columns = (TextColumn("training {task.description:28}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = quiet or not screen.is_terminal
    with one_thread(), Progress(*columns, console=screen, disable=hidden, transient=True) as bar:
        task = bar.add_task("", total=len(values) * problem.recipe.epochs)
        for name, trial in ((member.strategy, member.trial) for member in study.members()):
            bar.update(task, description=name)
            model, result = train_model(trial, dataset, lambda *_: bar.advance(task))
            first = receptive_field(initial_model(trial, dataset), images)
            before.append(Field(name, BEFORE, first.patches))
            after.append(Field(name, AFTER, receptive_field(model, images).patches))
            reached.append(f"{name} {100 * result.final['accuracy']:.1f} %")
    notes = [
        f"measured on {len(images)} test images of {dataset.name}, seed 0, {count_text(config.depths[0], 'layer')}",
        f"test accuracy after {count_text(problem.recipe.epochs, 'epoch')}: {', '.join(reached)}",
    ]
    return Subject(list(plans), sum(config.depths), [*before, *after], notes)


def of_checkpoint(file: Path, names: list[str], source: str | None, layout: str = "") -> Subject:
    """Fields of a saved model: with its own scan, and with each strategy in its place.

    source: a data set whose test images are measured; without one, the digits where they have the model's size, else
    normal noise of that size. layout: words that settle how it is read. Raises S635 for a model without a backbone that
    scans, S636 for images of other axes or channels, and what loading the file and the data raises.
    """
    model = load(file)
    backbone = getattr(model, "backbone", None)
    if not isinstance(backbone, Backbone):
        raise ScanlabError.at("S635", f"{file} holds a model without a backbone that scans")
    images, what = _images_for(backbone, source, layout)
    grid = backbone.grid_of(tuple(images.shape[2:]))
    own = backbone.strategy.name or "its own scan"
    subjects: list[tuple[str, Value]] = [(f"{own} ({AS_TRAINED})", backbone.strategy), *labelled(names)]
    fields = []
    for number, (name, value) in enumerate(subjects):
        # A copy each, so that what one swap starts afresh, such as gates, does not reach the next.
        read = set_scan(deepcopy(model), value) if number else model
        measured = receptive_field(read, images)
        fields.append(Field(name, "gradient", measured.patches, measured.patch_cell, backbone.strategy.axes))
    stages = len(backbone.config.depths)
    plans = [(name, bound(value, grid)) for name, value in subjects] if stages == 1 else []
    notes = [f"measured on {what}"]
    if not plans:
        notes.append(f"nothing is predicted for {stages} stages: their grids differ")
    return Subject(plans, sum(backbone.config.depths), fields, notes)


def _patch(dataset: Dataset, grid: str) -> tuple[int, ...]:
    if not grid:
        return (1 if max(dataset.extents) <= 8 else 2,) * len(dataset.extents)
    divisions, extents = grid_of(grid), dataset.extents
    if len(divisions) != len(extents) or any(n % cells for n, cells in zip(extents, divisions, strict=True)):
        size = grid_text(extents)
        raise ScanlabError.at(
            "S636",
            f"the images of {dataset.name}, {size} pixels, cannot be divided into {grid} patches",
            help=f"give a grid that divides {size}",
        )
    return tuple(n // cells for n, cells in zip(extents, divisions, strict=True))


def _test_images(dataset: Dataset) -> Tensor:
    images = require_one_size(dataset.images, dataset.name, "a receptive field")
    return torch.tensor(images[dataset.test[:_IMAGES]])


def _images_for(backbone: Backbone, source: str | None, layout: str) -> tuple[Tensor, str]:
    """Images that a model can read, and what they are."""
    usual = (backbone.channels, *backbone.input_size)
    dataset = data.load(source or "digits", layout=layout)
    if source is None and dataset.images.shape[1:] != usual:
        noise = np.random.RandomState(0).standard_normal((_IMAGES // 4, *usual)).astype(np.float32)
        return torch.from_numpy(noise), f"{len(noise)} inputs of normal noise, for want of --data"
    if len(dataset.images.shape) != len(usual) + 1 or dataset.images.shape[1] != backbone.channels:
        sizes = [grid_text(shape) for shape in (dataset.images.shape[1:], usual)]
        raise ScanlabError.at(
            "S636",
            f"the images of {dataset.name} are {sizes[0]} and the model reads {sizes[1]}, channels first",
            help="give data with as many channels and axes",
        )
    images = _test_images(dataset)
    return images, f"{len(images)} test images of {dataset.name}"
