"""Checkpoints within an epoch: what `kill -9` ends goes on with the numbers of an unbroken training."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from killed_trainer import STEPS, trial_and_data

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import study_of, with_options
from scanlab.study.checkpoint import InMemory, Progress, Within, read_checkpoint, write_checkpoint
from scanlab.study.seeds_together import Unlike, train_together
from scanlab.study.train import train_model, train_trial
from scanlab.study.training_run import ALONE, TrainingRun, World
from scanlab.study.within_epoch import ASKED, EpochSums, Timer

SCRIPT = str(Path(__file__).with_name("killed_trainer.py"))
ALONE_BY, PAIR_BY = (
    (sys.executable,),
    (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
)


def train(by: tuple[str, ...], folder: Path, last: int) -> int:
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*by, SCRIPT, str(folder), str(last)], env=environment, capture_output=True, check=False
    ).returncode


@pytest.mark.parametrize("by", [ALONE_BY, PAIR_BY], ids=["alone", "two processes"])
def test_going_on_within_an_epoch_gives_the_numbers_of_an_unbroken_run(tmp_path: Path, by: tuple[str, ...]):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert train(by, whole, 0) == 0
    killed = train(by, cut, STEPS + 13)
    assert killed == (-signal.SIGKILL if by == ALONE_BY else 1)
    trial, dataset = trial_and_data()
    run = TrainingRun.begun(trial, dataset, "cpu", ALONE)
    reached = read_checkpoint(cut / "checkpoint.pt", trial.key, run.stateful())
    assert len(reached.epochs) == 1 and reached.within is not None
    # Two processes ask each other after every tenth step.
    assert reached.within.steps == (12 if by == ALONE_BY else ASKED)
    assert train(by, cut, 0) == 0
    one, two = (torch.load(folder / "result.pt", weights_only=True) for folder in (whole, cut))
    assert one["epochs"] == two["epochs"] and len(one["epochs"]) == 3
    assert all(torch.equal(one["weights"][name], two["weights"][name]) for name in one["weights"])


@pytest.mark.parametrize("settings", [{"repeated": 2}, {"accumulate": 1}, {"mixup": 0.0, "cutmix": 0.0}])
def test_any_step_can_be_the_last(settings: dict):
    """Stopped after each step of an epoch in turn, by the checkpoint that was written then."""
    trial, dataset = trial_and_data()
    trial = replace(trial, problem=replace(trial.problem, recipe=replace(trial.problem.recipe, epochs=1, **settings)))
    model, whole = train_model(trial, dataset)
    place = InMemory()
    states: list[bytes] = []

    class Kept(InMemory):
        def __setattr__(self, name: str, value: bytes | None) -> None:
            if value is not None:
                states.append(value)
            super().__setattr__(name, value)

    assert train_trial(trial, dataset, checkpoint=Kept()).epochs[0].loss == whole.epochs[0].loss
    assert len(states) == STEPS
    for state in states[:-1:5]:
        place.content = state
        again, result = train_model(trial, dataset, checkpoint=place)
        assert (result.epochs[0].loss, result.final) == (whole.epochs[0].loss, whole.final)
        assert all(torch.equal(model.state_dict()[name], value) for name, value in again.state_dict().items())


def test_no_number_and_no_key_depends_on_the_minutes():
    trial, dataset = trial_and_data()
    never = replace(trial, problem=replace(trial.problem, recipe=replace(trial.problem.recipe, checkpoint_minutes=0.0)))
    assert never.key == trial.key and "checkpoint_minutes" not in str(trial.config)
    with pytest.raises(ScanlabError, match="checkpoint_minutes is -1"):
        from scanlab.study.preflight import check_study

        check_study(study_of(with_options(None, {"strategies": ["row"], "recipe.checkpoint_minutes": -1.0})))
    written = []

    class Counted(InMemory):
        def __setattr__(self, name: str, value: bytes | None) -> None:
            written.append(value)
            super().__setattr__(name, value)

    train_trial(never, dataset, checkpoint=Counted())
    # Its own start, and three epochs.
    assert len(written) == 4


def test_several_processes_keep_time_by_the_first():
    asked = []

    def total(value: torch.Tensor) -> torch.Tensor:
        asked.append(value.item())
        return value + 1

    follower = Timer(1e-9, World(1, 2, total=total), "cpu")
    assert [step for step in range(1, 25) if follower.due(step)] == [ASKED, 2 * ASKED] and asked == [0.0, 0.0]
    assert not any(Timer(0, ALONE, "cpu").due(step) for step in range(30))
    assert not Timer(1e9, ALONE, "cpu").due(1)


def test_another_number_of_processes_takes_the_sums_up():
    within = Within(4, torch.zeros(1), torch.tensor([[1.5, 1.0], [2.5, 0.0]]), 3.0, 1.0)
    taken = [EpochSums.taken_up(within, World(rank, 3), "cpu") for rank in range(3)]
    assert [(s.losses.item(), s.missed, s.steps) for s in taken] == [(4.0, 1, 4), (0.0, 0, 4), (0.0, 0, 4)]
    assert EpochSums.taken_up(within, World(1, 2), "cpu").losses.item() == 2.5


def test_what_diverges_after_a_checkpoint_says_of_which_step_that_is():
    trial, dataset = trial_and_data()
    run = TrainingRun.begun(trial, dataset, "cpu", ALONE)
    step, taken = run._step, []

    def broken(*given) -> torch.Tensor:
        taken.append(0)
        return step(*given) * (float("nan") if len(taken) == 7 else 1)

    run._step = broken  # pyright: ignore[reportAttributeAccessIssue]
    kept: list[Progress] = []
    with pytest.raises(ScanlabError) as caught:
        run.epoch(Progress(), kept.append)
    assert [each.within.steps for each in kept] == [1, 2, 3, 4, 5, 6]
    assert caught.value.diagnostics[0].note == "a checkpoint is that of step 6 of epoch 1"


def test_seeds_together_leave_what_stands_within_an_epoch_to_itself():
    trial, dataset = trial_and_data()
    run = TrainingRun.begun(trial, dataset, "cpu", ALONE)
    kept: list[Progress] = []
    run.epoch(Progress(), kept.append)
    place = InMemory()
    write_checkpoint(place, trial.key, kept[0], run.stateful())
    with pytest.raises(Unlike):
        train_together([trial], [dataset], checkpoints=[place])
