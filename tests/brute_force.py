"""Orders by the definition, patch by patch in plain Python: what the fast and the clever code is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from scanlab.compiler.curves import CURVES
from scanlab.ir.constants import evaluate
from scanlab.ir.expr import Breadth, Curve, Expr, Offset, integer, nodes_of, substitute
from scanlab.ir.values import Order

Patch = tuple[int, ...]


def grids(axes: int, largest: int) -> list[Patch]:
    """All grids up to an extent, smallest sum of extents first."""
    return sorted(product(range(1, largest + 1), repeat=axes), key=lambda g: (sum(g), g))


def values(expr: Expr, axes: tuple[str, ...], grid: Patch) -> dict[Patch, int]:
    """The value of an expression at every patch."""
    extents = dict(zip(axes, grid, strict=True))
    patches = list(product(*map(range, grid)))
    ranks = {c: _ranks(c, axes, grid) for c in _of_all_patches(expr)}
    found = {}
    for patch in patches:
        plain = substitute(expr, lambda e, p=patch: integer(ranks[e][p]) if e in ranks else None) if ranks else expr
        found[patch] = evaluate(plain, dict(zip(axes, patch, strict=True)), extents)
    return found


Wide = Curve | Offset | Breadth


def _of_all_patches(expr: Expr) -> Iterator[Wide]:
    """The parts whose value at a patch hangs on other patches."""
    return (e for e in nodes_of(expr) if isinstance(e, Wide))


def _ranks(expr: Wide, axes: tuple[str, ...], grid: Patch) -> dict[Patch, int]:
    columns = [values(k, axes, grid) for k in expr.within]
    groups: dict[tuple[int, ...], list[Patch]] = {}
    for patch in product(*map(range, grid)):
        groups.setdefault(tuple(c[patch] for c in columns), []).append(patch)
    operands = expr.operands if isinstance(expr, Curve) else (expr.operand,)
    arguments = [values(o, axes, grid) for o in operands]
    found: dict[Patch, int] = {}
    for patches in groups.values():
        lows = [min(a[p] for p in patches) for a in arguments]
        box = tuple(max(a[p] for p in patches) - low + 1 for a, low in zip(arguments, lows, strict=True))
        for p in patches:
            cell = tuple(a[p] - low for a, low in zip(arguments, lows, strict=True))
            match expr:
                case Offset():
                    [found[p]] = cell
                case Breadth():
                    [found[p]] = box
                case Curve(name=name, options=options):
                    found[p] = int(CURVES[name](box, dict(options))[cell])
    return found


def keys_of(order: Order, grid: Patch) -> dict[Patch, tuple[int, ...]]:
    """The keys of the patches that ``where`` keeps, before any reversal; ``~`` looks at the sum of the keys before."""
    columns = [values(k.expr, order.axes, grid) for k in order.keys]
    kept = None if order.where is None else values(order.where, order.axes, grid)
    found = {}
    for patch in columns[0]:
        if kept is not None and not kept[patch]:
            continue
        plain = [c[patch] for c in columns]
        found[patch] = tuple(
            -v if key.alternate and sum(plain[:i]) % 2 == 1 else v
            for i, (key, v) in enumerate(zip(order.keys, plain, strict=True))
        )
    return found


def has_tie(order: Order, grid: Patch) -> bool:
    """Whether two patches have equal keys."""
    keys = keys_of(order, grid)
    return len(set(keys.values())) < len(keys)


def path_of(order: Order, grid: Patch) -> list[Patch]:
    """The patches in order. There must be no tie."""
    keys = keys_of(order, grid)
    return sorted(keys, key=keys.__getitem__, reverse=order.reverse)


def restarts_of(order: Order, grid: Patch) -> list[int]:
    """The steps at which the state is reset."""
    path = path_of(order, grid)
    columns = [values(e, order.axes, grid) for e in order.restart]
    return [
        i
        for i, patch in enumerate(path)
        if i == 0 or any(c[patch] != c[before] for c in columns for before in [path[i - 1]])
    ]


def is_continuous(order: Order, grid: Patch) -> bool:
    """Whether every step that is no restart goes to a patch next door."""
    path, restarts = path_of(order, grid), set(restarts_of(order, grid))
    return all(
        i in restarts or sum(abs(a - b) for a, b in zip(path[i - 1], path[i], strict=True)) == 1
        for i in range(1, len(path))
    )
