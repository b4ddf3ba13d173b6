"""How long a study will take, from trials that ran and from operations counted; nothing is trained to know it."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from scanlab.ir.text import count_text
from scanlab.study.preflight import Cost
from scanlab.study.record import StudyRecord, TrialRecord
from scanlab.study.trial import Study, Trial
from scanlab.study.tune import judged_place
from scanlab.study.window_measure import measured_inputs
from scanlab.study.work import dataset_of

__all__ = ["Estimate", "duration", "estimate", "in_words"]

# Of 390 trials of six problems on two cores of an AMD EPYC (examples/studies/orders), within a factor of two: what a
# step takes per layer however small it is, and how fast it computes beyond that. A backward pass is twice a forward.
LAYER_S, FLOPS_PER_S, PASSES = 0.015, 12e9, 3
# Tests take larger batches: study/evaluate.py.
TEST_BATCHES = 4


@dataclass(frozen=True)
class Estimate:
    """Seconds of training and testing: of every different trial by its key, and of those that are not done on the wall
    clock, shared by the workers; None where nothing tells.

    measured: how many finished trials they rest on; 0 for a guess from operations alone. flops: of all that is left.
    """

    trials: Mapping[str, float | None]
    wall: float | None
    done: int
    measured: int
    flops: float


def estimate(
    study: Study,
    costs: Mapping[tuple[str, str], Cost],
    before: StudyRecord | None = None,
    workers: int = 1,
    device: str = "cpu",
    skipped: Collection[str] = (),
) -> Estimate:
    """What a study takes. costs: of every strategy, as `check_study` gives them; a control is taken for its baseline.
    skipped: keys of trials that will not be run.

    before: what its folder holds. Trials like a finished one, but for their seed, take what that took; others what
    their operations suggest, corrected by what those of the finished trials would have suggested.
    """
    on_gpu = device.startswith("cuda")
    if before and (done := _all_done(study, before)):
        return Estimate(done, 0.0, len(done), len(done), 0.0)
    finished = [t for t in before.trials.values() if t.result and _ran_on_gpu(t) == on_gpu] if before else []
    known: dict[str, list[float]] = {}
    for trial in finished:
        if trial.result:
            known.setdefault(_kind(trial.config), []).append(trial.result.seconds)
    pace = median(_pace(trial) for trial in finished) if finished else None if on_gpu else 1.0
    seconds: dict[str, float | None] = {}
    flops = 0.0
    done = {k for k, t in before.trials.items() if t.result is not None} if before else set()
    for trial, cost in _with_costs(study, costs):
        train, test, operations = _suggested(trial, cost)
        own = known.get(_kind(trial.config))
        seconds[trial.key] = None if pace is None else (mean(own) if own else pace * train) + pace * test
        flops += 0.0 if trial.key in done or trial.key in skipped else operations
    left = [s for key, s in seconds.items() if key not in done and key not in skipped]
    wall = None if None in left else sum(s for s in left if s is not None) / workers
    return Estimate(seconds, wall, sum(key in done for key in seconds), len(finished), flops)


def _all_done(study: Study, before: StudyRecord) -> dict[str, float | None] | None:
    """The seconds of training of every trial, where all are done."""
    results = {trial.key: before.trials[trial.key].result for trial in study.trials() if trial.key in before.trials}
    seconds = {key: result.seconds for key, result in results.items() if result is not None}
    return dict(seconds) if len(seconds) == len(study.trials()) else None


def _with_costs(study: Study, costs: Mapping[tuple[str, str], Cost]) -> Iterable[tuple[Trial, int]]:
    """Every different trial, with the operations of one forward pass of one sample."""
    base = study.baseline or study.problems[0].strategies[0][0]
    places = {m.trial.key: (m.trial, *judged_place(m.problem, m.strategy), m.control) for m in study.members()}
    for trial, problem, strategy, control in places.values():
        yield trial, costs[problem, base if control else strategy].flops


def _suggested(trial: Trial, flops: int) -> tuple[float, float, float]:
    """Seconds of training and of testing by the operations, and how many these are."""
    data, recipe = dataset_of(trial.problem.data), trial.problem.recipe
    samples, tests = recipe.seen(len(data.train)), measured_inputs(data) + (len(data.val) if recipe.watched else 0)
    layers = sum(trial.problem.config.depths)
    train = recipe.epochs * _train_epoch(samples, recipe.batch, layers, flops)
    batches = math.ceil(tests / (TEST_BATCHES * recipe.batch))
    test = recipe.epochs * (batches * layers * LAYER_S / PASSES + flops * tests / FLOPS_PER_S)
    return train, test, float(recipe.epochs) * flops * (PASSES * samples + tests)


def _train_epoch(samples: float, batch: int, layers: int, flops: int) -> float:
    return math.ceil(samples / batch) * layers * LAYER_S + PASSES * flops * samples / FLOPS_PER_S


def _pace(trial: TrialRecord) -> float:
    """How much longer a finished trial took than its operations suggest."""
    assert trial.result is not None, "only finished trials have a pace"
    recipe, depth, r = trial.config["recipe"], trial.config["sizes"]["depth"], trial.result
    layers = depth if isinstance(depth, int) else sum(depth)
    samples = r.throughput * r.seconds / len(r.epochs)
    return r.seconds / len(r.epochs) / _train_epoch(samples, recipe["batch"], layers, r.flops)


def _kind(config: Mapping[str, Any]) -> str:
    """A trial but for its seed."""
    return json.dumps({key: value for key, value in config.items() if key != "seed"}, sort_keys=True)


def _ran_on_gpu(trial: TrialRecord) -> bool:
    """By the name of its device: a processor's ends with its cores (study/work.py)."""
    return not trial.environment.get("device", "cores").endswith("cores")


def in_words(needed: Estimate, workers: int) -> str:
    """How long what is left takes, and how one knows."""
    share = count_text(workers, "worker")
    if needed.wall is None:
        operations = f"{needed.flops:.2g} floating-point operations are left"
        return f"How long it takes is not known: no trial of this study has run on such a device yet. {operations}."
    time = f"What is left takes about {duration(needed.wall)} with {share}"
    if needed.measured:
        return f"{time}, judging by {count_text(needed.measured, 'finished trial')}."
    return f"{time}. A guess from {needed.flops:.2g} floating-point operations: half of it or twice may be true."


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, as a person would say."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
