"""From a study's trials to what they allow one to say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.study.compare import Measured, compared, resolution_of, transfer_changes, transfer_differences
from scanlab.study.controls import removed_by, stored_control
from scanlab.study.crossed import crossed_difference
from scanlab.study.findings import Comparison, Findings, ProblemFindings, StrategyFindings
from scanlab.study.in_force import confidence_in_force
from scanlab.study.locality import METRICS, locality_findings
from scanlab.study.overall import overall_findings
from scanlab.study.power import detectable_effect
from scanlab.study.predictions import open_predictions, scores_of
from scanlab.study.record import MemberRecord, StudyRecord, TrialResult
from scanlab.study.resampled import overlap_of
from scanlab.study.size_findings import size_findings
from scanlab.study.statistics import ROUNDING, Difference, friedman, mean_spread
from scanlab.study.tasks import Task, task_of
from scanlab.study.trial_wording import failed_names
from scanlab.study.wording import overall_sentences, problem_sentences

__all__ = ["analyse"]

Results = Mapping[tuple[str, int], TrialResult]


def analyse(record: StudyRecord) -> Findings:
    """Judge a study, finished or not: trials without a result are left out, with their partners in pairs.

    On every problem each strategy and control is compared with the baseline, paired by seed. A difference counts where
    its p, adjusted by Holm over the strategies of all problems together (controls have a family of their own), is below
    one minus the confidence. Equivalence is claimed where two one-sided tests, adjusted likewise, put the difference
    within the problem's margin, and where no trial waits. Both can be true of a small difference that is known well.
    Intervals hold for a whole family together. A problem on which neither a control that takes the order away nor any
    strategy differs from the baseline is called blind: this study did not tell orders apart there.

    >>> from scanlab.study import Epoch, MemberRecord, TrialRecord, study_of, with_options
    >>> study = study_of(with_options(None, {"strategies": ["row", "hilbert"], "seeds": 3, "controls": []}))
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
    about, confidence = record.about, confidence_in_force(record)
    measured = [_measured(record, problem) for problem in about["problems"]]
    comparisons = compared(measured, about["baseline"], confidence)
    comparisons = _with_samples(record, comparisons)
    transfers = transfer_differences(measured, about["baseline"], confidence)
    changes = transfer_changes(measured, confidence)
    judged = []
    for problem in measured:
        rows = [
            replace(
                row,
                comparison=comparisons.get((problem.name, row.label)),
                transfer_differences=transfers.get((problem.name, row.label), {}),
                transfer_changes=changes.get((problem.name, row.label), {}),
                waiting=row.label in problem.waiting,
            )
            for row in problem.rows
        ]
        judged.append(_problem(problem, rows, record))
    problems = _with_locality(judged, about, confidence)
    fingerprints = {p["name"]: _data_of(p) for p in about["problems"]}
    # A mean over problems of which some are not done speaks of a choice of problems that nobody made.
    waits = any(problem.waiting for problem in measured)
    overall, test = ((), None) if waits else overall_findings(problems, fingerprints, about["baseline"], confidence)
    findings = Findings(
        name=about["name"],
        question=about["question"],
        baseline=about["baseline"],
        confidence=confidence,
        seeds=tuple(about["seeds"]),
        problems=tuple(replace(p, sentences=tuple(problem_sentences(p, about))) for p in problems),
        overall=overall,
        friedman=test,
        sentences=(),
        counts=dict(Counter(trial.status for trial in record.trials.values())),
        failures=tuple(_failures(record)),
        sizes=size_findings(about, measured, confidence),
    )
    return replace(findings, sentences=tuple(overall_sentences(findings)))


def _data_of(problem: Mapping[str, Any]) -> str:
    """A name for the data of a problem, whatever the number of its training images."""
    size = problem.get("train_size")
    if size:
        return size["of"].partition(" / ")[0]
    return problem.get("fingerprint") or problem["name"].partition(" / ")[0]


def _with_samples(
    record: StudyRecord, comparisons: Mapping[tuple[str, str], Comparison]
) -> dict[tuple[str, str], Comparison]:
    """With intervals that cover other test samples as well, where trials kept what they said of each."""
    tasks = {p["name"]: task_of(p).primary for p in record.about["problems"]}
    made = {}
    with open_predictions(record) as read:
        for (problem, label), comparison in comparisons.items():
            scores = scores_of(record, problem, label, record.about["baseline"], tasks[problem], read)
            made[problem, label] = _crossed(comparison, scores)
    return made


def _crossed(comparison: Comparison, scores: tuple[NDArray[np.float64], NDArray[np.float64]] | None) -> Comparison:
    if scores is None or min(scores[0].shape[:2]) < 2:
        return comparison
    d = comparison.difference
    crossed = crossed_difference(*scores, 1 - (1 - d.confidence) / d.family)
    wide = crossed.difference
    # What covers more is not shorter: with few seeds the crossed interval, of more degrees of freedom, can be.
    if d.low is not None and d.high is not None and wide.low is not None and wide.high is not None:
        wide = replace(wide, low=min(d.low, wide.low), high=max(d.high, wide.high))
    return replace(comparison, crossed=replace(crossed, difference=wide))


