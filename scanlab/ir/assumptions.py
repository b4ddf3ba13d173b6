"""What an order assumes of the grid's extents: which grids satisfy it, the nearest that does, and that none does.

Conditions are evaluated on plain integers; where no grid near by fits, isl decides those that are linear.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import islice, product

from scanlab.ir.constants import evaluate, fold
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import (
    Absolute,
    Binary,
    Compare,
    Expr,
    Extent,
    Extremum,
    Int,
    Logic,
    Negate,
    Not,
    Select,
)
from scanlab.ir.printer import print_expr
from scanlab.ir.text import grid_text
from scanlab.ir.values import Order, Value, map_orders, orders_of

__all__ = [
    "assuming",
    "check_assumed",
    "every_grid",
    "holds",
    "impossible",
    "linear_text",
    "nearest_grid",
    "shared_assumptions",
    "sizes_text",
    "with_shared",
]

Grid = tuple[int, ...]

_NEAR, _FAR = 2_000, 40_000
_ISL_OPERATIONS = 100_000


def sizes_text(assume: tuple[Expr, ...], word: str = "all sizes") -> str:
    """The grids that assumptions allow, in words: ``all sizes with H % 4 == 0, W >= 8``."""
    return f"{word} with {', '.join(map(print_expr, assume))}" if assume else word


def shared_assumptions(*values: Value) -> tuple[Expr, ...]:
    """What the orders of some values assume together: they meet on the grids that all of them allow."""
    return tuple(dict.fromkeys(e for value in values for order in orders_of(value) for e in order.assume))


def assuming(value: Value, assume: tuple[Expr, ...]) -> Value:
    """The value under further assumptions on every order; names stay."""
    if not assume:
        return value

    def change(order: Order) -> Order:
        return replace(order, assume=tuple(dict.fromkeys((*order.assume, *assume))))

    return replace(map_orders(value, change), name=value.name, doc=value.doc)


def with_shared(*values: Value) -> tuple[Value, ...]:
    """The values over the grids that all of their orders allow. Values without assumptions stay what they are."""
    assume = shared_assumptions(*values)
    return tuple(assuming(value, assume) for value in values)


def holds(assume: Iterable[Expr], axes: tuple[str, ...], grid: Grid) -> bool:
    """Whether a grid satisfies all conditions on its extents."""
    extents = dict(zip(axes, grid, strict=True))
    return all(evaluate(e, {}, extents) for e in assume)


def check_assumed(order: Order, grid: Grid) -> None:
    """Raise S482 where the grid is none of those that the order assumes."""
    if not order.assume or holds(order.assume, order.axes, grid):
        return
    broken = next(e for e in order.assume if not holds((e,), order.axes, grid))
    fits = nearest_grid(order.assume, order.axes, grid)
    raise ScanlabError.at(
        "S482",
        f"this order assumes `{print_expr(broken)}`, and a {grid_text(grid)} grid does not satisfy that",
        order.span,
        help=f"the nearest grid that fits is {grid_text(fits)}" if fits else "no grid near it fits, either",
    )


@lru_cache(maxsize=1024)
def impossible(assume: tuple[Expr, ...], axes: tuple[str, ...]) -> bool:
    """Whether it is certain that no grid satisfies the conditions."""
    ones = (1,) * len(axes)
    return _search(assume, axes, ones, _NEAR) is None and _nearest_by_isl(assume, axes, ones) == ()


@lru_cache(maxsize=1024)
def nearest_grid(assume: tuple[Expr, ...], axes: tuple[str, ...], grid: Grid) -> Grid | None:
    """The grid whose extents differ least in sum among those that satisfy the conditions; None where none is known.

    >>> from scanlab.ir.expr import Binary, Compare, Extent, Int
    >>> nearest_grid((Compare("==", Binary("%", Extent("h"), Int(7)), Int(0)),), ("h", "w"), (12, 5))
    (14, 5)
    """
    found = _search(assume, axes, grid, _NEAR)
    if found is not None:
        return found
    found = _nearest_by_isl(assume, axes, grid)
    return _search(assume, axes, grid, _FAR) if found is None else found or None


def _search(assume: tuple[Expr, ...], axes: tuple[str, ...], grid: Grid, most: int) -> Grid | None:
    return next((g for g in islice(_around(grid), most) if holds(assume, axes, g)), None)


def _around(grid: Grid) -> Iterator[Grid]:
    """All grids, those first whose extents differ least in sum, then the lexicographically smallest."""
    distance = 0
    while True:
        yield from _at_distance(grid, distance)
        distance += 1


def _at_distance(grid: Grid, distance: int) -> Iterator[Grid]:
    first, rest = grid[0], grid[1:]
    if not rest:
        yield from ((e,) for e in dict.fromkeys((first - distance, first + distance)) if e > 0)
        return
    for extent in range(max(1, first - distance), first + distance + 1):
        yield from ((extent, *others) for others in _at_distance(rest, distance - abs(extent - first)))


def _nearest_by_isl(assume: tuple[Expr, ...], axes: tuple[str, ...], grid: Grid) -> Grid | None:
    """As `nearest_grid`, over all grids: () where no grid satisfies the conditions, None where isl cannot say."""
    texts = [linear_text(e) for e in assume]
    if None in texts:
        return None
    import islpy as isl

    names = [a.upper() for a in axes]
    apart = [f"d{i}" for i in range(len(axes))]
    steps = [f"{n} >= 1 and -{d} <= {n} - {e} <= {d}" for n, d, e in zip(names, apart, grid, strict=True)]
    where = " and ".join((*steps, f"s = {' + '.join(apart)}", *filter(None, texts)))
    context = isl.Context()
    context.set_max_operations(_ISL_OPERATIONS)
    try:
        text = f"{{ [s, {', '.join(names)}] : exists {', '.join(apart)} : {where} }}"
        least = isl.Set.read_from_str(context, text).lexmin()
        if least.is_empty():
            return ()
        point = least.sample_point()
        values = [point.get_coordinate_val(isl.dim_type.set, i + 1).to_python() for i in range(len(axes))]
    except isl.Error:
        return None
    finally:
        context.set_max_operations(0)
    return tuple(map(int, values))


@lru_cache(maxsize=256)
def every_grid(assume: tuple[Expr, ...], axes: tuple[str, ...]) -> tuple[Grid, ...] | None:
    """All grids that satisfy the conditions, where isl bounds them and they are few; else None.

    >>> from scanlab.ir.expr import Compare, Extent, Int
    >>> every_grid((Compare("<=", Extent("h"), Int(2)), Compare("==", Extent("w"), Int(3))), ("h", "w"))
    ((1, 3), (2, 3))
    """
    import islpy as isl

    names = [a.upper() for a in axes]
    # A condition that is not linear takes grids away: the others bound those that are left.
    where = " and ".join((*(f"{n} >= 1" for n in names), *filter(None, map(linear_text, assume))))
    context = isl.Context()
    context.set_max_operations(_ISL_OPERATIONS)
    try:
        grids = isl.Set.read_from_str(context, f"{{ [{', '.join(names)}] : {where} }}")
        if not grids.is_bounded():
            return None
        sides = []
        for i in range(len(axes)):
            ends = grids.dim_min_val(i), grids.dim_max_val(i)
            if not all(end.is_int() for end in ends):
                return ()
            sides.append(range(int(ends[0].to_python()), int(ends[1].to_python()) + 1))
    except isl.Error:
        return None
    finally:
        context.set_max_operations(0)
    if math.prod(map(len, sides)) > _FAR:
        return None
    return tuple(grid for grid in product(*sides) if holds(assume, axes, grid))


def linear_text(expr: Expr) -> str | None:
    """A condition on extents in isl's notation; None where it is not linear."""
    try:
        return _condition(expr)
    except _NotLinear:
        return None


