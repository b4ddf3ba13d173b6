"""Models of one architecture computed at once: their weights stacked, their channels side by side in the scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.backbone import Block
from scanlab.nn.config import BackboneConfig
from scanlab.nn.embed import Grid, PatchEmbed
from scanlab.nn.heads import Classifier
from scanlab.nn.kinds import MIXERS, READOUTS
from scanlab.nn.mixer import Mixer, ScanMixer
from scanlab.nn.peers import NoScanMixer
from scanlab.ops import PathTable, selective_scan

__all__ = ["SideBySide", "why_apart"]

_MIXERS = (ScanMixer, NoScanMixer)
_ONLY = {"stem": "patch", "norm_kind": "layer", "stride": None, "drop_path": 0.0}


def why_apart(config: BackboneConfig) -> str:
    """Why classifiers of these settings are not computed side by side; "" where they are.

    >>> why_apart(BackboneConfig()), why_apart(BackboneConfig(drop_path=0.1))
    ('', 'drop_path is 0.1')
    """
    kind, convolution = config.mixer.kind, config.mixer.convolution
    if MIXERS[kind].mixer not in _MIXERS:
        return f"the mixer is {kind!r}"
    if convolution is not None:
        return f"the mixer has a convolution on the {convolution!r}"
    if len(config.depths) > 1:
        return "the backbone has stages"
    if config.positions == "factored":
        return "positions are factored"
    return next((f"{name} is {held}" for name, only in _ONLY.items() if (held := getattr(config, name)) != only), "")


class SideBySide(nn.Module):
    """S classifiers of one architecture as one: images [S, B, C, *extents], a batch for each, to logits [S, B,
    classes].

    Every parameter of theirs is one of this module, stacked: [S, ...], under its name in `weights`. Matrices of all S
    are multiplied at once, and one scan takes all of them as groups of channels. To rounding each gives what it gives
    alone. Raises S612 for models that cannot be computed so (`why_apart`), or that differ in more than their weights.

    >>> import torch
    >>> from scanlab.nn import Backbone, BackboneConfig, Classifier
    >>> models = [Classifier(Backbone("row", BackboneConfig(dim=8), input_size=(8, 8)), classes=5) for _ in range(3)]
    >>> both, images = SideBySide(models), torch.randn(3, 2, 1, 8, 8)
    >>> alone = torch.stack([model(some) for model, some in zip(models, images, strict=True)])
    >>> both(images).shape, torch.allclose(both(images), alone, atol=1e-5)
    (torch.Size([3, 2, 5]), True)
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        super().__init__()
        first = _checked(models)
        # Not as a submodule: its weights are those of one model, and are not trained here.
        self._template = [first]
        named = [dict(model.named_parameters()) for model in models]
        self.count = len(models)
        self.names = {id(parameter): name for name, parameter in named[0].items()}
        self.weights: dict[str, nn.Parameter] = {
            name: nn.Parameter(torch.stack([own[name].detach() for own in named]), requires_grad=given.requires_grad)
            for name, given in named[0].items()
        }
        for name, weight in self.weights.items():
            self.register_parameter(name.replace(".", "_"), weight)

    @property
    def template(self) -> Classifier:
        """The first of the models: the architecture of all."""
        return self._template[0]

    def stacked(self, parameter: Tensor) -> Tensor:
        """What stands here for a parameter of the first model: [S, ...]."""
        return self.weights[self.names[id(parameter)]]

    def load(self, models: Sequence[nn.Module]) -> None:
        """Take the weights of such models."""
        with torch.no_grad():
            for own, model in enumerate(models):
                for name, parameter in model.named_parameters():
                    self.weights[name][own].copy_(parameter)

    def store(self, models: Sequence[nn.Module]) -> None:
        """Give every model its weights."""
        with torch.no_grad():
            for own, model in enumerate(models):
                for name, parameter in model.named_parameters():
                    parameter.copy_(self.weights[name][own])

    def forward(self, images: Tensor) -> Tensor:
        """[S, B, C, *extents] -> [S, B, classes]."""
        backbone = self.template.backbone
        rows, grid = self._embedded(images)
        for block in backbone.blocks:
            rows = self._block(block, rows, grid)
        rows = self._norm(backbone.norm, rows)
        patches = rows.shape[2] - backbone.tokens
        readout = READOUTS[backbone.config.readout]
        read = rows[:, :, patches:] if readout.of_tokens else rows[:, :, :patches]
        pooled = readout.pool(read.flatten(0, 1)).unflatten(0, (self.count, -1))
        head = self.template.head
        return self._linear(head, pooled) if isinstance(head, nn.Linear) else pooled

    def _linear(self, layer: nn.Module, rows: Tensor) -> Tensor:
        """A linear layer or a convolution over patches: [S, ..., in] -> [S, ..., out]."""
        layer = cast(nn.Linear, layer)
        weight = self.stacked(layer.weight).flatten(2).mT
        flat = rows.flatten(1, -2)
        if layer.bias is None:
            made = torch.bmm(flat, weight)
        else:
            made = torch.baddbmm(self.stacked(layer.bias)[:, None], flat, weight)
        return made.unflatten(1, rows.shape[1:-1])

    def _norm(self, layer: nn.Module, rows: Tensor) -> Tensor:
        layer = cast(nn.LayerNorm, layer)
        scale, shift = (self._beside(parameter, rows) for parameter in (layer.weight, layer.bias))
        return torch.addcmul(shift, F.layer_norm(rows, rows.shape[-1:], eps=layer.eps), scale)

    def _beside(self, parameter: Tensor, rows: Tensor) -> Tensor:
        """A parameter over channels for rows [S, ..., D]."""
        return self.stacked(parameter).view(self.count, *(1,) * (rows.ndim - 2), -1)

    def _embedded(self, images: Tensor) -> tuple[Tensor, Grid]:
        """[S, B, C, *extents] -> [S, B, L + T, dim] and the grid."""
        backbone = self.template.backbone
        grid = backbone.embed.grid_for(images.shape[1:])
        rows = self._linear(backbone.embed.project, _patches(images, backbone.embed, grid))
        positions, tokens = backbone.positions, backbone.class_tokens
        if positions is not None:
            if grid != positions.grid:
                apart = f"images of {images.shape[3:]} would resize the positions of {self.count} models"
                raise ScanlabError.at("S612", apart, help="give images of the models' own size")
            rows = rows + self.stacked(positions.patches)[:, None]
        if tokens is None:
            return rows, grid
        beside = self.stacked(tokens)
        if positions is not None and positions.tokens is not None:
            beside = beside + self.stacked(positions.tokens)
        return torch.cat([rows, beside[:, None].expand(-1, rows.shape[1], -1, -1)], dim=2), grid

    def _block(self, block: Block, rows: Tensor, grid: Grid) -> Tensor:
        def mixed(joined: Tensor, table: PathTable, _: Grid) -> Tensor:
            return self._mixed(block.mixer, joined.unflatten(0, (self.count, -1)), table).flatten(0, 1)

        # The tokens of a path are those of every sample, whichever model reads it.
        normed = self._norm(block.norm, rows).flatten(0, 1)
        rows = rows + block.mixer.through(normed, grid, mixed).unflatten(0, (self.count, -1))
        if block.norm2 is None or block.mlp is None:
            return rows
        wide, activation, narrow = block.mlp
        return rows + self._linear(narrow, activation(self._linear(wide, self._norm(block.norm2, rows))))

    def _mixed(self, mixer: Mixer, rows: Tensor, table: PathTable) -> Tensor:
        """`mix` of a mixer: [S, B, L, dim] -> [S, B, L, dim]."""
        u, z = self._linear(mixer.project_in, rows), None
        if mixer.config.gate:
            u, z = u.chunk(2, dim=-1)
        u = F.silu(u)
        y = self._scanned(mixer, u, table) if isinstance(mixer, ScanMixer) else self._skipped(mixer, u, table)
        norm, project_out = cast(nn.Module | None, mixer.norm), cast(nn.Module, mixer.project_out)
        y = y if norm is None else self._norm(norm, y)
        return self._linear(project_out, y if z is None else y * F.silu(z))

    def _skipped(self, mixer: Mixer, u: Tensor, table: PathTable) -> Tensor:
        """What `NoScanMixer` has in place of a scan."""
        skip = self.stacked(cast(Tensor, mixer.skip))
        skip = torch.stack([mixer.own(own, table.paths).expand(table.paths, -1).sum(0) for own in skip])
        u = u * skip[:, None, None]
        return u / table.paths if mixer.config.average else u

    def _scanned(self, mixer: ScanMixer, u: Tensor, table: PathTable) -> Tensor:
        """The scan of [S, B, L, inner], with the channels of all models side by side."""
        sets, state, paths = mixer.sets, mixer.config.state, table.paths
        rows = self._linear(mixer.project_scan, u).unflatten(-1, (sets, -1)).movedim(3, 1)
        low, B, C = rows.split([mixer.rank, state, state], dim=-1)
        delta_weight = self.stacked(mixer.delta_weight)
        delta = torch.bmm(low.flatten(2, 3).flatten(0, 1), delta_weight.flatten(0, 1)).unflatten(0, (-1, sets))
        # [S, sets, B, L, inner] -> [B, sets, L, S inner], and B and C [B, sets, S, L, N]: a group for each model.
        delta = delta.unflatten(2, low.shape[2:4]).permute(2, 1, 3, 0, 4).flatten(3)
        B, C = (_for_paths(mixer, part.permute(2, 1, 0, 3, 4), paths, axis=1) for part in (B, C))
        decay = _for_paths(mixer, _joined(-self.stacked(mixer.decay_log).exp()), paths)
        skip, bias = (_for_paths(mixer, _joined(self.stacked(p)), paths) for p in (mixer.skip, mixer.delta_bias))
        delta = _for_paths(mixer, delta, paths, axis=1)
        most = max(delta.shape[1], len(decay))
        y = selective_scan(
            u.permute(1, 2, 0, 3).flatten(2),
            delta.expand(-1, most, -1, -1),
            decay.expand(most, -1, -1),
            B.expand(-1, most, -1, -1, -1),
            C.expand(-1, most, -1, -1, -1),
            skip.expand(most, -1),
            delta_bias=bias.expand(most, -1),
            delta_softplus=True,
            paths=table,
            merge=self._merge(mixer),
        )
        assert isinstance(y, Tensor)
        y = y if mixer.scale == 1 else y * mixer.scale
        return y.unflatten(2, (self.count, -1)).permute(2, 0, 1, 3)

    def _merge(self, mixer: Mixer) -> Tensor | str:
        """The weights of the paths, [K, S inner], or a word."""
        merge = mixer.merge
        if merge.plain:
            return "sum"
        own = [(name, self.stacked(gate)) for name, gate in merge.named_parameters()]
        return torch.cat([functional_call(merge, {n: g[s] for n, g in own}, ()) for s in range(self.count)], dim=1)


