"""The results of a study as tables for the terminal, with the glyphs and words of `study.kinds`."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from scanlab.ir.text import count_text
from scanlab.study.cells import cells, chance, interval, share
from scanlab.study.findings import Findings, ProblemFindings, SizeFindings, StrategyFindings
from scanlab.study.matrix import matrix_of
from scanlab.study.statistics import format_difference
from scanlab.study.wording import resolution_words

__all__ = ["legend", "matrix", "render"]


def matrix(findings: Findings) -> Table:
    """Strategies by problems in glyphs, controls below a line; what the glyphs mean is in `legend`."""
    shown = matrix_of(findings)
    table = Table(title=f"{findings.name}: against {findings.baseline}")
    table.add_column("strategy")
    for name in shown.problems:
        table.add_column(Text(name))
    for rows in (shown.strategies, shown.controls):
        for row in rows:
            label = Text(row.label, style="dim" if row.is_control else "")
            table.add_row(label, *(Text(cell.text, style=cell.kind.style) for cell in row.cells))
        table.add_section()
    return table


def legend(findings: Findings) -> Text:
    """The glyphs that the matrix shows, with their meanings."""
    kinds = matrix_of(findings).legend
    return Text("   ").join(Text.assemble((kind.glyph, kind.style), f" {kind.legend}") for kind in kinds)


def render(findings: Findings) -> Iterator[Table]:
    """One rich table per problem: strategies, then controls; shares in percent, differences in points. Then one for
    every problem that was learnt from several numbers of images."""
    yield from _by_problem(findings)
    for sizes in findings.sizes:
        yield _by_size(sizes, findings)


def _by_size(sizes: SizeFindings, findings: Findings) -> Table:
    unit = " %" if sizes.unit else ""
    table = Table(
        title=f"{sizes.of}: {sizes.metric}{unit} by the number of training images, equal {sizes.equal}",
        caption=f"Few less many: the difference from {findings.baseline} with {sizes.images[0]} less that with "
        f"{sizes.images[-1]}, paired by seed; {100 * findings.confidence:.0f} % intervals for all together; p by Holm",
    )
    table.add_column("strategy")
    for heading in (*map(str, sizes.images), "few less many", "interval", "p"):
        table.add_column(heading, justify="right")
    for row in sizes.rows:
        means = {point.images: share(point.mean, sizes.unit) for point in row.points}
        change = (
            (format_difference(row.change.mean, sizes.unit), interval(row.change, sizes.unit))
            if row.change
            else ("", "")
        )
        figures = (row.label, *(means.get(n, "") for n in sizes.images), *change, chance(row.adjusted))
        table.add_row(*map(Text, figures), style="dim" if row.control else "")
    return table


def _by_problem(findings: Findings) -> Iterator[Table]:
    for problem in findings.problems:
        yield _problem(problem, findings)


def _problem(problem: ProblemFindings, findings: Findings) -> Table:
    seeds = count_text(len(findings.seeds), "seed")
    step = f"; smallest step {resolution_words(problem)}" if problem.margin and problem.resolution else ""
    table = Table(
        title=f"{problem.name}: {problem.metric}, {'higher' if problem.higher else 'lower'} is better, {seeds}",
        caption=f"Paired by seed; {100 * findings.confidence:.0f} % intervals for all together; p by Holm{step}",
    )
    table.add_column("strategy")
    headings = (problem.metric + (" %" if problem.unit else ""), "± sd", "difference", "interval", "p")
    for heading in (*headings, "parameters", "FLOPs", "s/trial", "samples/s", "MiB"):
        table.add_column(heading, justify="right")
    table.add_column(f"against {findings.baseline}")
    for row in problem.rows:
        table.add_row(*_cells(row, problem, findings.baseline), style="dim" if row.control else "")
    return table


def _cells(row: StrategyFindings, problem: ProblemFindings, baseline: str) -> list[Text]:
    c = cells(row, problem, baseline)
    flops = "" if row.flops is None else f"{row.flops / 1e6:.2f} M"
    compared = (c.mean, c.spread, c.difference, c.interval, c.p)
    figures = [Text(cell) for cell in (row.label, *compared, c.parameters, flops, c.seconds, c.throughput, c.memory)]
    return [*figures, Text.assemble((c.kind.glyph, c.kind.style), f" {c.words}")]
