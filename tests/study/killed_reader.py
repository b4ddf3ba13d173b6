"""Trains a trial on images whose reading kills the process, in the midst of an epoch: TRIAL CHECKPOINT READS."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from scanlab import data
from scanlab.data.lazy import LazyImages
from scanlab.study import study_of, with_options
from scanlab.study.train import train_trial
from scanlab.study.trial import Trial

LIMIT, TESTED = 24, 12
OPTIONS = {"strategies": ["row"], "controls": [], "seeds": 1, "limit": LIMIT, "test_limit": TESTED}
OPTIONS |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "model.drop_path": 0.2}
OPTIONS |= {"recipe.epochs": 3, "recipe.batch": 5, "recipe.shift": 1, "recipe.mixup": 0.8, "recipe.ema": 0.9}


class Rows:
    """Digits one by one; the reads after so many end the process, as `kill -9` does."""

    def __init__(self, pixels: np.ndarray, most: int | None = None) -> None:
        self.pixels, self.most, self.reads = pixels, most, 0

    def __call__(self, number: int) -> np.ndarray:
        self.reads += 1
        if self.most is not None and self.reads > self.most:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.pixels[number]


def trial_and_data(most: int | None = None) -> tuple[Trial, data.Dataset]:
    """The trial, and digits that are read when they are needed."""
    [trial] = study_of(with_options(None, OPTIONS)).trials()
    digits = data.load("digits", limit=LIMIT, test_limit=TESTED)
    pixels = np.asarray(digits.images)
    images = LazyImages(Rows(pixels, most), pixels.shape[1:], np.arange(len(pixels)), "rows")
    return trial, replace(digits, images=images)


if __name__ == "__main__":
    trial, dataset = trial_and_data(int(sys.argv[2]))
    train_trial(trial, dataset, checkpoint=Path(sys.argv[1]))
