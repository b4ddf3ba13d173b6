"""From pixels to tokens: patches, their positions, and the way from one stage's grid to the next."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.nn.config import BackboneConfig
from scanlab.nn.exempt import Exempt
from scanlab.nn.kinds import DOWNSAMPLES, INPUTS, NORMS, POSITIONS, STEMS

__all__ = ["Downsample", "PatchEmbed", "Positions", "convolution", "halved", "norm_layer", "to_picture", "to_rows"]

Grid = tuple[int, ...]


def convolution(axes: int) -> Callable[..., nn.Conv1d | nn.Conv2d | nn.Conv3d]:
    """The convolution over so many axes."""
    return {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[axes]


def norm_layer(kind: str, dim: int) -> nn.Module:
    """A layer norm or a root-mean-square norm over channels, both with Mamba's epsilon."""
    return NORMS[kind](dim)


def to_rows(picture: Tensor) -> Tensor:
    """[B, D, *grid] -> [B, L, D], in raster order."""
    return picture.flatten(2).transpose(1, 2)


def to_picture(rows: Tensor, grid: Grid) -> Tensor:
    """[B, L, D] -> [B, D, *grid]; a view."""
    # Made in this order, a batch of one is channel-last to torch as well, and convolutions keep it so.
    return rows.unflatten(1, grid).movedim(-1, 1)


