"""The lines of a rule, and how they are made fewer: what a person would have written.

A name used once goes into its place where the line stays short; of two names for one value the later, which is an axis,
stays; and `x // c * c + x % c` is `x`, so that a raster order reads `row = step`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from scanlab.codegen.intervals import Interval
from scanlab.compiler.index_form import CurveStep
from scanlab.ir.constants import simplified
from scanlab.ir.expr import Binary, Digit, Expr, Int, children, nodes_of, rebuild, substitute

__all__ = ["Arithmetic", "Assignment", "Line", "mapped", "simpler", "tidied"]

# A name that is used once goes into its place while the expression there has at most this many terms.
_SHORT = 9


@dataclass(frozen=True)
class Assignment:
    """``name = expr``; ``within``: bounds that hold wherever the value matters, if they are known beforehand."""

    name: str
    expr: Expr
    within: Interval | None = None


Line = Assignment | CurveStep


@dataclass(frozen=True)
class Arithmetic:
    """Assignments and curve steps in order, and the row in terms of them; `step` is the step of the sequence.

    unsigned: nothing in it is ever negative and all divisors are constants, so unsigned division, which is cheaper,
    will do.
    """

    lines: tuple[Line, ...]
    row: Expr
    unsigned: bool = False

    @property
    def divides(self) -> bool:
        """Whether there is a quotient or a remainder in it."""
        return any(isinstance(e, Binary) and e.op in ("//", "%") for place in self.expressions for e in nodes_of(place))

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """What its lines compute, and the row."""
        return (*(line.rank if isinstance(line, CurveStep) else line.expr for line in self.lines), self.row)


def tidied(value: Arithmetic) -> Arithmetic:
    """The same rows in fewer lines: names used once, short or trivial go into their place; sums are simplified."""
    # What has been simplified is known by identity: putting a line in its place leaves other expressions as they are.
    done: dict[int, Expr] = {}

    def simple(expr: Expr) -> Expr:
        if id(expr) in done:
            return expr
        made = simpler(expr)
        done[id(made)] = made
        return made

    while True:
        lines = tuple(mapped(line, simple) for line in value.lines)
        value = replace(value, lines=lines, row=simple(value.row))
        line = _to_inline(value)
        if line is None:
            return value
        value = _without(value, line)


def _to_inline(value: Arithmetic) -> Assignment | None:
    places = value.expressions
    uses = Counter(e.name for place in places for e in nodes_of(place) if isinstance(e, Digit))
    for line in value.lines:
        if isinstance(line, CurveStep):
            continue
        if uses[line.name] == 0 or (line.expr.size == 1 and line.within is None):
            return line
        if uses[line.name] == 1 and line.within is None:
            [place] = [p for p in places if any(e == Digit(line.name) for e in nodes_of(p))]
            if place.size + line.expr.size - 1 <= _SHORT:
                return line
    return None


def _without(value: Arithmetic, removed: Assignment) -> Arithmetic:
    """The same rows without the line: its expression in its place, or its name on the line that it repeats."""
    lines = [line for line in value.lines if line is not removed]
    old, new = Digit(removed.name), removed.expr
    if isinstance(new, Digit) and any(new.name in _set_by(line) for line in lines):
        old, new = new, old
        lines = [_with_name(line, old.name, new.name) for line in lines]

    def put(expr: Expr) -> Expr:
        return substitute(expr, lambda e: new if e == old else None)

    return replace(value, lines=tuple(mapped(line, put) for line in lines), row=put(value.row))


def _set_by(line: Line) -> tuple[str, ...]:
    if isinstance(line, CurveStep):
        return line.outputs
    return () if line.within else (line.name,)


def _with_name(line: Line, old: str, new: str) -> Line:
    if isinstance(line, CurveStep):
        return replace(line, outputs=tuple(new if x == old else x for x in line.outputs))
    return replace(line, name=new) if line.name == old else line


def mapped(line: Line, change: Callable[[Expr], Expr]) -> Line:
    """The line with its expression changed."""
    if isinstance(line, CurveStep):
        return replace(line, rank=change(line.rank))
    return replace(line, expr=change(line.expr))


def simpler(expr: Expr) -> Expr:
    """Equal on all integers: quotient and remainder of one division joined, factors multiplied out."""
    below = children(expr)
    if below:
        expr = rebuild(expr, tuple(simpler(c) for c in below))
    match expr:
        case Binary("*", Binary("*", a, Int(value=m)), Int(value=n)):
            expr = Binary("*", a, Int(m * n))
        case Binary("+", Binary("*", Binary("//", a, c), d), Binary("%", e, f)) if a == e and c == d == f:
            expr = a
        case Binary("-", Int(value=m), Binary("-", a, Int(value=n))):
            expr = Binary("-", Int(m + n), a)
        case Binary("+", Binary("*", Binary("+", more, Binary("//", a, c)), d), Binary("%", e, f)) if (
            a == e and c == d == f
        ):
            expr = Binary("+", Binary("*", more, c), a)
    return simplified(expr)
