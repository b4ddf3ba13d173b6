"""The backbone: patches, stages of blocks whose mixers scan, a norm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from scanlab.compiler.bind import CompiledPlan, CompiledScan
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import Extents, grid_of
from scanlab.ir.values import Order, Scan
from scanlab.nn.config import BackboneConfig
from scanlab.nn.embed import Downsample, Grid, PatchEmbed, Positions, halved, norm_layer
from scanlab.nn.exempt import Exempt, no_weight_decay
from scanlab.nn.kinds import MIXERS, POSITIONS, READOUTS
from scanlab.nn.layer_paths import Alteration, Strategy, has_class_token, layer_values, strategy_value
from scanlab.nn.mixer import LayerSpec, Mixer
from scanlab.nn.packing import packed_rows
from scanlab.renamed import renamed_fields

__all__ = ["Backbone", "Block", "Stage", "backbone_of", "class_tokens"]


@renamed_fields(sizes="config")
class Block(nn.Module):
    """x + mixer(norm(x)), then x + mlp(norm2(x)) where there is one: [B, L, dim] -> [B, L, dim].

    >>> import torch
    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> block = Backbone("hilbert", BackboneConfig(dim=8), input_size=(8, 8)).blocks[0]
    >>> block(torch.zeros(2, 16, 8), grid=(4, 4)).shape
    torch.Size([2, 16, 8])
    """

    def __init__(self, mixer: Mixer, config: BackboneConfig, drop_path: float) -> None:
        super().__init__()
        dim, hidden = mixer.dim, int(config.mlp * mixer.dim)
        self.norm = norm_layer(config.norm_kind, dim)
        self.mixer = mixer
        self.norm2 = norm_layer(config.norm_kind, dim) if hidden else None
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim)) if hidden else None
        self.drop_path = drop_path

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        """[B, L, dim] over a grid -> [B, L, dim]."""
        return self.onward(x, self.mixer(self.norm(x), grid))

    def onward(self, x: Tensor, mixed: Tensor, lengths: Sequence[int] | None = None) -> Tensor:
        """What follows the mixer: [B, L, dim], and what it made of their norm. lengths: of the images packed in L."""
        x = x + self._dropped(mixed, lengths)
        if self.norm2 is None or self.mlp is None:
            return x
        return x + self._dropped(self.mlp(self.norm2(x)), lengths)

    def _dropped(self, branch: Tensor, lengths: Sequence[int] | None) -> Tensor:
        if not (self.training and self.drop_path):
            return branch
        keep = 1 - self.drop_path
        if lengths is None:
            return branch * (torch.rand(branch.shape[0], 1, 1, device=branch.device) < keep) / keep
        kept = torch.rand(len(lengths), device=branch.device) < keep
        return branch * kept.repeat_interleave(torch.tensor(lengths, device=branch.device))[:, None] / keep


class Stage(nn.Module):
    """Blocks over one grid, and the way to the next stage's: rows, grid -> rows, grid."""

    def __init__(self, blocks: Sequence[Block], downsample: Downsample | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample

    def forward(self, rows: Tensor, grid: Grid, checkpointing: bool = False) -> Tensor:
        """The blocks alone: [B, L, dim] -> [B, L, dim]."""
        for block in self.blocks:
            rows = checkpoint(block, rows, grid, use_reentrant=False) if checkpointing else block(rows, grid)
        return rows

    def onward(self, rows: Tensor, grid: Grid) -> tuple[Tensor, Grid]:
        """To the grid of the next stage."""
        return (rows, grid) if self.downsample is None else self.downsample(rows, grid)


@renamed_fields(sizes="config")
class Backbone(Exempt):
    """Images, volumes or videos [B, C, *extents] to rows [B, L + T, dim]: patches in raster order, then class tokens.

    strategy: a library name, a line of the language, a value, or something compiled; over as many axes as the input
    has. input_size: the usual extents, in pixels; may be left out for a compiled strategy. Inputs of any other size are
    taken too: the scan is compiled once for each, positions are resized. `alter`: see LayerPaths.

    Initial weights come from torch's global generator in an order that does not depend on the scan: gates start at 1
    and class tokens draw from a copy of it, so that strategies with the same settings start alike. `checkpointing`, off
    at first, trades time for memory in training. Raises S602 to S605, S612 and S614 for what does not fit.

    >>> import torch
    >>> from scanlab.nn import BackboneConfig
    >>> backbone = Backbone("cycle(row, column)", BackboneConfig(patch=4, dim=8), input_size=(32, 32), channels=3)
    >>> backbone(torch.zeros(2, 3, 32, 32)).shape  # 8 x 8 patches
    torch.Size([2, 64, 8])
    >>> backbone(torch.zeros(1, 3, 16, 64)).shape  # any other size
    torch.Size([1, 64, 8])
    """

    exempt = ("class_tokens",)

    def __init__(
        self,
        strategy: Strategy,
        config: BackboneConfig,
        *,
        input_size: Extents | None = None,
        channels: int = 1,
        alter: Alteration | None = None,
    ) -> None:
        super().__init__()
        extents = _extents(strategy, config, input_size)
        self.config, self.input_size, self.channels = config, extents, channels
        self.strategy = strategy_value(strategy, len(extents))
        self.checkpointing = False
        values = layer_values(self.strategy, sum(config.depths))
        self.built = values
        self.tokens = class_tokens(values, config)
        self.dim = config.dim * 2 ** (len(config.depths) - 1)
        self.embed = PatchEmbed(channels, config, len(extents))
        grid = self.grid_of(extents)
        self.positions = (
            Positions(config.positions, grid, config.dim, config.position_spread, self.tokens)
            if POSITIONS[config.positions].learned
            else None
        )
        self.stages = nn.ModuleList(_stages(values, config, grid, alter))
        self.norm = norm_layer(config.norm_kind, self.dim)
        self.class_tokens = nn.Parameter(_first_tokens(self.tokens, config.dim)) if self.tokens else None

    @property
    def blocks(self) -> list[Block]:
        """All blocks, first to last."""
        return [cast(Block, block) for stage in self.all_stages() for block in stage.blocks]

    def no_weight_decay(self) -> set[str]:
        """The names of parameters that are usually not decayed; see `scanlab.nn.exempt`."""
        return no_weight_decay(self)

    def grid_of(self, extents: Sequence[int]) -> Grid:
        """The grid of patches of an input, in the first stage. Raises S614."""
        return self.embed.grid_of(extents)

    def prepare(self, extents: Extents) -> None:
        """Compile the scans for another size of inputs, before torch.compile or torch.export meets it."""
        for block, grid in self.block_grids(grid_of(extents, what="input size")):
            block.mixer.paths.prepare(grid)

    def block_grids(self, extents: Sequence[int]) -> Iterator[tuple[Block, Grid]]:
        """Every block with the grid it sees for an input of these extents."""
        grid = self.grid_of(extents)
        for stage in self.all_stages():
            yield from ((cast(Block, block), grid) for block in stage.blocks)
            grid = halved(grid)

    def forward(self, images: Tensor) -> Tensor:
        """[B, C, *extents] -> [B, L + T, dim]; with stages, L and dim of the last."""
        rows, _ = self._run(images)[-1]
        return self.norm(rows)

    def packed(self, images: Iterable[Tensor]) -> list[Tensor]:
        """Images of any sizes in one batch, without filling up: [C, *extents] each -> rows [L + T, dim] of each.

        As `forward` gives them one by one. Blocks take the rows of all images at once, side by side; only what looks at
        a grid as a picture, and mixers that no path parts, such as attention, take them one after the other. Raises
        S614 for images that do not fit, S717 for what is no list of images, chains and mean tokens.

        >>> import torch
        >>> from scanlab.nn import BackboneConfig
        >>> backbone = Backbone("cross", BackboneConfig(patch=4, dim=8), input_size=(16, 16), channels=3)
        >>> [tuple(rows.shape) for rows in backbone.packed([torch.zeros(3, 16, 16), torch.zeros(3, 8, 20)])]
        [(16, 8), (10, 8)]
        """
        return packed_rows(self, images)

    def features(self, images: Tensor) -> list[tuple[Tensor, Grid]]:
        """The patches after the blocks of every stage: rows [B, L, dim] and their grid, without the last norm."""
        stages = self._run(images)
        return [(rows[:, : rows.shape[1] - self.tokens], grid) for rows, grid in stages]

    def _run(self, images: Tensor) -> list[tuple[Tensor, Grid]]:
        rows, grid = self.embedded(images)
        stages = []
        for stage in self.all_stages():
            rows = stage(rows, grid, self.checkpointing and self.training)
            stages.append((rows, grid))
            rows, grid = stage.onward(rows, grid)
        return stages

    def embedded(self, images: Tensor) -> tuple[Tensor, Grid]:
        """What the first block reads, [B, L + T, dim], and the grid."""
        rows, grid = self.embed(images)
        return self.placed(rows, grid), grid

    def placed(self, rows: Tensor, grid: Grid) -> Tensor:
        """Embedded patches with their positions, and the class tokens: [B, L, dim] -> [B, L + T, dim]."""
        if self.positions is not None:
            rows = self.positions(rows, grid)
        if self.class_tokens is not None:
            tokens = self.class_tokens
            if self.positions is not None and self.positions.tokens is not None:
                tokens = tokens + self.positions.tokens
            rows = torch.cat([rows, tokens.expand(rows.shape[0], -1, -1)], dim=1)
        return rows

    def all_stages(self) -> list[Stage]:
        """All stages, first to last."""
        return [cast(Stage, stage) for stage in self.stages]


def backbone_of(model: nn.Module) -> Backbone:
    """A model's backbone, or the model if it is one. Raises S616."""
    backbone = model if isinstance(model, Backbone) else getattr(model, "backbone", None)
    if not isinstance(backbone, Backbone):
        raise ScanlabError.at("S616", f"a {type(model).__name__} has no backbone that scans")
    return backbone


def class_tokens(values: Sequence[Order | Scan], config: BackboneConfig) -> int:
    """How many class tokens a backbone has. Raises S605 where the read-out needs one that a layer lacks."""
    missing = [value.name or "a scan" for value in values if not has_class_token(value)]
    readout = READOUTS[config.readout]
    if readout.of_tokens and missing:
        raise ScanlabError.at(
            "S605",
            f"{missing[0]} has no class token to read the class from",
            help='read out by "mean", or add "with cls at middle" to the scan',
        )
    if len(missing) == len(values):
        return 0
    if len(config.depths) > 1:
        raise ScanlabError.at(
            "S605", "class tokens cannot pass from one stage to the next", help='leave "with cls" out of the scan'
        )
    return 2 if readout.ends else 1


def _extents(strategy: Strategy, config: BackboneConfig, given: Extents | None) -> Grid:
    if given is not None:
        return grid_of(given, what="input size")
    if not isinstance(strategy, CompiledScan | CompiledPlan):
        raise ScanlabError.at(
            "S614", "the size of the inputs is not given", help="give input_size, as in (224, 224), or a compiled scan"
        )
    sides = config.patch_sides(len(strategy.grid))
    return tuple(n * side for n, side in zip(strategy.grid, sides, strict=True))


def _stages(
    values: Sequence[Order | Scan], config: BackboneConfig, grid: Grid, alter: Alteration | None
) -> Iterator[Stage]:
    total, done, dim = len(values), 0, config.dim
    for number, depth in enumerate(config.depths):
        blocks = []
        for layer in range(done, done + depth):
            spec = LayerSpec(values[layer], grid, dim, config.mixer, alter, ends=READOUTS[config.readout].ends)
            mixer = MIXERS[config.mixer.kind].mixer(spec)
            blocks.append(Block(mixer, config, config.drop_path * layer / max(1, total - 1)))
        last = number == len(config.depths) - 1
        yield Stage(blocks, None if last else Downsample(config.downsample, dim, len(grid), config.norm_kind))
        done, dim, grid = done + depth, 2 * dim, halved(grid)


def _first_tokens(count: int, dim: int) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        return torch.randn(count, dim) * 0.02