def _checked(models: Sequence[nn.Module]) -> Classifier:
    """The first of some models. Raises S612 where they cannot be computed side by side."""
    first, help = models[0], "train or run them one after the other"
    if any(type(model) is not Classifier for model in models):
        raise ScanlabError.at("S612", "only classifiers over a backbone are computed side by side", help=help)
    assert isinstance(first, Classifier)
    if why := why_apart(first.backbone.config):
        raise ScanlabError.at("S612", f"models are not computed side by side where {why}", help=help)
    shapes = [{name: p.shape for name, p in model.named_parameters()} for model in models]
    plans = [[str(block.mixer.paths.value) for block in cast(Classifier, model).backbone.blocks] for model in models]
    if any(other != shapes[0] for other in shapes) or any(other != plans[0] for other in plans):
        raise ScanlabError.at("S612", "the models differ in their shapes, or in the order of their scans", help=help)
    return first


def _patches(images: Tensor, embed: PatchEmbed, grid: Grid) -> Tensor:
    """[S, B, C, *extents] -> [S, B, *grid, C sides], filled up with zeros where patches do not divide the extents."""
    sides = embed.patch
    missing = [side * n - have for side, n, have in zip(sides, grid, images.shape[3:], strict=True)]
    if any(missing):
        images = F.pad(images, [pad for n in reversed(missing) for pad in (0, n)])
    images = embed.normalized(images)
    for axis, side in enumerate(sides):
        images = images.unfold(3 + axis, side, side)
    axes = len(sides)
    cells = images.permute(0, 1, *range(3, 3 + axes), 2, *range(3 + axes, 3 + 2 * axes))
    return cells.flatten(2 + axes).flatten(2, 1 + axes)


def _joined(parameter: Tensor) -> Tensor:
    """[S, sets, inner, ...] -> [sets, S inner, ...]."""
    return parameter.transpose(0, 1).flatten(1, 2)


def _for_paths(mixer: Mixer, parameter: Tensor, paths: int, axis: int = 0) -> Tensor:
    """A parameter with an axis over sets for each of K paths."""
    return mixer.own(parameter.movedim(axis, 0), paths).movedim(0, axis)
