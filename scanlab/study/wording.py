"""Findings in words that follow the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scanlab.renamed import read_name
from scanlab.study.controls import CONTROLS
from scanlab.study.findings import Findings, OverallFindings, ProblemFindings, StrategyFindings
from scanlab.study.statistics import Difference
from scanlab.study.tasks import Task

__all__ = ["amount", "overall_sentences", "problem_sentences", "verdict"]


def verdict(
    difference: Difference, adjusted: float | None, within: float | None, margin: float, task: Task
) -> tuple[str, str]:
    """The kind of a comparison, and its words.

    adjusted: the adjusted p of a difference. within: that of equivalence.
    """
    n = f"{difference.pairs} seed{'s' if difference.pairs != 1 else ''}"
    alpha = 1 - difference.confidence
    equivalent = within is not None and within < alpha
    band = f"equivalent within ±{amount(margin, task.unit)}"
    if difference.low is None or difference.high is None:
        if equivalent:
            return "equivalent", band
        return "not distinguishable", f"not distinguishable with {n} (no spread to judge by)"
    if adjusted is not None and adjusted < alpha:
        kind = "better" if (difference.mean > 0) == task.higher else "worse"
        low, high = sorted((abs(difference.low), abs(difference.high)))
        # Student's interval may touch zero where the p, adjusted, is just below its limit: never the other way round.
        low = 0.0 if difference.low * difference.high < 0 else low
        words = f"{kind} by {amount(low, '') if not task.unit else f'{100 * low:.1f}'} to {amount(high, task.unit)}"
        return kind, f"{words}, yet {band}" if equivalent else words
    if equivalent:
        return "equivalent", band
    outside = difference.low > 0 or difference.high < 0
    why = " once all comparisons are counted" if outside else ""
    return "not distinguishable", f"not distinguishable with {n}{why}"


def amount(value: float, unit: str) -> str:
    """A size in points, or as it is without a unit."""
    return f"{100 * value:.1f} {unit}" if unit else f"{value:.3g}"


def problem_sentences(problem: ProblemFindings, about: Mapping[str, Any]) -> Iterator[str]:
    """What a problem's comparisons and controls say."""
    base = about["baseline"]
    rows = [row for row in problem.rows if row.control is None and row.label != base]
    yield from _comparisons(rows, base)
    for row in rows:
        if row.same_as:
            yield f"{row.label} is the same order as {row.same_as} on this grid: it was not run twice."
    if problem.friedman is not None:
        f = problem.friedman
        word = "differ" if f.p < 1 - about["confidence"] else "cannot be told apart"
        yield (
            f"Over all strategies together they {word} (Friedman, {f.blocks} seeds, statistic {f.statistic:.1f}, "
            f"p = {_p(f.p)} by permutation)."
        )
    for row in problem.rows:
        if row.control and row.comparison:
            yield _control(row, base, problem.unit)
    unequal = [r for r in rows if r.ratios and (abs(r.ratios[0] - 1) > 1e-9 or abs(r.ratios[1] - 1) > 1e-9)]
    if unequal:
        listed = ", ".join(f"{r.label} {r.ratios[0]:.2f} times" for r in unequal if r.ratios)
        yield f"Not of order alone: of {base}'s FLOPs, {listed}."


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
        compared = " ".join(_comparisons(rows, findings.baseline))
        if compared:
            yield f"{problem.name}: {compared}"
    if findings.friedman is not None:
        best = sorted((o for o in findings.overall if o.rank is not None), key=_rank)
        word = "differ" if findings.friedman.p < 1 - findings.confidence else "cannot be told apart"
        ranked = ", ".join(f"{o.label} {o.rank:.1f}" for o in best)
        yield (
            f"Over all {len(findings.problems)} problems the strategies {word} (Friedman over "
            f"{findings.friedman.blocks} blocks of problem and seed, p = {_p(findings.friedman.p)}). Mean ranks, "
            f"1 the best: {ranked}."
        )


def _rank(row: OverallFindings) -> float:
    return row.rank if row.rank is not None else 1e9


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
        kind, preposition = ("equivalent", "to") if words.startswith("equivalent") else ("not distinguishable", "from")
        yield f"{', '.join(labels)}: {words.replace(kind, f'{kind} {preposition} {base}', 1)}."


def _control(row: StrategyFindings, base: str, unit: str) -> str:
    assert row.comparison is not None and row.control is not None
    c, decided = row.comparison, row.comparison.decided
    control = CONTROLS.get(read_name(row.control))
    removed = control.removes if control else "the order"
    if not removed:
        d, repeat = c.difference, f"{row.control}: {base} against itself from other initial weights"
        if d.low is None or d.high is None:
            return f"{repeat} differs by nothing that can be judged."
        reach = amount((d.high - d.low) / 2, unit)
        state = "a difference that is chance, and a warning" if decided else "nothing, as it should"
        return f"{repeat} shows {state}; its interval reaches {reach} either way."
    doubt = "" if decided else "this study does not show that "
    than = f" than {base}" if decided and ", yet" not in c.verdict else ""
    return f"{row.control} is {c.verdict}{than}: {doubt}{removed} mattered here."


def _p(value: float) -> str:
    return f"{value:.4f}" if value < 0.01 else f"{value:.3f}"
