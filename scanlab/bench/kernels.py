"""`scanlab bench kernels`: ScanLab's kernels beside their peers, on this machine, in one process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch

from scanlab.bench.continued import CASES, QUICK_CASES, Case, ContinuedFigure, continued_figure
from scanlab.bench.limit import STATES, compiled_limit, limit_calls
from scanlab.bench.machine import environment
from scanlab.bench.peers import PEERS, Peer, by_step, peer_output
from scanlab.bench.roofline import Roofline, measure_roofline
from scanlab.bench.timing import Times, in_turns, peak_extra_memory
from scanlab.bench.workloads import QUICK, SIZES, Problem, Size, problem

__all__ = ["Figure", "OrderFigure", "Report", "measure", "stages"]

OURS, LIMIT = "scanlab cpu", "C++ by hand"
PACKAGES = ("scanlab", "torch", "numba", "numpy", "mambapy", "transformers")
LENGTHS = (196, 1024, 4096, 32768)
Say = Callable[[str], object]


@dataclass(frozen=True)
class Figure:
    """One implementation at one size: forward, and forward and backward; `note` says what was left out, and why.

    times_ours: the median over that of ScanLab's CPU kernels in the same turns. peak_bytes: memory beyond the inputs;
    kept_bytes: the checkpoints among it.
    """

    size: str
    name: str
    backward: bool
    times: Times | None
    times_ours: float | None = None
    peak_bytes: int | None = None
    kept_bytes: int | None = None
    note: str = ""


@dataclass(frozen=True)
class OrderFigure:
    """Row by row against a random order: medians and their ratio."""

    length: int
    states: int
    paths: int
    backward: bool
    row: Times
    shuffled: Times

    @property
    def ratio(self) -> float:
        """Random over row."""
        return self.shuffled.median_ms / self.row.median_ms


@dataclass(frozen=True)
class Report:
    """All figures of a run. load: how many processes wanted to run in the minute before it, where the system tells."""

    sizes: Mapping[str, Size]
    figures: tuple[Figure, ...]
    orders: tuple[OrderFigure, ...]
    roofline: Roofline
    load: float | None = None
    continued: tuple[ContinuedFigure, ...] = ()

    def as_data(self) -> dict[str, object]:
        """Ready for JSON, with command, versions and device."""
        return {
            **environment(PACKAGES),
            "threads": self.roofline.threads,
            "load": self.load,
            "roofline": asdict(self.roofline),
            "sizes": {name: str(size) for name, size in self.sizes.items()},
            "shortest_forward_ms": {name: self.roofline.shortest_ms(size) for name, size in self.sizes.items()},
            "figures": [asdict(f) for f in self.figures],
            "orders": [asdict(f) | {"ratio": f.ratio} for f in self.orders],
            "continued": [asdict(f) | {"size": str(f.size), "ratio": f.ratio} for f in self.continued],
        }


def stages(quick: bool) -> int:
    """How many stages a run has, for a progress bar."""
    return 2 * len(QUICK if quick else SIZES) + len(_order_sizes(quick)) + len(_cases(quick)) + 1


def measure(quick: bool, limit: Path | None, budget_s: float, say: Say) -> Report:
    """Measure every size forward and backward, row against random orders, states and packs, and the machine's limits.

    budget_s: seconds per size and direction, shared by the implementations. say gets what begins. Raises S752.
    """
    sizes = QUICK if quick else SIZES
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    library = compiled_limit(limit) if limit else None
    figures: list[Figure] = []
    for name, size in sizes.items():
        given = problem(size)
        for backward in (False, True):
            say(f"{name}, {'forward and backward' if backward else 'forward'}")
            calls = dict(_calls(given, backward))
            if library is not None and size.states in STATES and size.channels % 16 == 0:
                calls[LIMIT] = limit_calls(library, given)[backward]
            figures += _figures(name, given, backward, calls, budget_s)
    orders = []
    for size, backward in _order_sizes(quick):
        say(f"row against random, L={size.length}")
        orders.append(_order_figure(size, backward, budget_s / 2))
    continued = []
    for case in _cases(quick):
        say(f"{case.what}, L={case.size.length}")
        continued.append(continued_figure(case, budget_s / 2))
    say("the limits of the machine")
    return Report(sizes, tuple(figures), tuple(orders), measure_roofline(), load, tuple(continued))


def _cases(quick: bool) -> tuple[Case, ...]:
    return QUICK_CASES if quick else CASES


def _calls(given: Problem, backward: bool) -> Iterator[tuple[str, Callable[[], object]]]:
    sequences = by_step(given)
    for peer in PEERS:
        if not peer.missing() and not peer.skipped(given.size, backward):
            inputs = given if peer.scan is None else sequences
            yield peer.name, _both(peer, inputs) if backward else _forward(peer, inputs)


def _forward(peer: Peer, given: Problem) -> Callable[[], object]:
    output = torch.compile(partial(peer_output, peer)) if peer.compiled else partial(peer_output, peer)

    def call() -> object:
        with torch.no_grad():
            return output(given)

    return call


def _both(peer: Peer, given: Problem) -> Callable[[], object]:
    def call() -> None:
        for leaf in given.leaves:
            leaf.requires_grad_().grad = None
        peer_output(peer, given).backward(given.upstream)

    return call


def _figures(
    name: str, given: Problem, backward: bool, calls: dict[str, Callable[[], object]], budget_s: float
) -> Iterator[Figure]:
    times = in_turns(calls, budget_s)
    ours = times[OURS].median_ms
    for label, measured in times.items():
        # A call of many seconds is not repeated for its memory.
        peak = peak_extra_memory(calls[label]) if measured.median_ms < 1e4 else None
        kept = _kept(given) if backward and label == OURS else None
        yield Figure(name, label, backward, measured, measured.median_ms / ours, peak, kept)
    for peer in PEERS:
        why = peer.missing() or peer.skipped(given.size, backward)
        if why:
            yield Figure(name, peer.name, backward, None, note=why)


def _kept(given: Problem) -> int:
    size = given.size
    return 4 * size.samples * given.table.checkpoints * size.states * size.channels


def _order_sizes(quick: bool) -> list[tuple[Size, bool]]:
    lengths = LENGTHS[:2] if quick else LENGTHS
    return [(Size(1, length, 192, n, k), b) for n, k in ((16, 1), (1, 4)) for length in lengths for b in (False, True)]


def _order_figure(size: Size, backward: bool, budget_s: float) -> OrderFigure:
    ours = PEERS[0]
    make = _both if backward else _forward
    calls = {label: make(ours, problem(size, shuffled=label == "shuffled")) for label in ("row", "shuffled")}
    times = in_turns(calls, budget_s)
    return OrderFigure(size.length, size.states, size.paths, backward, times["row"], times["shuffled"])
