"""Seeds that are trained as one batched model: what each would have come to alone, written down as if it had been."""

from __future__ import annotations

import os
import signal
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from small import SIZES, small_study, small_trial

from scanlab.data import from_arrays
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import MixerConfig
from scanlab.study import runner
from scanlab.study.engines import EpochDone, Lost
from scanlab.study.engines.local import Processes
from scanlab.study.record import Epoch
from scanlab.study.seeds_together import Unlike, alone_sentences, train_together, why_alone
from scanlab.study.settings import study_of, with_options
from scanlab.study.train import train_trial
from scanlab.study.trial import DataChoice, Recipe, Trial
from scanlab.study.work import dataset_of, one_thread

DRAW = np.random.default_rng(0)
FEW = from_arrays(DRAW.random((60, 1, 8, 8)), np.arange(60) % 4)
# The first steps of a training are told apart by their batches; rounding has had no time to grow.
FIRST = {"rtol": 0, "atol": 1e-5}


@pytest.fixture(autouse=True)
def threads():
    """As workers train."""
    with one_thread():
        yield


def seeds(count: int = 3, control: str | None = None, epochs: int = 1, config=SIZES, **recipe) -> list[Trial]:
    problem = replace(small_trial(epochs=epochs, batch=8, **recipe).problem, fingerprint=FEW.fingerprint, config=config)
    return [Trial(problem, problem.strategies[0][1], seed, control) for seed in range(count)]


def together(trials, **more):
    return train_together(trials, [FEW] * len(trials), **more)


def losses(results) -> torch.Tensor:
    return torch.tensor([[epoch.loss for epoch in result.epochs] for result in results], dtype=torch.float64)


@pytest.mark.parametrize(
    ("control", "recipe"),
    [
        (None, {}),
        (None, {"shift": 1, "flip": True, "mixup": 0.4, "decays": "matrices"}),
        (None, {"clip": 0.0, "layer_decay": 0.7, "frozen": ("backbone.embed",)}),
        ("A/A", {"clip": 1e-3}),
        ("random_order_1", {}),
        ("no_scan", {}),
        ("no_memory", {}),
        ("other_batches", {}),
    ],
)
def test_the_first_steps_are_those_of_single_trainings(control, recipe) -> None:
    trials = seeds(control=control, **recipe)
    alone = [train_trial(trial, FEW) for trial in trials]
    joined = together(trials)
    torch.testing.assert_close(losses(joined), losses(alone), **FIRST)
    assert len({result.epochs[0].loss for result in joined}) == len(trials), "every seed has a training of its own"
    for one, other in zip(joined, alone, strict=True):
        assert (one.parameters, one.flops, one.memory) == (other.parameters, other.flops, None)
        assert one.final.keys() == other.final.keys()
        assert np.allclose(one.field, other.field, atol=0.02)
        assert one.predictions is not None and other.predictions is not None
        assert one.predictions.values.shape == other.predictions.values.shape
        assert one.seconds > 0 and one.throughput > 0


def test_a_label_each_is_learned_together_too() -> None:
    marks = np.eye(4, dtype=np.int64)[np.arange(60) % 4]
    labelled = from_arrays(DRAW.random((60, 1, 8, 8)), marks)
    problem = replace(small_trial(epochs=1, batch=8).problem, task="multi_label_classification")
    trials = [Trial(problem, problem.strategies[0][1], seed) for seed in range(2)]
    joined = train_together(trials, [labelled] * 2)
    torch.testing.assert_close(losses(joined), losses([train_trial(t, labelled) for t in trials]), **FIRST)


def test_torchs_own_generator_is_left_as_it_was() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    together(seeds(2))
    assert torch.equal(torch.rand(3), wanted)


def test_epochs_are_reported_and_checkpoints_go_on_together_or_alone(tmp_path) -> None:
    trials = seeds(2, epochs=3)
    whole, seen = together(trials), []

    def stop(own: int, number: int, epoch: Epoch) -> None:
        seen.append((own, number))
        if (own, number) == (1, 1):
            raise KeyboardInterrupt

    places = [tmp_path / trial.key for trial in trials]
    with pytest.raises(KeyboardInterrupt):
        together(trials, on_epoch=stop, checkpoints=places)
    assert seen == [(0, 0), (1, 0), (0, 1), (1, 1)]
    # What each wrote is what a training alone writes: it goes on by itself, and the others may, too.
    kept = [place.read_bytes() for place in places]
    went_on = together(trials, checkpoints=places)
    assert torch.equal(losses(went_on), losses(whole))
    assert [result.final for result in went_on] == [result.final for result in whole]
    for place, content in zip(places, kept, strict=True):
        place.write_bytes(content)
    by_itself = train_trial(trials[0], FEW, checkpoint=places[0])
    torch.testing.assert_close(losses([by_itself]), losses(whole[:1]), rtol=1e-3, atol=1e-3)
    assert torch.equal(losses([by_itself])[:, :2], losses(whole[:1])[:, :2])
    with pytest.raises(Unlike, match="different epochs"):
        together(trials, checkpoints=places)


def test_parts_of_other_sizes_do_not_go_together() -> None:
    fewer = replace(FEW, train=FEW.train[:-8])
    with pytest.raises(Unlike, match="not as many"):
        train_together(seeds(2), [FEW, fewer])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ema": 0.9}, "recipe.ema is 0.9"),
        ({"accumulate": 2}, "recipe.accumulate is 2"),
        ({"precision": "bfloat16"}, "recipe.precision is bfloat16"),
        ({"config": replace(SIZES, mixer=MixerConfig(kind="ssd"))}, "the mixer is 'ssd'"),
        ({"control": "lstm"}, "the mixer is 'lstm'"),
        ({}, ""),
    ],
)
def test_what_is_trained_alone_says_why(changes, why) -> None:
    assert why_alone(seeds(1, **changes)[0]) == why