def halved(grid: Grid) -> Grid:
    """The grid after a downsampling, rounded up."""
    return tuple((n + 1) // 2 for n in grid)


class PatchEmbed(nn.Module):
    """Images, volumes or videos [B, C, *extents] to rows [B, L, dim] over a grid.

    Extents that patches do not divide are filled up with zeros at their ends. Raises S614 for inputs that do not fit.
    """

    def __init__(self, channels: int, config: BackboneConfig, axes: int) -> None:
        super().__init__()
        self.channels = channels
        self.patch = config.patch_sides(axes)
        self.stride = config.stride
        conv = convolution(axes)
        self.first: nn.Module | None = None
        self.first_norm: nn.Module | None = None
        self.project: nn.Module
        stem = STEMS[config.stem]
        if stem.halving:
            self.first, self.project = _halvings(channels, config, self.patch)
        elif stem.overlapping:
            if set(self.patch) != {4}:
                shown = grid_text(self.patch)
                raise ScanlabError.at("S612", f"an overlapping stem makes patches of side 4, not {shown}")
            self.first = conv(channels, config.dim // 2, 3, stride=2, padding=1)
            self.first_norm = norm_layer(config.norm_kind, config.dim // 2)
            self.project = conv(config.dim // 2, config.dim, 3, stride=2, padding=1)
        else:
            self.project = conv(channels, config.dim, self.patch, self.stride or self.patch)
        self.norm = norm_layer(config.norm_kind, config.dim) if stem.norm else None
        self.inputs = INPUTS[config.inputs]
        if self.inputs.mean and len(self.inputs.mean) != channels:
            shown = count_text(len(self.inputs.mean), "channel")
            raise ScanlabError.at("S612", f"inputs={config.inputs!r} have {shown}, and the model reads {channels}")

    def normalized(self, pixels: Tensor) -> Tensor:
        """[B, C, …] as the first convolution reads them."""
        if not self.inputs.mean:
            return pixels
        shape = (-1, *(1,) * len(self.patch))
        mean, std = (pixels.new_tensor(each).view(shape) for each in (self.inputs.mean, self.inputs.std))
        return (pixels - mean) / std

    def grid_of(self, extents: Sequence[int]) -> Grid:
        """How many patches an input of these extents has along each axis. Raises S614."""
        shown, patch = grid_text(extents), grid_text(self.patch)
        if len(extents) != len(self.patch):
            raise ScanlabError.at(
                "S614",
                f"an input of {shown} has {count_text(len(extents), 'axis')}, "
                f"and the model's patches, {patch}, {len(self.patch)}",
            )
        if any(n < side for n, side in zip(extents, self.patch, strict=True)):
            raise ScanlabError.at(
                "S614",
                f"an input of {shown} is smaller than a patch of {patch}",
                help="enlarge it, or choose smaller patches",
            )
        pairs = zip(extents, self.patch, strict=True)
        if self.stride:
            return tuple((n - side) // self.stride + 1 for n, side in pairs)
        return tuple(math.ceil(n / side) for n, side in pairs)

    def grid_for(self, shape: Sequence[int]) -> Grid:
        """The grid of images of a shape [B, C, *extents]. Raises S614 where the model does not read such images."""
        axes = len(self.patch)
        if len(shape) < 2 + axes:
            raise ScanlabError.at(
                "S614",
                f"images of shape {list(shape)} have {len(shape)} axes, and the model reads {2 + axes}: "
                f"[B, C, {', '.join('hw' if axes == 2 else 'thw'[-axes:])}]",
                help="give a batch: images[None]" if len(shape) == 1 + axes else "",
            )
        grid = self.grid_of(shape[2:])
        if shape[1] != self.channels:
            raise ScanlabError.at("S614", f"the input has {shape[1]} channels, and the model reads {self.channels}")
        return grid

    def forward(self, images: Tensor) -> tuple[Tensor, Grid]:
        """[B, C, *extents] -> rows [B, L, dim], and the grid."""
        grid = self.grid_for(images.shape)
        missing = [side * n - have for side, n, have in zip(self.patch, grid, images.shape[2:], strict=True)]
        if any(missing) and not self.stride:
            images = F.pad(images, [pad for n in reversed(missing) for pad in (0, n)])
        images = self.normalized(images)
        if self.first is not None and self.first_norm is None:
            images = self.first(images)
        elif self.first is not None and self.first_norm is not None:
            picture = self.first(images)
            rows = F.gelu(self.first_norm(to_rows(picture)))
            images = to_picture(rows, tuple(picture.shape[2:]))
        rows = to_rows(self.project(images))
        return (rows if self.norm is None else self.norm(rows)), grid


class _Halving(nn.Sequential):
    """A convolution of width 3, a norm of its channels, GELU: pictures [B, C, *extents] to pictures."""

    def __init__(self, convolution: nn.Module, norm: nn.Module) -> None:
        super().__init__(convolution, norm, nn.GELU())

    def forward(self, input: Tensor) -> Tensor:
        convolution, norm, after = self
        picture = convolution(input)
        return to_picture(after(norm(to_rows(picture))), tuple(picture.shape[2:]))


def _halvings(channels: int, config: BackboneConfig, patch: Sequence[int]) -> tuple[nn.Module, nn.Module]:
    """Convolutions that halve the axes until a patch is one cell, with twice the channels each, and the last of
    them."""
    halvings = [side.bit_length() - 1 for side in patch]
    if any(side < 1 or side & (side - 1) for side in patch) or max(halvings) < 2:
        raise ScanlabError.at(
            "S612",
            f"a halving stem makes patches whose sides are powers of two, 4 or more along one axis, not "
            f"{grid_text(patch)}",
        )
    conv, layers, count = convolution(len(patch)), [], max(halvings)
    for number in range(count):
        width = max(config.dim >> (count - 1 - number), min(8, config.dim))
        strides = tuple(2 if number < n else 1 for n in halvings)
        layers.append(conv(channels, width, 3, stride=strides, padding=1))
        channels = width
    first = [_Halving(layer, norm_layer(config.norm_kind, layer.out_channels)) for layer in layers[:-1]]
    return nn.Sequential(*first), layers[-1]


class Positions(Exempt):
    """Learned embeddings of where a token stands; resized where the input has another grid.

    kind "learned": patches [L, dim]; "factored": patches [L of one frame, dim] and frames [F, dim], the first axis
    being time. tokens [T, dim], from 0, where there are class tokens.
    """

    exempt = ("patches", "frames", "tokens")

    def __init__(self, kind: str, grid: Grid, dim: int, spread: float, tokens: int) -> None:
        super().__init__()
        self.factored = POSITIONS[kind].factored
        self.grid = grid[1:] if self.factored else grid
        self.patches = nn.Parameter(torch.randn(math.prod(self.grid), dim) * spread)
        self.frames = nn.Parameter(torch.zeros(grid[0], dim)) if self.factored else None
        self.tokens = nn.Parameter(torch.zeros(tokens, dim)) if tokens else None

    def forward(self, rows: Tensor, grid: Grid) -> Tensor:
        """Add them to patches [B, L, dim]."""
        if self.frames is None:
            return rows + _resized(self.patches, self.grid, grid)
        frames = _resized(self.frames, (len(self.frames),), grid[:1])
        places = _resized(self.patches, self.grid, grid[1:])
        return rows + (frames[:, None] + places).flatten(0, 1)


class Downsample(nn.Module):
    """Rows over a grid to rows of twice the width over half the grid.

    "merge": the patches of every 2x2 cell side by side, a norm, a projection (Swin, arXiv 2103.14030); "overlapping": a
    convolution of width 3 and stride 2, and a norm (VMamba). Odd grids are filled up with zeros.
    """

    def __init__(self, kind: str, dim: int, axes: int, norm_kind: str) -> None:
        super().__init__()
        self.axes, self.overlapping = axes, DOWNSAMPLES[kind].overlapping
        self.reduce: nn.Module
        if self.overlapping:
            self.reduce = convolution(axes)(dim, 2 * dim, 3, stride=2, padding=1)
            self.norm = norm_layer(norm_kind, 2 * dim)
        else:
            self.norm = norm_layer(norm_kind, dim * 2**axes)
            self.reduce = nn.Linear(dim * 2**axes, 2 * dim, bias=False)

    def forward(self, rows: Tensor, grid: Grid) -> tuple[Tensor, Grid]:
        """[B, L, dim] over a grid -> [B, L', 2 dim] over `halved(grid)`."""
        if self.overlapping:
            return self.norm(to_rows(self.reduce(to_picture(rows, grid)))), halved(grid)
        cells = rows.unflatten(1, grid)
        if any(n % 2 for n in grid):
            cells = F.pad(cells, [0, 0] + [pad for n in reversed(grid) for pad in (0, n % 2)])
        # The first axis changes fastest, as in Swin's code.
        corners = [tuple(reversed(starts)) for starts in product((0, 1), repeat=self.axes)]
        merged = torch.cat([cells[(slice(None), *(slice(s, None, 2) for s in at))] for at in corners], dim=-1)
        return self.reduce(self.norm(merged.flatten(1, -2))), halved(grid)


def _resized(embedding: Tensor, old: Grid, new: Grid) -> Tensor:
    """[L, dim] over one grid, interpolated to another: linear over one and three axes, bicubic over two."""
    if old == new:
        return embedding
    mode = {1: "linear", 2: "bicubic", 3: "trilinear"}[len(old)]
    picture = to_picture(embedding.float()[None], old)
    return to_rows(F.interpolate(picture, new, mode=mode, align_corners=False))[0].to(embedding.dtype)
