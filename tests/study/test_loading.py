"""Images that a trial reads as it needs them."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scanlab import data
from scanlab.data.lazy import LazyImages
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import runner, study_of, with_options, work
from scanlab.study.checkpoint import Progress
from scanlab.study.engines.local import Processes
from scanlab.study.inputs import of_dataset
from scanlab.study.loading import AHEAD, LoadedImages
from scanlab.study.train import train_trial
from scanlab.study.training_run import ALONE, TrainingRun, World
from scanlab.study.trial import DataChoice

TINY = {"strategies": ["row"], "controls": [], "seeds": 1, "limit": 24, "test_limit": 12}
TINY |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 2, "recipe.shift": 1}
ORDER = torch.tensor([4, 2, 8, 1, 0, 7, 3]).split(3)


class Rows:
    """An array by its rows, which keeps count of what was read."""

    def __init__(self, array: np.ndarray, broken: int = -1) -> None:
        self.array, self.broken, self.seen = array, broken, []

    def __call__(self, number: int) -> np.ndarray:
        self.seen.append(number)
        if number == self.broken:
            raise ScanlabError.at("S644", f"image {number} cannot be read")
        return self.array[number]


def rows(loaders: int, broken: int = -1) -> tuple[Rows, LoadedImages]:
    read = Rows(np.arange(9, dtype=np.float32)[:, None, None, None] + np.zeros((1, 2, 2), np.float32), broken)
    return read, LoadedImages(LazyImages(read, (1, 2, 2), np.arange(9), "made", loaders), "cpu")


def values(batches) -> list[list[float]]:
    return [batch[:, 0, 0, 0].tolist() for batch in batches]


@pytest.mark.parametrize("loaders", [0, 1, 3])
def test_batches_are_those_of_the_order_whoever_reads(loaders: int):
    read, images = rows(loaders)
    assert values(images.batches(ORDER)) == [[4, 2, 8], [1, 0, 7], [3]]
    assert sorted(read.seen) == [0, 1, 2, 3, 4, 7, 8]
    assert values(images.split(4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    assert images[torch.tensor([5, 1])][:, 0, 1, 1].tolist() == [5, 1] and images[:2].shape == (2, 1, 2, 2)


@pytest.mark.parametrize("loaders", [0, 2])
def test_what_is_not_needed_is_not_read(loaders: int):
    read, images = rows(loaders)
    assert values(images.batches(ORDER, lambda count: range(1, count, 2))) == [[0, 2, 0], [0, 0, 0], [0]]
    assert sorted(read.seen) == [0, 2]


def test_no_more_is_read_ahead_than_is_said():
    read, images = rows(2)
    batches = images.batches(torch.arange(9).split(1))
    next(batches)
    batches.close()
    assert len(read.seen) <= 1 + AHEAD
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("loader")]


@pytest.mark.parametrize("loaders", [0, 2])
def test_an_image_that_cannot_be_read_is_said_in_its_place(loaders: int):
    _, images = rows(loaders, broken=0)
    batches = images.batches(ORDER)
    assert next(batches)[0, 0, 0, 0] == 4
    with pytest.raises(ScanlabError, match="image 0 cannot be read"):
        next(batches)


def lazily(dataset: data.Dataset, loaders: int = 2) -> data.Dataset:
    """The same images, read when they are needed."""
    held = np.asarray(dataset.images)
    images = LazyImages(Rows(held), held.shape[1:], np.arange(len(held)), "rows", loaders)
    return replace(dataset, images=images)


def test_trainings_are_those_of_images_in_memory():
    options = TINY | {"transfer": ["rotate 90", "size 12x12"]}
    [trial] = study_of(with_options(None, options)).trials()
    digits = data.load("digits", limit=24, test_limit=12)
    kept = train_trial(trial, digits)
    for loaders in (0, 2):
        lazy = train_trial(trial, lazily(digits, loaders))
        assert [epoch.loss for epoch in lazy.epochs] == [epoch.loss for epoch in kept.epochs]
        assert lazy.final == kept.final
        assert lazy.transfer == kept.transfer and set(kept.transfer) == {"rotate 90", "size 12x12"}
        assert lazy.field == kept.field
        assert np.array_equal(lazy.predictions.values, kept.predictions.values)


@pytest.mark.parametrize("batch", [5, 6])
def test_a_process_has_the_pictures_that_its_own_are_mixed_with(batch: int):
    """The losses of the first step of two processes, of each its share, are together that of one."""
    [trial] = study_of(with_options(None, TINY | {"recipe.batch": batch, "recipe.mixup": 0.8})).trials()
    digits = lazily(data.load("digits", limit=batch, test_limit=12))
    whole, *shares = (
        TrainingRun.begun(trial, digits, "cpu", world).epoch(Progress()).epochs[0].loss
        for world in (ALONE, World(0, 2), World(1, 2))
    )
    assert sum(shares) == pytest.approx(whole, rel=1e-6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    draw = np.random.RandomState(0)
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(12):
            Image.fromarray(draw.randint(0, 255, (8, 8), np.uint8)).save(tmp_path / "set" / name / f"{number}.png")
    return tmp_path / "set"


def test_workers_of_a_study_read_with_threads(folder: Path, tmp_path: Path):
    options = TINY | {"dataset": str(folder), "limit": None, "test_limit": None, "lazy": True}
    losses = []
    for engine, loaders in ((None, 0), (Processes(1), 2)):
        study = study_of(with_options(None, options | {"loaders": loaders}))
        record = runner.run_study(study, tmp_path / f"out{loaders}", engine=engine)
        [trial] = record.trials.values()
        assert trial.status == "done", trial.error
        losses.append([epoch.loss for epoch in trial.epochs])
    assert losses[0] == losses[1]


def test_parts_that_are_drawn_anew_keep_who_reads(folder: Path):
    options = TINY | {"dataset": str(folder), "limit": None, "test_limit": None, "lazy": True, "loaders": 5}
    options |= {"resample": True, "tune.learning_rate": [1e-3, 1e-2]}
    study = study_of(with_options(None, options))
    choices = {member.trial.problem.data for member in study.members()}
    choices |= {member.trial.problem.data for member in study.tuning_members()}
    assert any(choice.redraw for choice in choices) and any(choice.tuning for choice in choices)
    for choice in choices:
        images = work.dataset_of(choice).images
        assert isinstance(images, LazyImages) and images.loaders == 5


def test_choices_that_say_nothing_of_reading_are_what_they_were():
    usual = {"name", "size", "limit", "test_limit", "part", "layout", "spacing"}
    assert set(DataChoice().plain()) == usual
    assert set(DataChoice(lazy=True).plain()) == usual | {"lazy"}


def test_models_are_evaluated_on_images_that_are_read_as_needed():
    digits = data.load("digits", limit=4, test_limit=10)
    some, lazy = ([images for _, images in of_dataset(each).batches(4)] for each in (digits, lazily(digits)))
    assert all(torch.equal(a, b) for a, b in zip(some, lazy, strict=True)) and len(some) == 3
