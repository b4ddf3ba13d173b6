"""What a study draws anew for every seed, and what it chooses before it judges, from the settings of a file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scanlab.data.redraw import redrawable
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.tasks import task_named
from scanlab.study.trial import DataChoice, Problem, Resample, Study, Tested
from scanlab.study.tune import Tune
from scanlab.study.work import dataset_of, whole_of

__all__ = ["check_drawing", "drawn_by_seeds", "read_tune", "with_tuning"]

POOLED = "pooled"


def read_tune(table: Mapping[str, Any] | None) -> Tune | None:
    """The learning rates that [tune] offers, None without that table. Raises S771 for what cannot be chosen from."""
    if table is None:
        return None
    unknown = [key for key in table if key not in ("learning_rate", "seeds")]
    rates, count = table.get("learning_rate"), table.get("seeds", 1)
    if unknown or not isinstance(rates, list) or type(count) is not int or count < 1:
        what = f"`{unknown[0]}` means nothing there" if unknown else f"learning_rate is {rates!r} and seeds {count!r}"
        raise _wrong(what)
    numbers = [rate for rate in rates if type(rate) in (int, float) and 0 < rate < math.inf]
    if len(numbers) < len(rates) or len({*numbers}) < max(2, len(rates)):
        raise _wrong(f"learning_rate is {rates}")
    return Tune(tuple(map(float, rates)), count)


def _wrong(what: str) -> ScanlabError:
    return ScanlabError.at(
        "S771",
        f"[tune]: {what}",
        help="give two different learning rates or more, as in learning_rate = [1e-3, 3e-3, 1e-2], and perhaps for how "
        "many seeds each is trained, seeds = 1",
    )


def drawn_by_seeds(problem: Problem, resample: bool | str, apart: bool) -> Problem:
    """The problem, with parts that every seed draws for itself where `resample` is true or "pooled". apart: learning
    rates are chosen. Raises S770 for parts that the data came with, S610 for another word, and what the data raise."""
    if resample is False:
        return problem
    if resample is not True and resample != POOLED:
        raise ScanlabError.at(
            "S610",
            f"resample is {resample!r}",
            help=f'it must be true, or "{POOLED}" to throw parts together that the data came with',
        )
    choice, whole = problem.data, whole_of(problem.data)
    pool, _ = redrawable(whole, choice.part, apart)
    drawn = Resample(resample == POOLED, len(dataset_of(choice).test), len(pool))
    # How large the classes are in a test part differs from seed to seed; its samples are as many in all.
    exact = task_named(problem.task).primary == "accuracy"
    tested = Tested(drawn.tested, 1 / drawn.tested if exact else None)
    return replace(problem, resample=drawn, fingerprint=whole.fingerprint, tested=tested)


def with_tuning(problem: Problem) -> Problem:
    """The problem, with the fingerprint of the data that its learning rates are chosen on. Raises what the data do."""
    return replace(problem, tuning=dataset_of(_tuning(problem.data)).fingerprint)


def check_drawing(study: Study) -> None:
    """Draw every seed's parts once. Raises S770 and S646 for data that cannot be divided so, S771 for seeds of the
    study that choose its learning rates."""
    shared = sorted({*study.seeds} & {*(study.tune.seeds if study.tune else ())})
    if shared:
        raise ScanlabError.at(
            "S771", f"seed {shared[0]} chooses learning rates and judges by them", help="leave that seed out"
        )
    for problem in study.problems:
        if problem.resample:
            for seed in study.seeds:
                dataset_of(study.trial(problem, problem.strategies[0][0], seed).problem.data)
        if study.tune:
            dataset_of(_tuning(problem.data))


def _tuning(choice: DataChoice) -> DataChoice:
    return replace(choice, tuning=True)
