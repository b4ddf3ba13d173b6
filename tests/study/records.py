"""Studies made of given numbers, for tests of what is made of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from small import small_problem

from scanlab.study.controls import stored_control
from scanlab.study.record import Epoch, MemberRecord, StudyRecord, TrialRecord, TrialResult
from scanlab.study.trial import Study, control_name

ENVIRONMENT = {"python": "3.11", "torch": "2.13", "device": "a processor", "threads": "1", "pid": "1", "code": "abc"}


def result(value: float, metric: str = "accuracy", epochs: int = 2, **more) -> TrialResult:
    """A result whose last epoch has this value; the ones before it climb to it."""
    steps = [value * (n + 1) / epochs for n in range(epochs)]
    made = tuple(Epoch(1 / (n + 1), {metric: v}, 1.5) for n, v in enumerate(steps))
    return TrialResult(made, more.pop("parameters", 1000), more.pop("flops", 2_000_000), seconds=1.5 * epochs, **more)


def record(
    values: Mapping[str, Sequence[float | None]],
    *,
    controls: Mapping[str, Sequence[float]] | None = None,
    names: Mapping[str, str] | None = None,
    margin: float = 0.0,
    confidence: float = 0.95,
    **problem,
) -> StudyRecord:
    """A study of one problem on the digits with these values of the metric by seed; the first strategy is the baseline.

    None stands for a trial that is still waiting. names: what a label stands for in the language, by default itself.
    """
    return joined({"digits": values}, controls=controls, names=names, margin=margin, confidence=confidence, **problem)


def joined(
    problems: Mapping[str, Mapping[str, Sequence[float | None]]],
    *,
    controls: Mapping[str, Sequence[float]] | None = None,
    names: Mapping[str, str] | None = None,
    margin: float = 0.0,
    confidence: float = 0.95,
    **problem,
) -> StudyRecord:
    """A study of several problems: values by problem, strategy and seed."""
    controls, names = controls or {}, names or {}
    made = []
    for name, values in problems.items():
        known = small_problem(tuple(names.get(label, label) for label in values))
        strategies = tuple((label, plan) for label, (_, plan) in zip(values, known.strategies, strict=True))
        made.append(replace(known, name=name, strategies=strategies, **problem))
    seeds = tuple(range(len(next(iter(next(iter(problems.values())).values())))))
    margins = dict.fromkeys(problems, margin)
    study = Study("a study", tuple(made), seeds, "", tuple(controls), margins, confidence, question="Does it matter?")
    members, trials = [], {}
    for m in study.members():
        given = controls[m.control] if m.control else problems[m.problem][m.strategy]
        value = given[m.seed]
        key = m.trial.key
        members.append(MemberRecord(m.problem, m.strategy, m.seed, stored_control(m.control), f"{m.problem}-{key}"))
        status, outcome = ("waiting", None) if value is None else ("done", result(value, _metric(problem)))
        epochs = outcome.epochs if outcome else ()
        trials[members[-1].key] = TrialRecord(
            members[-1].key, status, m.trial.config, epochs, outcome, environment=ENVIRONMENT if outcome else {}
        )
    return StudyRecord(study.about(), tuple(members), trials, "scanlab ablate -s 'row; hilbert'")


def revalued(study: StudyRecord, values: Mapping[str, Mapping[str, Sequence[float]]]) -> StudyRecord:
    """The same study with other values by problem, strategy and seed: what a simulation draws many of."""
    trials = {
        m.key: replace(study.trials[m.key], result=result(float(values[m.problem][m.strategy][m.seed])))
        for m in study.members
    }
    return replace(study, trials=trials)


def changed(study: StudyRecord, strategy: str, **fields) -> StudyRecord:
    """The same study with other fields in the results of one strategy."""
    keys = {m.key for m in study.members if m.strategy == strategy}
    trials = {
        key: replace(trial, result=replace(trial.result, **fields)) if key in keys and trial.result else trial
        for key, trial in study.trials.items()
    }
    return replace(study, trials=trials)


def failed(study: StudyRecord, strategy: str, seed: int, error: str) -> StudyRecord:
    """The same study, in which one trial failed."""
    [key] = [m.key for m in study.members if (m.strategy, m.seed) == (strategy, seed)]
    trial = replace(study.trials[key], status="failed", result=None, error=error, epochs=())
    return replace(study, trials={**study.trials, key: trial})


def _metric(problem: Mapping) -> str:
    return {"next_patch": "mse", "segmentation": "dice"}.get(problem.get("task", ""), "accuracy")


__all__ = ["changed", "control_name", "failed", "joined", "record", "result", "revalued"]
