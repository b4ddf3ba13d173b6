"""All strategies on all problems at a glance: what the page, the explorer and the terminal show before any words."""

from __future__ import annotations

from dataclasses import dataclass

from scanlab.study.findings import Findings, ProblemFindings, StrategyFindings
from scanlab.study.kinds import KINDS, Kind, kind_of, kind_words
from scanlab.study.statistics import format_difference

__all__ = ["Cell", "Matrix", "MatrixRow", "matrix_of"]


@dataclass(frozen=True)
class Cell:
    """A strategy on a problem. detail: what stands beside the glyph, the difference where it counts; about: the whole
    of it in words."""

    kind: Kind
    detail: str
    about: str

    @property
    def text(self) -> str:
        """The glyph with what stands beside it."""
        return f"{self.kind.glyph} {self.detail}".rstrip()


@dataclass(frozen=True)
class MatrixRow:
    """A strategy, or a control, with a cell for every problem."""

    label: str
    is_control: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    """problems: the columns. strategies, controls: the rows. legend: the kinds that occur, in the order of KINDS."""

    problems: tuple[str, ...]
    strategies: tuple[MatrixRow, ...]
    controls: tuple[MatrixRow, ...]

    @property
    def legend(self) -> tuple[Kind, ...]:
        """The kinds that occur."""
        shown = {cell.kind.name for row in (*self.strategies, *self.controls) for cell in row.cells}
        return tuple(kind for kind in KINDS.values() if kind.name in shown)


def matrix_of(findings: Findings) -> Matrix:
    """The strategies of a study by its problems."""
    labels = {row.label: row.control is not None for problem in findings.problems for row in problem.rows}
    rows = [
        MatrixRow(label, is_control, tuple(_cell(label, p, findings) for p in findings.problems))
        for label, is_control in labels.items()
    ]
    return Matrix(
        tuple(problem.name for problem in findings.problems),
        tuple(row for row in rows if not row.is_control),
        tuple(row for row in rows if row.is_control),
    )


def _cell(label: str, problem: ProblemFindings, findings: Findings) -> Cell:
    row = problem.row_or_none(label)
    if row is None:
        return Cell(KINDS["no result"], "", f"{label} on {problem.name}: not run there")
    kind, words = kind_of(row, problem, findings.baseline), kind_words(row, problem, findings.baseline)
    return Cell(kind, _detail(row, problem), f"{label} on {problem.name}: {words}")


def _detail(row: StrategyFindings, problem: ProblemFindings) -> str:
    if row.same_as:
        return row.same_as
    if row.comparison is not None and row.comparison.decided:
        mean = row.comparison.difference.mean
        shown = format_difference(mean, problem.unit)
        # What counts is no zero, however small.
        return shown if float(shown) else f"{100 * mean:+.1g}"
    return ""
