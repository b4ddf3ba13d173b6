"""The keys that a line may be made of, simplest first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import combinations, permutations, product

import numpy as np

from scanlab.compiler.lattice import Lattice, evaluate_on_grid
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Absolute, Axis, Binary, Compare, Curve, Expr, Extent, Extremum, Int, Negate, Select
from scanlab.ir.functions import CURVES
from scanlab.ir.printer import print_expr
from scanlab.ir.values import Order, alternated
from scanlab.language.library import library_definitions

__all__ = ["Pool", "pool_of"]

Grid = tuple[int, ...]
# Beyond, a pool's values would take gigabytes.
KEPT_PATCHES = 1 << 17
# Curves whose every orientation is tried, up to so many patches; beyond, a grid takes too long for each.
CURVE_PATCHES = 1 << 14
PLAIN_CURVE_PATCHES = 1 << 21
# Of more axes, curves are not tried in every orientation: there are thousands.
TURNED_AXES = 4
# A key that turns with the rows of its block is hardly less simple than one with ~.
TURNING = 8
SPIRAL_OPTIONS = {"spiral_in": "corner", "spiral_out": "heading"}


class Pool:
    """Keys with their values on some grids, one after the other.

    exprs, lengths: K of them, with the lengths of their texts, as far as these say how simple they are. Values are
    int64 [patches of all grids], of the patches of each grid in row-major order; of many patches they are computed anew
    each time: they would fill the memory.
    """

    def __init__(self, axes: tuple[str, ...], grids: tuple[Grid, ...], constants: tuple[int, ...]) -> None:
        self._axes, self._grids = axes, grids
        self._kept: list[np.ndarray] | None = [] if sum(map(math.prod, grids)) <= KEPT_PATCHES else None
        self.exprs: list[Expr] = []
        self.lengths: list[int] = []
        seen = set()
        for expr in _keys(axes, grids, constants):
            text = print_expr(expr)
            if text in seen:
                continue
            seen.add(text)
            if self._kept is not None:
                known = isinstance(expr, Negate) and self.exprs and self.exprs[-1] == expr.operand
                row = -self._kept[-1] if known else _values(expr, axes, grids)
                if row is None:
                    continue
                self._kept.append(row)
            self.exprs.append(expr)
            self.lengths.append(TURNING if isinstance(expr, Select) else len(text))

    def values(self, number: int) -> np.ndarray:
        """A key's values; zeros for one that has none on some grid."""
        if self._kept is not None:
            return self._kept[number]
        row = _values(self.exprs[number], self._axes, self._grids)
        return np.zeros(sum(map(math.prod, self._grids)), np.int64) if row is None else row


@lru_cache(maxsize=16)
def pool_of(axes: tuple[str, ...], grids: tuple[Grid, ...], constants: tuple[int, ...]) -> Pool:
    """The keys over these axes with such constants."""
    return Pool(axes, grids, constants)


def _values(expr: Expr, axes: tuple[str, ...], grids: tuple[Grid, ...]) -> np.ndarray | None:
    """None for a key that has no value on one of the grids, or that is the same at all patches of all."""
    parts = []
    for grid in grids:
        try:
            value = evaluate_on_grid(expr, _lattice(axes, grid))
        except ScanlabError:
            return None
        parts.append(np.broadcast_to(value, grid).reshape(-1))
    if all((part == part[0]).all() for part in parts):
        return None
    return np.concatenate(parts)


@lru_cache(maxsize=64)
def _lattice(axes: tuple[str, ...], grid: Grid) -> Lattice:
    return Lattice(axes, grid)


def _keys(axes: tuple[str, ...], grids: tuple[Grid, ...], constants: tuple[int, ...]) -> Iterator[Expr]:
    coordinates = {a: Axis(a) for a in axes}
    for a in axes:
        yield from _both(coordinates[a])
        yield from _both(_flip(a))
    yield from _sums(axes)
    yield from _rings(axes)
    longest = {a: max(grid[i] for grid in grids) for i, a in enumerate(axes)}
    for k in (1, *constants):
        yield from _rolled(axes, k)
    for k in constants:
        # Along an axis that is never longer than k, h // k is 0 and h % k is h.
        yield from _blocks(tuple(a for a in axes if k < longest[a]), k)
    yield from _fractions(axes)
    yield from _curves(axes, grids, constants)


def _flip(axis: str) -> Expr:
    return _minus(_minus(Extent(axis), Int(1)), Axis(axis))


def _minus(left: Expr, right: Expr) -> Expr:
    return Binary("-", left, right)


def _both(expr: Expr) -> Iterator[Expr]:
    yield expr
    yield Negate(expr)


def _sums(axes: tuple[str, ...]) -> Iterator[Expr]:
    """Diagonals from every corner, plain and wrapped around an extent.

    H - 1 - h sorts as -h does, but is odd on other rows where H is even, which a later ~ sees: both are keys.
    """
    for count in range(3, len(axes) + 1):
        for some in combinations(axes, count):
            total: Expr = Axis(some[0])
            for a in some[1:]:
                total = Binary("+", total, Axis(a))
            yield from _both(total)
    for a, b in permutations(axes, 2):
        for one, other in product((Axis(a), _flip(a)), (Axis(b), _flip(b))):
            yield from _both(_minus(one, other))
            if a == min(a, b, key=axes.index):
                yield from _both(Binary("+", one, other))
        yield Absolute(_minus(Axis(a), Axis(b)))
        for extent in (a, b):
            yield from _both(Binary("%", _minus(Axis(a), Axis(b)), Extent(extent)))
            if a == min(a, b, key=axes.index):
                total = Binary("+", Axis(a), Axis(b))
                yield from _both(Binary("%", total, Extent(extent)))
                yield from _both(Binary("%", Negate(total), Extent(extent)))


