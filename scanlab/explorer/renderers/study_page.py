"""A study's results so far, as HTML: the same matrix, verdicts, charts and figures as in its report."""

from __future__ import annotations

from scanlab.explorer.renderers.markup import code, note, paragraph, section, table, text
from scanlab.study.cells import cells
from scanlab.study.findings import Findings, ProblemFindings, StrategyFindings
from scanlab.study.report.curves import curves, curves_note
from scanlab.study.report.forest import forest, forest_note
from scanlab.study.report.matrix import matrix_html
from scanlab.study.trial_wording import failure_reason

__all__ = ["result_rows", "results_page"]

COLUMNS = ("strategy", "against the baseline", "seeds", "mean", "± sd", "difference", "interval", "p (Holm)")


def results_page(findings: Findings) -> str:
    """The matrix, the verdict in sentences, then every problem with its forest plot, its table and its curves.

    The question is not among them: it stands above before there are any results.
    """
    sentences = "".join(paragraph(sentence, "finding") for sentence in findings.sentences)
    failures = "".join(_failure(name, error) for name, error in findings.failures)
    failed = section("What failed", failures) if failures else ""
    problems = "".join(_problem(p, findings) for p in findings.problems)
    return f'<div class="results">{matrix_html(findings)}{sentences}{problems}{failed}</div>'


def _failure(name: str, error: str) -> str:
    head = f"{name}: {failure_reason(error)}"
    return f"<details><summary>{text(head)}</summary>{code(error)}</details>"


def _problem(problem: ProblemFindings, findings: Findings) -> str:
    better = "higher" if problem.higher else "lower"
    unit = " in %" if problem.unit else ""
    about = f"{problem.metric}{unit}, {better} is better"
    if not any(row.seeds for row in problem.rows):
        return section(problem.name, paragraph("No trial has ended yet.", "empty"), about=about)
    compared = any(row.comparison for row in problem.rows)
    plot = f'<div class="chart">{forest(problem, findings.baseline)}</div>' if compared else ""
    lines = curves(problem, findings.baseline)
    drawn = f"<h4>Learning curves</h4>{lines}{note(curves_note(findings.baseline))}" if lines else ""
    body = table(COLUMNS, result_rows(problem, findings.baseline), words=2)
    legend = note(forest_note(problem, findings.baseline)) if plot else ""
    return section(problem.name, plot, legend, body, drawn, about=about)


def result_rows(problem: ProblemFindings, baseline: str) -> list[list[object]]:
    """One row per strategy and control, in COLUMNS; shares in percent, differences in points."""
    return [_row(row, problem, baseline) for row in problem.rows]


def _row(row: StrategyFindings, problem: ProblemFindings, baseline: str) -> list[object]:
    c = cells(row, problem, baseline)
    return [row.label, f"{c.kind.glyph} {c.words}", len(row.seeds), c.mean, c.spread, c.difference, c.interval, c.p]
