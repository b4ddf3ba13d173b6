"""Patches one after the other: what a model of the next patch draws, with a state of constant size for each step."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text
from scanlab.nn.kinds import MIXERS
from scanlab.nn.mixer_state import MixerState
from scanlab.ops import PathTable, index_table
from scanlab.ops.modes import outside_modes

if TYPE_CHECKING:
    from scanlab.nn.heads import NextPatch

__all__ = ["Steps", "drawn", "filled"]


class Steps:
    """A model of the next patch on its way along its path: what it expects next, and the state of every layer.

    grid: of the patches. batch: how many images at once.
    """

    def __init__(self, model: NextPatch, grid: tuple[int, ...], batch: int) -> None:
        kind = model.backbone.config.mixer.kind
        if not MIXERS[kind].streams:
            raise ScanlabError.at("S716", f"a mixer of the kind {kind!r} keeps no state from one patch to the next")
        self.model, self.grid = model, grid
        self.order: Tensor = model.backbone.blocks[0].mixer.paths(grid).steps[0, 0].long()
        self.states = [MixerState() for _ in model.backbone.blocks]
        self.done = 0
        self.expected = model.head(model.start.expand(batch, -1))
        self._tables: dict[int, PathTable] = {}
        positions = model.backbone.positions
        zero = torch.zeros((), device=self.order.device)
        self._positions = None if positions is None else positions(zero, grid)

    def read(self, patches: Tensor) -> Tensor:
        """Read the next M patches of the path, [B, M, values]; what is then expected of each that follows one of them,
        [B, M, outputs]: the last is what comes next. Raises S716 beyond the end of the path.
        """
        backbone, count = self.model.backbone, patches.shape[1]
        if self.done + count > len(self.order):
            raise ScanlabError.at(
                "S716",
                f"step {self.done + count} lies beyond the grid, whose path has {count_text(len(self.order), 'patch')}",
            )
        sides = backbone.embed.patch
        pictures = patches.flatten(0, 1).unflatten(-1, (backbone.channels, *sides))
        embedded, _ = backbone.embed(pictures.to(self.model.start.dtype))
        rows = embedded.unflatten(0, patches.shape[:2]).flatten(1, 2)
        if self._positions is not None:
            rows = rows + self._positions[self.order[self.done : self.done + count]]
        for i, block in enumerate(backbone.blocks):
            mixed, self.states[i] = block.mixer.step(block.norm(rows), self._table(count), self.states[i])
            rows = block.onward(rows, mixed)
        self.done += count
        outputs = self.model.head(backbone.norm(rows))
        self.expected = outputs[:, -1]
        return outputs

    def _table(self, count: int) -> PathTable:
        if count not in self._tables:
            with outside_modes():
                self._tables[count] = index_table(torch.arange(count, device=self.order.device)[None], count)
        return self._tables[count]


def drawn(model: NextPatch, expected: Tensor, greedy: bool, generator: torch.Generator | None) -> Tensor:
    """A patch [B, values] from what is expected of it: its likeliest values, or some drawn at random.

    Raises S615 for a model that was trained by squared errors and so knows no more than a mean.
    """
    if model.kind == "mse":
        if not greedy:
            raise ScanlabError.at(
                "S615",
                "a model of the mean squared error knows the mean of a patch and not how far it scatters",
                help='give greedy=True, or train with loss="bits"',
            )
        return expected.float().clamp(0, 1)
    mean, log_scale = expected.float().chunk(2, dim=-1)
    values = mean.sigmoid()
    if not greedy:
        uniform = torch.rand(values.shape, generator=generator, device=values.device).clamp(1e-6, 1 - 1e-6)
        values = values + log_scale.clamp(min=-7).exp() * (uniform.log() - (-uniform).log1p())
    return (values.clamp(0, 1) * (model.levels - 1)).round() / (model.levels - 1)


@torch.no_grad()
def filled(model: NextPatch, patches: Tensor, known: Tensor, grid: tuple[int, ...], **how: Any) -> Tensor:
    """Patches [B, n, values] along the path with those that are not known [n] drawn after all before them."""
    steps, patches = Steps(model, grid, len(patches)), patches.clone()
    place = 0
    # What is known side by side is read at once.
    for is_known, run in groupby(known.tolist()):
        count = len(list(run))
        if is_known:
            steps.read(patches[:, place : place + count])
        else:
            for i in range(place, place + count):
                patches[:, i] = drawn(model, steps.expected, **how).to(patches.dtype)
                steps.read(patches[:, i : i + 1])
        place += count
    return patches
