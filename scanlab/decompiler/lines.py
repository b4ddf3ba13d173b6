"""One path on several grids as an order of the language, and the others that would give it as well."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from itertools import islice, product

import numpy as np

from scanlab.compiler.bind import TOKEN_SENTINELS, bind_order
from scanlab.compiler.lattice import Lattice, evaluate_on_grid
from scanlab.decompiler.evidence import PAD
from scanlab.decompiler.pool import pool_of
from scanlab.decompiler.search import Budget, complete_lines
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Axis, Binary, Compare, Expr, Extent, Extremum, Int, substitute
from scanlab.ir.values import PLACES, Key, Order, Token, conjunction, nodes_in

__all__ = ["RIVALS", "Line", "equals_on", "is_believed", "lines_of", "rival_of", "sequence_on", "unseen_axes"]

Grid = tuple[int, ...]
WHOLE = Budget()
# Sequences on grids of so many patches are kept for the next time.
SMALL_GRID = 1024
# So many lines are compared with the first, if they are longer by so many characters at most.
RIVALS, LONGER = 12, 8
# Constants beyond are not looked for one by one: only where the path itself shows them.
SMALL_CONSTANT = 8
# Grids on which lines that differ nearly always do, and all small ones, to name the smallest on which they do.
TELLING = {
    1: ((7,), (16,), (33,)),
    2: ((2, 3), (3, 5), (5, 4), (7, 7), (8, 8), (9, 16), (17, 12), (24, 20)),
    3: ((2, 3, 4), (4, 4, 4), (5, 3, 7), (6, 9, 8)),
}
LADDERS = {
    count: tuple(sorted(product(range(1, most), repeat=count), key=lambda g: (math.prod(g), max(g), g)))
    for count, most in ((1, 40), (2, 18), (3, 7))
}


@dataclass(frozen=True)
class Line:
    """An order that gives a path on all grids shown. believed: whether the grids are large enough for its constants."""

    order: Order
    length: int
    believed: bool


def lines_of(
    axes: tuple[str, ...], sequences: Sequence[tuple[Grid, np.ndarray]], budget: Budget = WHOLE
) -> Iterator[Line]:
    """Orders that give the sequences of one path, by grid, shortest first; none where a step reads a pad."""
    grids = tuple(grid for grid, _ in sequences)
    paths = [steps[steps >= 0] for _, steps in sequences]
    tokens = _tokens([steps for _, steps in sequences])
    if tokens is None:
        yield from _backwards(axes, sequences, budget)
        return
    where = _where(axes, grids, paths)
    if where is None:
        return
    if max(map(len, paths)) == 1:
        return
    starts = np.cumsum([0, *map(math.prod, grids)])[:-1].tolist()
    condition = reduce(conjunction, where, None)
    seen = set()
    for keys in complete_lines(pool_of(axes, grids, constants_of(grids, paths)), paths, starts, budget):
        needed = (*_without_idle(keys, axes, grids, paths), *(Key(Axis(axis)) for axis in unseen_axes(axes, grids)))
        order = _for_every_size(Order(axes, needed, condition, tokens=tokens))
        text = str(order)
        if text in seen or _ties(order) or not all(equals_on(order, g, s) for g, s in sequences):
            continue
        seen.add(text)
        yield Line(order, len(text), is_believed(order, grids))


def _backwards(axes: tuple[str, ...], sequences: Sequence[tuple[Grid, np.ndarray]], budget: Budget) -> Iterator[Line]:
    """Reversed orders: a token stands in a sequence before it is reversed, so that "middle" can be another place."""
    mirrored = [(grid, steps[::-1]) for grid, steps in sequences]
    if _tokens([steps for _, steps in mirrored]) is not None:
        for line in lines_of(axes, mirrored, budget):
            yield Line(-line.order, line.length + 3, line.believed)


def unseen_axes(axes: tuple[str, ...], grids: Sequence[Grid]) -> tuple[str, ...]:
    """The axes along which no grid has two patches: no array tells where they stand in a line."""
    return tuple(axis for i, axis in enumerate(axes) if all(grid[i] == 1 for grid in grids))


def _refusal(order: Order, grid: Grid) -> str:
    """The code of what keeps an order from having a path on a grid; "" where it has one."""
    try:
        bind_order(order, Lattice(order.axes, grid), empty_allowed=True)
    except ScanlabError as error:
        return error.code
    return ""


def _ties(order: Order) -> bool:
    """Whether two patches tie on a small grid with several patches along every axis: then it is no order.

    Larger ones are left to the proof, which every answer has.
    """
    return _refusal(order, (5, 4, 3, 2, 2)[: len(order.axes)]) == "S300"


def _for_every_size(order: Order) -> Order:
    """The order, with divisors such as H // 2 kept from being zero where an axis is too short for them."""
    changed = tuple(replace(key, expr=substitute(key.expr, _guarded)) for key in order.keys)
    if changed == order.keys or _refusal(order, (1,) * len(order.axes)) != "S403":
        return order
    return replace(order, keys=changed)


