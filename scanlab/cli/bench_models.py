"""``scanlab bench models``: time and memory of whole models as images grow."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

from rich.table import Table
from rich.text import Text

from scanlab.bench.machine import environment
from scanlab.bench.models import Point, Report, measure, sentences
from scanlab.bench.throughput import Throughput, throughput
from scanlab.cli.bench import spread
from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["Options", "run"]

PACKAGES = ("torch", "numba", "triton", "numpy")


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    dim: int
    depth: int
    most_tokens: int
    training: bool
    device: str
    batch: int
    seconds: float
    match: str


def run(options: Options, images_per_second: bool, out: Path | None, plot: Path | None) -> None:
    """Measure, print, and write what was asked for."""
    screen = console()
    if images_per_second:
        rates = list(throughput(options.device, options.batch))
        print_table(screen, _throughputs(rates, options.device))
        _write(out, {"throughput": [asdict(t) for t in rates]})
        return
    progress = console(stderr=True)
    with progress.status("building models") as status:
        report = measure(
            options.dim,
            options.depth,
            options.most_tokens,
            options.training,
            options.device,
            options.batch,
            options.seconds,
            options.match,
            lambda tokens: status.update(f"{tokens:,} tokens"),
        )
    print_table(screen, _sizes(report))
    print_table(screen, _curve(report))
    for line in sentences(report):
        screen.print(line)
    for kind, why in report.stopped.items():
        screen.print(f"{kind} was taken no further: {why}.")
    _write(out, {"report": asdict(report), "crossings": list(sentences(report))})
    if plot is not None:
        draw(report, plot)
        screen.print(f"wrote {plot}", soft_wrap=True)


def draw(report: Report, target: Path) -> None:
    """Time and memory over tokens, both logarithmic, as PNG or SVG. Raises S500 without matplotlib."""
    try:
        plotting = import_module("matplotlib.figure")
    except ImportError as error:
        raise ScanlabError.at("S500", "a plot needs matplotlib", help='pip install "scanlab[pictures]"') from error
    figure = plotting.Figure(figsize=(10, 4), layout="constrained")
    panels = figure.subplots(1, 2)
    for model in report.models:
        points = [p for p in report.points if p.kind == model.kind]
        panels[0].plot([p.tokens for p in points], [p.times.median_ms for p in points], "o-", ms=3, label=model.kind)
        known = [p for p in points if p.memory]
        panels[1].plot([p.tokens for p in known], [(p.memory or 0) / 1e6 for p in known], "o-", ms=3)
    for panel, label in zip(panels, ("milliseconds, median", "peak memory, MB"), strict=True):
        panel.set(xscale="log", yscale="log", xlabel="tokens", ylabel=label)
    panels[0].legend(fontsize=8)
    what = "forward and backward" if report.backward else "forward"
    blocks = count_text(report.depth, "block")
    figure.suptitle(f"{what}, batch {report.batch}, {blocks}, equal {report.match}, {report.device}", fontsize=10)
    figure.savefig(target, dpi=150, metadata={"Date": None} if target.suffix == ".svg" else None)


def _sizes(report: Report) -> Table:
    table = Table(title=f"{count_text(report.depth, 'block')} each, matched in {report.match}", title_justify="left")
    table.add_column("model")
    for name in ("width", "parameters", f"GFLOPs at {report.models[0].tokens} tokens"):
        table.add_column(name, justify="right")
    for m in report.models:
        table.add_row(m.kind, str(m.dim), f"{m.parameters:,}", f"{m.gflops:.3f}")
    return table


def _curve(report: Report) -> Table:
    what = "forward and backward" if report.backward else "forward"
    title = f"{what}, batch {report.batch}, {report.device}: ms (median, quartiles) and peak MB"
    table = Table(title=title, title_justify="left")
    table.add_column("tokens", justify="right")
    for model in report.models:
        table.add_column(model.kind, justify="right")
    for tokens in sorted({p.tokens for p in report.points}):
        points = {p.kind: p for p in report.points if p.tokens == tokens}
        table.add_row(f"{tokens:,}", *(_cell(points.get(m.kind)) for m in report.models))
    return table


def _cell(point: Point | None) -> Text:
    if point is None:
        return Text("–")
    memory = "" if point.memory is None else f"\n{point.memory / 1e6:.1f} MB"
    return spread(point.times, 1).append(memory)


def _throughputs(rates: list[Throughput], device: str) -> Table:
    table = Table(title=f"images per second at 224x224, {device}", title_justify="left")
    for name in ("model", "pass", "how"):
        table.add_column(name)
    for name in ("batch", "images/s", "published (A100, batch 128)"):
        table.add_column(name, justify="right")
    for t in rates:
        published = "–" if t.published is None else f"{t.published:,.0f}"
        what = "training step" if t.training else "inference"
        table.add_row(t.name, what, t.how, str(t.batch), f"{t.images_per_second:,.1f}", published)
    return table


def _write(out: Path | None, figures: dict[str, object]) -> None:
    if out is not None:
        out.write_text(json.dumps(environment(PACKAGES) | figures, indent=1) + "\n", encoding="utf-8")
