"""Coordinate substitution: the order ``f(w, H-1-h)`` is ``f`` over other coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from scanlab.ir.boxes import breadth, curve_within, joined, offset
from scanlab.ir.diagnostics import ScanlabError, Span
from scanlab.ir.expr import (
    Axis,
    Binary,
    Breadth,
    Curve,
    Expr,
    Extent,
    Extremum,
    Int,
    Negate,
    Offset,
    nodes_of,
    substitute,
)
from scanlab.ir.values import Key, Order

__all__ = ["extent_of", "flipped", "positive", "substitute_axes"]


def flipped(expr: Expr) -> Expr | None:
    """The coordinate counted from the other end, or None where its extent is not known.

    before → after:  ``h`` → ``H - 1 - h``;  ``H - 1 - h`` → ``h``
    """
    extent = extent_of(expr)
    if extent is None:
        return None
    match expr:
        case Binary(op="-", left=Binary(op="-", left=e, right=Int(value=1)), right=inner) if e == extent:
            return inner
    return Binary("-", Binary("-", extent, Int(1)), expr)


def extent_of(expr: Expr) -> Expr | None:
    """How many values, from 0 up, a coordinate expression takes; None where that cannot be read off."""
    match expr:
        case Axis(name=name):
            return Extent(name)
        case Offset(operand=inner, within=groups):
            return Breadth(inner, groups)
        case Binary(op="-", left=Binary(op="-", left=extent, right=Int(value=1)), right=inner):
            return extent if extent_of(inner) == extent else None
        case Binary(op="//", left=inner, right=Int(value=k)) if k > 0 and (extent := extent_of(inner)) is not None:
            return Binary("//", Binary("+", extent, Int(k - 1)), Int(k))
        case Binary(op="%", left=inner, right=modulus) if positive(modulus):
            extent = extent_of(inner)
            return modulus if extent is None else Extremum("min", (modulus, extent))
    return None


def positive(expr: Expr) -> bool:
    """Whether an expression is at least 1 on every grid, and the same at all its patches, as far as can be read off.

    A remainder by a negative number is negative itself, and one by something that varies has no extent.
    """
    match expr:
        case Int(value=value):
            return value > 0
        case Extent() | Breadth():
            return True
        case Binary(op="+" | "*", left=a, right=b):
            return positive(a) and positive(b)
        case Binary(op="//", left=Binary(op="+", left=a, right=Int(value=more)), right=Int(value=k)):
            return positive(a) and more >= k - 1 >= 0
        case Extremum(op="min", operands=many):
            return all(map(positive, many))
        case Extremum(op="max", operands=many):
            return any(map(positive, many)) and all(_same_everywhere(e) for e in many)
    return False


def _same_everywhere(expr: Expr) -> bool:
    return all(isinstance(e, Int | Extent | Binary | Extremum | Negate) for e in nodes_of(expr))


def substitute_axes(
    order: Order,
    axes: tuple[str, ...],
    new: Mapping[str, Expr],
    span: Span | None = None,
    within: tuple[Expr, ...] = (),
) -> Order:
    """The order over ``axes`` whose keys see ``new[a]`` wherever they saw the axis ``a``.

    within: the groups inside which the order is used: its curves run over their boxes.
    Raises ScanlabError S210 where a key uses the extent of an axis whose new coordinate has no known extent.
    """

    def all_of(exprs: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(substitute(e, change) for e in exprs)

    def change(expr: Expr) -> Expr | None:
        match expr:
            case Curve(name=name, operands=many, options=options, within=own) if own or within:
                return curve_within(name, all_of(many), options, joined(within, all_of(own)))
            case Offset(operand=inner, within=own):
                return offset(substitute(inner, change), joined(within, all_of(own)))
            case Breadth(operand=inner, within=own):
                return breadth(substitute(inner, change), joined(within, all_of(own)))
            case Binary(left=Binary(left=Breadth()), right=Offset() as inner) if flipped(inner) == expr:
                return flipped(substitute(inner, change))
            case Axis(name=name):
                return new[name]
            case Extent(name=name):
                return _extent_or_error(new[name], name, span)
            case Binary(op="-", left=Binary(op="-", left=Extent(name=n), right=Int(value=1)), right=Axis(name=m)):
                # A flip of a flip is written as the plain coordinate, so that orbits stay readable.
                return flipped(new[m]) if n == m else None
        return None

    return replace(
        order,
        axes=axes,
        keys=tuple(Key(substitute(k.expr, change), k.alternate, k.span) for k in order.keys),
        where=None if order.where is None else substitute(order.where, change),
        restart=tuple(substitute(e, change) for e in order.restart),
        assume=tuple(substitute(e, change) for e in order.assume),
        name="",
        doc="",
    )


def _extent_or_error(expr: Expr, axis: str, span: Span | None) -> Expr:
    extent = extent_of(expr)
    if extent is not None:
        return extent
    from scanlab.ir.printer import print_expr

    raise ScanlabError.at(
        "S210",
        f"the extent of `{print_expr(expr)}` is not known, and the order uses the extent {axis.upper()}",
        span,
        help="substitute a coordinate, a flip such as H-1-h, a quotient h // k or a remainder h % k",
    )
