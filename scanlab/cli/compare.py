"""``scanlab compare``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.table import Table

from scanlab.cli.arguments import grid_for, strategies
from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console, print_json
from scanlab.compiler.comparison import CAVEAT, Measured, columns, compared, figures
from scanlab.compiler.locality import Locality
from scanlab.facade import bound

__all__ = ["run"]


def run(names: list[str], grid: str, as_json: bool) -> None:
    """Print the metrics of every path, and the pairs that are provably the same order."""
    values = strategies(names, grid)
    made = compared(((label, bound(v, grid_for(v, grid)).scans) for label, v in values), grid_for(values[0][1], grid))
    same = [str(pair) for pair in made.pairs]
    if as_json:
        data = [
            {"strategy": r.strategy, "path": r.path.label, "order": str(r.path.order), **_plain(r.locality)}
            for r in made.rows
        ]
        print_json({"paths": data, "relations": same})
        return
    out = console()
    for there in made.grids().values():
        print_table(out, _table(there))
    for sentence in same:
        out.print(sentence)
    out.print(CAVEAT)


def _plain(metrics: Locality) -> dict[str, Any]:
    """The metrics without NaN, which JSON does not have."""
    known = asdict(metrics)
    return {
        k: None if v != v else [None if x != x else x for x in v] if isinstance(v, tuple) else v
        for k, v in known.items()
    }


def _table(rows: list[Measured]) -> Table:
    first = rows[0].path
    grid = "×".join(map(str, first.grid))
    table = Table(title=f"rank gaps of neighbouring patches and steps, on {grid}", title_justify="left")
    table.add_column("path")
    for name in columns(first.axes):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(row.label, *figures(row))
    return table
