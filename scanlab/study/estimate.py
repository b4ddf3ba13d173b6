"""How long a study will take, from a few steps of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

from scanlab.data.parts import subset
from scanlab.study.analysis import analyse
from scanlab.study.record import StudyRecord
from scanlab.study.train import train_trial
from scanlab.study.trial import Study, Trial
from scanlab.study.work import dataset_of, one_thread

__all__ = ["Estimate", "estimate", "spread_so_far"]

STEPS = 3


@dataclass(frozen=True)
class Estimate:
    """Seconds of training and testing: of every different trial by key, and of those that are not done on the wall
    clock, shared by the workers."""

    trials: dict[str, float]
    wall: float
    done: int


def estimate(study: Study, done: set[str], workers: int) -> Estimate:
    """Time STEPS steps and as many test batches of every strategy and control, and scale them up."""
    seconds: dict[tuple[str, str, str, str | None], float] = {}
    trials = {}
    with one_thread():
        for trial in study.trials():
            kind = (trial.problem.name, trial.problem.fingerprint, str(trial.config["order"]["digest"]), trial.control)
            if kind not in seconds:
                seconds[kind] = _seconds(trial)
            trials[trial.key] = seconds[kind]
    left = sum(s for key, s in trials.items() if key not in done)
    return Estimate(trials, left / workers, sum(key in done for key in trials))


def spread_so_far(record: StudyRecord) -> float | None:
    """The standard deviation of paired differences in what has run, averaged over problems and strategies; None where
    there are no pairs yet, or the metrics of the problems are of different kinds."""
    findings = analyse(record)
    if len({problem.unit for problem in findings.problems}) > 1:
        return None
    rows = [row for problem in findings.problems for row in problem.rows if row.comparison and not row.control]
    spreads = [c.difference.spread for row in rows if (c := row.comparison) and c.difference.spread is not None]
    return sum(spreads) / len(spreads) if spreads else None


def _seconds(trial: Trial) -> float:
    """Of a whole trial, from one short epoch over a few batches."""
    problem = trial.problem
    dataset, recipe = dataset_of(problem.data), problem.recipe
    some = min(len(dataset.train), STEPS * recipe.batch), min(len(dataset.test), STEPS * 4 * recipe.batch)
    small = subset(dataset, dataset.train[: some[0]], dataset.test[: some[1]])
    short = Trial(
        replace(problem, recipe=replace(recipe, epochs=1), transfer=()), trial.plan, trial.seed, trial.control
    )
    train_trial(short, subset(dataset, dataset.train[: recipe.batch], dataset.test[:1]))
    start = perf_counter()
    result = train_trial(short, small)
    tested = perf_counter() - start - result.seconds
    share = len(dataset.train) / some[0], len(dataset.test) / some[1]
    return recipe.epochs * (result.seconds * share[0] + tested * share[1])
