"""``kill -9`` in the midst of an epoch whose images are read as they are needed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from killed_reader import LIMIT, TESTED, trial_and_data

from scanlab.study.checkpoint import read_checkpoint
from scanlab.study.train import train_trial
from scanlab.study.training_run import ALONE, TrainingRun


def test_going_on_gives_the_numbers_of_an_unbroken_run(tmp_path: Path):
    trial, dataset = trial_and_data()
    whole = train_trial(trial, dataset)
    checkpoint = tmp_path / "checkpoint.pt"
    # One epoch with its test, and 13 images of the second: in the midst of its third batch, or a little before.
    reads = LIMIT + TESTED + 13
    script = [sys.executable, str(Path(__file__).with_name("killed_reader.py")), str(checkpoint), str(reads)]
    killed = subprocess.run(script, check=False)
    assert killed.returncode == -signal.SIGKILL
    run = TrainingRun.begun(trial, dataset, "cpu", ALONE)
    assert len(read_checkpoint(checkpoint, trial.key, run.stateful()).epochs) == 1
    gone_on = train_trial(trial, dataset, checkpoint=checkpoint)
    assert [epoch.loss for epoch in gone_on.epochs] == [epoch.loss for epoch in whole.epochs]
    assert [epoch.metrics for epoch in gone_on.epochs] == [epoch.metrics for epoch in whole.epochs]
    assert (gone_on.predictions.values == whole.predictions.values).all()
