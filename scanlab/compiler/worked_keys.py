"""The keys of an order at one patch, worked out: the branch that is taken, the numbers filled in, and the value.

    -w if h % 2 == 1 else w   at (3, 2)   -w = -2

Patches that agree in a key and in all before it are visited one after the other: those are the steps of a key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scanlab.compiler.lattice import Lattice, evaluate_on_grid
from scanlab.compiler.sorting import kept_patches
from scanlab.ir.constants import evaluate
from scanlab.ir.expr import (
    Axis,
    Breadth,
    Curve,
    Expr,
    Extent,
    Int,
    Negate,
    Offset,
    Select,
    Visit,
    children,
    rebuild,
    substitute,
)
from scanlab.ir.printer import print_expr
from scanlab.ir.values import Order, signed_keys

__all__ = ["WorkedKey", "WorkedKeys"]


@dataclass(frozen=True)
class WorkedKey:
    """A key at a patch. words: what it comes to, "-w = -2"; value: None where it is not defined, outside of `where`;
    first, last: the steps of the patches that agree with this one in it and in all keys before, -1 where the path does
    not visit the patch."""

    words: str
    value: int | None
    first: int
    last: int


class WorkedKeys:
    """The keys of an order on a grid, for one patch after the other; what needs the whole grid is computed once.

    order: a checked order. indices: int64 [L], the patches that it visits, in order.

    >>> import scanlab
    >>> [path] = scanlab.compile("snake", (5, 6)).paths
    >>> [(key.words, key.first, key.last) for key in WorkedKeys(path.order, path.grid, path.indices).at(8)]
    [('1', 6, 11), ('-w = -2', 9, 9)]
    """

    def __init__(self, order: Order, grid: tuple[int, ...], indices: np.ndarray) -> None:
        self.order = order
        self.keys = signed_keys(order)
        self._lattice = Lattice(order.axes, grid)
        self._kept = kept_patches(order, self._lattice)
        self._values: dict[Expr, np.ndarray] = {}
        self._indices = indices
        self._starts: list[np.ndarray] | None = None

    def at(self, patch: int) -> tuple[WorkedKey, ...]:
        """Every key at a patch, given by its flat index."""
        kept = self._kept is None or bool(self._lattice.flat(self._kept)[patch])
        steps = self._steps(patch) if kept else [(-1, -1)] * len(self.keys)
        return tuple(
            WorkedKey(*self.work_out(key, patch), *around) for key, around in zip(self.keys, steps, strict=True)
        )

    def work_out(self, expr: Expr, patch: int) -> tuple[str, int | None]:
        """An expression over the coordinates at a patch: in words, and its value, None where it divides by zero."""
        try:
            return self._worked(expr, patch)
        except ZeroDivisionError:
            return "divides by zero here", None

    def _worked(self, expr: Expr, patch: int) -> tuple[str, int]:
        place = np.unravel_index(patch, self._lattice.grid)
        point = {axis: int(at) for axis, at in zip(self._lattice.axes, place, strict=True)}
        extents = self._lattice.extents

        def value(e: Expr) -> int:
            return evaluate(substitute(e, lambda n: self._number(n, patch)), point, extents)

        taken = _taken(expr, value)
        texts = [print_expr(taken)] if taken != expr else []
        result = value(expr)
        texts += [print_expr(substitute(taken, lambda n: _filled(n, point, extents, value))), str(result)]
        return " = ".join(dict.fromkeys(texts)), result

    def _number(self, node: Expr, patch: int) -> Expr | None:
        """What is read off the whole grid, as a number: ranks on curves, places in groups and in lists."""
        if not isinstance(node, Curve | Offset | Breadth | Visit):
            return None
        if node not in self._values:
            self._values[node] = self._lattice.flat(evaluate_on_grid(node, self._lattice))
        return Int(int(self._values[node][patch]))

    def _steps(self, patch: int) -> list[tuple[int, int]]:
        """For each key the first and the last step of those that agree in it and in all before."""
        if self._starts is None:
            self._starts = self._changes()
        step, around = int(np.flatnonzero(self._indices == patch)[0]), []
        for starts in self._starts:
            place = int(np.searchsorted(starts, step, side="right"))
            end = int(starts[place]) if place < len(starts) else len(self._indices)
            around.append((int(starts[place - 1]), end - 1))
        return around

    def _changes(self) -> list[np.ndarray]:
        """For each key the steps at which it, or one before it, is another than at the step before; 0 first."""
        changed = np.zeros(max(len(self._indices), 1), dtype=bool)
        changed[0] = True
        starts = []
        for key in self.keys:
            along = self._lattice.flat(evaluate_on_grid(key, self._lattice, reached=self._kept))[self._indices]
            changed[1:] |= along[1:] != along[:-1]
            starts.append(np.flatnonzero(changed))
        return starts


def _taken(expr: Expr, value: Callable[[Expr], int]) -> Expr:
    """The expression with only the branches that are taken, and without what is negated twice."""
    match expr:
        case Select(condition=c, then=a, otherwise=b):
            return _taken(a if value(c) else b, value)
        case Negate(operand=a) if isinstance(inner := _taken(a, value), Negate):
            return inner.operand
        case Curve() | Offset() | Breadth():
            return expr
    below = children(expr)
    return rebuild(expr, tuple(_taken(c, value) for c in below)) if below else expr


def _filled(node: Expr, point: dict[str, int], extents: dict[str, int], value: Callable[[Expr], int]) -> Expr | None:
    match node:
        case Axis(name=name):
            return Int(point[name])
        case Extent(name=name):
            return Int(extents[name])
        case Offset() | Breadth() | Visit():
            return Int(value(node))
        case Curve(operands=many):
            # Which box a curve runs over stands in the key itself.
            inner = (substitute(e, lambda n: _filled(n, point, extents, value)) for e in many)
            return rebuild(Curve(node.name, many, node.options), tuple(inner))
    return None
