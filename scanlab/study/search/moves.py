"""Small changes of an order's keys. Each gives an order that may tie: the prover decides, not these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from types import MappingProxyType

from scanlab.ir.expr import Axis, Binary, Curve, Expr, Int, Negate, nodes_of, substitute
from scanlab.ir.functions import CURVES
from scanlab.ir.values import Key, Order
from scanlab.study.search.bases import Choose, drawn_base, sides

__all__ = ["MOVES", "mutated"]

MOST_KEYS = 8
MOST_TERMS = 80
MOST_SITES = 12
PLANE_CURVES = ("gilbert", "hilbert", "morton", "spiral_in", "spiral_out")

Grid = tuple[int, ...]
Move = Callable[[Order, Choose, Grid], Order]


def mutated(order: Order, choose: Choose, grid: Grid) -> Order:
    """One move further; the order itself where the move does not apply to it, or would make it too long to read."""
    move = MOVES[choose("move", tuple(MOVES))]
    new = move(order, choose, grid)
    terms = sum(key.expr.size for key in new.keys)
    if new.keys == order.keys or len(new.keys) > MOST_KEYS or terms > MOST_TERMS:
        return order
    # A restart belongs to the keys it was written for.
    return replace(new, restart=())


def swap(order: Order, choose: Choose, grid: Grid) -> Order:
    """before → after:  ``by h, w``  →  ``by w, h``"""
    keys = list(order.keys)
    if len(keys) < 2:
        return order
    pairs = list(combinations(range(len(keys)), 2))
    i, j = pairs[choose(f"pair of {len(keys)} keys", range(len(pairs)))]
    keys[i], keys[j] = keys[j], keys[i]
    return replace(order, keys=tuple(keys))


def alternate(order: Order, choose: Choose, grid: Grid) -> Order:
    """before → after:  ``by h, w``  →  ``by h, ~w``, and back"""
    if len(order.keys) < 2:
        return order
    # No key stands before the first one, so a ~ there says nothing.
    i = choose(f"key after the first of {len(order.keys)}", range(1, len(order.keys)))
    return _with_key(order, i, replace(order.keys[i], alternate=not order.keys[i].alternate))


def turn(order: Order, choose: Choose, grid: Grid) -> Order:
    """before → after:  ``by h, w``  →  ``by h, -w``, and back"""
    i = _which(order, choose)
    expr = order.keys[i].expr
    new = expr.operand if isinstance(expr, Negate) else Negate(expr)
    return _with_key(order, i, replace(order.keys[i], expr=new))


def resize(order: Order, choose: Choose, grid: Grid) -> Order:
    """before → after:  ``by h // 4, w // 4, h % 4, w % 4``  →  ``by h // 2, w // 4, h % 2, w % 4``

    A divisor or modulus changes here, wherever the same is divided by it (so that a window stays whole), or everywhere.
    """
    places = list(dict.fromkeys(_divisions(order)))[:MOST_SITES]
    if not places:
        return order
    chosen = places[choose(f"division of {len(places)}", range(len(places)))]
    reach = choose("reach", ("here", "operand", "everywhere"))
    size = Int(choose("side", sides(grid)))

    def change(expr: Expr) -> Expr | None:
        match expr:
            case Binary(op="//" | "%", left=left, right=right) if right == chosen.right:
                same = expr == chosen if reach == "here" else left == chosen.left or reach == "everywhere"
                return Binary(expr.op, substitute(left, change), size) if same else None
        return None

    return replace(order, keys=tuple(replace(k, expr=substitute(k.expr, change)) for k in order.keys))


def _divisions(order: Order) -> Iterator[Binary]:
    for key in order.keys:
        for expr in nodes_of(key.expr):
            if isinstance(expr, Binary) and expr.op in ("//", "%") and isinstance(expr.right, Int):
                yield expr


def shear(order: Order, choose: Choose, grid: Grid) -> Order:
    """before → after:  ``by h, w``  →  ``by h + 2 * w, w``"""
    i = _which(order, choose)
    present = {e.name for e in nodes_of(order.keys[i].expr) if isinstance(e, Axis)}
    axis = choose("sheared axis", order.axes)
    others = tuple(a for a in order.axes if a != axis)
    if axis not in present or not others:
        return order
    other, factor = Axis(choose(f"added to {axis}", others)), choose("factor", (-2, -1, 1, 2))
    step = other if abs(factor) == 1 else Binary("*", Int(abs(factor)), other)
    sheared = Binary("+" if factor > 0 else "-", Axis(axis), step)
    new = substitute(order.keys[i].expr, lambda e: sheared if e == Axis(axis) else None)
    return _with_key(order, i, replace(order.keys[i], expr=new))


def level(order: Order, choose: Choose, grid: Grid) -> Order:
    """before → after:  ``by h, w``  →  ``by h // 4, w // 4, h, w``, or ``by w % 2, h, w``

    Another key never makes a tie, so this keeps a proof.
    """
    op = {"windows": "//", "strides": "%"}[choose("level", ("windows", "strides"))]
    along = choose("along", ("all axes", *order.axes))
    side, back = Int(choose("side", sides(grid))), choose("alternating", (False, True))
    axes = order.axes if along == "all axes" else (along,)
    new = tuple(Key(Binary(op, Axis(a), side), back and n > 0) for n, a in enumerate(axes))
    at = choose(f"before key of {len(order.keys)}", range(len(order.keys)))
    return replace(order, keys=(*order.keys[:at], *new, *order.keys[at:]))


def curve(order: Order, choose: Choose, grid: Grid) -> Order:
    """before → after:  ``by h // 4, w // 4, h % 4, w % 4``  →  ``by h // 4, w // 4, hilbert(h % 4, w % 4)``"""
    if len(order.keys) < 2:
        return order
    at = choose(f"pair in a row of {len(order.keys)}", range(len(order.keys) - 1))
    signature = CURVES[choose("curve", PLANE_CURVES)]
    options = tuple(sorted((o.name, o.default) for o in signature.options))
    first, second = order.keys[at : at + 2]
    rank = Curve(signature.name, (first.expr, second.expr), options)
    return replace(order, keys=(*order.keys[:at], replace(first, expr=rank), *order.keys[at + 2 :]))


