"""What a compiled scan says beside the patches of its paths: how they merge, where they restart, their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scanlab.compiler.probes import listed_lengths
from scanlab.compiler.relations import prove_same
from scanlab.ir.coordinates import substitute_axes
from scanlab.ir.expr import Axis, Expr, Negate
from scanlab.ir.values import Order, Scan, map_orders, orders_of

__all__ = ["difference", "frame_of", "framed"]


def frame_of(scan: Scan, axes: tuple[str, ...]) -> Scan:
    """A scan over these axes without its keys and conditions.

    >>> import scanlab
    >>> frame = frame_of(scanlab.parse("heads(sum((by h, w restart by h), -column), row)"), ("h", "w"))
    >>> frame.parts[0].merge, len(frame.parts[0].parts), len(frame.parts[0].parts[0].restart)
    ('sum', 2, 1)
    """
    bare = map_orders(_renamed(scan, axes), lambda order: replace(order, keys=(), where=None))
    assert isinstance(bare, Scan)
    return bare


def framed(frame: Scan, orders: Sequence[Order]) -> Order | Scan:
    """Orders in the places of those of a frame, with what these have beside keys; a single one stays an order."""
    own = iter(orders)
    value = map_orders(frame, lambda place: _placed(next(own), place))
    assert isinstance(value, Scan)
    return value if len(orders) > 1 or value.tokens else next(orders_of(value))


def _placed(order: Order, place: Order) -> Order:
    """The order with the clauses of another, and as this one forwards or backwards: a token is placed before that."""
    if order.reverse != place.reverse:
        # A key that is negated has as odd a value, so that every ~ turns the same rows.
        keys = tuple(replace(key, expr=_negated(key.expr)) for key in order.keys)
        order = replace(order, keys=keys, reverse=place.reverse)
    return replace(order, restart=place.restart, tokens=place.tokens, assume=place.assume)


def _negated(expr: Expr) -> Expr:
    return expr.operand if isinstance(expr, Negate) else Negate(expr)


def difference(value: Order | Scan, scan: Scan) -> str:
    """Why a value is not known to be a scan that was compiled, on all grids; "" where it is, or where that lists its
    patches, so that it is known on such grids alone."""
    if listed_lengths(orders_of(scan)):
        return ""
    proof = prove_same(value, _renamed(scan, value.axes))
    if proof.verdict == "proved":
        return ""
    shown = scan if len(list(orders_of(scan))) > 1 else next(orders_of(scan))
    if proof.verdict != "refuted":
        return f"whether the scan that was compiled, `{shown}`, is the same on all sizes is not decided"
    where = f" {proof.counterexample}" if proof.counterexample else f": {proof.reason}"
    return f"the scan that was compiled, `{shown}`, is another{where}"


def _renamed(scan: Scan, axes: tuple[str, ...]) -> Scan:
    if scan.axes == axes:
        return scan
    to = {old: Axis(new) for old, new in zip(scan.axes, axes, strict=True)}
    value = map_orders(scan, lambda order: substitute_axes(order, axes, to))
    assert isinstance(value, Scan)
    return value
