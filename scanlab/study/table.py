"""The results of a study as tables for the terminal."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from scanlab.study.findings import Findings, ProblemFindings, Row
from scanlab.study.statistics import points

__all__ = ["render"]


def render(found: Findings) -> Iterator[Table]:
    """One rich table per problem: strategies, then controls; shares in percent, differences in points."""
    for problem in found.problems:
        yield _problem(problem, found)


def _problem(problem: ProblemFindings, found: Findings) -> Table:
    seeds = f"{len(found.seeds)} seed{'s' if len(found.seeds) != 1 else ''}"
    table = Table(
        title=f"{problem.name}: {problem.metric}, {'higher' if problem.higher else 'lower'} is better, {seeds}",
        caption=f"Differences are paired by seed; {100 * found.confidence:.0f} % intervals; p adjusted by Holm.",
    )
    table.add_column("strategy")
    headings = (problem.metric + (" %" if problem.unit else ""), "± sd", "difference", "interval", "p")
    for heading in (*headings, "parameters", "FLOPs", "s/trial"):
        table.add_column(heading, justify="right")
    table.add_column(f"against {found.baseline}")
    for row in problem.rows:
        table.add_row(*_cells(row, problem, found.baseline), style="dim" if row.control else "")
    return table


def _cells(row: Row, problem: ProblemFindings, baseline: str) -> list[Text]:
    unit, c = problem.unit, row.comparison
    cells = [row.label, _value(row.mean, unit), _value(row.spread, unit), "", "", ""]
    if c is not None:
        d = c.difference
        interval = "" if d.low is None or d.high is None else f"{points(d.low, unit)} to {points(d.high, unit)}"
        cells[3:] = [points(d.mean, unit), interval, "" if c.adjusted is None else f"{c.adjusted:.3f}"]
    flops = "" if row.flops is None else f"{row.flops / 1e6:.2f} M"
    cells += ["" if row.parameters is None else f"{row.parameters:,}", flops, _value(row.seconds, "", 1)]
    words = "baseline" if row.label == baseline else f"the same as {row.same_as}" if row.same_as else "no result yet"
    return [Text(cell) for cell in (*cells, c.verdict if c else words)]


def _value(value: float | None, unit: str, digits: int = 2) -> str:
    if value is None:
        return ""
    return f"{100 * value:.{digits}f}" if unit else f"{value:.{digits}f}" if digits == 1 else f"{value:.4g}"
