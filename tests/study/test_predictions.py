"""What trials said of every sample, kept beside their results."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small import small_study

from scanlab.nn import Backbone, BackboneConfig, NextPatch
from scanlab.study import analyse, predictions, run_study, settings
from scanlab.study.crossed import crossed_difference
from scanlab.study.predictions import Predictions, read_predictions, scores_of
from scanlab.study.report import render
from scanlab.study.store import Store, read_study
from scanlab.study.work import dataset_of

SMALL = {"strategies": ["row", "hilbert"], "controls": [], "seeds": 2, "limit": 60, "test_limit": 50}
SMALL |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 1}
METRICS = {"classification": ("accuracy", "balanced_accuracy"), "segmentation": ("dice",), "next_patch": ("mse",)}


@pytest.fixture
def masks(tmp_path: Path) -> str:
    """Images with three classes, of which the last is in a few masks only."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 255, (60, 8, 8), np.uint8)
    targets = (images > 150).astype(np.uint8)
    targets[::7, :2] = 2
    np.savez(tmp_path / "masks.npz", x=images, y=targets)
    return str(tmp_path / "masks.npz")


@pytest.mark.parametrize("task", METRICS)
def test_the_metrics_are_means_of_the_scores(task: str, masks: str, tmp_path: Path) -> None:
    data = {"dataset": masks} if task == "segmentation" else {}
    made = settings.study_of(settings.with_options(None, {**SMALL, **data, "task": task}))
    record = run_study(made, tmp_path / "study")
    kept = read_predictions(record, record.members)
    assert {m.key for m in record.members} == set(kept)
    for member in record.members:
        final, own = record.trial(member).result.final, kept[member.key]
        for metric in METRICS[task]:
            # Dice to the nearest of 65,535 values, losses to seven digits.
            mean = np.nanmean(np.nanmean(own.scores(metric), 0))
            assert mean == pytest.approx(final[metric], abs=1e-5, rel=1e-6)
    one, other = scores_of(record, record.members[0].problem, "hilbert", "row", METRICS[task][0])
    difference = crossed_difference(one, other).difference
    finals = [
        [record.trial(m).result.final[METRICS[task][0]] for m in record.members if m.strategy == name]
        for name in ("hilbert", "row")
    ]
    assert difference.mean == pytest.approx(np.subtract(*finals).mean(), abs=1e-5)


def test_a_record_holds_none_until_it_is_asked(tmp_path: Path) -> None:
    record = run_study(small_study(seeds=(0,), controls=(), epochs=1), tmp_path)
    assert all(trial.result.predictions is None for trial in record.trials.values())
    assert read_predictions(record, record.members[:1]).keys() == {record.members[0].key}


def test_an_earlier_database_has_none_and_gets_them_with_its_next_trials(tmp_path: Path) -> None:
    study = small_study(seeds=(0,), controls=(), epochs=1)
    run_study(study, tmp_path)
    with sqlite3.connect(tmp_path / "study.sqlite") as base:
        base.execute("DROP TABLE predictions")
        base.execute("DROP TABLE truths")
    base.close()
    record = read_study(tmp_path)
    assert read_predictions(record, record.members) == {}
    assert scores_of(record, "digits", "hilbert", "row", "accuracy") is None
    more = run_study(small_study(seeds=(0, 1), controls=(), epochs=1), tmp_path)
    assert {m.seed for m in more.members if m.key in read_predictions(more, more.members)} == {1}


def test_a_result_of_another_owner_leaves_none(tmp_path: Path) -> None:
    study = small_study(seeds=(0,), controls=(), epochs=1)
    record = run_study(study, tmp_path / "run")
    [first, *_] = record.members
    kept = read_predictions(record, [first])[first.key]
    result = record.trial(first).result
    object.__setattr__(result, "predictions", kept)
    with Store(tmp_path / "other.sqlite") as store, Store(tmp_path / "other.sqlite") as stranger:
        store.open_study(study)
        key = store.claim()
        assert not stranger.finish(key, result, {})
        assert read_predictions(store.read(), record.members) == {}
        assert store.finish(key, result, {})
        assert read_predictions(store.read(), record.members).keys() == {key}


