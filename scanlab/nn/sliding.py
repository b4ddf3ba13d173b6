"""Maps over pixels of images of any size: in one pass, or by windows that slide over them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product

import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text

__all__ = ["predict_map", "window_starts", "window_weights"]

# The spread of a window's weights over its side, as nnU-Net has it (arXiv 1809.10486, and its code).
SPREAD = 1 / 8


@torch.no_grad()
def predict_map(
    model: Callable[[Tensor], Tensor],
    images: Tensor,
    window: Sequence[int] | None = None,
    overlap: float = 0.5,
    *,
    batch: int = 1,
    on_window: Callable[[int, int], None] = lambda done, total: None,
) -> Tensor:
    """What a model says of every pixel: images [B, C, *extents] -> [B, classes, *extents], without gradients.

    window: None for one pass over the whole image; else extents of windows that slide over it, each overlapping the
    next by at least that share of its side, whose outputs are averaged with Gaussian weights of a standard deviation of
    an eighth of its sides, so that its middle counts most. Where the image is smaller than the window, the window is as
    the image. batch: windows at a time. on_window: called with how many windows are done and how many there are.
    Windows give what the whole gives only where a model sees no further than its window; a scan sees all that comes
    before on its path. The model is called as it is: call eval() before. Raises S622 for a window or an overlap that
    cannot be, and for a model that gives no map over pixels.

    >>> from scanlab.nn import Backbone, BackboneConfig, Segmenter
    >>> model = Segmenter(Backbone("cross", BackboneConfig(dim=8), input_size=(8, 8)), classes=2, width=4).eval()
    >>> predict_map(model, torch.zeros(1, 1, 20, 12)).shape
    torch.Size([1, 2, 20, 12])
    >>> predict_map(model, torch.zeros(1, 1, 20, 12), window=(8, 8)).shape
    torch.Size([1, 2, 20, 12])
    """
    if window is None:
        on_window(0, 1)
        whole = model(images)
        on_window(1, 1)
        return whole
    extents = tuple(images.shape[2:])
    sides = _checked(extents, window, overlap)
    weights = window_weights(sides).to(images.device)
    places = [_place(starts, sides) for starts in window_starts(extents, sides, overlap)]
    sums: Tensor | None = None
    total = torch.zeros(extents, device=images.device)
    for first in range(0, len(places), batch):
        on_window(first, len(places))
        some = places[first : first + batch]
        maps = model(torch.cat([images[(..., *place)] for place in some])).float()
        if tuple(maps.shape[2:]) != sides:
            problem = f"the model gives {list(maps.shape)} for {grid_text(sides)} pixels, which is no map over them"
            raise ScanlabError.at("S622", problem, help="windows are for models such as Segmenter")
        if sums is None:
            sums = torch.zeros(len(images), maps.shape[1], *extents, device=images.device)
        for place, part in zip(some, maps.split(len(images)), strict=True):
            sums[(..., *place)] += part * weights
            total[place] += weights
    on_window(len(places), len(places))
    assert sums is not None
    return sums / total


def window_starts(extents: Sequence[int], window: Sequence[int], overlap: float) -> Iterator[tuple[int, ...]]:
    """Where windows begin that cover an image, evenly spread, each overlapping the next by that share or more.

    >>> list(window_starts((10,), (4,), 0.5))
    [(0,), (2,), (4,), (6,)]
    """
    starts = []
    for n, side in zip(extents, window, strict=True):
        step = max(1, math.floor(side * (1 - overlap)))
        count = math.ceil((n - side) / step) + 1
        starts.append([round(k * (n - side) / max(1, count - 1)) for k in range(count)])
    return product(*starts)


def window_weights(window: Sequence[int]) -> Tensor:
    """How much every pixel of a window counts: float32 [*window], 1 in the middle, never 0.

    >>> window_weights((3,))
    tensor([0.0286, 1.0000, 0.0286])
    """
    weights = torch.ones(())
    for side in window:
        away = (torch.arange(side) - (side - 1) / 2) / (SPREAD * side)
        weights = weights[..., None] * torch.exp(-(away**2) / 2)
    # A pixel that only the corner of one window sees is still a quotient of normal numbers.
    return weights.clamp(min=1e-6)


def _place(starts: Sequence[int], sides: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(start, start + side) for start, side in zip(starts, sides, strict=True))


def _checked(extents: tuple[int, ...], window: Sequence[int], overlap: float) -> tuple[int, ...]:
    """The window as far as the image reaches."""
    shown = grid_text(window)
    if len(window) != len(extents):
        raise ScanlabError.at(
            "S622",
            f"a window of {shown} has {count_text(len(window), 'side')}, and the image {grid_text(extents)} "
            f"{count_text(len(extents), 'axis')}",
            help="give a side for every axis",
        )
    if min(window) < 1:
        raise ScanlabError.at("S622", f"a window of {shown} holds nothing", help="give sides of at least 1")
    if not 0 <= overlap < 1:
        raise ScanlabError.at(
            "S622", f"windows cannot overlap by {overlap:g} of their side", help="give a share from 0 to less than 1"
        )
    return tuple(min(side, n) for side, n in zip(window, extents, strict=True))
