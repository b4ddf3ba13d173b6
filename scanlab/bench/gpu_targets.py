"""What ScanLab promises about its speed on a GPU, and whether a run bears it out."""

from __future__ import annotations

from collections.abc import Iterator

from scanlab.bench.gpu import OURS, RANDOM, GpuFigure, GpuReport
from scanlab.bench.targets import Check
from scanlab.bench.timing import Times

__all__ = ["gpu_checks"]

# Times VMamba's own kernels, forward and backward; random order over raster; of the byte or exp2 limit, forward.
SPEEDUP, RANDOM_ORDER, OF_LIMIT = 2.5, 1.05, 0.6


def gpu_checks(report: GpuReport) -> Iterator[Check]:
    """Every promise that the run can speak to."""
    ours = {(f.shape, f.backward): f.times for f in report.figures if f.name == OURS}
    for figure in report.figures:
        base = ours.get((figure.shape, figure.backward))
        if figure.times is not None and base is not None:
            yield from _checks(figure, figure.times, base)


def _checks(figure: GpuFigure, times: Times, ours: Times) -> Iterator[Check]:
    where = f"{figure.shape}, {'forward + backward' if figure.backward else 'forward'}"
    ratio, fastest = times.median_ms / ours.median_ms, times.fastest_ms / ours.fastest_ms
    if figure.name == RANDOM:
        yield Check(f"{where}: random over row", f"at most {RANDOM_ORDER:g}", ratio, ratio <= RANDOM_ORDER, fastest)
    elif figure.name != OURS:
        if figure.backward and figure.shape.startswith("VMamba"):
            text = f"{where}: {figure.name} over ours"
            yield Check(text, f"at least {SPEEDUP:g}", ratio, ratio >= SPEEDUP, fastest)
    elif figure.of_limit is not None:
        share = figure.of_limit
        best = share * times.median_ms / times.fastest_ms
        yield Check(f"{where}: share of the limit", f"at least {OF_LIMIT:g}", share, share >= OF_LIMIT, best)
