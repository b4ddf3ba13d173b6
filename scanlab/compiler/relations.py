"""Claims about orders beyond "exactly once": continuous, the same as another, its reverse, its transpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import permutations

import islpy as isl
import numpy as np

from scanlab.compiler.bind import bind_order
from scanlab.compiler.evaluate import Lattice
from scanlab.compiler.polyhedra import NotAffine, Polyhedra, TooComplex, limited, smallest_point
from scanlab.compiler.proof import Proof
from scanlab.compiler.prove import exhaustively
from scanlab.ir.coordinates import substitute_axes
from scanlab.ir.diagnostics import CounterExample, ScanlabError
from scanlab.ir.expr import Axis
from scanlab.ir.values import Order, signed_keys

__all__ = ["Relative", "images", "prove_continuous", "prove_same", "relatives", "sample_grids"]

_CONTINUOUS = "every step goes to a neighbouring patch"


def prove_continuous(order: Order, grid: tuple[int, ...] | None = None) -> Proof:
    """Prove that every step changes one coordinate by one; steps over a restart do not count."""
    polyhedra = Polyhedra(order.axes)
    try:
        with limited(polyhedra.context):
            jumps = _jumps(order, polyhedra)
            found = smallest_point(jumps.wrap().flatten(), len(order.axes))
    except (NotAffine, TooComplex) as why:
        return exhaustively(_CONTINUOUS, order.axes, grid, str(why), lambda g: _jump_on(order, g))
    if found is None:
        return Proof(_CONTINUOUS, "proved", "isl, for every grid size")
    n = len(order.axes)
    example = CounterExample(found[0], (found[1][:n], found[1][n:]))
    return Proof(_CONTINUOUS, "refuted", "isl, for every grid size", "these patches follow each other", example)


def _jumps(order: Order, polyhedra: Polyhedra) -> isl.Map:
    """``{ p -> q : q follows p, is no neighbour of it, and no restart lies between }``."""
    keys = polyhedra.key_map(signed_keys(order), order.where)
    later = keys.lex_lt_map(keys).apply_range(keys)
    following = later.lexmin().apply_range(keys.reverse())
    for expr in order.restart:
        value = polyhedra.affine(expr)
        following = following.intersect(value.eq_map(value))
    return following.subtract(_unit_steps(polyhedra))


def _unit_steps(polyhedra: Polyhedra) -> isl.Map:
    names = polyhedra.axes
    moved = [f"{a}_" for a in names]
    steps = []
    for i in range(len(names)):
        still = [f"{m} = {a}" for j, (a, m) in enumerate(zip(names, moved, strict=True)) if j != i]
        steps += [" and ".join([*still, f"{moved[i]} = {names[i]} {sign} 1"]) for sign in "+-"]
    head = f"[{', '.join(a.upper() for a in names)}] -> "
    text = f"{head}{{ [{', '.join(names)}] -> [{', '.join(moved)}] : {' or '.join(f'({s})' for s in steps)} }}"
    return isl.Map.read_from_str(polyhedra.context, text)


def _jump_on(order: Order, grid: tuple[int, ...]) -> CounterExample | None:
    try:
        path = bind_order(order, Lattice(order.axes, grid))
    except ScanlabError as error:
        if error.code in ("S300", "S403"):
            return error.diagnostics[0].counterexample
        if error.code == "S305":
            return None
        raise
    points = np.stack(np.unravel_index(path.indices, path.grid), axis=1)
    far = np.abs(np.diff(points, axis=0)).sum(axis=1) != 1
    far[path.restarts[1:] - 1] = False
    if not far.any():
        return None
    step = int(far.argmax())
    return CounterExample(grid, tuple(tuple(int(v) for v in points[i]) for i in (step, step + 1)))


def prove_same(first: Order, second: Order, grid: tuple[int, ...] | None = None) -> Proof:
    """Prove that two orders visit the same patches in the same sequence."""
    claim = f"is the same order as `{second.name or second}`"
    if first == second:
        return Proof(claim, "proved", "they are written alike")
    polyhedra = Polyhedra(first.axes)
    try:
        with limited(polyhedra.context):
            found = _difference(first, second, polyhedra)
    except (NotAffine, TooComplex) as why:
        return exhaustively(claim, first.axes, grid, str(why), lambda g: _difference_on(first, second, g))
    if found is None:
        return Proof(claim, "proved", "isl, for every grid size")
    return Proof(claim, "refuted", "isl, for every grid size", "they visit these in different order", found)


def _difference(first: Order, second: Order, polyhedra: Polyhedra) -> CounterExample | None:
    """Two patches that the orders visit the other way round, or one that only one of them visits."""
    n = len(polyhedra.axes)
    maps = [polyhedra.key_map(signed_keys(o), o.where) for o in (first, second)]
    domains = [m.domain() for m in maps]
    found = smallest_point(domains[0].subtract(domains[1]).union(domains[1].subtract(domains[0])), n)
    if found is not None:
        return CounterExample(found[0], (found[1],))
    before = [m.lex_lt_map(m) for m in maps]
    pair = smallest_point(before[0].subtract(before[1]).wrap().flatten(), n)
    return None if pair is None else CounterExample(pair[0], (pair[1][:n], pair[1][n:]))


def _difference_on(first: Order, second: Order, grid: tuple[int, ...]) -> CounterExample | None:
    a, b = (_visited(o, grid) for o in (first, second))
    if len(a) == len(b) and (a == b).all():
        return None
    shorter = min(len(a), len(b))
    differ = np.flatnonzero(a[:shorter] != b[:shorter])
    step = int(differ[0]) if len(differ) else shorter
    patches = [int(x[step]) for x in (a, b) if step < len(x)]
    return CounterExample(grid, tuple(tuple(int(v) for v in np.unravel_index(p, grid)) for p in patches))


def _visited(order: Order, grid: tuple[int, ...]) -> np.ndarray:
    """The patches in order; none where ``where`` keeps none. Raises ScanlabError for a tie."""
    try:
        return bind_order(order, Lattice(order.axes, grid)).indices
    except ScanlabError as error:
        if error.code == "S305":
            return np.empty(0, dtype=np.int64)
        raise


@dataclass(frozen=True)
class Relative:
    """``order`` is ``name``, seen ``how``: as it is, reversed, with axes exchanged."""

    name: str
    how: str
    proof: Proof

    def __str__(self) -> str:
        return f"{self.how or 'the same as'} {self.name}"


def relatives(order: Order, library: dict[str, Order], grid: tuple[int, ...] | None = None) -> Iterator[Relative]:
    """The library's orders that this one equals, reverses or transposes: tried on two grids, then proved."""
    wanted = [_sequence_on(order, g) for g in sample_grids(len(order.axes))]
    if any(w is None for w in wanted):
        return
    for name, other in library.items():
        if len(other.axes) != len(order.axes):
            continue
        for how, change in images(other.axes, order.axes):
            image = change(other)
            sampled = [_sequence_on(image, g) for g in sample_grids(len(order.axes))]
            if all(_equal(a, b) for a, b in zip(wanted, sampled, strict=True)):
                proof = prove_same(order, replace(image, name=name), grid)
                if proof.verdict != "refuted":
                    yield Relative(name, how, proof)
                break


