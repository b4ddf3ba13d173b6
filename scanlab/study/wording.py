"""Findings in words that follow the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scanlab.ir.text import count_text
from scanlab.study.controls import removed_by, repeated_by
from scanlab.study.findings import Findings, ProblemFindings, StrategyFindings
from scanlab.study.statistics import Difference
from scanlab.study.tasks import Task

# Shorter curves have no last fifth.
LEARNING_EPOCHS = 5

__all__ = ["amount", "overall_sentences", "problem_sentences", "verdict"]


def verdict(
    difference: Difference, adjusted: float | None, within: float | None, margin: float, task: Task, waiting: bool
) -> tuple[str, str]:
    """The kind of a comparison, and its words.

    adjusted: the adjusted p of a difference. within: that of equivalence. waiting: trials of the two have no result.
    """
    n = count_text(difference.pairs, "seed")
    alpha = 1 - difference.confidence
    equivalent = within is not None and within < alpha
    band = f"equivalent within ±{amount(margin, task.unit)}"
    if waiting:
        return "waiting", f"not judged yet, with {n} so far"
    if adjusted is not None and adjusted < alpha:
        kind = "better" if (difference.mean > 0) == task.higher else "worse"
        words = f"{kind} by {_size(difference, task.unit)}"
        return kind, f"{words}, yet {band}" if equivalent else words
    if equivalent:
        return "equivalent", band
    why = " (no spread to judge by)" if difference.low is None else ""
    return "not distinguishable", f"not distinguishable with {n}{why}"


def _size(difference: Difference, unit: str) -> str:
    """From where to where a difference that is not zero reaches."""
    assert difference.low is not None and difference.high is not None
    low, high = sorted((abs(difference.low), abs(difference.high)))
    # Holm's p rejects a little sooner than the intervals, which hold for all comparisons, leave out zero.
    if difference.low * difference.high < 0:
        return f"at most {amount(high, unit)}"
    return f"{amount(low, unit).removesuffix(f' {unit}')} to {amount(high, unit)}"


def amount(value: float, unit: str) -> str:
    """A size in points, or as it is without a unit."""
    if not unit:
        return f"{value:.3g}"
    # A tenth of a point is fine enough, but for what would be none of them.
    digits = ".1f" if not value or 100 * abs(value) >= 0.05 else ".1g"
    return f"{100 * value:{digits}} {unit}"


def problem_sentences(problem: ProblemFindings, about: Mapping[str, Any]) -> Iterator[str]:
    """What a problem's comparisons and controls say; first, whether it can tell orders apart at all."""
    base = about["baseline"]
    rows = [row for row in problem.rows if row.control is None and row.label != base]
    yield from _sensitivity(problem, base)
    yield from _comparisons(rows, base)
    for row in rows:
        if row.same_as:
            yield f"{row.label} is the same order as {row.same_as} on this grid: it was not run twice."
    for row in problem.rows:
        if row.control and row.comparison:
            yield _control(row, base, problem.unit)
    if problem.resolution and 0 < problem.margin < problem.resolution * (1 - 1e-9):
        margin, step = amount(problem.margin, problem.unit), amount(problem.resolution, problem.unit)
        yield f"Nothing is called equivalent: the margin, {margin}, is below the smallest step between results, {step}."
    yield from _learning(problem)
    unequal = [r for r in rows if r.ratios and (abs(r.ratios[0] - 1) > 1e-9 or abs(r.ratios[1] - 1) > 1e-9)]
    if unequal:
        listed = ", ".join(f"{r.label} {r.ratios[0]:.2f} times" for r in unequal if r.ratios)
        yield f"Not of order alone: of {base}'s FLOPs, {listed}."


def _sensitivity(problem: ProblemFindings, base: str) -> Iterator[str]:
    """Whether a difference between orders could have shown: without that, "equivalent" is empty (ICH E10, 1.5)."""
    compared = [row.comparison for row in problem.rows if row.comparison]
    if problem.blind:
        without = [r.control for r in problem.rows if r.control and r.comparison and removed_by(r.control)]
        differ = f"neither {' nor '.join(without)} differs" if len(without) > 1 else f"{without[0]} does not differ"
        seeds = count_text(max(c.difference.pairs for c in compared), "seed")
        removed = [r.comparison for r in problem.rows if r.control and r.comparison and removed_by(r.control)]
        empty = any(c.kind == "equivalent" for c in removed)
        yield (
            f"This problem cannot tell orders apart, with {seeds}: {differ} from {base}, and no strategy does."
            + " What is equivalent here is so without its order as well." * empty
        )
    elif any(c.kind == "equivalent" for c in compared) and not any(
        row.comparison.decided
        for row in problem.rows
        if row.comparison and (row.control is None or removed_by(row.control))
    ):
        yield "No control shows that this problem can tell orders apart: read “equivalent” with that in mind."


