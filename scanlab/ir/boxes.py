"""Coordinates, extents and curves in the box of a patch's group, each written in one way."""

from __future__ import annotations

from scanlab.ir.expr import Axis, Binary, Breadth, Curve, Expr, Extent, Int, Offset

__all__ = ["breadth", "curve_within", "joined", "offset"]


def joined(outer: tuple[Expr, ...], inner: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The keys of the groups that two lists of keys make together: each key once."""
    return tuple(dict.fromkeys((*outer, *inner)))


def offset(expr: Expr, within: tuple[Expr, ...]) -> Expr:
    """A coordinate less its smallest value in the patch's group.

    before → after:  ``offset(H - 1 - h)`` → ``breadth(h) - 1 - offset(h)``;  an offset in a larger group is left out
    """
    inner = _unshifted(expr, within)
    axis = _mirrored(inner)
    return Offset(inner, within) if axis is None else _mirror(Breadth(axis, within), Offset(axis, within))


def breadth(expr: Expr, within: tuple[Expr, ...]) -> Expr:
    """How many values a coordinate spans in the patch's group; the same for what is mirrored or shifted in it."""
    inner = _unshifted(expr, within)
    return Breadth(_mirrored(inner) or inner, within)


def curve_within(
    name: str, operands: tuple[Expr, ...], options: tuple[tuple[str, int | str], ...], within: tuple[Expr, ...]
) -> Curve:
    """A curve over the box that its arguments span in the patch's group; where that box begins does not matter."""
    return Curve(name, tuple(_unshifted(o, within) for o in operands) if within else operands, options, within)


def _mirror(extent: Expr, coordinate: Expr) -> Expr:
    return Binary("-", Binary("-", extent, Int(1)), coordinate)


def _mirrored(expr: Expr) -> Axis | None:
    """The axis of ``H - 1 - h``."""
    match expr:
        case Binary(right=Axis(name=name) as axis) if expr == _mirror(Extent(name), axis):
            return axis
    return None


def _unshifted(expr: Expr, within: tuple[Expr, ...]) -> Expr:
    """An expression that differs from this one by what is the same all over a group; simpler, where one is known."""
    match expr:
        case Offset(operand=inner, within=wider) if set(wider) <= set(within):
            return inner
        case Binary(right=Offset(operand=Axis(name=name) as axis, within=wider) as inner):
            if set(wider) <= set(within) and expr == _mirror(Breadth(axis, wider), inner):
                return _mirror(Extent(name), axis)
    return expr