def test_every_setting_of_a_recipe_was_looked_at() -> None:
    """A new one that changes a step must do so together as well, or `why_alone` must name it."""
    in_batches = {"batch", "label_smoothing", "shift", "flip", "turn", "zoom", "mirror", "crop", "rand_augment"}
    in_batches |= {"auto_augment", "color_jitter", "erasing", "mixup", "cutmix", "repeated", "passes", "epochs"}
    in_optimizer = {"learning_rate", "weight_decay", "clip", "warm_up", "first_rate", "last_rate", "cosine_from_start"}
    in_optimizer |= {"rate_by_epoch", "decays", "layer_decay", "start", "frozen"}
    alone = {"augment", "patience", "validation", "accumulate", "ema", "precision", "compile", "recompute"}
    # Changes no step: together, checkpoints are those of whole epochs.
    of_no_number = {"checkpoint_minutes"}
    assert {field.name for field in fields(Recipe)} == in_batches | in_optimizer | alone | of_no_number


def test_other_tasks_are_trained_alone() -> None:
    trial = seeds(1)[0]
    assert "next_patch" in why_alone(replace(trial, problem=replace(trial.problem, task="next_patch")))


def test_a_study_runs_its_seeds_together(tmp_path) -> None:
    study = small_study(seeds=(0, 1, 2), controls=("no_scan",))
    started, seen = [], []

    def listener(update) -> None:
        seen.append(update)
        if type(update.event).__name__ == "Started":
            started.append(update.trial.seed)

    record = runner.run_study(study, tmp_path / "together", together=2, listener=listener)
    alone = runner.run_study(study, tmp_path / "alone")
    assert {trial.status for trial in record.trials.values()} == {"done"} and record.members == alone.members
    assert seen[-1].trials == (9, 9) and len(started) == 9
    grouped = {key: trial.environment.get("together") for key, trial in record.trials.items()}
    for member in record.members:
        # The third seed has nobody to go with.
        assert grouped[member.key] == (None if member.seed == 2 else "2"), member
        one, other = record.trial(member).epochs[0], alone.trial(member).epochs[0]
        assert abs(one.loss - other.loss) < 1e-5 and len(record.trial(member).epochs) == 2
    assert not list((tmp_path / "together" / "checkpoints").iterdir())
    with_peer = small_study(controls=("attention",))
    assert alone_sentences(with_peer, 2) == ["control: attention is trained seed by seed: the mixer is 'attention'."]
    assert alone_sentences(with_peer, 1) == []


def test_what_fails_together_is_tried_alone(tmp_path, monkeypatch) -> None:
    study = small_study(("row",), seeds=(0, 1, 2), controls=())
    victim = study.trials()[1].key

    def unable(*_, **__):
        raise RuntimeError("not together")

    def broken(trial, *rest, **more):
        if trial.key == victim:
            raise ZeroDivisionError("by zero here")
        return train_trial(trial, *rest, **more)

    monkeypatch.setattr("scanlab.study.work.train_together", unable)
    monkeypatch.setattr("scanlab.study.work.train_trial", broken)
    record = runner.run_study(study, tmp_path, together=3)
    assert [record.trials[t.key].status for t in study.trials()] == ["done", "failed", "done"]
    assert "by zero here" in record.trials[victim].error
    assert all("together" not in trial.environment for trial in record.trials.values())


def test_what_diverges_does_so_by_itself_and_is_named(tmp_path) -> None:
    study = small_study(("row",), seeds=(0, 1), controls=(), learning_rate=1e30)
    with pytest.raises((Unlike, ScanlabError), match=r"no number|not finite"):
        train_together(study.trials(), [dataset_of(DataChoice())] * 2)
    record = runner.run_study(study, tmp_path, together=2)
    assert [(trial.status, trial.diverged) for trial in record.trials.values()] == [("failed", True)] * 2


def test_a_worker_that_dies_loses_all_of_its_seeds_and_they_go_on(tmp_path) -> None:
    study = small_study(("row",), seeds=(0, 1), controls=(), epochs=3)
    engine, lost = Processes(1), []

    def listener(update) -> None:
        if isinstance(update.event, Lost):
            lost.append(update.trial.seed)
        if isinstance(update.event, EpochDone) and update.event.number == 1 and not lost:
            worker = engine._alive[0].process
            if worker.pid is not None and worker.is_alive():
                os.kill(worker.pid, signal.SIGKILL)

    record = runner.run_study(study, tmp_path, engine=engine, together=2, listener=listener)
    assert lost == [0, 1]
    assert {trial.status for trial in record.trials.values()} == {"done"}
    assert {len(trial.epochs) for trial in record.trials.values()} == {3}


def test_only_this_machine_trains_seeds_together(tmp_path) -> None:
    class Elsewhere:
        def run(self, take, on_event) -> None:
            raise AssertionError("nothing may start")

    with pytest.raises(ScanlabError, match="on this machine alone") as caught:
        runner.run_study(small_study(), tmp_path, engine=Elsewhere(), together=2)
    assert caught.value.diagnostics[0].code == "S608"


def test_redrawn_parts_go_together(tmp_path) -> None:
    options = {"strategies": ["row"], "controls": [], "seeds": 2, "limit": 24, "test_limit": 16, "resample": "pooled"}
    options |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 1}
    record = runner.run_study(study_of(with_options(None, options)), tmp_path, together=2)
    assert [trial.environment.get("together") for trial in record.trials.values()] == ["2", "2"]