def _rings(axes: tuple[str, ...]) -> Iterator[Expr]:
    """How far from the border, from the middle, or from the first corner."""
    for a in axes if len(axes) > 1 else ():
        yield from _both(Extremum("min", (Axis(a), _flip(a))))
    for a in axes:
        yield from _both(Absolute(_minus(Axis(a), Binary("//", Extent(a), Int(2)))))
    sides = tuple(side for a in axes for side in (Axis(a), _flip(a)))
    yield from _both(Extremum("min", sides))
    if len(axes) < 2:
        return
    for op in ("min", "max"):
        yield from _both(Extremum(op, tuple(map(Axis, axes))))


def _rolled(axes: tuple[str, ...], k: int) -> Iterator[Expr]:
    """An axis turned by k."""
    for a in axes:
        yield Binary("%", _minus(Axis(a), Int(k)), Extent(a))
        yield Binary("%", Binary("+", Axis(a), Int(k)), Extent(a))


def _blocks(axes: tuple[str, ...], k: int) -> Iterator[Expr]:
    """Which block of k, and where in it, from either end."""
    for a in axes:
        for coordinate in (Axis(a), _flip(a)):
            for op in ("//", "%"):
                yield from _both(Binary(op, coordinate, Int(k)))
    for a, b in permutations(axes, 2) if len(axes) == 2 else ():
        # A snake of its own in every block.
        yield alternated(Axis(b), (Axis(a) if k == 2 else Binary("%", Axis(a), Int(k)),))
    for a, b in combinations(axes, 2):
        blocks = [Binary("//", Axis(x), Int(k)) for x in (a, b)]
        yield from _both(Binary("+", *blocks))
        yield _minus(*blocks)
        yield _minus(*reversed(blocks))


def _fractions(axes: tuple[str, ...]) -> Iterator[Expr]:
    """Halves, thirds and quarters of an axis."""
    for a in axes:
        yield from _both(Compare(">=", Binary("*", Int(2), Axis(a)), Extent(a)))
        for part in (2, 3, 4):
            size = Binary("//", Extent(a), Int(part))
            ceiling = Binary("//", Binary("+", Extent(a), Int(part - 1)), Int(part))
            for by in (size, ceiling):
                for op in ("//", "%"):
                    yield from _both(Binary(op, Axis(a), by))


def _curves(axes: tuple[str, ...], grids: Sequence[Grid], constants: tuple[int, ...]) -> Iterator[Expr]:
    most = max(int(np.prod(grid)) for grid in grids)
    for a in axes:
        yield from _both(Curve("bit_reversal", (Axis(a),)))
    if len(axes) < 2 or most > PLAIN_CURVE_PATCHES:
        return
    forms = list(_orientations(axes)) if most <= CURVE_PATCHES else [tuple(map(Axis, axes))]
    plain = [name for name in ("hilbert", "gilbert", "morton") if len(axes) <= CURVES[name].most]
    for name in (*plain, *(SPIRAL_OPTIONS if len(axes) == 2 else ())):
        for form in forms:
            yield from _both(Curve(name, form))
        yield from _spirals(name, axes)
    for curve, form in product(_by_rules() if len(axes) == 2 else (), forms):
        yield from _both(replace(curve, operands=form))
    if most > CURVE_PATCHES:
        return
    orders = permutations(axes) if len(axes) <= TURNED_AXES else [axes]
    for k, op, name, order in product(constants, ("//", "%"), plain, list(orders)):
        yield Curve(name, tuple(Binary(op, Axis(a), Int(k)) for a in order))


@cache
def _by_rules() -> tuple[Curve, ...]:
    """The library's curves by rewriting, such as Moore's and Peano's."""
    values = (definition.value for definition in library_definitions().values())
    keys = (value.keys[0].expr for value in values if isinstance(value, Order) and len(value.keys) == 1)
    return tuple(dict.fromkeys(key for key in keys if isinstance(key, Curve) and key.name == "lsystem"))


def _spirals(name: str, axes: tuple[str, ...]) -> Iterator[Expr]:
    """A spiral from every corner, or into every direction, both ways round."""
    if name not in SPIRAL_OPTIONS:
        return
    for number, turn in product(range(4), range(2)):
        options = {SPIRAL_OPTIONS[name]: number, "turn": turn}
        if chosen := tuple(sorted((key, value) for key, value in options.items() if value)):
            yield from _both(Curve(name, tuple(map(Axis, axes)), chosen))


def _orientations(axes: tuple[str, ...]) -> Iterator[tuple[Expr, ...]]:
    """The axes in all orders, each from either end; of many axes all from their first."""
    either = (False, True) if len(axes) <= TURNED_AXES else (False,)
    for order in permutations(axes):
        for flips in product(either, repeat=len(axes)):
            yield tuple(_flip(a) if flipped else Axis(a) for a, flipped in zip(order, flips, strict=True))
