"""The paths of one layer, compiled for every grid that it meets."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from scanlab.compiler.bind import CompiledPlan, CompiledScan
from scanlab.facade import as_value, bound, parse
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import CLASS, MEAN, Order, Plan, Scan, Value, orders_of
from scanlab.ops import PathTable, path_table
from scanlab.ops.dispatch import program_for
from scanlab.ops.modes import beside, outside_modes
from scanlab.ops.packing import packed_table
from scanlab.ops.path_tables import vouched

__all__ = [
    "Alteration",
    "LayerPaths",
    "Strategy",
    "compiled",
    "fitted",
    "has_class_token",
    "layer_values",
    "path_sets",
    "strategy_value",
]

Strategy = str | Value | CompiledScan | CompiledPlan
Alteration = Callable[[PathTable], PathTable]
MOST_GRIDS = 32


def strategy_value(strategy: Strategy, axes: int) -> Value:
    """What a strategy means, for a grid with so many axes: a library name, a line, a value, or something compiled.

    Raises S602 when it is over another number of axes, and what the language raises.
    """
    if isinstance(strategy, CompiledScan | CompiledPlan):
        strategy = strategy.value
    value = as_value(strategy, (1,) * axes)
    if len(value.axes) != axes:
        raise ScanlabError.at(
            "S602",
            f"{value.name or 'the strategy'} is over the axes {', '.join(value.axes)}, "
            f"and the input has {count_text(axes, 'axis')}",
            help="`scanlab list` shows the axes of every strategy",
        )
    return value


def layer_values(value: Value, depth: int) -> list[Order | Scan]:
    """The scan of each of `depth` layers; an order or scan serves all. Raises S603 for a plan of another depth."""
    if not isinstance(value, Plan):
        return [value] * depth
    if value.depth not in (None, depth):
        raise ScanlabError.at(
            "S603",
            f"the plan has {count_text(value.depth or 0, 'layer')} and the model {depth}",
            help=f"give the model {count_text(value.depth or 0, 'layer')}, or write the plan as a cycle",
        )
    return [value.layer(i) for i in range(depth)]


@lru_cache(maxsize=256)
def compiled(value: Order | Scan, grid: tuple[int, ...]) -> CompiledScan:
    """A scan bound to a grid, once for all layers. Raises ScanlabError S3xx and S4xx."""
    # A scan of one order is bound as the order it was made from: that may leave patches out.
    if isinstance(value, Scan) and value.merge == "sum" and len(value.parts) == 1 and not value.tokens:
        value = value.parts[0]
    scan = bound(value, grid)
    assert isinstance(scan, CompiledScan)
    return scan


def has_class_token(value: Value) -> bool:
    """Whether some path of a scan visits a class token."""
    scans = [value] if isinstance(value, Scan) else []
    nested = [part for scan in scans for part in scan.parts if isinstance(part, Scan)]
    own = any(t.name == CLASS for s in scans for t in s.tokens)
    orders = () if isinstance(value, Plan) else orders_of(value)
    return own or any(map(has_class_token, nested)) or any(t.name == CLASS for o in orders for t in o.tokens)


class LayerPaths(nn.Module):
    """The tables of steps of one layer, made when a grid is first met; their steps are buffers that are not saved.

    ends: a class token at both ends is two tokens instead of one that is visited twice: rows L (head) and L + 1 (tail).
    parts: first sequence and last + 1 of those that a mixer scans by themselves; planned ahead of compiled graphs.
    alter: may replace every table, as a study's controls do; checked. The buffers are copies of what is kept on the
    CPU: they come back from there where a model leaves the meta device, or where they were written to.
    """

    def __init__(
        self,
        value: Order | Scan,
        grid: tuple[int, ...],
        alter: Alteration | None = None,
        ends: bool = False,
        parts: tuple[tuple[int, int], ...] = (),
    ) -> None:
        super().__init__()
        self.value = value
        self.alter = alter
        self.ends = ends
        self.parts = parts
        # By the name of the buffer: the tables as they were made, and over the buffers.
        self._made: dict[str, PathTable] = {}
        self._tables: dict[str, PathTable] = {}
        self._packs: dict[Any, PathTable] = {}
        self.prepare(grid)

    def forward(self, grid: tuple[int, ...]) -> PathTable:
        """The table for a grid, on this module's device. Raises S613 where torch.compile meets a new grid."""
        name = _buffer_name(grid)
        if name not in self._tables:
            self.prepare(grid)
        table, steps = self._tables[name], self._buffers[name]
        assert steps is not None
        if torch.compiler.is_compiling():
            return table if table.steps is steps else table.over(steps)
        # Whoever calls with buffers of their own, as functional_call does, has them checked.
        if table.steps is not steps:
            return replace(table, steps=steps)
        return table if table.sound else self._place(name, steps)

    def prepare(self, grid: tuple[int, ...]) -> None:
        """Compile the scan for a grid, and forget the oldest where there are too many."""
        if torch.compiler.is_compiling():
            raise ScanlabError.at(
                "S613", f"the scan is not compiled for a {grid_text(grid)} grid", help="call prepare(…)"
            )
        name = _buffer_name(grid)
        if name in self._tables:
            return
        if len(self._tables) >= MOST_GRIDS:
            oldest = next(iter(self._tables))
            delattr(self, oldest)
            del self._tables[oldest], self._made[oldest]
        with outside_modes():
            made = self._made[name] = self._table(compiled(self.value, grid)).checked()
            for first, last in self.parts:
                made.part(first, last)
        old = next(iter(self.buffers()), None)
        self._place(name, torch.empty(0) if old is None else old)

    def packed(self, grids: tuple[tuple[int, ...], ...], lengths: tuple[int, ...]) -> PathTable:
        """One table over the rows of several grids side by side; the last ones are kept. Raises S717."""
        key = (grids, lengths)
        if key not in self._packs:
            tables = [self(grid) for grid in grids]
            if any(MEAN in table.tokens for table in tables):
                raise ScanlabError.at("S717", "a mean token is the average of one image, and a pack has several")
            if len(self._packs) >= MOST_GRIDS:
                self._packs.pop(next(iter(self._packs)))
            self._packs[key] = packed_table(tables, lengths)
        return self._packs[key]

    def _place(self, name: str, like: Tensor) -> PathTable:
        """Lay the steps of a table beside a tensor, as a buffer."""
        steps = beside(self._made[name].steps, like)
        self.register_buffer(name, steps, persistent=False)
        self._tables[name] = self._made[name].over(steps)
        return self._tables[name]

    def _apply(self, *arguments: Any, **named: Any) -> Any:
        moved = super()._apply(*arguments, **named)
        self._packs.clear()
        for name, table in list(self._tables.items()):
            steps = self._buffers[name]
            if steps is not None and steps is not table.steps:
                self._place(name, steps)
        return moved

    def _table(self, scan: CompiledScan) -> PathTable:
        # Made before the model is moved; kernels of a CPU have no use for a program and do not mind one.
        where = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        table = path_table(scan, program_for(scan, where))
        table = _with_two_ends(table, scan) if self.ends else table
        return self.alter(table) if self.alter else table


