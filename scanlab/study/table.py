"""The results of a study as tables for the terminal."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from scanlab.study.cells import cells
from scanlab.study.findings import Findings, ProblemFindings, StrategyFindings

__all__ = ["render"]


def render(findings: Findings) -> Iterator[Table]:
    """One rich table per problem: strategies, then controls; shares in percent, differences in points."""
    for problem in findings.problems:
        yield _problem(problem, findings)


def _problem(problem: ProblemFindings, findings: Findings) -> Table:
    seeds = f"{len(findings.seeds)} seed{'s' if len(findings.seeds) != 1 else ''}"
    table = Table(
        title=f"{problem.name}: {problem.metric}, {'higher' if problem.higher else 'lower'} is better, {seeds}",
        caption=f"Paired by seed; {100 * findings.confidence:.0f} % intervals for all together; p by Holm",
    )
    table.add_column("strategy")
    headings = (problem.metric + (" %" if problem.unit else ""), "± sd", "difference", "interval", "p")
    for heading in (*headings, "parameters", "FLOPs", "s/trial"):
        table.add_column(heading, justify="right")
    table.add_column(f"against {findings.baseline}")
    for row in problem.rows:
        table.add_row(*_cells(row, problem, findings.baseline), style="dim" if row.control else "")
    return table


def _cells(row: StrategyFindings, problem: ProblemFindings, baseline: str) -> list[Text]:
    c = cells(row, problem, baseline)
    flops = "" if row.flops is None else f"{row.flops / 1e6:.2f} M"
    compared = (c.mean, c.spread, c.difference, c.interval, c.p)
    return [Text(cell) for cell in (row.label, *compared, c.parameters, flops, c.seconds, c.words)]