def test_ten_thousand_images_take_ten_to_twenty_kilobytes() -> None:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 10, 10_000)
    guesses = np.where(draw.random(10_000) < 0.9, truth, draw.integers(0, 10, 10_000))
    base = sqlite3.connect(":memory:")
    for table in predictions.TABLES:
        base.execute(table)
    for key in ("a", "b"):
        predictions.write_predictions(base, key, Predictions("class", guesses, "digits", truth))
    sizes = [size for (size,) in base.execute("SELECT length(content) FROM predictions")]
    assert all(size < 10_000 for size in sizes)
    dice = np.where(draw.random((10_000, 1)) < 0.1, np.nan, draw.random((10_000, 1)))
    predictions.write_predictions(base, "c", Predictions("dice", dice, "nuclei"))
    [(size,)] = base.execute("SELECT length(content) FROM predictions WHERE key = 'c'")
    assert size < 21_000
    assert base.execute("SELECT count(*) FROM truths").fetchone() == (1,)


@pytest.mark.parametrize("classes", [10, 300])
def test_values_come_back(classes: int) -> None:
    guesses = np.arange(400) % classes
    base = sqlite3.connect(":memory:")
    for table in predictions.TABLES:
        base.execute(table)
    predictions.write_predictions(base, "a", Predictions("class", guesses, "x", guesses[::-1].copy()))
    dice = np.array([[0.0, 1.0], [np.nan, 0.123456]])
    predictions.write_predictions(base, "b", Predictions("dice", dice, "y"))
    predictions.write_predictions(base, "d", Predictions("ap50", dice, "y"))
    kept = dict(predictions._read(base, {"a", "b", "c", "d"}))
    assert kept["d"].kind == "ap50" and np.array_equal(kept["d"].values, kept["b"].values, equal_nan=True)
    assert kept["a"].values.tolist() == guesses.tolist() and kept["a"].truth.tolist() == guesses[::-1].tolist()
    assert np.allclose(kept["b"].values, dice, atol=1e-5, equal_nan=True) and kept["b"].values[0].tolist() == [0, 1]


def test_an_area_under_a_curve_is_no_mean_over_samples() -> None:
    kept = Predictions("class", np.array([0, 1]), "x", np.array([0, 1]))
    assert kept.scores("auc") is None and kept.scores("accuracy") is not None


def test_parts_drawn_anew_are_not_crossed(tmp_path: Path) -> None:
    made = settings.study_of(settings.with_options(None, {**SMALL, "resample": True}))
    record = run_study(made, tmp_path)
    assert len(read_predictions(record, record.members)) == 4
    assert scores_of(record, "digits", "hilbert", "row", "accuracy") is None


@pytest.mark.parametrize("loss", ["mse", "bits"])
def test_losses_of_images_average_to_the_loss(loss: str) -> None:
    torch.manual_seed(0)
    model = NextPatch(Backbone("row", BackboneConfig(dim=8, depth=1), input_size=(8, 8)), loss=loss)
    images = torch.rand(5, 1, 8, 8)
    assert model.losses(images).shape == (5,)
    assert torch.allclose(model.losses(images).mean(), model.loss(images), rtol=1e-5)


def test_a_finished_study_has_intervals_over_other_samples_too(tmp_path):
    study = small_study(("row", "snake"), epochs=1)
    record = run_study(study, tmp_path)
    [problem] = analyse(record).problems
    crossed = problem.row("snake").comparison.crossed
    assert crossed.samples == len(dataset_of(study.problems[0].data).test)
    assert crossed.difference.mean == pytest.approx(problem.row("snake").comparison.difference.mean, abs=1e-9)
    d, wide = problem.row("snake").comparison.difference, crossed.difference
    assert d.low is None or wide.low is None or (wide.low <= d.low and d.high <= wide.high)
    page = render(record, analyse(record), {})
    assert "other samples too: " in page or crossed.difference.low is None
    # A record from nowhere has nothing of single samples.
    assert analyse(replace(record, database=None)).problems[0].row("snake").comparison.crossed is None
