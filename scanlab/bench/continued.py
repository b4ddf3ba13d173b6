"""States handed on, streams, steps and packs beside the plain scan of the same rows, on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from scanlab.bench.timing import Times, in_turns
from scanlab.bench.workloads import QUICK, SIZES, Problem, Size, problem
from scanlab.ops import PathTable, index_table, packed_table, selective_scan

__all__ = ["CASES", "QUICK_CASES", "Case", "ContinuedFigure", "continued_figure"]

PARTS, PREFIX = 16, 256
# Heights and widths of the images of a pack, none of another's size.
PACK = ((14, 14), (10, 20), (7, 9), (16, 12), (1, 31), (24, 8), (13, 11), (18, 18))
Scan = Callable[[], "tuple[Tensor, ...]"]


@dataclass(frozen=True)
class Case:
    """What is measured, and beside what: two ways, made for a problem. most: what is promised of their ratio."""

    what: str
    beside: str
    size: Size
    backward: bool
    ways: Callable[[Problem], tuple[Scan, Scan]]
    most: float | None = None


@dataclass(frozen=True)
class ContinuedFigure:
    """The times of a case, and of what stands beside it, in the same turns."""

    what: str
    beside: str
    size: Size
    backward: bool
    most: float | None
    times: Times
    times_beside: Times

    @property
    def ratio(self) -> float:
        """The one's median over the other's."""
        return self.times.median_ms / self.times_beside.median_ms


def continued_figure(case: Case, budget_s: float) -> ContinuedFigure:
    """Measure a case and what stands beside it; budget_s: seconds for the two."""
    given = problem(case.size)
    one, other = case.ways(given)
    make = partial(_both, given) if case.backward else _forward
    times = in_turns({case.what: make(one), case.beside: make(other)}, budget_s)
    return ContinuedFigure(
        case.what, case.beside, case.size, case.backward, case.most, times[case.what], times[case.beside]
    )


def _forward(scan: Scan) -> Callable[[], object]:
    def call() -> object:
        with torch.no_grad():
            return scan()

    return call


def _both(given: Problem, scan: Scan) -> Callable[[], object]:
    def call() -> None:
        for leaf in given.leaves:
            leaf.requires_grad_().grad = None
        outputs = scan()
        torch.autograd.backward(outputs, [torch.ones_like(y) for y in outputs])

    return call


def _with_state(given: Problem) -> tuple[Scan, Scan]:
    size = given.size
    # Laid out as a call before returns it; of zeros, so that both ways give the same: to a kernel they are like others.
    state = torch.zeros(size.samples, size.paths, size.states, size.channels).mT
    return lambda: _scan(given, given.table, state=state), lambda: _scan(given, given.table, last=False)


def _in_parts(given: Problem) -> tuple[Scan, Scan]:
    length = given.size.length // PARTS
    table = _in_sequence(length)

    def streamed() -> tuple[Tensor, ...]:
        outputs, state = [], None
        for part in range(PARTS):
            y, state = _scan(given, table, slice(part * length, (part + 1) * length), state)
            outputs.append(y)
        return tuple(outputs)

    return streamed, lambda: _scan(given, given.table, last=False)


def _next_patch(given: Problem) -> tuple[Scan, Scan]:
    before = given.size.length - 1
    _, state = _scan(given, _in_sequence(before), slice(before))
    table, last = _in_sequence(1), slice(before, None)
    return lambda: _scan(given, table, last, state), lambda: _scan(given, given.table, last=False)


def _in_a_pack(given: Problem) -> tuple[Scan, Scan]:
    lengths = [h * w for h, w in PACK]
    tables = [_in_sequence(n) for n in lengths]
    packed = packed_table(tables)
    ends = [sum(lengths[: i + 1]) for i in range(len(PACK))]

    def one_by_one() -> tuple[Tensor, ...]:
        images = zip(tables, lengths, ends, strict=True)
        return tuple(_scan(given, table, slice(end - n, end), last=False)[0] for table, n, end in images)

    return lambda: (_scan(given, packed, last=False)[0],), one_by_one


def _in_sequence(length: int) -> PathTable:
    return index_table(torch.arange(length)[None], length, permutations=True)


def _scan(
    given: Problem, table: PathTable, rows: slice = slice(None), state: Tensor | None = None, last: bool = True
) -> tuple[Tensor, ...]:
    u, delta, B, C = given.u[:, rows], given.delta[:, :, rows], given.B[:, :, rows], given.C[:, :, rows]
    continued = {"initial_state": state, "return_last_state": True} if last else {}
    scanned = selective_scan(
        u, delta, given.A, B, C, given.D, paths=table, delta_softplus=True, **continued, backend="cpu"
    )
    return scanned if isinstance(scanned, tuple) else (scanned,)


def _cases(sizes: Sequence[Size], one: Size) -> Iterator[Case]:
    for size in sizes:
        for backward in (False, True):
            yield Case("a state given, the last returned", "neither", size, backward, _with_state, most=1.05)
    whole = replace(one, length=PARTS * PREFIX)
    yield Case(f"{PARTS} parts, the state handed on", "all at once", whole, False, _in_parts)
    prefix = replace(one, length=PREFIX)
    yield Case("the next patch, from a state", "it and all before it", prefix, False, _next_patch)
    rows = replace(one, length=sum(h * w for h, w in PACK))
    for backward in (False, True):
        yield Case(f"{len(PACK)} images in a pack", "one by one", rows, backward, _in_a_pack, most=1.1)


# A layer of Vim-S for one image, 64 x 64 patches, the first stage of VMamba-T for two; then the width of Vim-T.
CASES = tuple(_cases((SIZES["S1"], SIZES["S3"], SIZES["S4"]), Size(1, 0, 384, 16)))
QUICK_CASES = tuple(_cases((QUICK["small K=4"],), Size(1, 0, 32, 16)))
