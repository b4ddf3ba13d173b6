"""The effective receptive field of a model: how much every pixel moves the features of the centre patch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from scanlab.compiler.spread import Cell, Spread, centre_cell, spread
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone
from scanlab.nn.head import Head

__all__ = ["Features", "ReceptiveField", "receptive_field"]

# From images [B, C, *extents] to the last features [B, L, D] of the patches, row-major, and their grid.
Features = Callable[[Tensor], tuple[Tensor, tuple[int, ...]]]


@dataclass(frozen=True, eq=False)
class ReceptiveField:
    """Contributions to the features of one cell, averaged over images.

    pixels float64 [*extents]: the gradient's positive part, summed over the input's channels. patches float64 [*grid]:
    the same summed over the pixels of each patch, as which every axis is divided into equal parts. pixel_cell,
    patch_cell: what the cell covers, (first, last + 1) per axis; in a model with stages the last stage's cell covers
    many patches.
    """

    pixels: np.ndarray
    patches: np.ndarray
    pixel_cell: Cell
    patch_cell: Cell
    images: int

    @property
    def spread(self) -> Spread:
        """How far the field spreads over the patches."""
        return spread(self.patches, self.patch_cell)

    @property
    def pixel_spread(self) -> Spread:
        """How far the field spreads over the pixels."""
        return spread(self.pixels, self.pixel_cell)


def receptive_field(
    model: nn.Module,
    images: Tensor,
    *,
    features: Features | None = None,
    grid: tuple[int, ...] | None = None,
    cell: tuple[int, ...] | None = None,
    batch: int = 16,
) -> ReceptiveField:
    """Measure the effective receptive field of a model on images [B, C, *extents] of 1 to 3 axes.

    The gradient, with respect to the input, of the rectified features of one cell of the last grid, summed over their
    channels; of that the positive part, summed over the input's channels and averaged over the images (Luo et al.,
    arXiv 1701.04128; as RepLKNet, arXiv 2203.06717, and VMamba, arXiv 2401.10166, measure it). Rectifying first is
    needed: the plain sum over the channels of a layer norm is constant. A pixel that moves the features down in every
    image counts 0, as one that does not move them at all.

    features: gives the last features; by default they are those of the Backbone that the model is or has, after
    its last norm. grid: how the pixels are divided into patches, by default the backbone's first grid, else the last.
    cell: by default n // 2 of every axis. batch: images at a time. The model computes as in evaluation; its mode,
    parameters and gradients stay as they were. Raises S635 for a model without such features, S480 for a cell outside
    the grid, S608 for no images, and what the model raises for images that do not fit it.
    """
    if not len(images) or batch < 1:
        raise ScanlabError.at("S608", "a receptive field is averaged over at least one image, in batches of at least 1")
    if features is None:
        backbone = _backbone_of(model)
        inputs = model.inputs if isinstance(model, Head) else nn.Identity()
        first = backbone.grid_of(tuple(images.shape[2:]))
        grid, features = grid or first, partial(_last_features, backbone, inputs)
    training = model.training
    model.eval()
    try:
        parts = [_gradients(features, part, cell) for part in images.split(batch)]
    finally:
        model.train(training)
    last = parts[0][1]
    pixels = np.sum([total for total, _ in parts], axis=0) / len(images)
    chosen = tuple((c, c + 1) for c in cell) if cell else centre_cell(last)
    patches = _per_patch(pixels, grid or last)
    covered = [_scaled(chosen, last, finer.shape) for finer in (pixels, patches)]
    return ReceptiveField(pixels, patches, covered[0], covered[1], len(images))


def _backbone_of(model: nn.Module) -> Backbone:
    backbone = model if isinstance(model, Backbone) else getattr(model, "backbone", None)
    if isinstance(backbone, Backbone):
        return backbone
    raise ScanlabError.at(
        "S635",
        f"{type(model).__name__} has no features with a grid to take a receptive field of",
        help="give features=, a function from images to features [B, L, D] and their grid",
    )


def _last_features(
    backbone: Backbone, inputs: Callable[[Tensor], Tensor], images: Tensor
) -> tuple[Tensor, tuple[int, ...]]:
    *_, (_, grid) = backbone.block_grids(tuple(images.shape[2:]))
    return backbone(inputs(images))[:, : math.prod(grid)], grid


def _gradients(features: Features, images: Tensor, cell: tuple[int, ...] | None) -> tuple[np.ndarray, tuple[int, ...]]:
    """The gradient's positive part summed over images and channels, float64 [*extents]; and the features' grid."""
    images = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        rows, grid = features(images)
        if rows.ndim != 3 or rows.shape[1] != math.prod(grid):
            raise ScanlabError.at(
                "S635", f"features of shape {tuple(rows.shape)} do not have one row per cell of {grid}"
            )
        chosen = cell or tuple(n // 2 for n in grid)
        if len(chosen) != len(grid) or not all(0 <= c < n for c, n in zip(chosen, grid, strict=True)):
            raise ScanlabError.at("S480", f"the last grid, {'x'.join(map(str, grid))}, has no cell {chosen}")
        centre = rows[:, int(np.ravel_multi_index(chosen, grid))]
        [gradient] = torch.autograd.grad(centre.relu().sum(), images)
    return gradient.double().relu().sum((0, 1)).cpu().numpy(), tuple(grid)


def _per_patch(pixels: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
    """Sum the pixels of each patch; a pixel belongs to the patch that holds its place on the axis."""
    summed = pixels
    for axis, (extent, count) in enumerate(zip(pixels.shape, grid, strict=True)):
        summed = np.add.reduceat(summed, [_part(i, count, extent)[0] for i in range(count)], axis)
    return summed


def _scaled(cell: Cell, grid: tuple[int, ...], finer: tuple[int, ...]) -> Cell:
    """What a cell of one grid covers in a finer one."""
    axes = zip(cell, grid, finer, strict=True)
    return tuple((_part(c[0], n, fine)[0], _part(c[1] - 1, n, fine)[1]) for c, n, fine in axes)


def _part(i: int, count: int, extent: int) -> tuple[int, int]:
    """First and last + 1 of the i-th of `count` equal parts of an axis."""
    return i * extent // count, max((i + 1) * extent // count, i * extent // count + 1)
