"""An order for a layer of one's own: its paths over one grid as indices, or a mixer to put in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import Extents, grid_of
from scanlab.ir.text import grid_text
from scanlab.ir.values import Order, Plan, Scan
from scanlab.nn.config import MixerConfig
from scanlab.nn.kinds import MIXERS
from scanlab.nn.layer_paths import Alteration, Strategy, compiled, strategy_value
from scanlab.nn.mixer import LayerSpec
from scanlab.ops import PathTable, path_table

__all__ = ["GridMixer", "GridPaths", "paths_for", "scan_mixer"]


class GridPaths(nn.Module):
    """The K paths of a scan over one grid of L patches, for a layer of one's own; on the device of its model.

    indices int64 [K, L]: the patch, in raster order, that each path visits at each step. inverse int64 [K, L]: the step
    at which each path visits each patch. starts bool [K, L]: the steps at which a path begins anew, its first one and
    those after a restart. No parameters; the buffers are not saved.

    >>> import torch
    >>> paths = paths_for("sum(row, -row)", grid=(2, 2))
    >>> rows = torch.arange(4.0).reshape(1, 4, 1)
    >>> paths.along(rows)[0, 1, :, 0].tolist()
    [3.0, 2.0, 1.0, 0.0]
    >>> bool((paths.back(paths.along(rows)) == rows[:, None]).all())
    True
    """

    indices: Tensor
    inverse: Tensor
    starts: Tensor

    def __init__(self, indices: Tensor, starts: Tensor, grid: tuple[int, ...]) -> None:
        super().__init__()
        self.grid = grid
        self.register_buffer("indices", indices, persistent=False)
        self.register_buffer("inverse", indices.argsort(1), persistent=False)
        self.register_buffer("starts", starts, persistent=False)

    def along(self, rows: Tensor) -> Tensor:
        """Rows in raster order as each path meets them: [B, L, D] -> [B, K, L, D]."""
        return rows[:, self.indices]

    def back(self, along: Tensor) -> Tensor:
        """Each path's rows in raster order again: [B, K, L, D] -> [B, K, L, D]; sum or average over K to merge."""
        return along.gather(2, self.inverse[None, :, :, None].expand(along.shape))

    def forward(self, rows: Tensor) -> Tensor:
        """As `along`."""
        return self.along(rows)


def paths_for(strategy: Strategy, grid: Extents, *, alter: Alteration | None = None) -> GridPaths:
    """The paths of an order or a scan over a grid, as indices for a layer of one's own; see `GridPaths`.

    strategy: a name ("hilbert"), a line ("by h, ~w"), a value, or something compiled. alter: see `LayerPaths`. Raises
    S855 for a plan, for virtual tokens, and for paths that leave patches out or visit some twice; and what the language
    and its compiler raise.

    >>> paths = paths_for("by w, h", grid=(2, 3))
    >>> paths.indices.tolist(), paths.inverse.tolist()
    ([[0, 3, 1, 4, 2, 5]], [[0, 2, 4, 1, 3, 5]])
    """
    extents = grid_of(grid)
    value = _of_one_layer(strategy, extents)
    table = path_table(compiled(value, extents))
    table = alter(table) if alter else table
    if not table.permutations or table.tokens:
        what = "has virtual tokens" if table.tokens else "has paths that are no permutations of the patches"
        raise ScanlabError.at(
            "S855",
            f"{value.name or 'the scan'} {what}, on a {grid_text(extents)} grid",
            help="give an order that visits every patch once, or put in scanlab.nn.scan_mixer(…), which takes any",
        )
    return GridPaths(*_steps(table), extents)


def _of_one_layer(strategy: Strategy, grid: tuple[int, ...]) -> Order | Scan:
    """The value of a strategy. Raises S855 for a plan."""
    value = strategy_value(strategy, len(grid))
    if isinstance(value, Plan):
        raise ScanlabError.at(
            "S855", f"{value.name or 'the strategy'} is a plan of several layers", help="give one of its layers"
        )
    return value


def _steps(table: PathTable) -> tuple[Tensor, Tensor]:
    """Indices and starts, [K, L]."""
    indices = torch.empty(table.paths, table.length, dtype=torch.int64)
    starts = torch.zeros(table.paths, table.length, dtype=torch.bool)
    done = [0] * table.paths
    for sequence, path, first, last, carry in table.segments.tolist():
        at = done[path]
        indices[path, at : at + last - first] = table.steps[0, sequence, first:last].long()
        starts[path, at] = not carry
        done[path] += last - first
    return indices, starts


class GridMixer(nn.Module):
    """A token mixer over one grid: rows [B, L, dim] in raster order -> [B, L, dim]. mixer: the `Mixer` that does it.

    >>> import torch
    >>> layer = scan_mixer("hilbert", grid=(4, 4), dim=8)
    >>> layer(torch.zeros(2, 16, 8)).shape
    torch.Size([2, 16, 8])
    """

    def __init__(self, spec: LayerSpec) -> None:
        super().__init__()
        self.grid = spec.grid
        self.mixer = MIXERS[spec.config.kind].mixer(spec)

    def forward(self, rows: Tensor, grid: tuple[int, ...] | None = None) -> Tensor:
        """[B, L, dim] -> [B, L, dim]; grid: another than the usual, whose scan is then compiled once."""
        over = grid or self.grid
        if rows.ndim != 3 or rows.shape[1] < math.prod(over) or rows.shape[2] != self.mixer.dim:
            raise ScanlabError.at(
                "S602",
                f"rows of shape {list(rows.shape)} are not those of a {grid_text(over)} grid",
                help=f"give [batch, {math.prod(over)}, {self.mixer.dim}], patches in raster order",
            )
        return self.mixer(rows, over)


def scan_mixer(
    strategy: Strategy,
    grid: Extents,
    dim: int,
    *,
    alter: Alteration | None = None,
    config: MixerConfig | None = None,
    **settings: Any,
) -> GridMixer:
    """A selective scan along an order as a layer to put into any model: [B, L, dim] -> [B, L, dim].

    Rows are the patches of the grid in raster order. settings: fields of `MixerConfig`, as state=16 or kind="ssd";
    config: all of them at once. alter: see `LayerPaths`. Weights come from torch's global generator and do not depend
    on the order, so that layers with the same settings and number of paths start alike. Raises S612 for settings that
    do not go together or are none, S855 for a plan, and what the language and its compiler raise.

    >>> layer = scan_mixer("sum(row, -row)", grid=(14, 14), dim=16, state=8)
    >>> sum(p.numel() for p in layer.parameters())
    2496
    """
    extents = grid_of(grid)
    if not isinstance(dim, int) or dim < 1:
        raise ScanlabError.at("S612", f"dim is {dim!r}", help="give a whole number of channels, of 1 or more")
    value = _of_one_layer(strategy, extents)
    chosen = config or MixerConfig(**_known(settings))
    if config and settings:
        raise ScanlabError.at("S612", f"{next(iter(settings))} is given beside config", help="give one of the two")
    return GridMixer(LayerSpec(value, extents, dim, chosen, alter))


def _known(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    names = [f.name for f in fields(MixerConfig)]
    if unknown := [name for name in settings if name not in names]:
        help = f"choose from {', '.join(names)}"
        raise ScanlabError.at("S612", f"a mixer has no setting {unknown[0]!r}", help=help)
    return settings
