"""Random claims about orders and scans, from a seed, with what plain counting says of them.

The orders have what tripped provers before: scaled keys, strides and digits, conditionals, `where`, restarts, 3-D,
paths in chains, products of coordinates and extents, assumptions on extents. Many are made from orders for which the
claim holds, since random ones rarely are continuous or equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

from brute_force import Patch, grids, has_tie, keys_of, path_of, restarts_of

from scanlab.compiler.proof import Proof
from scanlab.compiler.prove import prove
from scanlab.compiler.relations import prove_continuous, prove_same
from scanlab.ir.assumptions import holds, shared_assumptions
from scanlab.ir.expr import Absolute, Axis, Binary, Compare, Expr, Extent, Extremum, Int, Negate, Select
from scanlab.ir.values import Key, Order, Scan, Value, orders_of

AXES = (("x",), ("h", "w"), ("h", "w"), ("h", "w"), ("t", "h", "w"))
_GRIDS = {
    1: [*grids(1, 7), (13,)],
    2: [*grids(2, 4), (3, 7), (6, 5)],
    3: [*grids(3, 2), (3, 2, 3), (1, 3, 4)],
}
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Claim:
    """A claim, how it is proved, and whether it fails on a grid by counting, or by the patches of a counter-example."""

    text: str
    prove: Callable[[], Proof]
    values: tuple[Value, ...]
    fails_on: Callable[[Patch], bool]
    shows: Callable[[Patch, tuple[Patch, ...]], bool]

    def allows(self, grid: Patch) -> bool:
        """Whether a grid is one that the claim is about."""
        return holds(shared_assumptions(*self.values), self.values[0].axes, grid)

    @property
    def grids(self) -> list[Patch]:
        """Grids to count on: those that are allowed, of 36 patches at most."""
        return [g for g in _GRIDS[len(self.values[0].axes)] if self.allows(g)]


def claims(seed: int) -> Iterator[Claim]:
    """Claims without end, of all kinds in turn."""
    rng = Random(seed)
    while True:
        axes = rng.choice(AXES)
        yield _once(_order(rng, axes))
        walk = _walk(rng, axes) if rng.random() < 0.7 else _order(rng, axes)
        yield _continuous((walk,))
        yield _continuous((walk, _joined(rng, walk)))
        order = _order(rng, axes)
        yield _same(order, _rewritten(rng, order))
        yield _covers(rng, axes)


# ---- drawing


def _expr(rng: Random, axes: tuple[str, ...], depth: int = 2) -> Expr:
    if depth == 0 or rng.random() < 0.3:
        return Axis(rng.choice(axes)) if rng.random() < 0.9 else Extent(rng.choice(axes))
    inner = _expr(rng, axes, depth - 1)
    match rng.randrange(9):
        case 0:
            return Binary("*", Int(rng.randint(2, 5)), inner)
        case 1 | 2:
            return Binary(rng.choice(("//", "%")), inner, Int(rng.randint(2, 4)))
        case 3 | 4:
            return Binary(rng.choice("+-"), inner, _expr(rng, axes, depth - 1))
        case 5:
            return Negate(inner)
        case 6:
            return Select(_condition(rng, axes), inner, _expr(rng, axes, depth - 1))
        case 7:
            return Extremum(rng.choice(("min", "max")), (inner, _expr(rng, axes, depth - 1)))
    return rng.choice((Absolute(Binary("-", inner, Axis(axes[0]))), _condition(rng, axes)))


def _condition(rng: Random, axes: tuple[str, ...]) -> Expr:
    side = Int(rng.randint(0, 3)) if rng.random() < 0.6 else _expr(rng, axes, 1)
    return Compare(rng.choice(_COMPARISONS), _expr(rng, axes, 1), side)


def _order(rng: Random, axes: tuple[str, ...]) -> Order:
    keys = [Key(_expr(rng, axes), rng.random() < 0.3) for _ in range(rng.randint(0, 2))]
    tail = rng.sample(axes, len(axes))[: len(axes) if rng.random() < 0.85 else len(axes) - 1]
    if tail and rng.random() < 0.25:
        keys += [Key(_mixed_radix(rng, tail), rng.random() < 0.4)]
        keys += [Key(_expr(rng, axes, 1), rng.random() < 0.5)] if rng.random() < 0.3 else []
    else:
        keys += [Key(_scaled(rng, _shifted(rng, a)), rng.random() < 0.4) for a in tail]
    where = _condition(rng, axes) if rng.random() < 0.25 else None
    restart = (_expr(rng, axes, 1),) if rng.random() < 0.1 else ()
    keys = keys or [Key(Axis(axes[0]))]
    return Order(axes, tuple(keys), where, restart, rng.random() < 0.2, assume=_assumptions(rng, axes))


def _shifted(rng: Random, axis: str) -> Expr:
    """Mostly the coordinate; or it shifted around the grid, as in ``(h - 2) % H``."""
    if rng.random() < 0.9:
        return Axis(axis)
    return Binary("%", Binary(rng.choice("+-"), Axis(axis), Int(rng.randint(1, 3))), Extent(axis))


def _mixed_radix(rng: Random, axes: list[str]) -> Expr:
    """Coordinates as digits of a number, ``(t * H + h) * W + w``, each forwards or backwards, mostly in its base."""
    value: Expr | None = None
    for axis in axes:
        digit: Expr = Axis(axis)
        if rng.random() < 0.2:
            digit = Binary("-", Binary("-", Extent(axis), Int(1)), digit)
        if rng.random() < 0.2 and value is not None:
            odd = Compare("==", Binary("%", value, Int(2)), Int(1))
            digit = Select(odd, Binary("-", Binary("-", Extent(axis), Int(1)), Axis(axis)), Axis(axis))
        base: Expr = Extent(axis if rng.random() < 0.9 else rng.choice(axes))
        if rng.random() < 0.2:
            base = rng.choice((Binary("+", base, Int(rng.randint(0, 2))), Binary("*", Int(2), base), Int(4)))
        value = digit if value is None else Binary("+", Binary("*", value, base), digit)
    assert value is not None, "an order has axes"
    if rng.random() < 0.3:
        by: Expr = Extent(axes[-1]) if rng.random() < 0.6 else Int(rng.randint(2, 3))
        value = Binary(rng.choice(("//", "%")), value, by)
    return Negate(value) if rng.random() < 0.1 else value


def _assumptions(rng: Random, axes: tuple[str, ...]) -> tuple[Expr, ...]:
    """Mostly none; else one or two that a grid up to 3x4 satisfies, where that suits the seed."""
    if rng.random() < 0.8:
        return ()
    extent, other = Extent(rng.choice(axes)), Extent(rng.choice(axes))
    made = (
        Compare("==", Binary("%", extent, Int(rng.randint(2, 3))), Int(0)),
        Compare(rng.choice((">=", "<")), extent, Int(rng.randint(2, 3))),
        Compare(rng.choice(("==", "<=", ">", "!=")), extent, Extent(axes[-1])),
        Compare("==", Binary("%", other, extent), Int(0)),
        Compare("<=", Binary("*", extent, other), Int(12)),
    )
    chosen = tuple(rng.sample(made, rng.randint(1, 2)))
    return chosen if any(holds(chosen, axes, g) for g in _GRIDS[len(axes)]) else ()


def _scaled(rng: Random, expr: Expr) -> Expr:
    return Binary("*", Int(rng.randint(2, 3)), expr) if rng.random() < 0.3 else expr


def _walk(rng: Random, axes: tuple[str, ...]) -> Order:
    """Often continuous: a boustrophedon over some permutation of the axes, with scaled keys or strides thrown in."""
    first, *rest = rng.sample(axes, len(axes))
    keys = [Key(_scaled(rng, Axis(first)), rng.random() < 0.3), *(Key(Axis(a), rng.random() < 0.9) for a in rest)]
    if rng.random() < 0.3:
        keys[-1] = replace(keys[-1], expr=_scaled(rng, keys[-1].expr))
    if rng.random() < 0.3:
        keys.insert(rng.randrange(len(keys) + 1), Key(_expr(rng, axes, 1), rng.random() < 0.5))
    where = Compare(rng.choice(("<", ">=")), Axis(first), Int(rng.randint(1, 3))) if rng.random() < 0.2 else None
    restart = (Axis(first),) if rng.random() < 0.1 else ()
    return Order(axes, tuple(keys), where, restart, rng.random() < 0.2)


def _joined(rng: Random, order: Order) -> Order:
    """What may follow an order: its reverse (which stays at a patch), the patches that it leaves out, another walk."""
    if order.where is not None and isinstance(order.where, Compare) and rng.random() < 0.7:
        opposite = {"<": ">=", ">=": "<"}.get(order.where.op, "==")
        return replace(order, where=replace(order.where, op=opposite))
    return -order if rng.random() < 0.5 else _walk(rng, order.axes)


def _rewritten(rng: Random, order: Order) -> Order:
    """Mostly the same order, written otherwise; sometimes with a change that may make another one of it."""
    keys = list(order.keys)
    i = rng.randrange(len(keys))
    match rng.randrange(6):
        case 0:
            keys[i] = replace(keys[i], expr=Binary("+", Int(2), Binary("*", Int(rng.choice((3, 5))), keys[i].expr)))
        case 1:
            k = Int(rng.randint(2, 4))
            if not any(key.alternate for key in keys[i:]):
                expr = keys[i].expr
                keys[i : i + 1] = [Key(Binary("//", expr, k)), Key(Binary("%", expr, k))]
        case 2:
            keys.append(Key(_expr(rng, order.axes, 1)))
        case 3:
            if order.where is not None:
                return replace(order, where=Binary("*", Int(2), order.where))
        case 4:
            return replace(order, restart=(_expr(rng, order.axes, 1),))
        case 5:
            keys[i] = Key(_expr(rng, order.axes), keys[i].alternate)
    return replace(order, keys=tuple(keys))


def _share(rng: Random, axes: tuple[str, ...]) -> list[Order]:
    """Paths that share the grid out, sometimes wrongly."""
    keys = tuple(Key(Axis(a)) for a in axes)
    if rng.random() < 0.5:
        cut = _condition(rng, axes)
        wheres: list[Expr] = [cut, Compare("==", cut, Int(0))]
    else:
        split, k = _expr(rng, axes, 1), rng.randint(2, 3)
        shares = range(k) if rng.random() < 0.7 else rng.choices(range(k), k=k)
        wheres = [Compare("==", Binary("%", split, Int(k)), Int(s)) for s in shares]
    return [Order(axes, keys, where) for where in wheres]


# ---- counting


def _once(order: Order) -> Claim:
    def shows(grid: Patch, patches: tuple[Patch, ...]) -> bool:
        keys = keys_of(order, grid)
        return len(set(patches)) == 2 and keys[patches[0]] == keys[patches[1]]

    return Claim(f"once: {order}", lambda: prove(order), (order,), lambda g: has_tie(order, g), shows)


def _sequence(parts: tuple[Order, ...], grid: Patch) -> tuple[list[Patch], set[int]]:
    """The patches of a chain, and the steps before which a path restarts."""
    patches: list[Patch] = []
    resets: set[int] = set()
    for part in parts:
        resets |= {len(patches) + step for step in restarts_of(part, grid)[1:]}
        patches += path_of(part, grid)
    return patches, resets


def _continuous(parts: tuple[Order, ...]) -> Claim:
    value: Value = parts[0] if len(parts) == 1 else Scan("chain", parts)

    def jumps(grid: Patch) -> list[tuple[Patch, Patch]]:
        if any(has_tie(p, grid) for p in parts):
            return [((), ())]
        patches, resets = _sequence(parts, grid)
        steps = enumerate(pairwise(patches), 1)
        return [(a, b) for i, (a, b) in steps if i not in resets and _distance(a, b) != 1]

    def shows(grid: Patch, patches: tuple[Patch, ...]) -> bool:
        return patches in jumps(grid) or any(has_tie(p, grid) for p in parts)

    return Claim(f"continuous: {value}", lambda: prove_continuous(value), (value,), lambda g: bool(jumps(g)), shows)


def _distance(a: Patch, b: Patch) -> int:
    return sum(abs(x - y) for x, y in zip(a, b, strict=True))


def _same(first: Order, second: Order) -> Claim:
    def differ(grid: Patch) -> bool:
        if first == second:
            return False
        if has_tie(first, grid) or has_tie(second, grid):
            return True
        one, two = ((path_of(o, grid), restarts_of(o, grid)) for o in (first, second))
        return one != two

    return Claim(
        f"same: {first} | {second}",
        lambda: prove_same(first, second),
        (first, second),
        differ,
        lambda grid, patches: differ(grid),
    )


def _covers(rng: Random, axes: tuple[str, ...]) -> Claim:
    shares = _share(rng, axes)
    scan = Scan(rng.choice(("scatter", "chain", "sum")), tuple(shares))

    def wrong(grid: Patch) -> bool:
        visited = [set(keys_of(o, grid)) for o in orders_of(scan)]
        everything = set(keys_of(replace(shares[0], where=None), grid))
        if scan.merge == "scatter":
            return sum(map(len, visited)) != len(everything) or set().union(*visited) != everything
        if scan.merge == "chain":
            return set().union(*visited) != everything
        return any(v != everything for v in visited)

    return Claim(f"covers: {scan}", lambda: prove(scan), (scan,), wrong, lambda grid, patches: wrong(grid))
