"""What ScanLab promises about its speed on a GPU, and whether a run bears it out."""

from __future__ import annotations

from collections.abc import Iterator

from scanlab.bench.gpu import OURS, RANDOM, GpuFigure, GpuReport
from scanlab.bench.targets import Check

__all__ = ["gpu_checks"]

# Times VMamba's own kernels, forward and backward; random order over raster; of the byte or exp2 limit, forward.
SPEEDUP, RANDOM_ORDER, OF_LIMIT = 2.5, 1.05, 0.6


def gpu_checks(report: GpuReport) -> Iterator[Check]:
    """Every promise that the run can speak to."""
    for figure in report.figures:
        if figure.times_ours is not None:
            yield from _checks(figure, figure.times_ours)


def _checks(figure: GpuFigure, ratio: float) -> Iterator[Check]:
    where = f"{figure.shape}, {'forward + backward' if figure.backward else 'forward'}"
    if figure.name == RANDOM:
        yield Check(f"{where}: random over row", f"at most {RANDOM_ORDER:g}", ratio, ratio <= RANDOM_ORDER)
    elif figure.name != OURS:
        if figure.backward and figure.shape.startswith("VMamba"):
            yield Check(f"{where}: {figure.name} over ours", f"at least {SPEEDUP:g}", ratio, ratio >= SPEEDUP)
    elif figure.of_limit is not None:
        share = figure.of_limit
        yield Check(f"{where}: share of the limit", f"at least {OF_LIMIT:g}", share, share >= OF_LIMIT)
