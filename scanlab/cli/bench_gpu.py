"""`scanlab bench kernels --device cuda`: the GPU's figures as tables and JSON."""

from __future__ import annotations

import json
from pathlib import Path

from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from scanlab.bench.gpu import GpuFigure, GpuReport, check_device, measure_gpu
from scanlab.bench.gpu_shapes import SHAPES
from scanlab.bench.gpu_targets import gpu_checks
from scanlab.bench.gpu_timing import GpuTimes
from scanlab.bench.timing import Times
from scanlab.cli.bench import promises, spread
from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["run_gpu"]

TURNS = {False: 30, True: 5}


def run_gpu(device: str, quick: bool, out: Path | None) -> None:
    """Measure the GPU, print the tables, and write JSON where asked for. Raises S753 without a GPU, S754."""
    if device != "cuda":
        raise ScanlabError.at("S754", f"there is no device {device!r} to measure", help="choose cpu or cuda")
    check_device()
    with Progress(console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("the limits of the device", total=len(SHAPES) + 1)
        report = measure_gpu(TURNS[quick], lambda what: progress.update(task, description=what, advance=1))
    if out is not None:
        out.write_text(json.dumps(report.as_data(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print_report(report)


def print_report(report: GpuReport) -> None:
    """Print every figure, and every promise with what was measured."""
    screen = console()
    limits = report.limits
    screen.print(f"{report.device}: {limits.copy_gb_s:.0f} GB/s copied, {limits.exp2_g_s:.0f} G exp2/s")
    table = Table(title="bfloat16, milliseconds, quartiles; B=128", title_justify="left")
    table.add_column("shape")
    table.add_column("")
    table.add_column("direction")
    for name in ("median", "× ours", "MB", "of the limit", "differs by"):
        table.add_column(name, justify="right")
    table.add_column("timed by", overflow="fold")
    for figure in report.figures:
        table.add_row(figure.shape, figure.name, _direction(figure), *_cells(figure))
    print_table(screen, table)
    print_table(screen, promises(list(gpu_checks(report)), "promises"))


def _direction(figure: GpuFigure) -> str:
    return "forward + backward" if figure.backward else "forward"


def _cells(figure: GpuFigure) -> tuple[Text | str, ...]:
    if figure.times is None:
        return Text(f"not measured: {figure.note}", style="bold"), "", "", "", "", ""
    times = figure.times
    return (
        spread(times, 3),
        f"{figure.times_ours:.2f}",
        "" if figure.peak_bytes is None else f"{figure.peak_bytes / 1e6:.0f}",
        "" if figure.of_limit is None else f"{100 * figure.of_limit:.0f} %",
        "" if figure.difference is None else f"{figure.difference:.0e}",
        _timed_by(times),
    )


def _timed_by(times: Times) -> str:
    """How the times were taken, and why not as replays of a graph."""
    if not isinstance(times, GpuTimes):
        return ""
    return f"{times.how} ({times.why})" if times.why else times.how