def _guarded(expr: Expr) -> Expr | None:
    match expr:
        case Binary(op="//" | "%" as op, left=left, right=Binary(op="//", left=Extent()) as size):
            return Binary(op, left, Extremum("max", (Int(1), size)))
    return None


def sequence_on(order: Order, grid: Grid) -> np.ndarray | None:
    """The patches and tokens of an order on a grid, in their sequence; None where it has none there."""
    return _small_sequence(order, grid) if math.prod(grid) <= SMALL_GRID else _sequence(order, grid)


@lru_cache(maxsize=8192)
def _small_sequence(order: Order, grid: Grid) -> np.ndarray | None:
    return _sequence(order, grid)


def _sequence(order: Order, grid: Grid) -> np.ndarray | None:
    try:
        return bind_order(order, Lattice(order.axes, grid), empty_allowed=True).sequence
    except ScanlabError:
        return None


def equals_on(order: Order, grid: Grid, steps: np.ndarray) -> bool:
    """Whether an order has this sequence on a grid."""
    own = sequence_on(order, grid)
    return own is not None and np.array_equal(own, steps)


def rival_of(line: Line, others: Iterator[Line]) -> tuple[Line, Grid] | None:
    """Another line that is hardly longer, and the smallest grid on which the two differ; None where the rest agree.

    A line whose constants are larger than the grids can show is no rival of one that needs none.
    """
    smallest: tuple[Line, Grid] | None = None
    for other in islice(others, RIVALS):
        if other.length > line.length + LONGER:
            break
        if line.believed and not other.believed:
            continue
        grid = _apart(line.order, other.order, smallest[1] if smallest else None)
        if grid is not None:
            smallest = (other, grid)
    return smallest


def _apart(first: Order, second: Order, below: Grid | None) -> Grid | None:
    """The smallest grid, before `below`, on which two orders differ; None where they agree on all telling grids."""
    telling = TELLING.get(len(first.axes), ())
    last = next((grid for grid in telling if _differ(first, second, grid)), None)
    if last is None:
        return None
    for grid in LADDERS.get(len(first.axes), ()):
        if grid == below or math.prod(grid) >= math.prod(last):
            break
        if _differ(first, second, grid):
            return grid
    return last if below is None or math.prod(last) < math.prod(below) else None


def _differ(first: Order, second: Order, grid: Grid) -> bool:
    one, two = sequence_on(first, grid), sequence_on(second, grid)
    return (one is None) != (two is None) or (one is not None and two is not None and not np.array_equal(one, two))


def constants_of(grids: Sequence[Grid], paths: Sequence[np.ndarray]) -> tuple[int, ...]:
    """Sizes that blocks may have: small ones, and the lengths of the runs in which an axis moves along a path.

    Never as large as the longest axis of all grids: nothing shown would tell it from no block at all.
    """
    longest = max(max(grid) for grid in grids)
    found = set(range(2, min(longest, SMALL_CONSTANT + 1)))
    for grid, path in zip(grids, paths, strict=True):
        for coordinate in np.unravel_index(path, grid):
            turns = np.flatnonzero(np.diff(coordinate) != 0)
            runs, counts = np.unique(np.diff(turns), return_counts=True)
            found.update(int(run) for run in runs[np.argsort(-counts)][:4])
            jumps, counts = np.unique(np.abs(np.diff(coordinate)), return_counts=True)
            found.update(int(jump) + extra for jump in jumps[np.argsort(-counts)][:4] for extra in (0, 1))
    return tuple(sorted(k for k in found if 2 <= k < longest))


