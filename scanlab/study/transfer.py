"""Inputs changed after training: rotated, or of another size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import overload

import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.study import moved_boxes
from scanlab.study.loading import LoadedImages, LoadedMasks
from scanlab.study.moved_boxes import are_boxes, are_masks

__all__ = ["patch_grid", "transfer_grid", "transferred"]


@overload
def transferred(name: str, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]: ...


@overload
def transferred(
    name: str, images: Tensor | LoadedImages, targets: Tensor | LoadedMasks
) -> tuple[Tensor | LoadedImages, Tensor | LoadedMasks]: ...


def transferred(
    name: str, images: Tensor | LoadedImages, targets: Tensor | LoadedMasks
) -> tuple[Tensor | LoadedImages, Tensor | LoadedMasks]:
    """Images [B, C, *extents] and their targets after a change, which masks [B, *extents] and boxes [B, most, 5] go
    along with and all others do not. Images on disk change batch by batch, when they are read.

    "rotate 90" (or 180, 270): turned in the plane of the last two axes, so many degrees from the last but one towards
    the last. "size 16x16": resized, (bi-, tri-)linear; masks to the nearest. Raises S651 for any other name.
    """
    turns, size = _read(name)
    shape = tuple(images.shape)
    move = partial(_turned, turns=turns, shape=shape) if turns else partial(_resized, size=size, shape=shape)
    moved = targets.changed(move) if isinstance(targets, LoadedMasks) else move(targets)
    change = partial(torch.rot90, k=turns, dims=(-2, -1)) if turns else partial(_interpolated, size)
    return (images.changed(change) if isinstance(images, LoadedImages) else change(images)), moved


def _interpolated(size: tuple[int, ...], images: Tensor) -> Tensor:
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(size)]
    return F.interpolate(images, size, mode=mode, align_corners=False, antialias=False)


def _turned(targets: Tensor, turns: int, shape: Sequence[int]) -> Tensor:
    if are_boxes(targets):
        return moved_boxes.turned(targets, turns, tuple(shape[2:]))
    return torch.rot90(targets, turns, (-2, -1)) if are_masks(targets) else targets


def _resized(targets: Tensor, size: tuple[int, ...], shape: Sequence[int]) -> Tensor:
    if are_boxes(targets):
        scale = torch.tensor([new / old for old, new in zip(shape[2:], size, strict=True)])
        return moved_boxes.moved(targets, scale.expand(len(targets), 2), torch.zeros(len(targets), 2))
    if are_masks(targets):
        return F.interpolate(targets[:, None].float(), size, mode="nearest")[:, 0].to(targets.dtype)
    return targets


def transfer_grid(
    name: str, grid: tuple[int, ...], sides: tuple[int, ...], stride: int | None = None
) -> tuple[int, ...]:
    """The grid of patches with such sides that a changed input has, if an unchanged one has `grid`. Raises S651 for a
    name that is no change, or not one of such inputs."""
    turns, size = _read(name)
    if turns:
        if len(grid) < 2:
            raise ScanlabError.at("S651", f"`{name}` turns two axes, and the data have one", help="give data of more")
        if turns % 2 and sides[-1] != sides[-2]:
            raise ScanlabError.at(
                "S651",
                f"`{name}` needs patches that are as high as wide, and these are {grid_text(sides)}",
                help="choose rotate 180, or square patches",
            )
        return (*grid[:-2], grid[-1], grid[-2]) if turns % 2 else grid
    if len(size) != len(sides):
        raise ScanlabError.at(
            "S651",
            f"`{name}` has {count_text(len(size), 'extent')} and the data {len(sides)}",
            help="give one extent per axis",
        )
    return patch_grid(size, sides, stride)


def patch_grid(extents: Sequence[int], sides: Sequence[int], stride: int | None = None) -> tuple[int, ...]:
    """How many patches images of these extents have along each axis, as the backbone cuts them."""
    pairs = zip(extents, sides, strict=True)
    if stride:
        return tuple(max(0, n - side) // stride + 1 for n, side in pairs)
    return tuple(-(-n // max(1, side)) for n, side in pairs)


def _read(name: str) -> tuple[int, tuple[int, ...]]:
    """Quarter turns, or extents."""
    if match := re.fullmatch(r"rotate (90|180|270)", name):
        return int(match[1]) // 90, ()
    if match := re.fullmatch(r"size ([1-9][0-9]*(?:x[1-9][0-9]*)*)", name):
        return 0, tuple(map(int, match[1].split("x")))
    raise ScanlabError.at(
        "S651", f"`{name}` is no change of the inputs", help="write rotate 90, rotate 180, rotate 270, or size 16x16"
    )
