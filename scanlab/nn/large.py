"""One pass over a large picture in little memory: a few rows of patches, or a few channels, at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.backbone import Backbone, Block, backbone_of
from scanlab.nn.decoders import PyramidDecoder
from scanlab.nn.frame_groups import Groups
from scanlab.nn.heads import Classifier, Segmenter
from scanlab.nn.in_parts import mixed_in_parts, row_blocks
from scanlab.nn.kinds import STEMS
from scanlab.nn.mixer_state import MixerState
from scanlab.nn.picture_rows import PictureRows, as_picture_rows
from scanlab.nn.pyramid_bands import class_dtype, classes_by_bands
from scanlab.nn.streaming import check_backbone, next_group

__all__ = ["Reading", "large_pass", "reading_of"]

# Along the rows of patches: how many at once a scan may need, windows of 16 included.
LATENCIES = range(1, 17)
# Patches that are read together where the scan streams: fewer leave the kernels with little to do.
TOGETHER = 4096
# Rows of pixels that are embedded at a time, where patches stand side by side.
EMBEDDED_ROWS = 256


@dataclass(frozen=True)
class Reading:
    """How a model reads a large picture. latency: so many rows of patches at a time, with the state carried from one to
    the next; 0 for all of them at once, a few channels at a time. why: the reason for that, "" where it is not so.

    >>> Reading(latency=0, why="class tokens stand for the picture as a whole").streams
    False
    """

    latency: int
    why: str = ""

    @property
    def streams(self) -> bool:
        """Whether rows of patches are read one after the other."""
        return self.latency > 0


def reading_of(model: nn.Module, extents: tuple[int, ...]) -> Reading:
    """How `large_pass` reads a picture of these extents. Raises S614, and S616 for a model without a backbone.

    A scan whose order goes through the rows of patches one group after the other, which is proved, is read so.

    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> config = BackboneConfig(patch=4, dim=8, positions="none")
    >>> reading_of(Backbone("snake", config, input_size=(16, 16)), (64, 64)).latency
    1
    >>> reading_of(Backbone("column", config, input_size=(16, 16)), (64, 64)).why
    '`column` cannot be followed row by row'
    """
    backbone = backbone_of(model)
    grid = backbone.grid_of(extents)
    try:
        check_backbone(backbone)
    except ScanlabError as error:
        return Reading(0, error.diagnostics[0].message.removeprefix("this model cannot read a video as it comes: "))
    values = {block.mixer.paths.value for block in backbone.blocks}
    why = ""
    for latency in (n for n in LATENCIES if grid[0] % n == 0):
        try:
            for value in values:
                Groups(value, latency).check(grid[1:])
        except ScanlabError as error:
            # What is a frame of a video is a row of patches here.
            why = why or error.diagnostics[0].message.replace("frame by frame", "row by row")
        else:
            return Reading(latency)
    return Reading(0, why)


@torch.no_grad()
def large_pass(model: nn.Module, picture: Tensor | PictureRows, *, streamed: bool | None = None) -> Tensor:
    """Read one picture [C, H, W], or a volume, whole, in as little memory as that takes.

    Of a Backbone: the rows [L + T, dim]. Of a Classifier: the logits [classes]. Of a Segmenter: the class of every
    pixel, uint8 (int64 beyond 256 classes) [H, W], computed band by band, so that no map of logits is ever whole. All
    are what `model(picture[None])` gives, to rounding; pixels whose two best classes are that close may differ.

    streamed: whether rows of patches are read one after the other with carried state, by default where `reading_of`
    says that they can be. Memory then hardly grows with the height; else it holds the rows of all patches three times
    and the scan's width once, with its channels computed a few at a time. Raises S614 for what the model does not read,
    S616 for other heads, and S720 where rows are to be streamed and cannot be.

    >>> import torch
    >>> from scanlab.nn import Backbone, BackboneConfig, Classifier
    >>> model = Classifier(Backbone("row", BackboneConfig(dim=8, positions="none"), input_size=(8, 8)), classes=5)
    >>> picture = torch.rand(1, 64, 48)
    >>> torch.allclose(large_pass(model, picture), model(picture[None])[0], atol=1e-5)
    True
    """
    source, backbone = as_picture_rows(picture), backbone_of(model)
    if not isinstance(model, Backbone | Classifier | Segmenter):
        raise ScanlabError.at("S616", f"a {type(model).__name__} has no pass over a large picture")
    grid = backbone.embed.grid_for((1, *source.shape))
    latency = _latency(model, source, streamed)
    if isinstance(model, Segmenter):
        return _classes(model, source, grid, latency)
    rows = _normed(backbone.norm, _rows(backbone, source, grid, latency)[None])[0]
    if isinstance(model, Backbone):
        return rows
    return model.forward_head(rows[None])[0]


def _latency(model: nn.Module, source: PictureRows, streamed: bool | None) -> int:
    if streamed is False:
        return 0
    reading = reading_of(model, source.extents)
    if streamed and not reading.streams:
        raise ScanlabError.at(
            "S720", f"rows of patches cannot be read one after the other: {reading.why}", help="leave streamed out"
        )
    return reading.latency


def _rows(backbone: Backbone, source: PictureRows, grid: tuple[int, ...], latency: int) -> Tensor:
    """The rows of the last stage before the norm, [L + T, dim]."""
    if latency:
        return torch.cat(_streamed(backbone, source, grid, latency, lambda rows: rows))
    rows, grid = _embedded(backbone, source, grid)
    return _through_stages(backbone, rows, grid, lambda *_: None)[0]


def _classes(model: Segmenter, source: PictureRows, grid: tuple[int, ...], latency: int) -> Tensor:
    """By bands under a pyramid of patches side by side; any other decoder takes the whole picture."""
    decoder = model.decoder
    if isinstance(decoder, PyramidDecoder) and not decoder.overlapping:
        return classes_by_bands(
            model, _features(model.backbone, list(decoder.levels.lateral), source, grid, latency), source
        )
    features = _features(model.backbone, [nn.Identity()] * len(model.backbone.stages), source, grid, latency)
    logits = model.head(decoder(source.read(0, source.extents[0])[None], features))
    return logits[0].argmax(0).to(class_dtype(logits.shape[1]))


def _features(
    backbone: Backbone, lateral: Sequence[nn.Module], source: PictureRows, grid: tuple[int, ...], latency: int
) -> list[tuple[Tensor, tuple[int, ...]]]:
    """What is read of every stage's rows, [1, L, width], and their grid."""
    if latency:
        parts = list(_streamed(backbone, source, grid, latency, lambda rows: lateral[0](rows)))
        return [(torch.cat(parts)[None], grid)]
    features: list[tuple[Tensor, tuple[int, ...]]] = []

    def read(rows: Tensor, grid: tuple[int, ...]) -> None:
        patches = rows[:, : rows.shape[1] - backbone.tokens]
        read_rows = [lateral[len(features)](patches[:, block]) for block in row_blocks(patches.shape[1])]
        features.append((torch.cat(read_rows, dim=1), grid))

    rows, grid = _embedded(backbone, source, grid)
    _through_stages(backbone, rows, grid, read)
    return features


