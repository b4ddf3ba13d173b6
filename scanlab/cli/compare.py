"""``scanlab compare``."""

from __future__ import annotations

from dataclasses import asdict
from itertools import combinations
from typing import Any

from rich.table import Table

from scanlab.cli.arguments import grid_for, strategies
from scanlab.cli.output import console, print_json
from scanlab.compiler.bind import CompiledPlan, Path, bind
from scanlab.compiler.metrics import Locality, locality
from scanlab.compiler.relations import relatives
from scanlab.ir.values import Value

__all__ = ["run"]


def run(names: list[str], grid: str, as_json: bool) -> None:
    """Print the metrics of every path, and the pairs that are provably the same order."""
    found = strategies(names, grid)
    rows = [(label, path, locality(path.indices, path.grid)) for label, v in found for path in _paths(v, grid)]
    same = _relations(rows, grid_for(found[0][1], grid))
    if as_json:
        data = [{"strategy": n, "path": p.label, "order": str(p.order), **_plain(m)} for n, p, m in rows]
        print_json({"paths": data, "relations": same})
        return
    out = console()
    out.print(_table(rows))
    for sentence in same:
        out.print(sentence, soft_wrap=True)
    out.print(
        "No single figure here is “locality”: the mean gap barely tells raster from Hilbert, the median does, and "
        "neither sees direction.",
        soft_wrap=True,
    )


def _plain(metrics: Locality) -> dict[str, Any]:
    """The metrics without NaN, which JSON does not have."""
    known = asdict(metrics)
    return {
        k: None if v != v else [None if x != x else x for x in v] if isinstance(v, tuple) else v
        for k, v in known.items()
    }


def _paths(value: Value, grid: str) -> list[Path]:
    bound = bind(value, grid_for(value, grid))
    scans = bound.scans if isinstance(bound, CompiledPlan) else (bound,)
    return [path for scan in scans for path in scan.paths]


def _table(rows: list[tuple[str, Path, Locality]]) -> Table:
    grid = "×".join(map(str, rows[0][1].grid))
    axes = rows[0][1].axes
    table = Table(title=f"rank gaps of neighbouring patches and steps, on {grid}", title_justify="left")
    table.add_column("path")
    columns = ["unit steps", "jumps", "longest", "mean gap", *(f"mean along {a}" for a in axes)]
    for name in [*columns, "median", "p95", "bandwidth", "anisotropy"]:
        table.add_column(name, justify="right")
    for strategy, path, m in rows:
        label = path.label if path.label == strategy else f"{strategy} · {path.label}"
        gaps = [_number(v) for v in m.mean_gaps]
        table.add_row(
            label,
            f"{m.unit_step_share:.2f}",
            str(m.jumps),
            str(m.longest_jump),
            _number(m.mean_gap),
            *gaps,
            _number(m.median_gap),
            _number(m.p95_gap),
            str(m.bandwidth),
            _number(m.anisotropy),
        )
    return table


def _number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.2f}".rstrip("0").rstrip(".")


def _relations(rows: list[tuple[str, Path, Locality]], grid: tuple[int, ...]) -> list[str]:
    """A sentence for each pair of paths that are the same order, or reverse or exchange axes of each other."""
    sentences = []
    for (_, first, _), (_, second, _) in combinations(rows, 2):
        if len(first.axes) != len(second.axes):
            continue
        for kin in relatives(first.order, {second.label: second.order}, grid):
            sentences.append(f"{first.label} is {kin} ({kin.proof.verdict})")
    return sentences
