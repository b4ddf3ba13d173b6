"""The grids that every claim is tried on, whatever mathematics says of it: all small ones at once, and a larger one.

A claim about all grids that is false is nearly always false on a small grid. Those are looked at side by side: the
patches of all of them stand in one flat array, so that trying an order on 64 grids costs one sort.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product

import numpy as np

from scanlab.compiler.curves import CURVES, curve_ranks
from scanlab.compiler.groups import Groups, group_patches, ranks_in_boxes
from scanlab.compiler.lattice import Lattice, evaluate_on_grid
from scanlab.compiler.sorting import kept_patches
from scanlab.ir.assumptions import holds, nearest_grid
from scanlab.ir.diagnostics import CounterExample, ScanlabError, Span
from scanlab.ir.expr import Curve, Expr, Int, Visit
from scanlab.ir.text import grid_text
from scanlab.ir.values import Order, nodes_in, signed_keys

__all__ = [
    "Grid",
    "ManyGrids",
    "Sequences",
    "describe_small_grids",
    "grids_of",
    "grids_past_constants",
    "listed_lengths",
    "sequences",
    "small_grids",
    "tested_as_bijections",
]

Grid = tuple[int, ...]

_LARGEST = {1: 24, 2: 8, 3: 4, 4: 3, 5: 2}
_MOST_PAST_CONSTANTS = 2**14
# Under assumptions: patches of the grids that are looked at together, of a single one, and grids that are tried.
_MOST_ALLOWED, _MOST_OF_ONE, _MOST_CANDIDATES = 2**13, 2**18, 2**14
# The small grids are kept for the whole process, and what is known of their groups with them.
_MOST_KEPT = 64


def describe_small_grids(axes: int, word: str = "grids") -> str:
    """What ``small_grids`` covers where nothing is assumed, for messages."""
    return f"all {word} up to {grid_text([_LARGEST[axes]] * axes)}"


@lru_cache(maxsize=32)
def small_grids(axes: tuple[str, ...], assume: tuple[Expr, ...] = ()) -> ManyGrids:
    """All grids up to a fixed extent per axis (1-D 24, 2-D 8, 3-D 4, 4-D 3, 5-D 2), smallest sum of extents first.

    Under assumptions those of them that satisfy these, and more grids up to twice the smallest that does; none where
    that has too many patches.
    """
    if not assume:
        return ManyGrids(axes, product(range(1, _LARGEST[len(axes)] + 1), repeat=len(axes)))
    first = nearest_grid(assume, axes, (1,) * len(axes))
    if first is None or math.prod(first) > _MOST_OF_ONE:
        return ManyGrids(axes, [])
    return ManyGrids(axes, _allowed_near(assume, axes, first))


def _allowed_near(assume: tuple[Expr, ...], axes: tuple[str, ...], first: Grid) -> list[Grid]:
    """The smallest grids that satisfy the assumptions, ``first`` among them, as many as are quickly looked at."""
    largest = _LARGEST[len(axes)]
    # Steps of the size that is assumed, such as H % 16 == 0, show on two of them.
    sides = [range(1, 2 * extent + largest) for extent in first]
    if math.prod(map(len, sides)) > _MOST_CANDIDATES:
        sides = [range(extent, extent + largest) for extent in first]
    chosen, patches = [], 0
    for grid in sorted(product(*sides), key=lambda g: (sum(g), g)):
        small = max(grid) <= largest
        if (small or patches + math.prod(grid) <= _MOST_ALLOWED) and holds(assume, axes, grid):
            chosen.append(grid)
            patches += math.prod(grid)
    return chosen or [first]


def grids_past_constants(orders: Iterable[Order], assume: tuple[Expr, ...] = ()) -> list[Grid]:
    """A grid past twice the largest constant of the orders, where windows and strides of that size show.

    None where small grids do as well, or where it would have too many patches. Under assumptions the nearest to it that
    satisfies them.
    """
    orders = list(orders)
    grids = _past_constants(orders)
    if not assume or not grids:
        return grids
    nearest = nearest_grid(assume, orders[0].axes, grids[0])
    return [nearest] if nearest is not None and math.prod(nearest) <= _MOST_OF_ONE else []


def _past_constants(orders: Iterable[Order]) -> list[Grid]:
    axes, constants = 1, [0]
    for order in orders:
        axes = len(order.axes)
        constants += [e.value for e in nodes_in(order) if isinstance(e, Int)]
    usual = [c for c in constants if c < _MOST_PAST_CONSTANTS ** (1 / axes) / 2 - axes]
    most = max(usual, default=0)
    if 2 * most <= _LARGEST[axes] + 1:
        return []
    return [tuple(2 * most + 1 + i for i in range(axes))]


def listed_lengths(orders: Iterable[Order]) -> tuple[int, ...]:
    """The different lengths of the explicit lists in orders; such orders fit grids of that many patches alone."""
    return tuple(sorted({length for order in orders for length in _lengths(order)}))


@lru_cache(maxsize=4096)
def _lengths(order: Order) -> tuple[int, ...]:
    return tuple(len(e.indices) for e in nodes_in(order) if isinstance(e, Visit))


def grids_of(patches: int, axes: int) -> Iterator[Grid]:
    """Every grid of so many patches."""
    if axes == 1:
        yield (patches,)
        return
    small = [d for d in range(1, math.isqrt(patches) + 1) if patches % d == 0]
    for extent in dict.fromkeys([*small, *(patches // d for d in reversed(small))]):
        for rest in grids_of(patches // extent, axes - 1):
            yield (extent, *rest)


class ManyGrids(Lattice):
    """Many grids side by side: every array is flat, int64 [P], with the patches of one grid after those of another."""

    def __init__(self, axes: tuple[str, ...], grids: Iterable[Grid]) -> None:
        self.axes = axes
        self._groups: dict[tuple[Expr, ...], Groups] = {}
        self.grids: list[Grid] = sorted(grids, key=lambda g: (sum(g), g))
        cells = [math.prod(g) for g in self.grids]
        self.grid = (sum(cells),)
        self.first = np.concatenate([[0], np.cumsum(cells)])
        self.owner = np.repeat(np.arange(len(cells)), cells)
        none = np.zeros((0, len(axes)), dtype=np.int64)
        self.points = np.concatenate([none, *(np.indices(g).reshape(len(axes), -1).T for g in self.grids)])
        extents = np.array(self.grids, dtype=np.int64).reshape(-1, len(axes))[self.owner]
        self.coordinates = {a: self.points[:, i] for i, a in enumerate(axes)}
        self.extents = {a: extents[:, i] for i, a in enumerate(axes)}

    def curve(self, expr: Curve, operands: list[np.ndarray], span: Span | None = None) -> np.ndarray:
        """The ranks of a curve, over the box that its operands span on each grid, or in each group of each grid."""
        flat = [np.broadcast_to(o, self.grid) for o in operands]
        if expr.within:
            return ranks_in_boxes(self.groups(expr.within, span), flat, partial(_ranks, expr))
        ranks = np.empty(self.grid, dtype=np.int64)
        for first, last in zip(self.first[:-1], self.first[1:], strict=True):
            own = [f[first:last] - f[first:last].min() for f in flat]
            ranks[first:last] = _ranks(expr, own, tuple(int(o.max()) + 1 for o in own))
        return ranks

    def groups(self, keys: tuple[Expr, ...], span: Span | None = None) -> Groups:
        """The groups of patches of one grid at which all keys are equal."""
        if keys not in self._groups:
            values = [self.flat(evaluate_on_grid(k, self, span)) for k in keys]
            if len(self._groups) >= _MOST_KEPT:
                self._groups.clear()
            self._groups[keys] = group_patches([self.owner, *values])
        return self._groups[keys]

    def visit(self, indices: tuple[int, ...], span: Span | None) -> np.ndarray:
        """The step at which an explicit list visits each patch, on grids that all have as many patches as it."""
        assert all(math.prod(g) == len(indices) for g in self.grids), "grids are chosen by the lists"
        return np.tile(Lattice(("p",), (len(indices),)).visit(indices, span), len(self.grids))

    def witness(self, *rows: int) -> CounterExample:
        """Patches of one grid, by their numbers in the flat arrays."""
        grid = self.grids[int(self.owner[rows[0]])]
        return CounterExample(grid, tuple(tuple(int(v) for v in self.points[row]) for row in rows))


def _ranks(expr: Curve, cells: list[np.ndarray], box: Grid) -> np.ndarray:
    if math.prod(box) <= 4 * len(cells[0]):
        return _table(expr.name, box, expr.options)[tuple(cells)]
    return curve_ranks(expr.name, cells, box, dict(expr.options))


@lru_cache(maxsize=4096)
def _table(name: str, box: Grid, options: tuple[tuple[str, int | str], ...]) -> np.ndarray:
    return CURVES[name](box, dict(options))


@dataclass(frozen=True, eq=False)
class Sequences:
    """An order on many grids at once: int64 [M] patches, grid after grid, and whether the state is reset before each.

    ``tie``: on the smallest grid that has any, the first two patches with equal keys.
    """

    lattice: ManyGrids
    patches: np.ndarray
    resets: np.ndarray
    tie: CounterExample | None

    @property
    def owner(self) -> np.ndarray:
        """int64 [M]: the number of the grid that each step belongs to."""
        return self.lattice.owner[self.patches]


def sequences(order: Order, lattice: ManyGrids) -> Sequences:
    """The sequences of an order on all grids of the lattice, by one lexsort. Raises S402 and S403."""
    selected = kept_patches(order, lattice)
    kept = np.arange(lattice.grid[0]) if selected is None else np.flatnonzero(np.broadcast_to(selected, lattice.grid))
    signed = zip(signed_keys(order), order.keys, strict=True)
    columns = [_flat(e, lattice, k.span, selected)[kept] for e, k in signed]
    steps = np.lexsort([*reversed(columns), lattice.owner[kept]])
    patches = kept[steps]
    owner = lattice.owner[patches]
    same = owner[1:] == owner[:-1]
    tied = same.copy()
    for column in columns:
        tied &= column[steps][1:] == column[steps][:-1]
    resets = np.concatenate([[True], ~same]) if len(patches) else np.zeros(0, dtype=bool)
    for expr in order.restart:
        values = _flat(expr, lattice, order.span, selected)[patches]
        resets[1:] |= values[1:] != values[:-1]
    return Sequences(lattice, patches, resets, _first_tie(tied, patches, owner, columns, steps, lattice))


def _flat(expr: Expr, lattice: ManyGrids, span: Span | None, selected: np.ndarray | None) -> np.ndarray:
    return np.broadcast_to(evaluate_on_grid(expr, lattice, span, selected), lattice.grid)


def _first_tie(
    tied: np.ndarray,
    patches: np.ndarray,
    owner: np.ndarray,
    columns: Sequence[np.ndarray],
    steps: np.ndarray,
    lattice: ManyGrids,
) -> CounterExample | None:
    """Of the ties on the smallest grid, the one whose first patch comes first. lexsort keeps tied patches in order."""
    at = np.flatnonzero(tied)
    if not len(at):
        return None
    at = at[owner[at] == owner[at[0]]]
    step = int(at[np.argmin(patches[at])])
    pair = lattice.witness(int(patches[step]), int(patches[step + 1]))
    return CounterExample(pair.grid, pair.patches, tuple(int(c[steps[step]]) for c in columns))


@lru_cache(maxsize=256)
def tested_as_bijections(name: str, options: tuple[tuple[str, int | str], ...], axes: int) -> str | None:
    """A box on which a curve gives two cells one rank, as text; None where every small box was tried and has none.

    Proofs take curves for bijections of their boxes; this is what that is based on.
    """
    for box in product(range(1, _LARGEST[axes] + 1), repeat=axes):
        try:
            ranks = _table(name, box, options)
        except ScanlabError:
            continue
        if len(np.unique(ranks)) < math.prod(box):
            return grid_text(box)
    return None