def _measured(record: StudyRecord, problem: Mapping[str, Any]) -> Measured:
    about, task = record.about, task_of(problem)
    members = [m for m in record.members if m.problem == problem["name"]]
    results = {(m.strategy, m.seed): r for m in members if (r := record.trial(m).result) is not None}
    controls = {m.strategy: stored_control(m.control) for m in members}
    lost = frozenset((m.strategy, m.seed) for m in members if record.trial(m).diverged)
    rows = [_row(label, control, problem, about, results, task, lost) for label, control in controls.items()]
    base = next((row for row in rows if row.label == about["baseline"]), None)
    waiting = (m.strategy for m in members if record.trial(m).status in ("waiting", "running"))
    return Measured(
        problem["name"],
        task,
        [_related(row, base, members) for row in rows],
        results,
        frozenset(waiting),
        about["margins"].get(problem["name"], 0.0),
        overlap_of(problem),
        problem.get("tested", {}).get("step"),
    )


def _problem(problem: Measured, rows: Sequence[StrategyFindings], record: StudyRecord) -> ProblemFindings:
    plain, task = [row for row in rows if row.control is None], problem.task
    stored = next(p for p in record.about["problems"] if p["name"] == problem.name)
    labels, table = _table(plain, problem.results, task)
    means = dict(zip(labels, table.mean(0).tolist(), strict=True)) if len(table) else {}
    return ProblemFindings(
        name=problem.name,
        task=stored["task"],
        metric=task.primary,
        higher=task.higher,
        unit=task.unit,
        margin=problem.margin,
        rows=tuple(rows),
        friedman=friedman(table, task.higher),
        locality=(),
        sentences=(),
        blind=not problem.waiting and _blind(rows, problem.overlap),
        resolution=resolution_of(problem),
        guessed=problem.step is None,
        tested=stored.get("tested", {}).get("samples", 0),
        paired={r.label: means[r.same_as or r.label] for r in plain if (r.same_as or r.label) in means},
        pooled_seeds=len(table),
    )


def _blind(rows: Sequence[StrategyFindings], overlap: float) -> bool:
    """Whether orders were not told apart on a problem: no control without an order, and no strategy, differs.

    Not where a difference could hardly have shown: with so few seeds that no difference counts, or where all pairs
    differ by the same, which no test can judge.
    """
    removed = [row.comparison for row in rows if row.control and row.comparison and removed_by(row.control)]
    judged = [*removed, *(row.comparison for row in _plain(rows) if row.comparison)]
    if not removed or any(c.decided or _same_everywhere(c) for c in judged):
        return False
    return any(c.kind == "equivalent" or _could_show(c.difference, overlap) for c in removed)


def _same_everywhere(comparison: Comparison) -> bool:
    """Whether all pairs differ, and by the same: it may not count, and yet it is no zero."""
    return comparison.difference.constant and abs(comparison.difference.mean) > ROUNDING


def _could_show(difference: Difference, overlap: float) -> bool:
    """Whether any difference would have counted with so many pairs, among so many comparisons."""
    return detectable_effect(difference.pairs, difference.family, difference.confidence, overlap=overlap) is not None


def _plain(rows: Sequence[StrategyFindings]) -> list[StrategyFindings]:
    return [row for row in rows if row.control is None]


def _with_locality(
    problems: Sequence[ProblemFindings], about: Mapping[str, Any], confidence: float
) -> list[ProblemFindings]:
    """Correlations with locality, where any strategy differs: elsewhere there is no outcome to go with it.

    Their intervals hold for all of them together.
    """
    stored = {problem["name"]: problem["strategies"] for problem in about["problems"]}
    differing = {p.name for p in problems if any(r.comparison and r.comparison.decided for r in _plain(p.rows))}
    together = 1 - (1 - confidence) / max(1, len(differing) * len(METRICS))
    return [
        replace(p, locality=locality_findings(stored[p.name], _outcomes(p.rows), together))
        if p.name in differing
        else p
        for p in problems
    ]


def _outcomes(rows: Sequence[StrategyFindings]) -> dict[str, float]:
    return {row.label: row.mean for row in _plain(rows) if row.mean is not None and not row.diverged}


def _row(
    label: str,
    control: str | None,
    problem: Mapping[str, Any],
    about: Mapping[str, Any],
    results: Results,
    task: Task,
    lost: Collection[tuple[str, int]],
) -> StrategyFindings:
    """lost: labels and seeds of the trials that diverged."""
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
        diverged=tuple(
            seed
            for seed in about["seeds"]
            if (label, seed) in lost or not math.isfinite(dict(zip(seeds, values, strict=True)).get(seed, 0.0))
        ),
    )


def _related(row: StrategyFindings, base: StrategyFindings | None, members: Sequence[MemberRecord]) -> StrategyFindings:
    """With what a row shares its trials, and how it costs beside the baseline."""
    keys = {m.strategy: m.key for m in reversed(members)}
    same = next((label for label in dict.fromkeys(m.strategy for m in members) if keys[label] == keys[row.label]), "")
    ratios = None
    if base and base.flops and base.parameters and row.flops and row.parameters:
        ratios = (row.flops / base.flops, row.parameters / base.parameters)
    return replace(row, same_as="" if same == row.label else same, ratios=ratios)


def _table(rows: Sequence[StrategyFindings], results: Results, task: Task) -> tuple[list[str], np.ndarray]:
    """Labels, and values [seeds, strategies] where all have a number; strategies that share trials are one."""
    different = [row for row in rows if not row.same_as]
    known = [{*row.seeds} - {*row.diverged} for row in different]
    common = [s for s in (different[0].seeds if different else ()) if all(s in seeds for seeds in known)]
    values = [[results[row.label, s].final[task.primary] for row in different] for s in common]
    return [row.label for row in different], np.array(values, dtype=float).reshape(len(common), len(different))


def _failures(record: StudyRecord) -> list[tuple[str, str]]:
    failed = [(key, trial.error) for key, trial in record.trials.items() if trial.status == "failed"]
    return [(name, error) for key, error in failed for name in failed_names(record, (key,))]


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