def drop(order: Order, choose: Choose, grid: Grid) -> Order:
    """before → after:  ``by h % 2, h, w``  →  ``by h, w``"""
    if len(order.keys) < 2:
        return order
    i = _which(order, choose)
    return replace(order, keys=order.keys[:i] + order.keys[i + 1 :])


def cross(order: Order, choose: Choose, grid: Grid) -> Order:
    """before → after:  ``by h // 4, w // 4, h, w`` and ``by h + w, ~w``  →  ``by h // 4, w // 4, h + w, ~w``

    The first keys of one order, then the last of another: all of them, which keeps the other's proof, or some.
    """
    other = drawn_base(lambda name, options: choose(f"crossed with {name}", options), order.axes, grid)
    cut = choose(f"keys kept of {len(order.keys)}", range(1, len(order.keys) + 1))
    whole = choose("the other's keys", ("all", "last")) == "all" or len(other.keys) == 1
    start = 0 if whole else choose(f"from key of {len(other.keys)}", range(1, len(other.keys)))
    return replace(order, keys=order.keys[:cut] + other.keys[start:])


def _which(order: Order, choose: Choose) -> int:
    return choose(f"key of {len(order.keys)}", range(len(order.keys)))


def _with_key(order: Order, i: int, key: Key) -> Order:
    return replace(order, keys=(*order.keys[:i], key, *order.keys[i + 1 :]))


MOVES: Mapping[str, Move] = MappingProxyType(
    {m.__name__: m for m in (swap, alternate, turn, resize, shear, level, curve, drop, cross)}
)
