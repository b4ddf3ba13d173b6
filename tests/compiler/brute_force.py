"""Orders by the definition, patch by patch in plain Python: what numpy and isl are compared with."""

from __future__ import annotations

from itertools import pairwise, product

from scanlab.ir.constants import evaluate
from scanlab.ir.expr import Expr
from scanlab.ir.values import Order

Patch = tuple[int, ...]


def value(expr: Expr, axes: tuple[str, ...], grid: Patch, patch: Patch) -> int:
    """The value of a key at a patch."""
    return evaluate(expr, dict(zip(axes, patch, strict=True)), dict(zip(axes, grid, strict=True)))


def keys(order: Order, grid: Patch, patch: Patch) -> tuple[int, ...]:
    """The keys of a patch, with ~ applied: backwards where the sum of the keys before is odd."""
    found, total = [], 0
    for key in order.keys:
        plain = value(key.expr, order.axes, grid, patch)
        found.append(-plain if key.alternate and total % 2 else plain)
        total += plain
    return tuple(found)


def patches(order: Order, grid: Patch) -> list[Patch]:
    """The patches that `where` keeps."""
    everything = product(*map(range, grid))
    return [p for p in everything if order.where is None or value(order.where, order.axes, grid, p)]


def path(order: Order, grid: Patch) -> list[Patch]:
    """The patches in order; ties stay in row-major order."""
    ordered = sorted(patches(order, grid), key=lambda p: keys(order, grid, p))
    return ordered[::-1] if order.reverse else ordered


def tie(order: Order, grid: Patch) -> tuple[Patch, Patch] | None:
    """Two patches with equal keys, or None."""
    seen: dict[tuple[int, ...], Patch] = {}
    for patch in patches(order, grid):
        key = keys(order, grid, patch)
        if key in seen:
            return seen[key], patch
        seen[key] = patch
    return None


def breaks(order: Order, grid: Patch) -> list[tuple[Patch, Patch]]:
    """The steps of the path that are longer than one patch and cross no restart."""
    ordered = path(order, grid)

    def jumps(a: Patch, b: Patch) -> bool:
        return sum(abs(x - y) for x, y in zip(a, b, strict=True)) != 1

    def reset(p: Patch) -> list[int]:
        return [value(e, order.axes, grid, p) for e in order.restart]

    return [(a, b) for a, b in pairwise(ordered) if jumps(a, b) and reset(a) == reset(b)]
