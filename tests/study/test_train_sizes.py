"""Problems learnt from several numbers of training images: what a seed draws, what is trained, what is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from records import joined
from small import small_trial

from scanlab import data
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.measure import parameter_count
from scanlab.study import analyse, check_study, run_study, settings, write_report
from scanlab.study.kept import kept_study
from scanlab.study.preflight import costs
from scanlab.study.store import read_study
from scanlab.study.table import render
from scanlab.study.train import ALONE, initial_model
from scanlab.study.training_run import TrainingRun
from scanlab.study.work import dataset_of

SMALL = {"strategies": ["row", "hilbert"], "controls": [], "seeds": 2, "test_limit": 60}
SMALL |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 1}


def study(**options):
    return settings.study_of(settings.with_options(None, {**SMALL, **options}))


def drawn(made, problem: int, seed: int) -> set[bytes]:
    """The training images of a seed."""
    known = made.problems[problem]
    dataset = dataset_of(made.trial(known, "row", seed).problem.data)
    return {image.tobytes() for image in dataset.images[dataset.train]}


def test_a_seed_draws_its_images_more_having_all_that_fewer_have_and_all_measure_on_the_same() -> None:
    made = study(train_sizes=[40, 160])
    check_study(made)
    assert [p.name for p in made.problems] == ["digits, 40 images", "digits, 160 images"]
    few, many, other = drawn(made, 0, 0), drawn(made, 1, 0), drawn(made, 0, 1)
    assert len(few) == 40 and len(many) == 160 and few < many and few != other
    choices = [m.trial.problem.data for m in made.members()]
    tests = {dataset_of(choice).images[dataset_of(choice).test].tobytes() for choice in choices}
    assert len(tests) == 1 and len({m.trial.samples for m in made.members()}) == 1
    labels = dataset_of(choices[0]).labels[dataset_of(choices[0]).train]
    assert np.bincount(labels).min() >= 3


def test_equal_steps_go_through_few_images_more_often() -> None:
    few, many = study(train_sizes=[40, 160]).problems
    assert (few.recipe.passes, many.recipe.passes) == (4, 1)
    few, many = study(train_sizes={"images": [40, 160], "equal": "epochs"}).problems
    assert few.recipe.passes == many.recipe.passes == 1
    few, many = study(train_sizes=[40, 150], **{"recipe.passes": 2}).problems
    assert (few.recipe.passes, many.recipe.passes) == (8, 2)


def test_an_epoch_of_passes_has_every_image_so_often_in_orders_of_their_own() -> None:
    dataset = data.load("digits", limit=32, test_limit=16)
    run = TrainingRun.begun(small_trial(passes=3), dataset, "cpu", ALONE)
    order = torch.cat([chosen for chosen, _, _ in run.batches()])
    assert order.bincount().tolist() == [3] * 32 and not torch.equal(order[:32], order[32:64])
    assert small_trial(passes=1).key == small_trial().key != small_trial(passes=3).key


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"train_sizes": [40]}, "asks for"),
        ({"train_sizes": [40, 20]}, "asks for"),
        ({"train_sizes": [40, 2.5]}, "asks for"),
        ({"train_sizes": {"images": [40, 80], "equal": "hours"}}, "equal"),
        ({"train_sizes": [40, 80], "limit": 60}, "limit and train_sizes"),
    ],
)
def test_sizes_that_are_none_are_refused(options: dict, words: str) -> None:
    with pytest.raises(ScanlabError, match="S685") as error:
        study(**options)
    assert words in str(error.value)


@pytest.mark.parametrize("more", [{}, {"resample": True}])
def test_more_images_than_there_are_is_refused_before_anything_runs(more: dict) -> None:
    with pytest.raises(ScanlabError, match=r"1,258 training images, and train_sizes asks for 1,300"):
        check_study(study(train_sizes=[40, 1300], **more))


def test_the_convolution_is_a_peer_as_large_as_the_baseline() -> None:
    along = {"model.mixer.convolution": "path", "model.mixer.taps": 4}
    made = study(controls=["convolution"], unequal=True, strategies=["sum(row, -row)"], **{"model.dim": 32, **along})
    [problem] = made.problems
    base = next(iter(costs(problem, dataset_of(problem.data)).values())).parameters
    peer = made.trial(problem, "control: convolution", 0)
    size = parameter_count(initial_model(peer, dataset_of(problem.data)))
    assert abs(size - base) < 0.02 * base


CURVES = {
    "digits, 50 images": {"row": (0.60, 0.62, 0.61, 0.63), "snake": (0.70, 0.73, 0.71, 0.74), "hilbert": (0.6,) * 4},
    "digits, 500 images": {"row": (0.90, 0.91, 0.92, 0.91), "snake": (0.90, 0.92, 0.92, 0.90), "hilbert": (0.9,) * 4},
}


def curves(higher: bool = True):
    """A record of two sizes; higher: few images help snake, else they harm it."""
    made = joined(CURVES if higher else {k: CURVES[o] for k, o in zip(CURVES, reversed(CURVES), strict=True)})
    sizes = [{"of": "digits", "images": n, "equal": "steps"} for n in (50, 500)]
    problems = [dict(p, train_size=s) for p, s in zip(made.about["problems"], sizes, strict=True)]
    return replace(made, about={**made.about, "problems": problems})


def test_what_few_images_change_is_judged_and_told() -> None:
    [sizes] = analyse(curves()).sizes
    snake = next(row for row in sizes.rows if row.label == "snake")
    expected = np.mean(np.subtract(CURVES["digits, 50 images"]["snake"], CURVES["digits, 50 images"]["row"])) - np.mean(
        np.subtract(CURVES["digits, 500 images"]["snake"], CURVES["digits, 500 images"]["row"])
    )
    assert snake.change is not None and snake.change.mean == pytest.approx(expected)
    assert [point.images for point in snake.points] == [50, 500] and snake.change.family == 2
    told = next(s for s in analyse(curves()).sentences if "by the number" in s)
    assert "With 50 training images in place of 500, snake gains" in told and "on row." in told
    assert "not shown" in told.lower() and told.endswith("hilbert.")
    harmed = next(s for s in analyse(curves(higher=False)).sentences if "by the number" in s)
    assert "snake loses" in harmed


def test_sizes_of_one_problem_are_no_problems_of_their_own() -> None:
    """Six sizes would else be pooled as six data sets."""
    values = {f"digits, {n} images": {"row": (0.9, 0.8), "snake": (0.8, 0.9)} for n in range(50, 650, 100)}
    made = joined(values)
    problems = [
        {**p, "fingerprint": str(n), "train_size": {"of": "digits", "images": n, "equal": "steps"}}
        for n, p in enumerate(made.about["problems"], 1)
    ]
    assert analyse(replace(made, about={**made.about, "problems": problems})).overall == ()
    apart = [{**p, "fingerprint": str(n)} for n, p in enumerate(made.about["problems"])]
    assert analyse(replace(made, about={**made.about, "problems": apart})).overall


def test_a_study_of_sizes_runs_goes_on_without_its_data_and_shows_its_curves(tmp_path: Path) -> None:
    options = settings.with_options(None, {**SMALL, "train_sizes": [40, 80]})
    made = settings.study_of(options)
    run_study(made, tmp_path, workers=1)
    record = read_study(tmp_path)
    again = kept_study(options, record)
    assert again is not None and {t.key for t in again.trials()} == {t.key for t in made.trials()}
    page = write_report(record, tmp_path).read_text("utf-8")
    assert "digits: fewer and more training images" in page and "training images</text>" in page
    [*_, table] = render(analyse(record))
    assert [str(column.header) for column in table.columns][1:3] == ["40", "80"]
    steps = [[len(e.metrics) for e in t.epochs] for t in record.trials.values()]
    assert all(len(each) == 1 for each in steps)
