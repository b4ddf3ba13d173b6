"""Trainings whose loss is no number: they stop, are named, are not repeated for nothing, and can go on."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small import numbers, small_problem, small_study, small_trial
from torch import nn

from scanlab import data
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import analyse, runner, training_run
from scanlab.study.divergence import EVERY, LossWatch, trial_name
from scanlab.study.engines import EpochDone, Failed
from scanlab.study.record import DIVERGED
from scanlab.study.store import read_study
from scanlab.study.train import train_trial
from scanlab.study.trial import Study
from scanlab.study.trial_wording import stopped_sentences
from scanlab.study.tune import Tune

EPOCHS = 4
# Of 1,258 training images in batches of 64.
STEPS = 20
DIGITS = data.load("digits")


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch):
    """Losses that are as they should be but for one step, from 1, of the trials with that in their names."""

    plain = training_run.TrainingRun._step

    def poison(step: int, spoil, name: str = "") -> None:
        done: dict[str, int] = {}

        def spoilt(run, *batch):
            done.setdefault(run.trial.key, run.schedule.last_epoch)
            done[run.trial.key] += 1
            loss = plain(run, *batch)
            return spoil(run, loss) if done[run.trial.key] == step and name in trial_name(run.trial) else loss

        monkeypatch.setattr(training_run.TrainingRun, "_step", spoilt)

    return poison


def nan(run, loss):
    return loss * math.nan


def infinite(run, loss):
    return loss + math.inf


def bad_weights(run, loss):
    with torch.no_grad():
        next(run.model.parameters()).flatten()[0] = math.nan
    return loss


@pytest.mark.parametrize(("spoil", "value"), [(nan, "nan"), (infinite, "inf")])
def test_the_error_says_which_trial_and_where(poisoned, spoil, value) -> None:
    poisoned(2 * STEPS + 7, spoil)
    epochs = []
    with pytest.raises(ScanlabError) as caught:
        train_trial(small_trial(epochs=EPOCHS), DIGITS, lambda number, epoch: epochs.append(number))
    said = str(caught.value)
    assert f"S860]: digits, row, seed 0: the loss is {value} at step 7 of {STEPS} in epoch 3 of {EPOCHS}" in said
    assert "learning rate 0.00" in said and "float32" in said and "a checkpoint is that of epoch 2" in said
    assert "try a lower learning_rate, as 0.003, or a longer warm_up" in said
    assert epochs == [0, 1]


def test_the_help_is_of_the_recipe_and_of_the_first_step(poisoned) -> None:
    poisoned(1, nan)
    with pytest.raises(ScanlabError, match=r"(?s)step 1 of.*no step was taken before.*untrained model"):
        train_trial(small_trial(), DIGITS)
    poisoned(3, nan)
    with pytest.raises(ScanlabError, match=r'or clip = 1.0, or precision = "float32"'):
        train_trial(small_trial(clip=0.0, precision="bfloat16"), DIGITS)


def test_a_real_divergence_is_met(tmp_path: Path) -> None:
    file = tmp_path / "trial.pt"
    with pytest.raises(
        ScanlabError, match=r"S860.*(the loss is|an operator refuses the weights).*step \d+ of 20 in epoch 1"
    ):
        train_trial(small_trial(learning_rate=1e4, clip=0.0), DIGITS, checkpoint=file)
    assert not file.exists()


def test_weights_that_are_no_numbers_are_met_and_no_checkpoint_holds_them(poisoned, tmp_path: Path) -> None:
    poisoned(2 * STEPS, bad_weights)
    file = tmp_path / "trial.pt"
    with pytest.raises(ScanlabError, match=rf"the weights are nan after step {STEPS} of {STEPS} in epoch 2 of"):
        train_trial(small_trial(epochs=EPOCHS), DIGITS, checkpoint=file)
    held = torch.load(file, weights_only=True)
    assert len(held["epochs"]) == 1
    assert all(value.isfinite().all() for value in held["states"]["model"].values())


def test_where_reading_a_loss_costs_it_is_read_now_and_then() -> None:
    read = []

    def total(value):
        read.append(value.item())
        return value

    watch = LossWatch(small_trial(), 2, 3 * EVERY, EVERY, total)
    for step in range(1, 2 * EVERY):
        watch.before_step(step, 0.1)
        watch.after_step(torch.tensor(math.nan if step > EVERY else 1.0))
    assert read == [1.0]
    with pytest.raises(ScanlabError, match=rf"in steps {EVERY + 1} to {2 * EVERY} of {3 * EVERY} in epoch 2"):
        watch.before_step(2 * EVERY, 0.1)
        watch.after_step(torch.tensor(math.nan))
    with pytest.raises(ScanlabError, match=rf"in steps {2 * EVERY + 1} to {3 * EVERY}"):
        watch.before_step(3 * EVERY, 0.1)
        watch.after_epoch(math.inf, nn.Linear(1, 1))


def test_the_others_go_on_and_a_run_after_it_goes_on_when_asked(poisoned, tmp_path: Path, monkeypatch) -> None:
    study = small_study(epochs=EPOCHS, controls=())
    unbroken = runner.run_study(study, tmp_path / "unbroken")
    poisoned(2 * STEPS + 7, nan, "hilbert")
    seen = []
    record = runner.run_study(study, tmp_path / "study", listener=lambda update: seen.append(update.event))
    stopped = [t.key for t in study.trials() if record.trials[t.key].diverged]
    assert [trial_name(t) for t in study.trials() if t.key in stopped] == [
        f"digits, hilbert, seed {seed}" for seed in (0, 1)
    ]
    assert [t.status for t in record.trials.values()].count("done") == 2
    assert [event.kind for event in seen if isinstance(event, Failed)] == [DIVERGED] * 2
    assert [len(record.trials[key].epochs) for key in stopped] == [2, 2]
    assert {file.stem for file in (tmp_path / "study" / "checkpoints").iterdir()} == set(stopped)
    # Nothing is made of the seeds that did not diverge, were there any.
    findings = analyse(record)
    assert findings.problems[0].row("hilbert").diverged == (0, 1)
    assert "hilbert: its training diverged with seeds 0, 1, so that nothing is compared with it." in findings.sentences
    # The same command trains none of them, and says so.
    monkeypatch.undo()
    seen.clear()
    assert runner.run_study(study, tmp_path / "study", listener=lambda update: seen.append(update.event)) == record
    assert seen == []
    [sentence] = stopped_sentences(record, [t.key for t in study.trials()])
    assert sentence.startswith("2 trials diverged in an earlier run and are not trained again")
    assert "digits, hilbert, seed 0; digits, hilbert, seed 1" in sentence and "--retry-diverged" in sentence
    # Asked for, they go on from the epoch before, here without what spoilt them.
    again = runner.run_study(
        study, tmp_path / "study", listener=lambda update: seen.append(update.event), retry_diverged=True
    )
    assert numbers(again) == numbers(unbroken)
    assert {event.key for event in seen if isinstance(event, EpochDone)} == set(stopped)
    assert stopped_sentences(again, again.trials) == []


def test_a_strategy_that_diverged_with_one_seed_is_not_compared_by_the_others(poisoned, tmp_path: Path) -> None:
    study = small_study(seeds=(0, 1, 2), epochs=1, controls=())
    poisoned(3, nan, "hilbert, seed 1")
    record = runner.run_study(study, tmp_path)
    row = analyse(record).problems[0].row("hilbert")
    assert row.seeds == (0, 2) and row.diverged == (1,) and row.comparison is None


def test_a_learning_rate_that_diverges_loses(tmp_path: Path) -> None:
    problem = replace(small_problem(("row",), epochs=1, clip=0.0), tuning=data.load("digits", part="val").fingerprint)
    tune = Tune((1e-3, 1e4))
    study = Study("tuned", (problem,), (0,), controls=(), tune=tune)
    record = runner.run_study(study, tmp_path)
    assert record.about["tune"]["chosen"], record.about["tune"]
    assert [t.diverged for t in record.trials.values()].count(True) == 1
    assert {t.status for t in record.trials.values()} == {"failed", "done"}


def test_a_loss_of_ones_own_that_raises_late_is_named_with_its_traceback(tmp_path: Path, poisoned) -> None:
    def late(run, loss):
        raise ValueError("no loss in the second epoch")

    poisoned(STEPS + 1, late, "hilbert")
    study = small_study(seeds=(0,), controls=())
    record = runner.run_study(study, tmp_path)
    statuses = [record.trials[t.key].status for t in study.trials()]
    assert statuses == ["done", "failed"]
    trial = record.trials[study.trials()[1].key]
    assert len(trial.epochs) == 1 and "no loss in the second epoch" in trial.error and "in late" in trial.error
    assert analyse(record).failures[0][0] == "digits, hilbert, seed 0"


def test_a_disk_that_is_full_anywhere_in_a_training_stops_the_run(tmp_path: Path, poisoned) -> None:
    def full(run, loss):
        try:
            raise OSError(28, "No space left on device", "/cache/kernel")
        except OSError as error:
            raise RuntimeError("a cache could not be written") from error

    poisoned(3, full)
    with pytest.raises(ScanlabError, match=r"S653.*full disk: a cache could not be written"):
        runner.run_study(small_study(), tmp_path)
    assert {t.status for t in read_study(tmp_path).trials.values()} == {"waiting"}