def _learning(problem: ProblemFindings) -> Iterator[str]:
    """Whether the metric still moves at the end by more than the strategies differ: then speed is compared as well."""
    rows = [row for row in problem.rows if row.control is None and len(row.curves) >= LEARNING_EPOCHS]
    if len(rows) < 2:
        return
    ends = [row.curves[-1][0] for row in rows]
    sign = 1 if problem.higher else -1
    gains = [sign * (row.curves[-1][0] - row.curves[-1 - len(row.curves) // 5][0]) for row in rows]
    most = max(gains)
    if most > max(ends) - min(ends) and most > 0:
        label = rows[gains.index(most)].label
        yield (
            f"Training had not come to rest: in the last fifth of its epochs {label} gained "
            f"{amount(most, problem.unit)}, more than the strategies differ by: trained on, they may rank otherwise."
        )


def overall_sentences(findings: Findings) -> Iterator[str]:
    """The verdict of a whole study."""
    waiting = findings.counts.get("waiting", 0) + findings.counts.get("running", 0)
    if waiting:
        yield f"This study is not finished: {waiting} of {sum(findings.counts.values())} trials have no result yet."
    if failed := findings.counts.get("failed", 0):
        yield f"{failed} trial{'s' if failed != 1 else ''} failed and {'are' if failed != 1 else 'is'} left out."
    if len(findings.problems) == 1:
        yield from findings.problems[0].sentences
        return
    for problem in findings.problems:
        rows = [row for row in problem.rows if row.control is None and row.label != findings.baseline]
        said = " ".join((*_sensitivity(problem, findings.baseline), *_comparisons(rows, findings.baseline)))
        if said:
            yield f"{problem.name}: {said}"
    yield from _pooled(findings)


def _pooled(findings: Findings) -> Iterator[str]:
    """What holds over problems, of which every one counts once."""
    best = sorted((row.rank, row.label) for row in findings.overall if row.rank is not None)
    if not best or findings.friedman is None:
        return
    f, ranked = findings.friedman, ", ".join(f"{label} {rank:.1f}" for rank, label in best)
    yield f"Over {f.blocks} problems, mean ranks, 1 the best: {ranked} (Friedman, p = {_p(f.p)} by permutation)."
    for row in findings.overall:
        d = row.difference
        if d is not None and row.adjusted is not None and row.adjusted < 1 - findings.confidence:
            words = f"{'better' if d.mean > 0 else 'worse'} by {_size(d, 'points')}"
            yield f"Of problems of this kind, on average, {row.label} is {words} than {findings.baseline}."


def _comparisons(rows: Sequence[StrategyFindings], base: str) -> Iterator[str]:
    compared = [(row.label, row.comparison) for row in rows if row.comparison is not None]
    for label, c in compared:
        if c.decided:
            yield f"{label} is {c.verdict} than {base}." if ", yet" not in c.verdict else f"{label} is {c.verdict}."
    same: dict[str, list[str]] = {}
    for label, c in compared:
        if not c.decided:
            same.setdefault(c.verdict, []).append(label)
    for words, labels in same.items():
        for kind, preposition in (("equivalent", "to"), ("not distinguishable", "from")):
            words = words.replace(kind, f"{kind} {preposition} {base}", 1)
        yield f"{', '.join(labels)}: {words}."


def _control(row: StrategyFindings, base: str, unit: str) -> str:
    assert row.comparison is not None and row.control is not None
    c, decided = row.comparison, row.comparison.decided
    removed, again = removed_by(row.control), repeated_by(row.control)
    if c.kind == "waiting":
        return f"{row.control}: {c.verdict}."
    if not removed:
        d, repeat = c.difference, f"{row.control}: {base} against itself {again}"
        if d.low is None or d.high is None:
            return f"{repeat} differs by nothing that can be judged."
        reach = amount((d.high - d.low) / 2, unit)
        state = "a difference that is chance, and a warning" if decided else "nothing, as it should"
        return f"{repeat} shows {state}; its interval reaches {reach} either way."
    if c.kind == "equivalent":
        return f"{row.control} is {c.verdict} to {base}: {removed} mattered by no more than that here."
    doubt = "" if decided else "this study does not show that "
    than = f" than {base}" if decided and ", yet" not in c.verdict else ""
    return f"{row.control} is {c.verdict}{than}: {doubt}{removed} mattered here."


def _p(value: float) -> str:
    return f"{value:.4f}" if value < 0.01 else f"{value:.3f}"
