"""The value of key expressions on plain Python integers, one patch at a time: exact, and the meaning of each node."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from types import MappingProxyType

from scanlab.ir.expr import (
    Absolute,
    Axis,
    Binary,
    Compare,
    Digit,
    Expr,
    Extent,
    Extremum,
    Int,
    Logic,
    Negate,
    Not,
    Select,
    children,
    rebuild,
)

__all__ = ["divides_by_zero", "evaluate", "fold", "simplified"]


def fold(expr: Expr) -> int | None:
    """The value of an expression without coordinates; None where it has some, or divides by zero."""
    try:
        return evaluate(expr, {}, {})
    except (KeyError, ZeroDivisionError):
        return None


def divides_by_zero(expr: Expr) -> bool:
    """Whether a divisor is the constant zero where it is certainly evaluated, whatever the patch."""
    match expr:
        case Binary(op="//" | "%", right=b) if fold(b) == 0:
            return True
        case Select(condition=c, then=a, otherwise=b):
            constant = fold(c)
            certain = (c,) if constant is None else (c, a if constant else b)
        case Logic(op=op, left=a, right=b):
            constant = fold(a)
            certain = (a, b) if constant is not None and bool(constant) == (op == "and") else (a,)
        case _:
            certain = children(expr)
    return any(map(divides_by_zero, certain))


def evaluate(expr: Expr, point: Mapping[str, int], extents: Mapping[str, int]) -> int:
    """The value at one patch: ``point`` gives the coordinate of each axis (or digit), ``extents`` each extent.

    Raises ZeroDivisionError as Python does, and KeyError for a name without a value or a curve.
    """

    def value(e: Expr) -> int:
        match e:
            case Int(value=v):
                return v
            case Axis(name=n) | Digit(name=n):
                return point[n]
            case Extent(name=n):
                return extents[n]
            case Select(condition=c, then=a, otherwise=b):
                return value(a) if value(c) else value(b)
            case Logic(op=op, left=a, right=b):
                first = bool(value(a))
                return int(first) if first == (op == "or") else int(bool(value(b)))
        return _operate(e, [value(c) for c in children(e)])

    return value(expr)


def _operate(expr: Expr, values: list[int]) -> int:
    match expr:
        case Negate():
            return -values[0]
        case Not():
            return int(not values[0])
        case Absolute():
            return abs(values[0])
        case Extremum(op=op):
            return (min if op == "min" else max)(values)
        case Binary(op=op) | Compare(op=op):
            return int(_OPERATIONS[op](values[0], values[1]))
    raise KeyError(type(expr).__name__)


_OPERATIONS = MappingProxyType(
    {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "//": operator.floordiv,
        "%": operator.mod,
        "==": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }
)


def simplified(expr: Expr) -> Expr:
    """The same value, with constants folded and neutral operations left out."""
    below = children(expr)
    if below:
        expr = rebuild(expr, tuple(simplified(c) for c in below))
    value = fold(expr)
    if value is not None:
        return Int(value)
    match expr:
        case Binary(op="*", left=Int(value=1), right=a) | Binary(op="*", left=a, right=Int(value=1)):
            return a
        case Binary(op="+", left=Int(value=0), right=a) | Binary(op="+" | "-", left=a, right=Int(value=0)):
            return a
        case Binary(op="//", left=a, right=Int(value=1)):
            return a
        case Binary(op="%", right=Int(value=1)):
            return Int(0)
        case Binary(op="*", left=Int(value=0)) | Binary(op="*", right=Int(value=0)):
            return Int(0)
        case Binary(op="+", left=a, right=Int(value=v)) if v < 0:
            return Binary("-", a, Int(-v))
        case Select(then=a, otherwise=b) if a == b:
            return a
        case Select(condition=Int(value=v), then=a, otherwise=b):
            return a if v else b
    return expr
