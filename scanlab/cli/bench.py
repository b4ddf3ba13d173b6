"""`scanlab bench`: measurements as tables, JSON and a plot."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import Progress, track
from rich.table import Table
from rich.text import Text

from scanlab.bench import compiler
from scanlab.bench.machine import environment
from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console, print_json

if TYPE_CHECKING:
    from scanlab.bench.kernels import Figure, Report
    from scanlab.bench.targets import Check
    from scanlab.bench.timing import Times

__all__ = ["promises", "run_compiler", "run_kernels", "spread"]


def run_compiler(runs: int, as_json: bool) -> None:
    """Measure the compiler and print every figure."""
    figures = list(
        track(
            compiler.figures(runs),
            "measuring",
            total=compiler.COUNT,
            console=console(stderr=True),
            transient=True,
            disable=as_json,
        )
    )
    if as_json:
        print_json({**environment(compiler.PACKAGES), "figures": [asdict(f) for f in figures]})
        return
    table = _table("scanlab bench compiler (milliseconds)", ("what",), ("median", "fastest", "runs", "at most"))
    table.add_column("")
    for f in figures:
        limit = "" if f.limit_ms is None else f"{f.limit_ms:g}"
        table.add_row(f.name, f"{f.median_ms:.1f}", f"{f.fastest_ms:.1f}", str(f.runs), limit, f.note)
    print_table(console(), table)


def run_kernels(quick: bool, limit: Path | None, seconds: float, out: Path | None, plot: Path | None) -> None:
    """Measure the kernels beside their peers; print the tables, and write JSON and a plot where asked for."""
    from scanlab.bench.kernels import measure, stages

    with Progress(console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("measuring", total=stages(quick))
        report = measure(quick, limit, seconds, lambda what: progress.update(task, description=what, advance=1))
    _print_kernels(report)
    if out is not None:
        out.write_text(json.dumps(report.as_data(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if plot is not None:
        from scanlab.bench.plot import draw

        draw(report, plot)


def _print_kernels(report: Report) -> None:
    from scanlab.bench.targets import checks

    screen = console()
    for label, size in report.sizes.items():
        shortest = f"forward at least {report.roofline.shortest_ms(size):.2f} ms here"
        table = _table(f"{label}: {size}, float32, {report.roofline.threads} threads, {shortest}", ("",), _COLUMNS)
        for name in dict.fromkeys(f.name for f in report.figures if f.size == label):
            pair = {f.backward: f for f in report.figures if f.size == label and f.name == name}
            table.add_row(name, *_cells(pair[False]), *_cells(pair[True]) if True in pair else ("",) * 3)
        print_table(screen, table)
    print_table(screen, _orders(report))
    print_table(screen, _continued(report))
    limits = report.roofline
    screen.print(
        f"limits: {limits.copy_gb_s:.1f} GB/s copied, {limits.exp2_g_s:.1f} G exp2/s on {limits.threads} threads\n"
    )
    if report.load is not None and report.load > BUSY:
        screen.print(f"this machine was busy (load {report.load:.1f}): rather trust the quickest runs\n", style="bold")
    print_table(screen, promises(list(checks(report)), "promises (for two cores)"))


BUSY = 0.5
_COLUMNS = ("forward ms", "× ours", "MB", "forward + backward ms", "× ours", "MB")


def _cells(figure: Figure) -> tuple[Text | str, Text | str, Text | str]:
    if figure.times is None:
        return Text(figure.note, style="dim"), "", ""
    times = figure.times
    memory = Text("" if figure.peak_bytes is None else f"{figure.peak_bytes / 1e6:.1f}")
    if figure.kept_bytes is not None:
        memory.append(f" ({figure.kept_bytes / 1e6:.1f} kept)", style="dim")
    return spread(times), f"{figure.times_ours:.1f}", memory


def spread(times: Times, digits: int = 2) -> Text:
    """A median in milliseconds with its quartiles."""
    quartiles = f"{times.low_ms:.{digits}f}–{times.high_ms:.{digits}f}"
    return Text.assemble(f"{times.median_ms:.{digits}f} ", (quartiles, "dim"))


def _orders(report: Report) -> Table:
    table = _table("row by row against a random order (ScanLab, cpu)", ("size", ""), ("row ms", "random ms", "ratio"))
    for f in report.orders:
        size = f"L={f.length} N={f.states} K={f.paths}"
        direction = "forward + backward" if f.backward else "forward"
        table.add_row(size, direction, spread(f.row), spread(f.shuffled), f"{f.ratio:.2f}")
    return table


def _continued(report: Report) -> Table:
    left, right = ("size", "", "what", "beside"), ("ms", "beside, ms", "ratio")
    table = _table("states, streams and packs (ScanLab, cpu)", left, right)
    for f in report.continued:
        direction = "forward + backward" if f.backward else "forward"
        times = spread(f.times), spread(f.times_beside)
        table.add_row(str(f.size), direction, f.what, f.beside, *times, f"{f.ratio:.2f}")
    return table


def promises(checks: list[Check], title: str) -> Table:
    """What was promised beside what was measured."""
    table = _table(title, ("what", "wanted"), ("measured", "of the quickest"))
    table.add_column("")
    for check in checks:
        verdict = Text("holds") if check.holds else Text("missed", style="bold")
        table.add_row(check.text, check.promised, f"{check.measured:.2f}", f"{check.fastest:.2f}", verdict)
    return table


def _table(title: str, left: tuple[str, ...], right: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in left:
        table.add_column(name)
    for name in right:
        table.add_column(name, justify="right")
    return table
