"""How long a study will take: what its trials took, else a guess that says so; nothing is trained to know it."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
import torch
from small import small_study

from scanlab.nn import measure
from scanlab.ops.mamba import operator
from scanlab.study.preflight import check_study
from scanlab.study.record import Epoch, StudyRecord, TrialRecord, TrialResult
from scanlab.study.time_needed import estimate, in_words
from scanlab.study.train import initial_model
from scanlab.study.trial import Study
from scanlab.study.work import dataset_of

CPU, GPU = "AMD EPYC, 2 cores", "NVIDIA H200"


def after(study: Study, done: dict[str, float], device: str = CPU) -> StudyRecord:
    """The study with these trials finished, in so many seconds each."""
    costs, trials = check_study(study), {}
    flops = next(iter(costs.values())).flops
    for trial in study.trials():
        if trial.key not in done:
            trials[trial.key] = TrialRecord(trial.key, "waiting", trial.config)
            continue
        seconds, recipe = done[trial.key], trial.problem.recipe
        samples = len(dataset_of(trial.problem.data).train) * recipe.epochs
        epochs = (Epoch(1.0, {"accuracy": 0.5}),) * recipe.epochs
        result = TrialResult(epochs, 1, flops, seconds, throughput=samples / seconds)
        trials[trial.key] = TrialRecord(trial.key, "done", trial.config, epochs, result, environment={"device": device})
    return StudyRecord(study.about(), (), trials)


@pytest.fixture(autouse=True)
def untrained(monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was trained")

    monkeypatch.setattr("scanlab.study.train.train_model", refuse)
    monkeypatch.setattr("scanlab.study.train.train_trial", refuse)


def test_where_nothing_ran_the_time_is_a_guess_and_says_so():
    study = small_study(epochs=4)
    needed = estimate(study, check_study(study), workers=2)
    assert needed.trials.keys() == {t.key for t in study.trials()} and (needed.done, needed.measured) == (0, 0)
    assert all(0 < s < 60 for s in needed.trials.values())
    assert needed.wall == pytest.approx(sum(needed.trials.values()) / 2)
    assert "A guess from" in in_words(needed, 2) and "with 2 workers" in in_words(needed, 2)
    cost = check_study(study)["digits", "row"].flops
    data = dataset_of(study.problems[0].data)
    assert needed.flops == len(study.trials()) * 4 * cost * (3 * len(data.train) + len(data.test))


def test_the_guess_grows_with_the_work():
    def guess(**options: int) -> float:
        study = small_study(("row",), seeds=(0,), controls=(), **options)
        wall = estimate(study, check_study(study)).wall
        assert wall is not None
        return wall

    assert guess(epochs=4) == pytest.approx(2 * guess(epochs=2))
    assert guess(batch=16) > guess(batch=64)


def test_finished_trials_tell_the_time_of_those_like_them():
    study = small_study(seeds=(0, 1, 2), controls=())
    first, second, *left = study.trials()
    before = after(study, {first.key: 100.0, second.key: 200.0})
    needed = estimate(study, check_study(study), before)
    assert (needed.done, needed.measured) == (2, 2)
    # Testing comes on top of what training took.
    assert 100 <= needed.trials[first.key] < 150 and 200 <= needed.trials[second.key] < 300
    assert needed.trials[left[0].key] == needed.trials[first.key] != needed.trials[second.key]
    assert needed.wall == pytest.approx(sum(needed.trials[t.key] for t in left))
    assert "judging by 2 finished trials" in in_words(needed, 1)


def test_finished_trials_correct_the_guess_of_others():
    study = small_study(seeds=(0,), controls=())
    row, hilbert = study.trials()
    guessed = estimate(study, check_study(study)).trials
    needed = estimate(study, check_study(study), after(study, {row.key: 1000.0}))
    assert needed.trials[hilbert.key] == pytest.approx(needed.trials[row.key], rel=1e-6)
    assert needed.trials[hilbert.key] > 10 * guessed[hilbert.key]


def test_what_a_processor_took_tells_nothing_of_a_gpu():
    study = small_study(seeds=(0, 1), controls=())
    first = study.trials()[0].key
    needed = estimate(study, check_study(study), after(study, {first: 1.0}), device="cuda:0")
    assert needed.wall is None and set(needed.trials.values()) == {None}
    assert "not known" in in_words(needed, 1) and "operations" in in_words(needed, 1)
    on_gpu = after(study, {first: 1.0}, GPU)
    assert estimate(study, check_study(study), on_gpu, device="cuda:0").wall > 0
    assert estimate(study, check_study(study), on_gpu).measured == 0


def test_a_finished_study_takes_nothing():
    study = small_study(seeds=(0,), controls=())
    done = after(study, {t.key: 5.0 for t in study.trials()})
    needed = estimate(study, check_study(study), done)
    assert needed.wall == 0 and needed.flops == 0 and "0 s" in in_words(needed, 1)


def test_several_stages_are_as_deep_as_their_sum():
    study = small_study(("row",), seeds=(0,), controls=())
    staged = replace(study.problems[0], config=replace(study.problems[0].config, depth=(1, 1)))
    study = replace(study, problems=(staged,))
    first = study.trials()[0]
    needed = estimate(study, check_study(study), after(study, {first.key: 7.0}))
    assert needed.measured == 1 and needed.trials[first.key] >= 7.0


def test_operations_are_counted_without_loading_torchs_compiler(monkeypatch):
    model, images = torch.nn.Linear(4, 3), torch.zeros(5, 4)
    assert measure.flop_count(model, images) == 2 * 5 * 4 * 3
    monkeypatch.delitem(sys.modules, "torch._dynamo", raising=False)
    assert measure.flop_count(model, images) == 2 * 5 * 4 * 3
    assert "torch._dynamo" not in sys.modules


def test_operations_are_counted_without_any_kernel(monkeypatch):
    study = small_study(("row",), seeds=(0,), controls=())
    counted = check_study(study)["digits", "row"].flops

    def none(*_):
        raise AssertionError("a kernel ran, or was loaded")

    monkeypatch.setattr(operator, "implementation", none)
    assert check_study(study)["digits", "row"].flops == counted
    model = initial_model(study.trials()[0], dataset_of(study.problems[0].data))
    with torch.no_grad(), pytest.raises(AssertionError, match="kernel"):
        model(torch.zeros(1, 1, 8, 8))
