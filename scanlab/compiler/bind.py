"""Values on a grid: the patches each path visits, in order, with its tokens and its restarts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from scanlab.compiler.coverage import GridRegion, find_gap, gap_error
from scanlab.compiler.lattice import Lattice, evaluate_on_grid
from scanlab.compiler.layout import path_layouts
from scanlab.compiler.sorting import kept_patches, visited_patches
from scanlab.ir.assumptions import check_assumed
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import Extents
from scanlab.ir.printer import print_expr
from scanlab.ir.shown import Shown
from scanlab.ir.text import grid_text
from scanlab.ir.values import CLASS, MEAN, Order, Plan, Scan, Token, orders_of

if TYPE_CHECKING:
    from scanlab.compiler.index_form import IndexForm

__all__ = [
    "CLASS_TOKEN",
    "MEAN_TOKEN",
    "TOKEN_SENTINELS",
    "CompiledPlan",
    "CompiledScan",
    "Path",
    "bind",
    "bind_order",
]

CLASS_TOKEN = -2
MEAN_TOKEN = -3
TOKEN_SENTINELS = {CLASS: CLASS_TOKEN, MEAN: MEAN_TOKEN}


@dataclass(frozen=True, eq=False, repr=False)
class Path(Shown):
    """An order bound to a grid.

    ``indices`` int64 [L]: the flat row-major patch at each step. ``restarts`` int64 [S]: steps at which the state is
    reset, 0 first. ``sequence`` int64 [L + T]: the patches with class tokens (-2) and mean tokens (-3) in their places.
    ``channels``: the share of the channels, from start to stop, that the path reads. All arrays are read-only.

    >>> import scanlab
    >>> [path] = scanlab.compile("by h, ~w restart by h", (2, 3)).paths
    >>> path.indices, path.restarts, path.form
    (array([0, 1, 2, 5, 4, 3]), array([0, 3]), 'affine')
    """

    order: Order
    label: str
    grid: tuple[int, ...]
    indices: np.ndarray = field(repr=False)
    restarts: np.ndarray = field(repr=False)
    sequence: np.ndarray = field(repr=False)
    channels: tuple[Fraction, Fraction] = (Fraction(0), Fraction(1))

    def __str__(self) -> str:
        return f"{self.order} on {grid_text(self.grid)}"

    def _words(self) -> str:
        return f"{self.order._words()} on {grid_text(self.grid)}"

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the grid's axes."""
        return self.order.axes

    @cached_property
    def ranks(self) -> np.ndarray:
        """int64 [P]: the step at which each patch is visited, -1 where it is not."""
        ranks = np.full(int(np.prod(self.grid)), -1, dtype=np.int64)
        ranks[self.indices] = np.arange(len(self.indices))
        return _frozen(ranks)

    @cached_property
    def token_positions(self) -> tuple[tuple[str, int], ...]:
        """The name and the position in ``sequence`` of every virtual token."""
        names = {sentinel: name for name, sentinel in TOKEN_SENTINELS.items()}
        return tuple((names[int(self.sequence[i])], int(i)) for i in np.flatnonzero(self.sequence < 0))

    @cached_property
    def index_form(self) -> IndexForm:
        """How a kernel can find its next patch: an index expression, or a table."""
        from scanlab.compiler.index_form import derive

        return derive(self)

    @property
    def form(self) -> str:
        """``affine``, ``curve`` or ``table``."""
        return self.index_form.kind


@dataclass(frozen=True, eq=False, repr=False)
class CompiledScan(Shown):
    """A scan bound to a grid: one Path per order, left to right.

    >>> import scanlab
    >>> scan = scanlab.compile("sum(row, column)", (2, 3))
    >>> scan.indices
    array([[0, 1, 2, 3, 4, 5],
           [0, 3, 1, 4, 2, 5]])
    >>> scan.ranks[1].reshape(scan.grid)  # the step of each patch
    array([[0, 2, 4],
           [1, 3, 5]])
    """

    scan: Scan
    name: str
    grid: tuple[int, ...]
    paths: tuple[Path, ...]

    def __str__(self) -> str:
        return f"{self.scan} on {grid_text(self.grid)}"

    def _words(self) -> str:
        return f"{self.scan._words()} on {grid_text(self.grid)}"

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the grid's axes."""
        return self.scan.axes

    @property
    def value(self) -> Scan:
        """What was bound; so, too, of a plan."""
        return self.scan

    @property
    def scans(self) -> tuple[CompiledScan, ...]:
        """Itself: the different scans that it is made of, as a plan has them."""
        return (self,)

    @property
    def merge(self) -> str:
        """How the outputs of the outermost parts merge; ``scan`` holds the whole tree."""
        return self.scan.merge

    @cached_property
    def indices(self) -> np.ndarray:
        """int64 [K, L]: flat row-major patch visited at step p by path k; -1 after the end of a shorter path."""
        table = np.full((len(self.paths), max(len(p.indices) for p in self.paths)), -1, dtype=np.int64)
        for row, path in zip(table, self.paths, strict=True):
            row[: len(path.indices)] = path.indices
        return _frozen(table)

    @cached_property
    def ranks(self) -> np.ndarray:
        """int64 [K, P]: the step at which path k visits each patch; -1 where it does not."""
        return _frozen(np.stack([p.ranks for p in self.paths]))


