"""What a study has found so far, as HTML: the same verdicts, charts and figures as in its report."""

from __future__ import annotations

from scanlab.explorer.facts.markup import code, note, paragraph, section, table, text
from scanlab.study.findings import Findings, ProblemFindings, Row
from scanlab.study.report.charts import curves, forest
from scanlab.study.statistics import points

__all__ = ["result_rows", "results_page"]

COLUMNS = ("strategy", "against the baseline", "seeds", "mean", "± sd", "difference", "interval", "p (Holm)")


def results_page(found: Findings) -> str:
    """The verdict in sentences, then every problem with its forest plot, its table and its curves."""
    told = "".join(paragraph(sentence, "finding") for sentence in found.sentences)
    question = paragraph(found.question, "question") if found.question else ""
    failures = "".join(_failure(name, error) for name, error in found.failures)
    failed = section("What failed", failures) if failures else ""
    return question + told + "".join(_problem(p, found) for p in found.problems) + failed


def _failure(name: str, error: str) -> str:
    head = f"{name}: {error.partition(chr(10))[0]}"
    return f"<details><summary>{text(head)}</summary>{code(error)}</details>"


def _problem(problem: ProblemFindings, found: Findings) -> str:
    better = "higher" if problem.higher else "lower"
    unit = " in %" if problem.unit else ""
    about = f"{problem.metric}{unit}, {better} is better"
    if not any(row.seeds for row in problem.rows):
        return section(problem.name, paragraph("No trial has ended yet.", "empty"), about=about)
    compared = any(row.comparison for row in problem.rows)
    plot = f'<div class="chart">{forest(problem)}</div>' if compared else ""
    in_points = " in points" if problem.unit else ""
    band = " The band is the margin." if problem.margin else ""
    under = note(f"Differences from {found.baseline}{in_points}, with intervals.{band} Grey: controls.") if plot else ""
    lines = curves(problem)
    drawn = f'<h4>Learning curves</h4><div class="chart">{lines}</div>' if lines else ""
    body = table(COLUMNS, result_rows(problem, found.baseline), words=2)
    return section(problem.name, plot, under, body, drawn, about=about)


def result_rows(problem: ProblemFindings, baseline: str) -> list[list[object]]:
    """One row per strategy and control, in COLUMNS; shares in percent, differences in points."""
    return [_row(row, problem, baseline) for row in problem.rows]


def _row(row: Row, problem: ProblemFindings, baseline: str) -> list[object]:
    unit, c = problem.unit, row.comparison
    cells: list[object] = [len(row.seeds), _value(row.mean, unit), _value(row.spread, unit), "", "", ""]
    if c is not None:
        d = c.difference
        interval = "" if d.low is None or d.high is None else f"{points(d.low, unit)} to {points(d.high, unit)}"
        cells[3:] = [points(d.mean, unit), interval, _chance(c.adjusted)]
    same = f"the same as {row.same_as}" if row.same_as else "no pair to compare yet"
    words = c.verdict if c is not None else "baseline" if row.label == baseline else same
    return [row.label, words, *cells]


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{100 * value:.2f}" if unit else f"{value:.4g}"


def _chance(p: float | None) -> str:
    """A p value; none is zero."""
    return "" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
