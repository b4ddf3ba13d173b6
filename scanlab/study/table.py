"""The results of a study as a table for the terminal."""

from rich.table import Table
from rich.text import Text

from scanlab.study.result import Row, StudyResult, points, rows


def render(result: StudyResult) -> Table:
    """One row per strategy and control, then the linear classifier, as a rich table.

    Accuracies and differences in percent and points; the interval is that of `statistics.paired_difference`.
    """
    table = Table(
        title=f"Test accuracy on {result.dataset}, {len(result.seeds)} seeds, {result.recipe.epochs} epochs",
        caption=f"Differences are paired by seed; 95 % t intervals; p adjusted by Holm. {result.seconds:.0f} s in all.",
    )
    table.add_column("strategy")
    for heading in ("accuracy %", "± sd", "difference", "95 % interval", "p", "parameters", "s/trial"):
        table.add_column(heading, justify="right")
    table.add_column("against the first")
    for row in rows(result):
        table.add_row(*_cells(row), style="dim" if row.strategy.control else "")
    table.add_section()
    table.add_row(Text("linear classifier on pixels"), f"{100 * result.linear:.2f}")
    return table


def _cells(row: Row) -> list[str | Text]:
    cells: list[str | Text] = [
        Text(row.strategy.name),
        f"{100 * row.mean:.2f}",
        "" if row.spread is None else f"{100 * row.spread:.2f}",
    ]
    if row.difference is None:
        cells += ["", "", ""]
    else:
        d = row.difference
        interval = "none" if d.low is None or d.high is None else f"{points(d.low)} to {points(d.high)}"
        cells += [points(d.mean), interval, "" if row.p is None else f"{row.p:.3f}"]
    return [*cells, f"{row.parameters:,}", f"{row.seconds:.1f}", row.verdict or "baseline"]