@dataclass(frozen=True, eq=False, repr=False)
class CompiledPlan(Shown):
    """A plan bound to a grid; each different scan is compiled once.

    >>> import scanlab
    >>> plan = scanlab.compile("cycle(row, column)", (2, 3))
    >>> len(plan.scans), plan.layer(3).indices
    (2, array([[0, 3, 1, 4, 2, 5]]))
    """

    plan: Plan
    name: str
    grid: tuple[int, ...]
    scans: tuple[CompiledScan, ...]

    def __str__(self) -> str:
        return f"{self.plan} on {grid_text(self.grid)}"

    def _words(self) -> str:
        return f"{self.plan._words()} on {grid_text(self.grid)}"

    @property
    def value(self) -> Plan:
        """What was bound."""
        return self.plan

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the grid's axes."""
        return self.plan.axes

    @property
    def depth(self) -> int | None:
        """The number of layers, None for a cycle, which fits any."""
        return self.plan.depth

    def layer(self, i: int) -> CompiledScan:
        """The compiled scan of layer ``i``, counted from 0. Raises S406 beyond the plan."""
        wanted = self.plan.layer(i)
        return next(s for s in self.scans if s.scan == wanted)


def bind(value: Order | Scan | Plan, grid: Extents) -> CompiledScan | CompiledPlan:
    """Bind a value to a grid. An order becomes a scan of one path. Raises ScanlabError S3xx and S4xx.

    >>> import scanlab
    >>> bind(scanlab.load("snake"), "2x3").indices
    array([[0, 1, 2, 5, 4, 3]])
    """
    lattice = Lattice(value.axes, grid)
    if isinstance(value, Plan):
        different = dict.fromkeys(e.scan for e in value.entries)
        return CompiledPlan(value, value.name, lattice.grid, tuple(_bind_scan(s, lattice) for s in different))
    scan = value if isinstance(value, Scan) else Scan("sum", (value,), name=value.name, doc=value.doc, span=value.span)
    return _bind_scan(scan, lattice, partial_allowed=isinstance(value, Order))


def _bind_scan(scan: Scan, lattice: Lattice, partial_allowed: bool = False) -> CompiledScan:
    # Of several paths that share a grid out, some can be left without a patch on a small one.
    bound = {o: bind_order(o, lattice, empty_allowed=len(scan.parts) > 1) for o in dict.fromkeys(orders_of(scan))}
    paths = tuple(_laid_out(scan, bound))
    if not partial_allowed:
        everything = GridRegion(np.ones(int(np.prod(lattice.grid)), dtype=bool), lattice)
        gap = find_gap(scan, lambda o: GridRegion(bound[o].ranks >= 0, lattice), everything)
        if gap is not None:
            raise gap_error(scan, gap)
    return CompiledScan(scan, scan.name, lattice.grid, paths)


def _laid_out(scan: Scan, bound: dict[Order, Path]) -> Iterator[Path]:
    """The paths of a scan, left to right, each with its share of the channels and its tokens."""
    for layout in path_layouts(scan):
        order, path = layout.order, bound[layout.order]
        sequence = _sequence(path.indices, order, layout.tokens)
        label = order.name or str(order)
        yield Path(order, label, path.grid, path.indices, path.restarts, sequence, layout.channels)


def bind_order(order: Order, lattice: Lattice, empty_allowed: bool = False) -> Path:
    """The path of one order.

    Raises S300 on a tie, S305 where no patch is left (unless ``empty_allowed``), S402 to S404 from its keys, and S482
    on a grid that it does not allow.
    """
    check_assumed(order, lattice.grid)
    indices = _frozen(visited_patches(order, lattice))
    if not len(indices) and not empty_allowed:
        assert order.where is not None, "every grid has a patch"
        size = grid_text(lattice.grid)
        raise ScanlabError.at(
            "S305",
            f"`where {print_expr(order.where)}` keeps no patch of a {size} grid",
            order.span,
            help="a path visits at least one patch",
        )
    return Path(
        order,
        order.name or str(order),
        lattice.grid,
        indices,
        _frozen(_restarts(order, lattice, indices)),
        _sequence(indices, order, order.tokens),
    )


def _restarts(order: Order, lattice: Lattice, indices: np.ndarray) -> np.ndarray:
    """The steps at which a ``restart by`` value changes along the path; step 0 always."""
    change = np.zeros(len(indices), dtype=bool)
    change[:1] = True
    kept = kept_patches(order, lattice) if order.restart else None
    for expr in order.restart:
        values = evaluate_on_grid(expr, lattice, order.span, kept)
        values = np.broadcast_to(values, lattice.grid).reshape(-1)[indices]
        change[1:] |= values[1:] != values[:-1]
    return np.flatnonzero(change)


def _sequence(indices: np.ndarray, order: Order, tokens: tuple[Token, ...]) -> np.ndarray:
    """The path with its virtual tokens.

    A token that is not fixed is placed before the path is reversed, so it moves with the reversal; a fixed one after.
    """
    if not tokens:
        return indices
    forward = indices[::-1] if order.reverse else indices
    for token in tokens:
        if not token.fixed:
            forward = _placed(forward, token, len(indices))
    sequence = forward[::-1] if order.reverse else forward
    for token in tokens:
        if token.fixed:
            sequence = _placed(sequence, token, len(indices))
    return _frozen(np.ascontiguousarray(sequence))


def _placed(sequence: np.ndarray, token: Token, length: int) -> np.ndarray:
    sentinel = TOKEN_SENTINELS[token.name]
    if token.place == "middle":
        # Half way among the patches, whatever tokens already stand in front of them (Vim: at L // 2).
        before = int(np.flatnonzero(sequence >= 0)[length // 2]) if length > 1 else 0
        return np.insert(sequence, before, sentinel)
    ends = {"start": [0], "end": [len(sequence)], "both": [0, len(sequence)]}[token.place]
    return np.insert(sequence, ends, sentinel)


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