class _NotLinear(Exception):
    """Not a condition that isl's notation has."""


def _condition(expr: Expr) -> str:
    match expr:
        case Compare(op=op, left=a, right=b):
            return f"({_number(a)} {'=' if op == '==' else op} {_number(b)})"
        case Logic(op=op, left=a, right=b):
            return f"({_condition(a)} {op} {_condition(b)})"
        case Not(operand=a):
            return f"(not {_condition(a)})"
        case Select(condition=c, then=a, otherwise=b):
            test = _condition(c)
            return f"(({test} and {_condition(a)}) or ((not {test}) and {_condition(b)}))"
    return f"({_number(expr)} != 0)"


def _number(expr: Expr) -> str:
    match expr:
        case Int(value=v):
            return str(v)
        case Extent(name=n):
            return n.upper()
        case Negate(operand=a):
            return f"(-{_number(a)})"
        case Absolute(operand=a):
            return f"max({_number(a)}, -{_number(a)})"
        case Extremum(op=op, operands=(first, *rest)):
            text = _number(first)
            for other in rest:
                text = f"{op}({text}, {_number(other)})"
            return text
        case Binary(op="+" | "-" as op, left=a, right=b):
            return f"({_number(a)} {op} {_number(b)})"
        case Binary(op="*", left=a, right=b):
            for factor, other in ((fold(a), b), (fold(b), a)):
                if factor is not None:
                    return f"({factor} * {_number(other)})"
        case Binary(op="//" | "%" as op, left=a, right=b) if (fold(b) or 0) > 0:
            return f"floor({_number(a)} / {fold(b)})" if op == "//" else f"({_number(a)} mod {fold(b)})"
    raise _NotLinear
