"""Bounds of index expressions, and divisions that give the same value in Python and on a GPU.

Python rounds a quotient down and gives a remainder the sign of the divisor; C, and so Triton, cuts towards zero. The
two agree where nothing is negative. Bounds come from interval arithmetic over the range of the step; a dividend that
might be negative is moved up by a multiple of its (constant) divisor:

    x // m  =  (x + k m) // m - k        x % m  =  (x + k m) % m        with k m >= -min(x)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scanlab.ir.expr import (
    Absolute,
    Binary,
    Compare,
    Digit,
    Expr,
    Extremum,
    Int,
    Logic,
    Negate,
    Not,
    Select,
    children,
    rebuild,
)
from scanlab.ir.printer import print_expr

__all__ = ["Interval", "NoArithmetic", "bounds", "without_negative_dividends"]


class NoArithmetic(Exception):
    """There is no arithmetic for a kernel; the argument says why."""


@dataclass(frozen=True)
class Interval:
    """All integers from low to high."""

    low: int
    high: int

    def joined(self, other: Interval) -> Interval:
        """The smallest interval that holds both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))


def bounds(expr: Expr, known: Mapping[str, Interval]) -> Interval:
    """An interval that holds the value. Raises NoArithmetic past 32 bits and for divisors that may not be positive."""
    below = [bounds(c, known) for c in children(expr)]
    match expr:
        case Int(value=v):
            interval = Interval(v, v)
        case Digit(name=name):
            interval = known[name]
        case Compare() | Logic() | Not():
            interval = Interval(0, 1)
        case Select():
            interval = below[1].joined(below[2])
        case Extremum(op=op):
            choose = min if op == "min" else max
            interval = Interval(choose(b.low for b in below), choose(b.high for b in below))
        case Negate():
            interval = Interval(-below[0].high, -below[0].low)
        case Absolute():
            [a] = below
            interval = Interval(max(0, a.low, -a.high), max(abs(a.low), abs(a.high)))
        case Binary(op=op):
            interval = _binary(expr, op, *below)
        case _:
            raise NoArithmetic(f"`{print_expr(expr)}` has no arithmetic in a kernel")
    if interval.low < -(2**31) or interval.high >= 2**31:
        raise NoArithmetic(f"`{print_expr(expr)}` can leave 32 bits")
    return interval


def _binary(expr: Expr, op: str, a: Interval, b: Interval) -> Interval:
    if op in ("//", "%"):
        if b.low <= 0:
            raise NoArithmetic(f"the divisor of `{print_expr(expr)}` might not be positive")
        if op == "%":
            inside = a.low >= 0 and a.high < b.low
            return a if inside else Interval(0, b.high - 1)
        corners = [x // y for x in (a.low, a.high) for y in (b.low, b.high)]
    elif op == "*":
        corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    else:
        corners = [a.low + b.low, a.high + b.high] if op == "+" else [a.low - b.high, a.high - b.low]
    return Interval(min(corners), max(corners))


def without_negative_dividends(expr: Expr, known: Mapping[str, Interval]) -> Expr:
    """The same value, with no division of a negative number. Raises NoArithmetic where that cannot be had."""
    below = children(expr)
    if below:
        expr = rebuild(expr, tuple(without_negative_dividends(c, known) for c in below))
    match expr:
        case Binary(op="//" | "%" as op, left=a, right=b):
            dividend, divisor = bounds(a, known), bounds(b, known)
            if op == "%" and dividend.low >= 0 and dividend.high < divisor.low:
                return a
            if dividend.low >= 0 and divisor.low > 0:
                return expr
            bounds(expr, known)
            if not isinstance(b, Int):
                raise NoArithmetic(f"`{print_expr(expr)}` might divide a negative number")
            k = -(dividend.low // b.value)
            moved = Binary("+", a, Int(k * b.value))
            return Binary("-", Binary("//", moved, b), Int(k)) if op == "//" else Binary("%", moved, b)
    return expr
