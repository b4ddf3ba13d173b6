"""Patches one after the other: what a model of the next patch draws, with a state of constant size for each step."""

from __future__ import annotations

import math
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import Extents, grid_of, whole_number
from scanlab.ir.text import count_text, grid_text
from scanlab.nn.kinds import CONVOLUTIONS, MIXERS, STEMS
from scanlab.nn.mixer_state import MixerState
from scanlab.ops import PathTable, index_table
from scanlab.ops.modes import outside_modes

if TYPE_CHECKING:
    from scanlab.nn.backbone import Backbone
    from scanlab.nn.heads import NextPatch
    from scanlab.nn.mixer import Mixer

__all__ = ["Steps", "check_causal", "completed", "generated"]


class Steps:
    """A model of the next patch on its way along its path: what it expects next, and the state of every layer.

    grid: of the patches. batch: how many images at once.
    """

    def __init__(self, model: NextPatch, grid: tuple[int, ...], batch: int) -> None:
        backbone = model.backbone
        kind = backbone.config.mixer.kind
        if not MIXERS[kind].streams:
            raise ScanlabError.at("S716", f"a mixer of the kind {kind!r} keeps no state from one patch to the next")
        # The scan may have been set anew since the model was made, and differ on another grid.
        check_causal(backbone, grid)
        self.model, self.grid = model, grid
        tables = [block.mixer.paths(grid) for block in backbone.blocks]
        self.order: Tensor = tables[0].steps[0, 0].long()
        # The steps at which the path of every layer starts from no state.
        self._anew = [{first for *_, first, _, carry in t.segments.tolist() if not carry} for t in tables]
        self.states = [MixerState() for _ in backbone.blocks]
        self.done = 0
        self.expected = model.head(model.start.expand(batch, -1))
        self._tables: dict[int, PathTable] = {}
        zero = torch.zeros((), device=self.order.device)
        self._positions = None if backbone.positions is None else backbone.positions(zero, grid)

    def read(self, patches: Tensor) -> Tensor:
        """Read the next M patches of the path, [B, M, values], M from 1; what is then expected of each that follows one
        of them, [B, M, outputs]: the last is what comes next. Raises S614 for patches that do not fit, and S716 beyond
        the end of the path; what was read stays as it was.
        """
        _check_patches(patches, self.model.values, "a part of the path")
        backbone, (batch, count, _) = self.model.backbone, patches.shape
        if batch != len(self.expected) or not count:
            raise ScanlabError.at(
                "S614", f"{count} patches of {batch} images are read; there are {len(self.expected)} images"
            )
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
        states = []
        for block, anew, state in zip(backbone.blocks, self._anew, self.states, strict=True):
            mixed, state = self._mixed(block.mixer, block.norm(rows), anew, state)
            rows = block.onward(rows, mixed)
            states.append(state)
        outputs = self.model.head(backbone.norm(rows))
        self.states, self.done, self.expected = states, self.done + count, outputs[:, -1]
        return outputs

    def _mixed(self, mixer: Mixer, rows: Tensor, anew: set[int], state: MixerState) -> tuple[Tensor, MixerState]:
        """What a layer makes of the next rows, from no state wherever its path starts anew."""
        last = self.done + rows.shape[1]
        cuts = [self.done, *(step for step in range(self.done + 1, last) if step in anew), last]
        parts = []
        for part in rows.split([b - a for a, b in pairwise(cuts)], dim=1):
            state = MixerState() if cuts[len(parts)] in anew else state
            mixed, state = mixer.step(part, self._table(part.shape[1]), state)
            parts.append(mixed)
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1), state

    def _table(self, count: int) -> PathTable:
        if count not in self._tables:
            with outside_modes():
                self._tables[count] = index_table(torch.arange(count, device=self.order.device)[None], count)
        return self._tables[count]


def generated(model: NextPatch, prefix: Tensor, steps: int | None, size: Extents | None, **how: Any) -> Tensor:
    """See `NextPatch.generate`."""
    backbone = model.backbone
    extents = backbone.input_size if size is None else grid_of(size, what="size")
    grid = backbone.grid_of(extents)
    _check_patches(prefix, model.values, "prefix")
    given, length = prefix.shape[1], math.prod(grid)
    more = max(0, length - given) if steps is None else whole_number(steps)
    if more is None or more < 0:
        raise ScanlabError.at("S716", f"{steps!r} steps are no whole number from 0")
    total = given + more
    if total > length:
        raise ScanlabError.at("S716", f"{total} patches lie beyond a grid of {grid_text(grid)}, which has {length}")
    return _filled(model, F.pad(prefix, (0, 0, 0, more)), torch.arange(total) < given, extents, **how)