def sample_grids(axes: int) -> tuple[tuple[int, ...], ...]:
    """Two grids without equal extents, on which orders are told apart before anything is proved."""
    return tuple(range(4, 4 + axes)), tuple(range(5 + axes, 5, -1))


def _equal(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is not None and b is not None and np.array_equal(a, b)


# Comparing many orders with each other asks for the same few again and again.
@lru_cache(maxsize=4096)
def _sequence_on(order: Order, grid: tuple[int, ...]) -> np.ndarray | None:
    try:
        return bind_order(order, Lattice(order.axes, grid)).indices
    except ScanlabError:
        return None


def images(own: tuple[str, ...], axes: tuple[str, ...]) -> Iterator[tuple[str, Callable[[Order], Order]]]:
    """What turns an order over `own` axes into its images over `axes` under reversal and axis exchange.

    Each with a phrase for the image; the plainest first.
    """
    for permuted in permutations(axes):
        renamed = {a: Axis(b) for a, b in zip(own, permuted, strict=True)}
        exchanged = "the transpose of" if len(axes) == 2 else f"with axes {', '.join(permuted)}"
        words = "" if permuted == axes else exchanged
        yield words, lambda order, to=renamed: substitute_axes(order, axes, to)
        yield f"the reverse of {words}".strip(), lambda order, to=renamed: -substitute_axes(order, axes, to)
