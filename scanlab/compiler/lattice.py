"""Key expressions on every patch of a grid at once, with numpy; refuses overflow and division by zero beforehand.

``a if c else b``, ``and`` and ``or`` evaluate what they need, patch by patch, as Python does: a division by zero or an
overflow counts at the patches that reach it. A curve's arguments are evaluated on the whole grid, which is its box.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from scanlab.compiler.curves import curve_ranks
from scanlab.compiler.groups import Groups, group_patches, ranks_in_boxes
from scanlab.ir.diagnostics import CounterExample, ScanlabError, Span
from scanlab.ir.expr import (
    LARGEST_VALUE,
    Absolute,
    Axis,
    Binary,
    Breadth,
    Compare,
    Curve,
    Digit,
    Expr,
    Extent,
    Extremum,
    Int,
    Logic,
    Negate,
    Not,
    Offset,
    Select,
    Visit,
)
from scanlab.ir.grids import Extents, grid_of
from scanlab.ir.printer import print_expr
from scanlab.ir.text import count_text, grid_text

__all__ = ["MOST_PATCHES", "Lattice", "check_grid", "evaluate_digits", "evaluate_on_grid"]

MOST_PATCHES = 2**24

_ARITHMETIC: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = MappingProxyType(
    {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "//": np.floor_divide,
        "%": np.mod,
        "==": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }
)


def check_grid(grid: Extents, axes: tuple[str, ...]) -> tuple[int, ...]:
    """The grid, if it fits the axes and is neither empty nor too large. Raises S400 or S401."""
    # Without axes there is one patch, on which constants have a value.
    extents = grid_of(grid, axes) if axes else ()
    total = math.prod(extents)
    if total > MOST_PATCHES:
        size = grid_text(extents)
        raise ScanlabError.at("S401", f"the grid {size} has {total:,} patches; the limit is {MOST_PATCHES:,}")
    return extents


class Lattice:
    """A grid with its coordinates as broadcastable arrays; evaluates each curve once per argument list."""

    def __init__(self, axes: tuple[str, ...], grid: Extents) -> None:
        self.axes = axes
        self.grid = check_grid(grid, axes)
        self.extents = dict(zip(axes, self.grid, strict=True))
        self._ranks: dict[Curve, np.ndarray] = {}
        self._groups: dict[tuple[Expr, ...], Groups] = {}
        n = len(axes)
        self.coordinates = {
            a: np.arange(e, dtype=np.int64).reshape([e if i == j else 1 for j in range(n)])
            for i, (a, e) in enumerate(zip(axes, self.grid, strict=True))
        }

    def curve(self, expr: Curve, operands: list[np.ndarray], span: Span | None = None) -> np.ndarray:
        """The ranks of a curve over the box that its operands span over the whole grid, or over each group."""
        if expr not in self._ranks and expr.within:
            self._ranks[expr] = self._curve_within(expr, operands, span)
        elif expr not in self._ranks:
            shifted = [np.asarray(o, dtype=np.int64) - int(np.min(o)) for o in operands]
            box = tuple(int(np.max(o)) + 1 for o in shifted)
            self._ranks[expr] = curve_ranks(expr.name, shifted, box, dict(expr.options))
        return self._ranks[expr]

    def _curve_within(self, expr: Curve, operands: list[np.ndarray], span: Span | None) -> np.ndarray:
        def ranks(cells: list[np.ndarray], box: tuple[int, ...]) -> np.ndarray:
            return curve_ranks(expr.name, cells, box, dict(expr.options))

        groups = self.groups(expr.within, span)
        return ranks_in_boxes(groups, [self.flat(o) for o in operands], ranks).reshape(self.grid)

    def flat(self, values: np.ndarray) -> np.ndarray:
        """int64 [P] of what broadcasts to the grid."""
        return np.broadcast_to(values, self.grid).reshape(-1)

    def groups(self, keys: tuple[Expr, ...], span: Span | None = None) -> Groups:
        """The groups of patches at which all keys are equal."""
        if keys not in self._groups:
            self._groups[keys] = group_patches([self.flat(evaluate_on_grid(k, self, span)) for k in keys])
        return self._groups[keys]

    def visit(self, indices: tuple[int, ...], span: Span | None) -> np.ndarray:
        """The step at which an explicit list visits each patch. Raises S404 where it has another number of patches."""
        total = int(np.prod(self.grid))
        if len(indices) != total:
            raise ScanlabError.at(
                "S404",
                f"this order lists {count_text(len(indices), 'patch')}; a {grid_text(self.grid)} grid has {total}",
                span,
                help="an explicit list of indices fits only the grids with as many patches",
            )
        return _steps_of(indices).reshape(self.grid)

    def witness(self, *rows: int) -> CounterExample:
        """Patches by their numbers in the flat arrays of this lattice, with their grid."""
        points = np.stack(np.unravel_index(rows, self.grid), axis=1).tolist()
        return CounterExample(self.grid, tuple(map(tuple, points)))


def evaluate_digits(expr: Expr, digits: Mapping[str, np.ndarray]) -> np.ndarray:
    """The value of an index expression for arrays of steps and digits, int64 of their common shape.

    Raises ZeroDivisionError where a step that reaches it divides by zero, and S402 where a value could leave 63 bits.
    """
    return np.asarray(_Evaluator(_NO_GRID, None, digits).value(expr), dtype=np.int64)


def evaluate_on_grid(
    expr: Expr, lattice: Lattice, span: Span | None = None, reached: np.ndarray | None = None
) -> np.ndarray:
    """The value of a key at every patch, or at those where ``reached`` holds; at others it means nothing.

    reached: booleans that broadcast to the grid. Returns int64 [grid] or a shape that broadcasts to it. Raises S402
    where a value could leave 63 bits, S403 where it divides by zero at some patch (named), S404 where an explicit list
    of indices does not fit the grid.
    """
    value = _Evaluator(lattice, span, {}, reached).value(expr)
    return np.asarray(value, dtype=np.int64)


_NO_GRID = Lattice((), ())


class _Evaluator:
    """One evaluation; carries the grid, the place that errors point to, and which patches reach the expression.

    ``reached`` is None for all patches, else booleans that broadcast to them; elsewhere values mean nothing.
    """

    def __init__(
        self,
        lattice: Lattice,
        span: Span | None,
        digits: Mapping[str, np.ndarray],
        reached: np.ndarray | None = None,
    ) -> None:
        self._lattice = lattice
        self._span = span
        self._digits = digits
        self._reached = reached

    def value(self, expr: Expr) -> np.ndarray:
        match expr:
            case Int(value=v):
                return self._constant(expr, v)
            case Axis(name=n):
                return self._lattice.coordinates[n]
            case Digit(name=n):
                return self._digits[n]
            case Extent(name=n):
                return np.int64(self._lattice.extents[n])  # type: ignore[return-value]
            case Negate(operand=a):
                return -self.value(a)
            case Not(operand=a):
                return (self.value(a) == 0).astype(np.int64)
            case Absolute(operand=a):
                return np.abs(self.value(a))
            case Binary(op=op, left=a, right=b) | Compare(op=op, left=a, right=b):
                return self._binary(expr, op, self.value(a), self.value(b))
        return self._other(expr)

    def _other(self, expr: Expr) -> np.ndarray:
        match expr:
            case Logic(op=op, left=a, right=b):
                left = self.value(a) != 0
                right = self._where(left if op == "and" else ~left).value(b) != 0
                return ((left & right) if op == "and" else (left | right)).astype(np.int64)
            case Select(condition=c, then=a, otherwise=b):
                holds = self.value(c) != 0
                return np.where(holds, self._where(holds).value(a), self._where(~holds).value(b))
            case Extremum(op=op, operands=many):
                values = [self.value(m) for m in many]
                result = values[0]
                for v in values[1:]:
                    result = np.minimum(result, v) if op == "min" else np.maximum(result, v)
                return result
            case Curve(operands=many):
                everywhere = _Evaluator(self._lattice, self._span, self._digits)
                return self._lattice.curve(expr, [everywhere.value(m) for m in many], self._span)
            case Visit(indices=indices):
                return self._lattice.visit(indices, self._span)
            case Offset(operand=a, within=keys) | Breadth(operand=a, within=keys):
                return self._in_group(_Evaluator(self._lattice, self._span, self._digits).value(a), keys, expr)
        raise TypeError(f"not a key expression: {expr!r}")

    def _in_group(self, values: np.ndarray, keys: tuple[Expr, ...], expr: Expr) -> np.ndarray:
        """The value less the smallest in the patch's group, or the breadth of the group."""
        flat, groups = self._lattice.flat(values), self._lattice.groups(keys, self._span)
        first = groups.smallest(flat)
        local = (
            flat - first[groups.owner] if isinstance(expr, Offset) else (groups.largest(flat) - first + 1)[groups.owner]
        )
        return local.reshape(self._lattice.grid)

    def _where(self, condition: np.ndarray) -> _Evaluator:
        """The evaluation of what is reached only where a condition holds."""
        reached = condition if self._reached is None else self._reached & condition
        return _Evaluator(self._lattice, self._span, self._digits, reached)

    def _constant(self, expr: Expr, value: int) -> np.ndarray:
        if abs(value) >= LARGEST_VALUE:
            raise self._too_large(expr)
        return np.int64(value)  # type: ignore[return-value]

    def _binary(self, expr: Expr, op: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        if op in ("//", "%"):
            right = self._divisor(expr, right)
        elif op in ("+", "-", "*") and not _within(op, left, right):
            left, right = self._in_range(expr, op, left, right)
        result = _ARITHMETIC[op](left, right)
        return result.astype(np.int64) if result.dtype == np.bool_ else result

    def _in_range(self, expr: Expr, op: str, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The operands, 0 where they are not reached. Raises S402 where what is reached could leave 63 bits."""
        if self._reached is not None:
            left, right = np.where(self._reached, left, 0), np.where(self._reached, right, 0)
            if _within(op, left, right):
                return left, right
        raise self._too_large(expr)

    def _too_large(self, expr: Expr) -> ScanlabError:
        size = grid_text(self._lattice.grid)
        return ScanlabError.at(
            "S402",
            f"`{print_expr(expr)}` can leave the range of 64-bit integers on a {size} grid",
            self._span,
            help="only the order of key values matters: use smaller factors, or several keys",
        )

    def _divisor(self, expr: Expr, divisor: np.ndarray) -> np.ndarray:
        """The divisor, 1 where it is zero and not reached. Raises S403, or ZeroDivisionError where there is no grid."""
        zero = divisor == 0
        if not np.any(zero):
            return divisor
        bad = zero if self._reached is None else zero & self._reached
        if not np.any(bad):
            return np.where(zero, 1, divisor)
        if not self._lattice.axes:
            raise ZeroDivisionError(print_expr(expr))
        first = int(np.broadcast_to(bad, self._lattice.grid).argmax())
        raise ScanlabError.at(
            "S403",
            f"`{print_expr(expr)}` divides by zero",
            self._span,
            counterexample=self._lattice.witness(first),
            help="no key may divide by something that can be zero: max(1, …) keeps a divisor positive, and "
            "`a if c else b` evaluates only the branch it takes",
        )


def _steps_of(indices: tuple[int, ...]) -> np.ndarray:
    ranks = np.empty(len(indices), dtype=np.int64)
    ranks[np.asarray(indices, dtype=np.int64)] = np.arange(len(indices))
    return ranks


def _within(op: str, left: np.ndarray, right: np.ndarray) -> bool:
    """Whether a sum, difference or product stays within 62 bits."""
    a, b = _magnitude(left), _magnitude(right)
    return (a * b if op == "*" else a + b) < LARGEST_VALUE


def _magnitude(values: np.ndarray) -> int:
    return max(abs(int(np.min(values))), abs(int(np.max(values))))