def completed(model: NextPatch, images: Tensor, known: Tensor, **how: Any) -> Tensor:
    """See `NextPatch.complete`."""
    grid = model.backbone.embed.grid_for(images.shape)
    if not images.is_floating_point():
        raise ScanlabError.at("S614", f"the images are {images.dtype}", help="give numbers in [0, 1], as in float32")
    said = f"known is a {type(known).__name__}"
    if isinstance(known, Tensor):
        said = f"known is {known.dtype} of shape {list(known.shape)}"
    if not isinstance(known, Tensor) or known.dtype != torch.bool or known.shape not in (grid, (math.prod(grid),)):
        raise ScanlabError.at("S614", f"{said}, not one truth for each of {grid_text(grid)} patches")
    order = model.order_of(images)
    along = known.flatten().to(order.device)[order]
    made = _filled(model, model.targets(images)[:, order], along, tuple(images.shape[2:]), **how)
    return model.images_of(made[:, order.argsort()], images.shape[2:])


@torch.no_grad()
def _filled(model: NextPatch, patches: Tensor, known: Tensor, extents: tuple[int, ...], **how: Any) -> Tensor:
    """Patches [B, n, values] along the path with those that are not known [n] drawn after all before them."""
    if model.kind == "mse" and not how["greedy"] and not known.all():
        raise ScanlabError.at(
            "S615",
            "a model of the mean squared error knows the mean of a patch and not how far it scatters",
            help='give greedy=True, or train with loss="bits"',
        )
    steps = Steps(model, model.backbone.grid_of(extents), len(patches))
    # Beyond the edge of an image its patches are filled up with zeros, whatever is expected there.
    whole = patches.new_ones(1, model.backbone.channels, *extents)
    inside = model.targets(whole)[:, steps.order[: patches.shape[1]]] > 0
    patches = torch.where(inside, patches, 0)
    place = 0
    # What is known side by side is read at once.
    for is_known, run in groupby(known.tolist()):
        count = len(list(run))
        if is_known:
            steps.read(patches[:, place : place + count])
        else:
            for i in range(place, place + count):
                patches[:, i] = torch.where(inside[:, i], _drawn(model, steps.expected, **how), 0).to(patches.dtype)
                steps.read(patches[:, i : i + 1])
        place += count
    return patches


def _drawn(model: NextPatch, expected: Tensor, greedy: bool, generator: torch.Generator | None) -> Tensor:
    """A patch [B, values] from what is expected of it: its likeliest values, or some drawn at random."""
    if model.kind == "mse":
        return expected.float().clamp(0, 1)
    mean, log_scale = expected.float().chunk(2, dim=-1)
    values = mean.sigmoid()
    if not greedy:
        uniform = torch.rand(values.shape, generator=generator, device=values.device).clamp(1e-6, 1 - 1e-6)
        values = values + log_scale.clamp(min=-7).exp() * (uniform.log() - (-uniform).log1p())
    return (values.clamp(0, 1) * (model.levels - 1)).round() / (model.levels - 1)


def _check_patches(patches: Tensor, values: int, name: str) -> None:
    if not isinstance(patches, Tensor) or patches.ndim != 3 or patches.shape[2] != values:
        shown = list(patches.shape) if isinstance(patches, Tensor) else type(patches).__name__
        raise ScanlabError.at("S614", f"{name} has shape {shown}, not [B, n, {values}]")
    if not patches.is_floating_point():
        raise ScanlabError.at("S614", f"{name} is {patches.dtype}", help="give numbers in [0, 1], as in float32")


def check_causal(backbone: Backbone, grid: tuple[int, ...]) -> None:
    """That every patch of a grid sees those before it on one path and no other. Raises S615."""
    tables = [block.mixer.paths(grid) for block in backbone.blocks]
    problem = None
    if len(backbone.config.depths) > 1:
        problem = "the backbone has stages, whose patches overlap what is to be predicted"
    elif any(t.paths > 1 or t.tokens or not t.visits_each_once or len(t.steps) > 1 for t in tables):
        problem = "a layer has several paths, virtual tokens, or does not visit every patch once"
    elif any(not torch.equal(t.steps, tables[0].steps) for t in tables):
        problem = "two layers follow different paths, so that a later patch is seen"
    elif STEMS[backbone.config.stem].overlapping or backbone.config.stride:
        problem = "the patches overlap, and so show what is to be predicted"
    elif CONVOLUTIONS[backbone.config.mixer.convolution].on_grid:
        problem = "the convolution on the grid shows every patch its neighbours"
    elif MIXERS[kind := backbone.config.mixer.kind].looks_ahead:
        problem = f"a mixer of the kind {kind!r} shows every patch those that come after it"
    if problem:
        raise ScanlabError.at(
            "S615", f"the next patch cannot be predicted: {problem}", help="use one order, such as `row`, in all layers"
        )