def is_believed(order: Order, grids: Sequence[Grid]) -> bool:
    """Whether some grid shows every block constant of the line twice, and more: 2 k + 1 along its longest axis."""
    longest = max(max(grid) for grid in grids)
    sizes = [
        node.right.value
        for node in nodes_in(order)
        if isinstance(node, Binary) and node.op in ("//", "%") and isinstance(node.right, Int)
    ]
    return all(2 * k + 1 <= longest for k in sizes)


def _without_idle(
    keys: tuple[Key, ...], axes: tuple[str, ...], grids: Sequence[Grid], paths: Sequence[np.ndarray]
) -> tuple[Key, ...]:
    """The keys without those that the later ones make needless, found by leaving one out at a time."""
    wanted = [(g, path) for g, path in zip(grids, paths, strict=True) if len(path) == math.prod(g)]
    if len(wanted) < len(grids):
        return keys
    for at in range(len(keys) - 2, -1, -1):
        fewer = keys[:at] + keys[at + 1 :]
        order = Order(axes, fewer)
        if all(equals_on(order, grid, path) for grid, path in wanted):
            keys = fewer
    return keys


def _tokens(sequences: Sequence[np.ndarray]) -> tuple[Token, ...] | None:
    """Where tokens stand, the same on all grids; None for pads, and for places that the language has no word for."""
    if any((steps == PAD).any() for steps in sequences):
        return None
    tokens: tuple[Token, ...] = ()
    for name, sentinel in TOKEN_SENTINELS.items():
        present = {bool((steps == sentinel).any()) for steps in sequences}
        if present == {False}:
            continue
        place = next((p for p in PLACES if all(_stands(steps, sentinel, p) for steps in sequences)), None)
        if place is None:
            return None
        tokens += (Token(name, place),)
    return tokens


def _stands(steps: np.ndarray, sentinel: int, place: str) -> bool:
    at = np.flatnonzero(steps == sentinel).tolist()
    length = int((steps >= 0).sum())
    expected = {"start": [0], "middle": [length // 2], "end": [length], "both": [0, length + 1]}[place]
    others = int((steps < 0).sum()) - len(at)
    return len(at) == len(expected) and all(e <= a <= e + others for a, e in zip(at, expected, strict=True))


def _where(axes: tuple[str, ...], grids: Sequence[Grid], paths: Sequence[np.ndarray]) -> tuple[Expr, ...] | None:
    """Conditions that keep the patches which the paths read: () for all of them, None where none of a few would do."""
    kept = [np.zeros(math.prod(grid), bool) for grid in grids]
    for mask, path in zip(kept, paths, strict=True):
        mask[path] = True
        if mask.sum() != len(path):
            return None
    if all(mask.all() for mask in kept):
        return ()
    wanted = np.concatenate(kept)
    lattices = [Lattice(axes, grid) for grid in grids]
    holding = [(c, v) for c, v in _conditions(axes, lattices) if v[wanted].all() and not v.all()]
    for condition, value in holding:
        if np.array_equal(value, wanted):
            return (condition,)
    for i, (one, first) in enumerate(holding):
        for two, second in holding[i + 1 :]:
            if np.array_equal(first & second, wanted):
                return (one, two)
    return None


def _conditions(axes: tuple[str, ...], lattices: Sequence[Lattice]) -> Iterator[tuple[Expr, np.ndarray]]:
    """Conditions with their values on the patches of all grids."""
    for condition in _condition_texts(axes):
        values = [np.broadcast_to(evaluate_on_grid(condition, x), x.grid).reshape(-1) for x in lattices]
        yield condition, np.concatenate(values).astype(bool)


def _condition_texts(axes: tuple[str, ...]) -> Iterator[Expr]:
    for k in range(2, SMALL_CONSTANT + 1):
        for axis in axes:
            for rest in range(k):
                yield Compare("==", Binary("%", Axis(axis), Int(k)), Int(rest))
        if len(axes) == 2:
            total = Binary("+", Axis(axes[0]), Axis(axes[1]))
            for rest in range(k):
                yield Compare("==", Binary("%", total, Int(k)), Int(rest))
    for one, two in product(axes, repeat=2):
        if one != two:
            yield Compare("<", Axis(one), Axis(two))
            yield Compare("<=", Axis(one), Axis(two))
    for axis in axes:
        for k in range(1, 2 * SMALL_CONSTANT):
            yield Compare("<", Axis(axis), Int(k))
            yield Compare(">=", Axis(axis), Int(k))
