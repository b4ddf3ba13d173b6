"""Lines of text of every width up to a file's own: a graph whose tables of steps follow the width of what it is given.

A line is filled up to the file's width. Every path visits the patches of the line first, in the order of the line's own
grid, and those of the filling are left to no path, so that they change nothing on the way; what looks at the grid as a
picture meets zeros there, as beyond the edge. The tables of all widths are data in the file, and a call takes its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from scanlab.export.graph import STEPS, WIDTH, Graph, Value
from scanlab.export.layout import Layout, layout_of
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text
from scanlab.nn import Backbone
from scanlab.nn.cascade import CascadeMixer
from scanlab.nn.embed import Positions, halved
from scanlab.nn.layer_paths import LayerPaths
from scanlab.ops import PathTable

__all__ = ["Fixed", "Widths", "filled", "grids_of", "in_widths", "number_of_columns", "positions_of"]

# A file holds so many numbers of tables at most, for each layer of its own order: two bytes or eight each.
MOST_NUMBERS = 2**22

Grid = tuple[int, ...]


class Fixed(Exception):
    """Why a file reads lines of one width alone, in words."""


@dataclass(frozen=True)
class Widths:
    """A call's width. columns: patches along the file's own. count: int64 [1], along that of the call. grids: of
    every block, for every width, the file's own first. layouts: the steps of each mixer, a phase for every width."""

    graph: Graph
    columns: int
    count: Value
    grids: list[list[Grid]]
    layouts: Mapping[nn.Module, Layout]

    def inside(self, cells: int) -> Value:
        """float32 [cells]: 1 where a cell along the width, of a stage or of the stem, lies in the line; 0 beyond."""
        first = self._first_column(np.arange(cells), cells)
        within = self.graph.op("Less", self.graph.constant(first), self.count, shape=(cells,), dtype="bool")
        return self.graph.cast(within, "float32")

    def _first_column(self, places: np.ndarray, cells: int) -> np.ndarray:
        """The first column of patches that each cell reads: cells are parts of patches, or hold several."""
        if cells >= self.columns:
            return places // (cells // self.columns)
        width, have = 1, self.columns
        while have != cells:
            width, have = 2 * width, halved((have,))[0]
        return places * width

    def inside_rows(self, grid: Grid, tokens: int = 0) -> Value:
        """float32 [L + T, 1] of patches over a grid, and of tokens after them."""
        graph = self.graph
        picture = graph.op("Expand", self.inside(grid[1]), graph.constant(np.array(grid)), shape=grid)
        rows = graph.reshaped(picture, math.prod(grid), 1)
        if not tokens:
            return rows
        return graph.concat([rows, graph.constant(np.ones((tokens, 1)))], 0)

    def steps(self, counts: np.ndarray) -> Value:
        """int64 [1]: one of the numbers [phases] that belong to the widths."""
        return self.graph.chosen(counts[:, None])

    def cut(self, x: Value, counts: np.ndarray) -> Value:
        """The first steps of [B, S, X], as many as the width at hand has: [B, steps, X]."""
        graph = self.graph
        ends = graph.constant(np.array([0])), self.steps(counts), graph.constant(np.array([1]))
        return graph.op("Slice", x, *ends, shape=(x.shape[0], STEPS, x.shape[2]))


def grids_of(backbone: Backbone, extents: tuple[int, ...]) -> list[list[Grid]]:
    """For every width, the file's own first, down to one patch: the grid of every block."""
    columns, side = backbone.grid_of(extents)[1], backbone.embed.patch[1]
    return [[grid for _, grid in backbone.block_grids((extents[0], n * side))] for n in range(columns, 0, -1)]


