"""Trains a trial and may end as `kill -9` ends it, at a step: FOLDER STEP, 0 for none; alone, or under torchrun."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from scanlab import data
from scanlab.data.lazy import LazyImages
from scanlab.study import study_of, with_options
from scanlab.study.distributed import common_checkpoint, joined
from scanlab.study.train import train_model
from scanlab.study.training_run import TrainingRun, World
from scanlab.study.trial import Trial

# 16 steps an epoch, whose batches two processes divide unevenly, so that their drop paths draw unlike.
OPTIONS = {"strategies": ["row"], "controls": [], "seeds": 1, "limit": 24, "test_limit": 12}
OPTIONS |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "model.drop_path": 0.3}
OPTIONS |= {"recipe.epochs": 3, "recipe.batch": 3, "recipe.passes": 2, "recipe.shift": 1, "recipe.mixup": 0.8}
OPTIONS |= {"recipe.cutmix": 1.0, "recipe.ema": 0.9, "recipe.accumulate": 2, "recipe.crop": 0.7, "recipe.erasing": 0.3}
# Whenever it can be, a checkpoint is written.
OPTIONS |= {"recipe.checkpoint_minutes": 1e-9}
STEPS = 16


def trial_and_data() -> tuple[Trial, data.Dataset]:
    """The trial, and digits that are read when they are needed."""
    [trial] = study_of(with_options(None, OPTIONS)).trials()
    digits = data.load("digits", limit=24, test_limit=12)
    pixels = np.asarray(digits.images)
    images = LazyImages(lambda number: pixels[number], pixels.shape[1:], np.arange(len(pixels)), "rows")
    return trial, replace(digits, images=images)


def killed_at(last: int) -> None:
    """From now on the process is killed in place of that step."""
    step, taken = TrainingRun._step, []

    def counted(*given):
        taken.append(0)
        if len(taken) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*given)

    TrainingRun._step = counted


def trained(folder: Path, world: World, device: str) -> None:
    """Train, and leave losses, metrics and weights. The model is gone before the processes part."""
    trial, dataset = trial_and_data()
    checkpoint = common_checkpoint(folder / "checkpoint.pt", world)
    model, result = train_model(trial, dataset, checkpoint=checkpoint, device=device, world=world)
    if world.rank == 0:
        epochs = [(epoch.loss, dict(epoch.metrics)) for epoch in result.epochs]
        torch.save({"epochs": epochs, "weights": model.state_dict()}, folder / "result.pt")


if __name__ == "__main__":
    killed_at(int(sys.argv[2]))
    with joined("cpu") as (world, device):
        trained(Path(sys.argv[1]), world, device)
