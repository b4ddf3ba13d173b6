"""Trainings that end early: by a part that no result is of, alike when resumed, and said where they are seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small import SIZES, small_trial

from scanlab import data
from scanlab.data import from_arrays
from scanlab.data.redraw import Redraw
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import analyse, read_study, run_study, study_of, with_options, write_report
from scanlab.study.early_stop import best_epoch, early_sentences, has_stopped
from scanlab.study.preflight import check_study
from scanlab.study.recipe import Recipe
from scanlab.study.record import Epoch
from scanlab.study.tasks import TASKS
from scanlab.study.train import train_trial
from scanlab.study.trial import DataChoice, Study
from scanlab.study.work import dataset_of

ACCURACY, ERRORS = TASKS["classification"], TASKS["text_lines"]
OPTIONS = {"strategies": ["row", "hilbert"], "controls": [], "seeds": 2, "limit": 200, "test_limit": 60}
OPTIONS |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 8, "recipe.patience": 1}

IMAGES = np.random.default_rng(0).random((60, 1, 8, 8))
PARTS = {"train": np.arange(30), "val": np.arange(30, 40), "test": np.arange(40, 60)}
WHOLE = replace(from_arrays(IMAGES, np.arange(60) % 3), **PARTS)


def study(**more) -> Study:
    return study_of(with_options(None, OPTIONS | more))


def epochs(name: str, *values: float) -> list[Epoch]:
    return [Epoch(1.0, {name: value}) for value in values]


def test_it_ends_where_nothing_became_better_for_as_many_epochs() -> None:
    rising = epochs("validation accuracy", 0.1, 0.2, 0.3, 0.4)
    level = epochs("validation accuracy", 0.1, 0.4, 0.4, 0.4)
    assert not has_stopped(rising, Recipe(epochs=5, patience=1), ACCURACY)
    assert [has_stopped(level[:n], Recipe(epochs=5, patience=2), ACCURACY) for n in range(5)] == [False] * 4 + [True]
    assert has_stopped(rising, Recipe(epochs=4, patience=9), ACCURACY)
    assert not has_stopped(level, Recipe(epochs=5), ACCURACY)
    # Of errors fewer are better; what is no number is no gain.
    errors = epochs("validation cer", 0.5, 0.3, float("nan"), 0.4)
    assert best_epoch(errors, ERRORS) == 1 and best_epoch(errors[2:3], ERRORS) is None
    assert has_stopped(errors, Recipe(epochs=9, patience=2), ERRORS)
    assert has_stopped(epochs("validation cer", float("nan")), Recipe(epochs=9, patience=1), ERRORS)


def test_the_keys_of_trials_without_it_are_as_they_were() -> None:
    assert "patience" not in Recipe().stored() and "validation" not in Recipe().stored()
    assert small_trial().key == small_trial(patience=0).key != small_trial(patience=3).key
    assert small_trial(patience=3).key != small_trial(validation=True).key


@pytest.mark.parametrize("part", ["test", "val"])
@pytest.mark.parametrize("limit", [None, 100])
def test_the_part_that_decides_is_neither_trained_on_nor_measured_on(part: str, limit: int | None) -> None:
    plain, watched = (dataset_of(DataChoice("digits", part=part, limit=limit, watched=w)) for w in (False, True))
    parts = [watched.train, watched.val, watched.test]
    assert all(map(len, parts)) and not len(plain.val)
    assert not any(np.intersect1d(one, other).size for one in parts for other in parts if one is not other)
    assert np.array_equal(watched.images[watched.test], plain.images[plain.test])
    # A fifth of what would be trained on, which is less by it.
    assert len(watched.train) + len(watched.val) == len(plain.train)
    assert len(watched.val) == pytest.approx(len(plain.train) / 5, abs=5)
    assert any("are the validation part that is measured after every epoch" in note.text for note in watched.notes)


def test_data_with_a_validation_part_of_their_own_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanlab.study.work.whole_of", lambda choice: WHOLE)
    made = dataset_of(DataChoice("whole", watched=True, limit=12))
    assert len(made.train) == 12 and np.array_equal(made.images[made.val], WHOLE.images[30:40])
    assert np.array_equal(made.images[made.test], WHOLE.images[40:])
    # Where results are of it, or seeds draw the parts, a fifth of the training part decides.
    val = dataset_of(DataChoice("whole", watched=True, part="val"))
    assert np.array_equal(val.images[val.test], WHOLE.images[30:40]) and len(val.val) == 6
    drawn = dataset_of(DataChoice("whole", watched=True, redraw=Redraw(3, pooled=True)))
    assert len(drawn.train) + len(drawn.val) == 30 and not np.intersect1d(drawn.val, drawn.test).size


def test_a_study_ends_trainings_early_and_says_so(tmp_path: Path) -> None:
    record = run_study(study(), tmp_path)
    lengths = [len(trial.result.epochs) for trial in record.trials.values() if trial.result]
    assert min(lengths) < 8 and all("validation accuracy" in t.epochs[0].metrics for t in record.trials.values())
    for trial in record.trials.values():
        assert has_stopped(trial.epochs, Recipe(epochs=8, patience=1), ACCURACY)
        assert not has_stopped(trial.epochs[:-1], Recipe(epochs=8, patience=1), ACCURACY)
    declared, counted = early_sentences(record)
    assert declared.startswith("Trainings end where accuracy on the validation part has not become better for 1 epoch,")
    assert counted.startswith(f"{sum(length < 8 for length in lengths)} of 4 trainings ended early, after ")
    assert analyse(record).problems[0].metric == "accuracy"
    page = write_report(read_study(tmp_path), tmp_path).read_text()
    assert declared in page and counted in page and "are the validation part" in page
    # Nothing is left to do, and the epochs that were not trained are not missed.
    assert run_study(study(), tmp_path) == record


def test_a_study_without_it_says_nothing(tmp_path: Path) -> None:
    record = run_study(study(**{"recipe.patience": 0, "recipe.epochs": 1, "seeds": 1}), tmp_path)
    assert early_sentences(record) == [] and "When trainings ended" not in write_report(record, tmp_path).read_text()


class Stop(Exception):
    pass


def test_a_training_that_is_resumed_ends_with_the_same_epoch(tmp_path: Path) -> None:
    trial = study().trials()[0]
    dataset = dataset_of(trial.problem.data)
    whole = train_trial(trial, dataset)
    assert len(whole.epochs) < 8

    def stop(number: int, epoch: Epoch) -> None:
        if number == len(whole.epochs) - 2:
            raise Stop

    with pytest.raises(Stop):
        train_trial(trial, dataset, stop, checkpoint=tmp_path / "trial.pt")
    resumed = train_trial(trial, dataset, checkpoint=tmp_path / "trial.pt")
    assert [(e.loss, e.metrics) for e in resumed.epochs] == [(e.loss, e.metrics) for e in whole.epochs]
    assert len(train_trial(trial, dataset, checkpoint=tmp_path / "trial.pt").epochs) == len(whole.epochs)


def test_measuring_the_validation_part_changes_nothing_else() -> None:
    """Of data with a validation part of their own: the same numbers, and those of the part beside them."""
    config = replace(SIZES, depth=2, drop_path=0.4)
    plain = train_trial(small_trial(config=config, shift=1), WHOLE)
    watched = train_trial(small_trial(config=config, shift=1, validation=True), WHOLE)
    assert [e.loss for e in plain.epochs] == [e.loss for e in watched.epochs]
    for one, other in zip(plain.epochs, watched.epochs, strict=True):
        assert {k: v for k, v in other.metrics.items() if k != "validation accuracy"} == one.metrics
        assert 0 <= other.metrics["validation accuracy"] <= 1


def test_data_without_a_validation_part_are_refused() -> None:
    with pytest.raises(ScanlabError, match=r"S861.*digits has no validation part"):
        train_trial(small_trial(patience=1), data.load("digits"))
    with pytest.raises(ScanlabError, match=r"S608.*patience is -1"):
        check_study(study(**{"recipe.patience": -1}))
