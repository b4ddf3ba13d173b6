"""The kernels beside their peers as a picture: one panel per size, times on a logarithmic axis."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from scanlab.bench.kernels import Report
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["draw"]

COLOURS = ("#4c72b0", "#c44e52")


def draw(report: Report, target: Path) -> None:
    """Write a PNG or SVG, by the name's ending. Raises S500 without matplotlib."""
    try:
        plotting = import_module("matplotlib.figure")
    except ImportError as error:
        raise ScanlabError.at("S500", "a plot needs matplotlib", help='pip install "scanlab[pictures]"') from error
    names = list(dict.fromkeys(f.name for f in report.figures if f.times))
    figure = plotting.Figure(figsize=(11, 1.2 + 1.9 * len(report.sizes)), layout="constrained")
    panels = figure.subplots(len(report.sizes), 1, squeeze=False)[:, 0]
    for panel, (label, size) in zip(panels, report.sizes.items(), strict=True):
        _panel(panel, report, label, names)
        panel.set_title(f"{label}: {size}", fontsize=9, loc="left")
    panels[0].legend(loc="lower right", fontsize=8)
    panels[-1].set_xlabel("milliseconds, median with quartiles (logarithmic)")
    figure.savefig(target, dpi=150)


def _panel(panel, report: Report, label: str, names: list[str]) -> None:
    for backward, colour in enumerate(COLOURS):
        figures = [f for f in report.figures if f.size == label and f.backward == bool(backward) and f.times]
        heights = [names.index(f.name) + 0.38 * backward for f in figures]
        medians = [f.times.median_ms for f in figures if f.times]
        spread = [(f.times.median_ms - f.times.low_ms, f.times.high_ms - f.times.median_ms) for f in figures if f.times]
        panel.barh(
            heights,
            medians,
            0.36,
            color=colour,
            xerr=list(zip(*spread, strict=True)),
            label="forward + backward" if backward else "forward",
        )
    panel.set_yticks([i + 0.19 for i in range(len(names))], names, fontsize=7)
    panel.invert_yaxis()
    panel.set_xscale("log")