def _with_two_ends(table: PathTable, scan: CompiledScan) -> PathTable:
    """The class token of every path's start and end as two rows. Raises S605 where a path lacks one of them."""
    row = table.grid_size + table.tokens.index(CLASS)
    steps = table.steps.clone()
    for sequence, path in enumerate(scan.paths):
        visits = (steps[0, sequence] == row).nonzero().flatten()
        if len(visits) != 2 or table.sequences != table.paths or table.tokens != (CLASS,):
            raise ScanlabError.at(
                "S605", "two class tokens are read, but a path does not visit both", help="write `with cls at both`"
            )
        # A token that is not fixed moved with the reversed sequence: the tail comes first.
        steps[0, sequence, visits[0 if path.order.reverse else 1]] = row + 1
    return vouched(replace(table, steps=steps, tokens=(CLASS, CLASS), revisits=False, program=""))


def _buffer_name(grid: tuple[int, ...]) -> str:
    return f"steps_{grid_text(grid)}"


def path_sets(paths: int, sets: int) -> list[int] | None:
    """Whose parameters each of K paths uses; None where that is its own, or the one set there is."""
    return None if sets in (1, paths) else [k % sets for k in range(paths)]


def fitted(value: Order | Scan, sets: int) -> Order | Scan:
    """A scan with at least one path for every set of parameters, so that a swap of the order leaves none unused.

    An order given to a mixer with two sets is read both ways; with four sets over two axes transposed as well,
    as Vim and VMamba do with rows. Any other scan with fewer paths is repeated.
    """
    paths = sum(1 for _ in orders_of(value))
    if paths >= sets:
        return value
    symmetries = {2: "reverse", 4: "transpose, reverse"}.get(sets)
    if paths == 1 and symmetries and (sets == 2 or len(value.axes) == 2):
        order = value if isinstance(value, Order) else value.parts[0]
        assert isinstance(order, Order)
        bare = replace(order, tokens=())
        repeated = parse(f"sum(orbit(({bare}), {symmetries}))", value.axes)
        assert isinstance(repeated, Scan)
        tokens = order.tokens if isinstance(value, Order) else value.tokens or order.tokens
        return replace(repeated, tokens=tokens, name=value.name)
    whole = value if isinstance(value, Scan) else Scan("sum", (value,), name=value.name)
    return Scan("sum", (whole,) * math.ceil(sets / paths), name=value.name)
