"""In which order an epoch goes through its images, drawn at its start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scanlab.data.volume_windows import DRAWS
from scanlab.study.line_images import Images
from scanlab.study.loading import LoadedImages
from scanlab.study.recipe import Recipe

__all__ = ["EpochOrder", "drawn_order"]


@dataclass(frozen=True, eq=False)
class EpochOrder:
    """The numbers of the images of every batch, and of windows of volumes what places them, float64 [B, DRAWS]."""

    batches: Sequence[Tensor]
    draws: Sequence[Tensor] | None = None

    def after(self, steps: int) -> EpochOrder:
        """What is left of it after so many batches."""
        return EpochOrder(self.batches[steps:], None if self.draws is None else self.draws[steps:])


def drawn_order(images: Images, recipe: Recipe, draw: torch.Generator) -> EpochOrder:
    """The order of an epoch, all of it drawn at once.

    >>> order = drawn_order(torch.zeros(5, 1, 2, 2), Recipe(batch=2), torch.Generator().manual_seed(0))
    >>> [chosen.tolist() for chosen in order.batches]
    [[4, 0], [1, 3], [2]]
    """
    numbers = torch.cat([_once(len(images), recipe.repeated, draw) for _ in range(recipe.passes)])
    placed = None
    if isinstance(images, LoadedImages) and images.images.windows is not None:
        placed = torch.rand(len(numbers), DRAWS, generator=draw, dtype=torch.float64).split(recipe.batch)
    return EpochOrder(numbers.split(recipe.batch), placed)


def _once(count: int, times: int, draw: torch.Generator) -> Tensor:
    """So many images in an order that is drawn; with a share 1/times of them alone, each so many times."""
    order = torch.randperm(count, generator=draw)
    return order if times == 1 else order[: math.ceil(count / times)].repeat_interleave(times)[:count]
