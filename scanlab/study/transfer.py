"""Inputs changed after training: rotated, or of another size."""

from __future__ import annotations

import re

import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["transfer_grid", "transferred"]


def transferred(name: str, images: Tensor, masks: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """Images [B, C, *extents] and perhaps masks [B, *extents] after a change.

    "rotate 90" (or 180, 270): turned in the plane of the last two axes, so many degrees from the last but one towards
    the last. "size 16x16": resized, (bi-, tri-)linear; masks to the nearest. Raises S651 for any other name.
    """
    turns, size = _read(name)
    if turns:
        return torch.rot90(images, turns, (-2, -1)), None if masks is None else torch.rot90(masks, turns, (-2, -1))
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(size)]
    resized = F.interpolate(images, size, mode=mode, align_corners=False, antialias=False)
    if masks is None:
        return resized, None
    return resized, F.interpolate(masks[:, None].float(), size, mode="nearest")[:, 0].to(masks.dtype)


def transfer_grid(name: str, grid: tuple[int, ...], sides: tuple[int, ...]) -> tuple[int, ...]:
    """The grid of patches with such sides that a changed input has, if an unchanged one has `grid`. Raises S651."""
    turns, size = _read(name)
    if turns:
        return (*grid[:-2], grid[-1], grid[-2]) if turns % 2 else grid
    if len(size) != len(sides):
        raise ScanlabError.at(
            "S651", f"`{name}` has {len(size)} extents and the data {len(sides)}", help="give one extent per axis"
        )
    return tuple(-(-extent // side) for extent, side in zip(size, sides, strict=True))


def _read(name: str) -> tuple[int, tuple[int, ...]]:
    """Quarter turns, or extents."""
    if found := re.fullmatch(r"rotate (90|180|270)", name):
        return int(found[1]) // 90, ()
    if found := re.fullmatch(r"size ([1-9]\d*(?:x[1-9]\d*)*)", name):
        return 0, tuple(map(int, found[1].split("x")))
    raise ScanlabError.at(
        "S651", f"`{name}` is no change of the inputs", help="write rotate 90, rotate 180, rotate 270, or size 16x16"
    )