def in_widths(backbone: Backbone, extents: tuple[int, ...]) -> dict[nn.Module, Layout]:
    """The layout of every mixer, a phase for each width. Raises Fixed for what follows one width alone."""
    if backbone.embed.stride:
        raise Fixed("its patches overlap, and what fills a line up would be seen in the last of them")
    grids = grids_of(backbone, extents)
    if backbone.positions is not None and len(grids) * math.prod(grids[0][0]) * backbone.config.dim > MOST_NUMBERS:
        raise Fixed(f"its learned positions, resized to {len(grids)} widths, would be too large")
    known: dict[object, Layout] = {}
    layouts = {}
    for number, block in enumerate(backbone.blocks):
        if isinstance(block.mixer, CascadeMixer):
            raise Fixed("a cascade reads what it mirrors at the end of every row")
        own, paths = [each[number] for each in grids], block.mixer.paths
        key = (paths.value, paths.alter, paths.ends, own[0])
        if key not in known:
            if len(own) * math.prod(own[0]) * len(paths(own[0]).segments) > MOST_NUMBERS:
                raise Fixed(f"tables for {len(own)} widths would be too large")
            tables = {grid: _table(paths, grid) for grid in dict.fromkeys(own)}
            known[key] = _together([tables[grid] for grid in own], own)
        layouts[block.mixer] = known[key]
    return layouts


def _table(paths: LayerPaths, grid: Grid) -> PathTable:
    """The table of a layer for a grid, made beside the layer, which keeps those of its usual grids. Raises Fixed."""
    try:
        return LayerPaths(paths.value, grid, paths.alter, paths.ends)(grid)
    except ScanlabError as error:
        raise Fixed(
            f"its paths cannot be followed over {grid_text(grid)} patches: {error.diagnostics[0].message}"
        ) from error


def _together(tables: list[PathTable], grids: list[Grid]) -> Layout:
    """The layouts of all widths as phases of the first, over its rows. Raises Fixed."""
    whole, wide = layout_of(tables[:1]), grids[0]
    phases = []
    for table, grid in zip(tables, grids, strict=True):
        own = layout_of([table])
        inside = own.inside
        cut = (slice(None), slice(own.steps))
        if own.steps > whole.steps or (inside & ~whole.inside[cut]).any():
            raise Fixed(f"its paths visit more at {grid_text(grid)} patches than at {grid_text(wide)}")
        changed = (own.owners != whole.owners[cut]) | (own.resets != whole.resets[cut])
        if (changed & inside).any():
            raise Fixed(
                f"its paths begin anew at other steps over {grid_text(grid)} patches than over {grid_text(wide)}"
            )
        places = np.arange(math.prod(wide)).reshape(wide)[:, : grid[1]].ravel()
        tokens = np.arange(len(table.tokens)) + math.prod(wide)
        rows = np.full(whole.rows.shape[1:], -1)
        rows[cut] = np.where(inside, np.append(np.append(places, tokens), -1)[own.rows[0]], -1)
        phases.append(rows)
    return Layout(np.stack(phases), whole.owners, whole.resets, whole.members, whole.paths, whole.length)


def positions_of(positions: Positions, graph: Graph, grids: list[Grid]) -> Value:
    """Learned positions as the model resizes them to the width at hand, [L, dim] of the file's own; 0 beyond it."""
    zero, wide = torch.zeros((), device=positions.patches.device), grids[0]
    phases = []
    for grid in grids:
        own = positions(zero, grid).unflatten(0, grid)
        phases.append(F.pad(own, (0, 0, 0, wide[1] - grid[1])).flatten(0, 1).float().cpu().numpy())
    return graph.chosen(np.stack(phases))


def number_of_columns(graph: Graph, lines: Value, side: int) -> Value:
    """int64 [1]: how many patches of a side lines [B, C, H, W] have along their width."""
    up = graph.add(_width_of(graph, lines), graph.constant(np.array([side - 1])))
    return graph.binary("Div", up, graph.constant(np.array([side])))


def filled(graph: Graph, lines: Value, width: int) -> Value:
    """Lines [B, C, H, W] filled up with zeros to a width; a runtime refuses those that are wider."""
    missing = graph.binary("Sub", graph.constant(np.array([width])), _width_of(graph, lines))
    # What is too wide is not cut: the shape below does not fit it then.
    missing = graph.binary("Max", missing, graph.constant(np.array([0])))
    amounts = graph.concat([graph.constant(np.zeros(7, np.int64)), missing], 0)
    shape = (*lines.shape[:3], width)
    whole = graph.op("Pad", lines, amounts, shape=shape)
    # 0 keeps the batch as it is.
    return graph.op("Reshape", whole, graph.constant(np.array([0, *shape[1:]])), shape=shape)


def _width_of(graph: Graph, lines: Value) -> Value:
    assert lines.shape[3] == WIDTH
    return graph.op("Shape", lines, shape=(1,), dtype="int64", start=3, end=4)
