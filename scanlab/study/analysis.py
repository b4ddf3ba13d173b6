"""From a study's trials to what they allow one to say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from scanlab.renamed import read_name
from scanlab.study.controls import stored_control
from scanlab.study.findings import Comparison, Findings, OverallFindings, ProblemFindings, StrategyFindings
from scanlab.study.locality import locality_findings
from scanlab.study.record import MemberRecord, StudyRecord, TrialResult
from scanlab.study.statistics import (
    Friedman,
    effect_size,
    equivalence,
    friedman,
    holm,
    mean_spread,
    paired_difference,
)
from scanlab.study.tasks import Task, task_named
from scanlab.study.wording import overall_sentences, problem_sentences, verdict

__all__ = ["analyse"]

Results = Mapping[tuple[str, int], TrialResult]


def analyse(record: StudyRecord) -> Findings:
    """Judge a study, finished or not: trials without a result are left out, with their partners in pairs.

    On every problem each strategy and control is compared with the baseline, paired by seed. A difference counts where
    its p, adjusted by Holm over the problem's strategies (controls have a family of their own), is below one minus the
    confidence and, with three strategies or more, Friedman's test over them rejects as well. Equivalence is claimed
    where two one-sided tests, adjusted likewise, put the difference within the problem's margin. Both can be true of a
    small difference that is known well.

    >>> from scanlab.study import Epoch, MemberRecord, TrialRecord, study_of, with_options
    >>> study = study_of(with_options(None, {"strategies": ["row", "hilbert"], "controls": []}))
    >>> accuracy = {"row": (0.90, 0.91, 0.92), "hilbert": (0.93, 0.95, 0.94)}
    >>> trials = {}
    >>> for m in study.members():
    ...     epochs = (Epoch(0.5, {"accuracy": accuracy[m.strategy][m.seed]}),)
    ...     result = TrialResult(epochs, parameters=1_000, flops=50_000, seconds=1.5)
    ...     trials[m.trial.key] = TrialRecord(m.trial.key, "done", {}, epochs, result)
    >>> members = [MemberRecord(m.problem, m.strategy, m.seed, m.control, m.trial.key) for m in study.members()]
    >>> findings = analyse(StudyRecord(study.about(), tuple(members), trials))
    >>> findings.sentences
    ('hilbert is better by 0.5 to 5.5 points than row.',)
    >>> round(findings.problems[0].row("hilbert").comparison.difference.mean, 3)
    0.03
    """
    about = record.about
    problems = tuple(_problem(record, problem) for problem in about["problems"])
    overall, test = _overall(record, problems) if len(problems) > 1 else ((), None)
    findings = Findings(
        name=about["name"],
        question=about["question"],
        baseline=about["baseline"],
        confidence=about["confidence"],
        seeds=tuple(about["seeds"]),
        problems=problems,
        overall=overall,
        friedman=test,
        sentences=(),
        counts=dict(Counter(trial.status for trial in record.trials.values())),
        failures=tuple(_failures(record)),
    )
    return replace(findings, sentences=tuple(overall_sentences(findings)))


def _problem(record: StudyRecord, problem: Mapping[str, Any]) -> ProblemFindings:
    about, task = record.about, task_named(read_name(problem["task"]))
    members = [m for m in record.members if m.problem == problem["name"]]
    results = {(m.strategy, m.seed): r for m in members if (r := record.trial(m).result) is not None}
    labels = list(dict.fromkeys(m.strategy for m in members))
    controls = {m.strategy: stored_control(m.control) for m in members}
    rows = [_row(label, controls[label], problem, about, results, task) for label in labels]
    base = next((row for row in rows if row.label == about["baseline"]), None)
    rows = [_related(row, base, members) for row in rows]
    plain = [row for row in rows if row.control is None]
    test = friedman(_table(plain, results, task), task.higher) if len(plain) > 2 else None
    margin = about["margins"].get(problem["name"], 0.0)
    compared = {
        **_compared(plain, about, results, task, margin, test),
        **_compared([r for r in rows if r.control], about, results, task, margin, None),
    }
    rows = [replace(row, comparison=compared.get(row.label)) for row in rows]
    outcomes = {row.label: row.mean for row in rows if row.control is None and row.mean is not None}
    judged = ProblemFindings(
        name=problem["name"],
        task=problem["task"],
        metric=task.primary,
        higher=task.higher,
        unit=task.unit,
        margin=margin,
        rows=tuple(rows),
        friedman=test,
        locality=locality_findings(problem["strategies"], outcomes, about["confidence"]),
        sentences=(),
    )
    return replace(judged, sentences=tuple(problem_sentences(judged, about)))


def _row(
    label: str, control: str | None, problem: Mapping[str, Any], about: Mapping[str, Any], results: Results, task: Task
) -> StrategyFindings:
    seeds = tuple(seed for seed in about["seeds"] if (label, seed) in results)
    own = [results[label, seed] for seed in seeds]
    values = [r.final[task.primary] for r in own]
    mean, spread = mean_spread(values) if values else (None, None)
    source = problem["strategies"].get(label, {}).get("source", about["controls"].get(label, ""))
    memories = [r.memory for r in own if r.memory is not None]
    return StrategyFindings(
        label=label,
        source=source,
        control=control,
        seeds=seeds,
        mean=mean,
        spread=spread,
        metrics=_means([r.final for r in own]),
        parameters=own[0].parameters if own else None,
        flops=own[0].flops if own else None,
        ratios=None,
        seconds=_mean([r.seconds for r in own]),
        memory=_mean(memories),
        throughput=_mean([r.throughput for r in own]),
        transfer=_means([r.transfer for r in own]),
        curves=_curves(own, task),
    )


def _related(row: StrategyFindings, base: StrategyFindings | None, members: Sequence[MemberRecord]) -> StrategyFindings:
    """With what a row shares its trials, and how it costs beside the baseline."""
    keys = {m.strategy: m.key for m in reversed(members)}
    same = next((label for label in dict.fromkeys(m.strategy for m in members) if keys[label] == keys[row.label]), "")
    ratios = None
    if base and base.flops and base.parameters and row.flops and row.parameters:
        ratios = (row.flops / base.flops, row.parameters / base.parameters)
    return replace(row, same_as="" if same == row.label else same, ratios=ratios)


def _table(rows: Sequence[StrategyFindings], results: Results, task: Task) -> np.ndarray:
    """Values [seeds, strategies] of the seeds that all strategies have; those that share trials stand for one."""
    different = [row for row in rows if not row.same_as]
    common = [s for s in (different[0].seeds if different else ()) if all(s in row.seeds for row in different)]
    return np.array([[results[row.label, s].final[task.primary] for row in different] for s in common]).reshape(
        len(common), len(different)
    )


def _compared(
    rows: Sequence[StrategyFindings],
    about: Mapping[str, Any],
    results: Results,
    task: Task,
    margin: float,
    test: Friedman | None,
) -> dict[str, Comparison]:
    """Every row but the baseline, and those that share its trials, against it."""
    base, confidence = about["baseline"], about["confidence"]
    pairs = {}
    for row in rows:
        common = [s for s in row.seeds if (base, s) in results]
        if row.label != base and not row.same_as and common:
            values = [[results[label, s].final[task.primary] for s in common] for label in (row.label, base)]
            if np.isfinite(values).all():
                pairs[row.label] = values
    differences = {label: paired_difference(own, other, confidence) for label, (own, other) in pairs.items()}
    adjusted = dict(zip(pairs, holm([d.p for d in differences.values()]), strict=True))
    within = dict(zip(pairs, holm([equivalence(own, other, margin) for own, other in pairs.values()]), strict=True))
    gate = test is None or test.p < 1 - confidence
    comparisons = {}
    for label, d in differences.items():
        kind, words = verdict(d, adjusted[label] if gate else None, within[label], margin, task, gate)
        comparisons[label] = Comparison(d, adjusted[label], within[label], effect_size(*pairs[label]), kind, words)
    return comparisons


def _overall(
    record: StudyRecord, problems: Sequence[ProblemFindings]
) -> tuple[tuple[OverallFindings, ...], Friedman | None]:
    """Blocks are seeds by problems. Differences are pooled only where all metrics are shares of the same direction."""
    about = record.about
    labels = [row.label for row in problems[0].rows if row.control is None]
    base = about["baseline"]
    blocks, raw = [], []
    for problem in problems:
        task = task_named(read_name(problem.task))
        results = {
            (m.strategy, m.seed): r
            for m in record.members
            if m.problem == problem.name and (r := record.trial(m).result) is not None
        }
        for seed in about["seeds"]:
            if all((label, seed) in results for label in labels):
                values = [results[label, seed].final[task.primary] for label in labels]
                raw.append(values)
                blocks.append([v if task.higher else -v for v in values])
    if not blocks:
        return tuple(OverallFindings(label, None, None, None) for label in labels), None
    test = friedman(np.array(blocks))
    shares = all(problem.unit and problem.higher for problem in problems)
    columns = np.array(raw).T
    pooled = {
        label: paired_difference(columns[k].tolist(), columns[labels.index(base)].tolist(), about["confidence"])
        for k, label in enumerate(labels)
        if shares and label != base
    }
    adjusted = dict(zip(pooled, holm([d.p for d in pooled.values()]), strict=True))
    ranks = test.ranks if test else tuple(math.nan for _ in labels)
    return tuple(
        OverallFindings(label, rank if test else None, pooled.get(label), adjusted.get(label))
        for label, rank in zip(labels, ranks, strict=True)
    ), test


def _failures(record: StudyRecord) -> list[tuple[str, str]]:
    names: dict[str, str] = {}
    for m in record.members:
        names.setdefault(m.key, f"{m.problem}, {m.strategy}, seed {m.seed}")
    return [(names[key], trial.error) for key, trial in record.trials.items() if trial.status == "failed"]


def _curves(results: Sequence[TrialResult], task: Task) -> tuple[tuple[float, float, float], ...]:
    if not results:
        return ()
    epochs = min(len(r.epochs) for r in results)
    curve = []
    for number in range(epochs):
        values = [r.epochs[number].metrics[task.primary] for r in results]
        losses = [r.epochs[number].loss for r in results]
        curve.append((float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0, _mean(losses)))
    return tuple((m, s, 0.0 if x is None else x) for m, s, x in curve)


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _means(tables: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([t[name] for t in tables])) for name in tables[0]} if tables else {}
