"""`scanlab bench compiler`: how long the compiler's work takes here, as medians."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter

from scanlab.bench.curve_peers import PUBLISHED_SIDE, peer_times
from scanlab.compiler.lattice import Lattice
from scanlab.compiler.sorting import visited_patches
from scanlab.facade import parse
from scanlab.ir.values import Order

__all__ = ["COUNT", "PACKAGES", "Figure", "figures", "library", "measure"]

COUNT = 11
PACKAGES = ("scanlab", "numpy", "islpy", "lark", "networkx")


@dataclass(frozen=True)
class Figure:
    """One measured time in milliseconds: the median, the quickest, how many runs, and the most it should be."""

    name: str
    median_ms: float
    fastest_ms: float
    runs: int
    limit_ms: float | None = None
    note: str = ""


def figures(runs: int) -> Iterator[Figure]:
    """Measure everything, one figure at a time; there are COUNT of them."""
    yield from _figures(max(1, runs))


def measure(name: str, work: Callable[[], object], runs: int, limit_ms: float | None, note: str = "") -> Figure:
    """Time a call ``runs`` times after one call to warm up."""
    work()
    times = []
    for _ in range(runs):
        start = perf_counter()
        work()
        times.append(1e3 * (perf_counter() - start))
    return Figure(name, statistics.median(times), min(times), runs, limit_ms, note)


def _figures(runs: int) -> Iterator[Figure]:
    yield _import(runs)
    yield measure("scanlab list, whole process", _list, runs, 600)
    yield measure("library parsed, proved, bound (14x14, 4x14x14), whole process", _library, min(runs, 5), 3000)
    yield measure("one order parsed, proved and bound at 64x64, warm", _edit, 5 * runs, 30)
    side = PUBLISHED_SIDE
    for name, text in _ORDERS.items():
        if name not in ("hilbert", "gilbert"):
            yield measure(f"{name} at {side}x{side}", lambda t=text: _indices(t), runs, 100)
    ours = {
        n: measure(f"{n} at {side}x{side}", lambda t=_ORDERS[n]: _indices(t), runs, 150) for n in ("hilbert", "gilbert")
    }
    yield from ours.values()
    for peer in peer_times(side):
        times = f"{1e3 * peer.seconds / ours[peer.curve].median_ms:.0f} times scanlab's {peer.curve}; {peer.source}"
        note = f"{times}, {peer.note}" if peer.note else times
        yield Figure(f"{peer.name} at {side}x{side}", 1e3 * peer.seconds, 1e3 * peer.seconds, 1, None, note)


_ORDERS = {
    "row": "by h, w",
    "snake": "by h, ~w",
    "window": "by h // 7, w // 7, h % 7, w % 7",
    "zigzag": "by h + w, ~w",
    "hilbert": "by hilbert(h, w)",
    "gilbert": "by gilbert(h, w)",
}


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def _import(runs: int) -> Figure:
    bare = measure("", lambda: _python("pass"), runs, None)
    whole = measure(
        "import scanlab", lambda: _python("import scanlab, sys; assert 'torch' not in sys.modules"), runs, 150
    )
    note = f"after {bare.median_ms:.0f} ms for Python itself; torch is not imported"
    return Figure(
        whole.name, max(0.0, whole.median_ms - bare.median_ms), whole.fastest_ms - bare.fastest_ms, runs, 150, note
    )


def _list() -> None:
    _python("import sys; sys.argv = ['scanlab', 'list']; from scanlab.cli import main; main()")


def _library() -> None:
    _python("from scanlab.bench.compiler import library; library()")


def library() -> None:
    """Parse, prove and bind every definition of the library that stands alone."""
    from scanlab.compiler.bind import bind
    from scanlab.compiler.prove import prove
    from scanlab.language.library import library_definitions
    from scanlab.library_index import USUAL_GRIDS

    for definition in library_definitions().values():
        if definition.value is not None:
            prove(definition.value)
            bind(definition.value, USUAL_GRIDS[len(definition.axes)])


def _edit() -> None:
    from scanlab.facade import compile, prove

    value = parse("by h // 7, w // 7, h % 7, ~(w % 7)")
    prove(value)
    compile(value, (64, 64))


def _indices(text: str) -> None:
    order = parse(text)
    assert isinstance(order, Order), "a line beginning with by is an order"
    visited_patches(order, Lattice(order.axes, (PUBLISHED_SIDE, PUBLISHED_SIDE)))
