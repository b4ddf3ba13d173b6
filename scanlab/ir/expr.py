"""Key expressions: integer arithmetic over the coordinates of a patch.

    key   := Int | Axis | Extent | Digit | Negate(key) | Binary(op, key, key) | Compare(op, key, key)
           | Logic(op, key, key) | Not(key) | Select(condition, key, key) | Extremum(op, keys)
           | Absolute(key) | Curve(name, keys, options, within) | Visit(indices) | Offset(key, within)
           | Breadth(key, within)

Nodes are immutable and compare by structure. A truth value is the integer 0 or 1. ``//`` and ``%`` are Python's.
``within`` holds keys; the patches at which they are all equal are a group, and a node speaks of the patch's own group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from scanlab.ir.diagnostics import ScanlabError

__all__ = [
    "Absolute",
    "Axis",
    "Binary",
    "Breadth",
    "Compare",
    "Curve",
    "Digit",
    "Expr",
    "Extent",
    "Extremum",
    "Int",
    "Logic",
    "Negate",
    "Not",
    "Offset",
    "Select",
    "Visit",
    "children",
    "integer",
    "nodes_of",
    "rebuild",
    "substitute",
]

LARGEST_INT = 2**31 - 1
# Key values, and so constants computed from numbers alone, stay below this: sums and differences of two fit 64 bits.
LARGEST_VALUE = 2**62
MOST_NODES = 4096
DEEPEST = 128


@dataclass(frozen=True)
class Expr:
    """Base of all key expressions; ``size`` counts nodes as a tree, ``depth`` the longest branch."""

    size: int = field(init=False, repr=False, compare=False, default=1)
    depth: int = field(init=False, repr=False, compare=False, default=1)

    def __post_init__(self) -> None:
        below = children(self)
        if not below:
            return
        size, depth = 1 + sum(c.size for c in below), 1 + max(c.depth for c in below)
        if size > MOST_NODES or depth > DEEPEST:
            raise ScanlabError.at(
                "S213",
                f"this key expression is too large ({size} terms, {depth} levels deep)",
                note=f"the limits are {MOST_NODES} terms and {DEEPEST} levels; `let` is expanded where it is used",
                help="split the key into several keys, or write the order with Order.from_indices",
            )
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "depth", depth)


@dataclass(frozen=True)
class Int(Expr):
    """An integer constant. In keys it is not negative: ``integer(-3)`` is ``Negate(Int(3))``, as ``-3`` reads."""

    value: int


def integer(value: int) -> Expr:
    """The key expression of a constant, as its source text would be read."""
    return Int(value) if value >= 0 else Negate(Int(-value))


@dataclass(frozen=True)
class Axis(Expr):
    """The patch's coordinate on an axis, 0 to extent - 1."""

    name: str


@dataclass(frozen=True)
class Extent(Expr):
    """The extent of an axis, written as the axis name in upper case."""

    name: str


@dataclass(frozen=True)
class Digit(Expr):
    """A variable of an index expression: the step ``p`` or one of its digits ``d1``, ``d2``, …; never in a key."""

    name: str


@dataclass(frozen=True)
class Negate(Expr):
    """``-operand``."""

    operand: Expr


@dataclass(frozen=True)
class Binary(Expr):
    """``left op right`` for op in ``+ - * // %``."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Compare(Expr):
    """``left op right`` for op in ``== != < <= > >=``; 1 where it holds, else 0."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Logic(Expr):
    """``left and right``, ``left or right``; 0 or 1."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Not(Expr):
    """``not operand``; 0 or 1."""

    operand: Expr


@dataclass(frozen=True)
class Select(Expr):
    """``then if condition else otherwise``."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True)
class Extremum(Expr):
    """``min(…)`` or ``max(…)`` of two or more keys."""

    op: str
    operands: tuple[Expr, ...]


@dataclass(frozen=True)
class Absolute(Expr):
    """``abs(operand)``."""

    operand: Expr


@dataclass(frozen=True)
class Curve(Expr):
    """A rank function of the box its arguments span over the whole grid, or over the patch's group.

    ``options`` are sorted (name, value) pairs.
    """

    name: str
    operands: tuple[Expr, ...]
    options: tuple[tuple[str, int | str], ...] = ()
    within: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Offset(Expr):
    """``operand`` less its smallest value in the patch's group: a coordinate of the group's own box."""

    operand: Expr
    within: tuple[Expr, ...]


@dataclass(frozen=True)
class Breadth(Expr):
    """How many values ``operand`` spans in the patch's group: the largest less the smallest, and one."""

    operand: Expr
    within: tuple[Expr, ...]


@dataclass(frozen=True)
class Visit(Expr):
    """The step at which an explicit permutation of flat indices visits the patch."""

    indices: tuple[int, ...]


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct operands of a node, left to right."""
    match expr:
        case Negate(operand=a) | Not(operand=a) | Absolute(operand=a):
            return (a,)
        case Binary(left=a, right=b) | Compare(left=a, right=b) | Logic(left=a, right=b):
            return (a, b)
        case Select(condition=c, then=a, otherwise=b):
            return (c, a, b)
        case Extremum(operands=many):
            return many
        case Curve(operands=many, within=groups):
            return (*many, *groups)
        case Offset(operand=a, within=groups) | Breadth(operand=a, within=groups):
            return (a, *groups)
    return ()


def rebuild(expr: Expr, below: tuple[Expr, ...]) -> Expr:
    """The same node over other operands."""
    match expr:
        case Negate() | Not() | Absolute():
            return replace(expr, operand=below[0])
        case Binary() | Compare() | Logic():
            return replace(expr, left=below[0], right=below[1])
        case Select():
            return Select(*below)
        case Extremum():
            return replace(expr, operands=below)
        case Curve(operands=many):
            return replace(expr, operands=below[: len(many)], within=below[len(many) :])
        case Offset() | Breadth():
            return replace(expr, operand=below[0], within=below[1:])
    return expr


def substitute(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """Replace each node for which ``change`` gives an expression; what it gives is not visited again."""
    changed = change(expr)
    if changed is not None:
        return changed
    below = children(expr)
    if not below:
        return expr
    new = tuple(substitute(c, change) for c in below)
    return expr if all(a is b for a, b in zip(below, new, strict=True)) else rebuild(expr, new)


def nodes_of(expr: Expr) -> Iterator[Expr]:
    """Every node, parents first."""
    yield expr
    for child in children(expr):
        yield from nodes_of(child)