def _streamed(
    backbone: Backbone,
    source: PictureRows,
    grid: tuple[int, ...],
    latency: int,
    keep: Callable[[Tensor], Tensor],
) -> list[Tensor]:
    """What is kept of the rows of one group after the other: [M, dim] before the norm -> [M, …]."""
    in_one = grid[0]
    for height in (latency * n for n in range(1, grid[0] // latency + 1)):
        if grid[0] % height == 0 and height * _width(grid) >= TOGETHER:
            in_one = height
            break
    made = {value: Groups(value, in_one) for value in {b.mixer.paths.value for b in backbone.blocks}}
    groups = [made[block.mixer.paths.value] for block in backbone.blocks]
    inside, side, states, kept = in_one * _width(grid), backbone.embed.patch[0], (), []
    whole = None
    if backbone.positions is not None:
        like = backbone.positions.patches
        whole = backbone.positions(torch.zeros((), device=like.device, dtype=like.dtype), grid)
    for number in range(grid[0] // in_one):
        rows, part = backbone.embed(_pixels(source, number * in_one * side, (number + 1) * in_one * side))
        if whole is not None:
            rows = rows + whole[number * inside : (number + 1) * inside]
        rows, states = next_group(backbone.blocks, groups, rows, part, number, cast("tuple[MixerState, ...]", states))
        kept.append(keep(rows[0]))
    return kept


def _width(grid: tuple[int, ...]) -> int:
    """Patches of one row."""
    return torch.Size(grid[1:]).numel()


def _embedded(backbone: Backbone, source: PictureRows, grid: tuple[int, ...]) -> tuple[Tensor, tuple[int, ...]]:
    """What the first block reads, [1, L + T, dim]: of patches side by side, some rows of pixels at a time."""
    if STEMS[backbone.config.stem].overlapping or backbone.config.stride:
        return backbone.embedded(source.read(0, source.extents[0])[None])
    side = backbone.embed.patch[0]
    rows = []
    for place in row_blocks(grid[0], max(1, EMBEDDED_ROWS // side)):
        rows.append(backbone.embed(_pixels(source, place.start * side, place.stop * side))[0])
    return backbone.placed(torch.cat(rows, dim=1), grid), grid


def _pixels(source: PictureRows, first: int, last: int) -> Tensor:
    """Rows of pixels as a batch of one, filled up with zeros beyond the last."""
    pixels = source.read(first, min(last, source.extents[0]))[None]
    missing = last - first - pixels.shape[2]
    return F.pad(pixels, [0, 0] * (pixels.ndim - 3) + [0, missing]) if missing else pixels


def _through_stages(
    backbone: Backbone, rows: Tensor, grid: tuple[int, ...], read: Callable[[Tensor, tuple[int, ...]], None]
) -> Tensor:
    for stage in backbone.all_stages():
        for block in stage.blocks:
            rows = _through(cast(Block, block), rows, grid)
        read(rows, grid)
        rows, grid = stage.onward(rows, grid)
    return rows


def _through(block: Block, rows: Tensor, grid: tuple[int, ...]) -> Tensor:
    """A block, its rows added to in place."""
    rows += mixed_in_parts(block.mixer, _normed(block.norm, rows), grid)
    if block.norm2 is not None and block.mlp is not None:
        for part in row_blocks(rows.shape[1]):
            rows[:, part] += block.mlp(block.norm2(rows[:, part]))
    return rows


def _normed(norm: nn.Module, rows: Tensor) -> Tensor:
    """A norm over channels, which may take several times its rows."""
    normed = torch.empty_like(rows)
    for part in row_blocks(rows.shape[1]):
        normed[:, part] = norm(rows[:, part])
    return normed
