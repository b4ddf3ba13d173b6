"""What ScanLab promises about its speed on a GPU, and whether a run bears it out."""

from __future__ import annotations

from collections.abc import Iterator

from scanlab.bench.gpu import OURS, RANDOM, GpuFigure, GpuReport
from scanlab.bench.gpu_peers import PEERS
from scanlab.bench.targets import Check
from scanlab.bench.timing import Times

__all__ = ["gpu_checks"]

# Times the peers' own kernels, forward and backward, for N = 1 and for more states.
SPEEDUP = {True: 2.5, False: 1.5}
# Of the limit that binds, forward: bytes for N = 1, exponentials for more states.
OF_LIMIT = {True: 0.4, False: 0.55}
RANDOM_ORDER = 1.05
WHOLE = frozenset(peer.name for peer in PEERS if peer.whole)


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
    one_state = figure.shape.endswith("N=1")
    if figure.name == RANDOM:
        yield Check(f"{where}: random over row", f"at most {RANDOM_ORDER:g}", ratio, ratio <= RANDOM_ORDER, fastest)
    elif figure.name in WHOLE and figure.backward:
        least = SPEEDUP[one_state]
        yield Check(f"{where}: {figure.name} over ours", f"at least {least:g}", ratio, ratio >= least, fastest)
    elif figure.name == OURS and figure.of_limit is not None:
        share, least = figure.of_limit, OF_LIMIT[one_state]
        best = share * times.median_ms / times.fastest_ms
        yield Check(f"{where}: share of the limit", f"at least {least:g}", share, share >= least, best)
