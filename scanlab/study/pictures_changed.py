"""Training pictures with classes, changed as published recipes change them: by kornia, and mixed in pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.recipe import Recipe

__all__ = ["changed_pictures", "kornia_augmentation", "mixed", "partner"]

_OPERATIONS = 2
# kornia counts magnitudes up to 30, timm and the paper's successors up to 10.
_MAGNITUDE = 3.0


def changed_pictures(images: Tensor, recipe: Recipe, draw: torch.Generator) -> Tensor:
    """Pictures [B, C, H, W] in [0, 1], each cropped and resized, then changed in colour and shape, then partly erased,
    as the recipe says; what comes out is in [0, 1]. All draws come from the generator. Raises S683 without kornia."""
    if not set(recipe.of_pictures) - {"mixup", "cutmix"}:
        return images
    steps = _steps(recipe, (images.shape[2], images.shape[3]))
    with _drawn(draw):
        for step in steps:
            images = step(images)
    return _erased(images.clamp(0, 1), recipe, draw)


def mixed(
    images: Tensor, targets: Tensor, classes: int, recipe: Recipe, draw: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Pictures mixed with the batch in reverse, and probabilities [B, classes] for their classes, or marks [B, labels]
    likewise.

    One share for the batch, as timm mixes by "batch". Written here since kornia draws mixup's share evenly and not from
    a beta distribution.
    """
    chances = F.one_hot(targets, classes).float() if targets.ndim == 1 else targets
    cut = bool(recipe.cutmix) and (not recipe.mixup or torch.rand((), generator=draw).item() < 0.5)
    alpha = recipe.cutmix if cut else recipe.mixup
    # torch draws betas from its global generator alone.
    seed = int(torch.randint(2**62, (), generator=draw))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    if cut:
        images, share = _cut(images, share, draw)
    else:
        images = share * images + (1 - share) * images.flip(0)
    return images, share * chances + (1 - share) * chances.flip(0)


def partner(place: int, count: int) -> int:
    """The place of the picture that `mixed` mixes with one of a batch of so many."""
    return count - 1 - place


def kornia_augmentation() -> ModuleType:
    """kornia.augmentation. Raises S683 without kornia."""
    try:
        return import_module("kornia.augmentation")
    except ImportError as error:
        help = 'pip install "scanlab[training]"'
        raise ScanlabError.at("S683", f"pictures are changed by kornia: {error}", help=help) from None


def _cut(images: Tensor, share: float, draw: torch.Generator) -> tuple[Tensor, float]:
    """A rectangle of 1 - share of the area from the other picture, cut off at the border; and the share left."""
    height, width = images.shape[2:]
    centre = torch.rand(2, generator=draw).tolist()
    box = []
    for middle, extent in zip(centre, (height, width), strict=True):
        half, at = int(extent * (1 - share) ** 0.5) // 2, int(middle * extent)
        box.append(slice(max(0, at - half), min(extent, at + half)))
    images = images.clone()
    images[:, :, box[0], box[1]] = images.flip(0)[:, :, box[0], box[1]]
    area = (box[0].stop - box[0].start) * (box[1].stop - box[1].start)
    return images, 1 - area / (height * width)


def _steps(recipe: Recipe, size: tuple[int, int]) -> list[Callable[[Tensor], Tensor]]:
    made: list[Callable[[Tensor], Tensor]] = []
    kornia = kornia_augmentation()
    auto = import_module("kornia.augmentation.auto")
    if recipe.crop:
        shape = (3 / 4, 4 / 3)
        made.append(kornia.RandomResizedCrop(size, scale=(recipe.crop, 1.0), ratio=shape, resample="BICUBIC"))
        made.append(lambda images: images.clamp(0, 1))
    if recipe.rand_augment:
        # kornia takes magnitudes below 30 alone.
        made.append(_each(auto.RandAugment(_OPERATIONS, min(_MAGNITUDE * recipe.rand_augment, 29.999))))
    if recipe.auto_augment:
        made.append(_each(auto.AutoAugment("imagenet")))
    if recipe.color_jitter:
        jitter = recipe.color_jitter
        made.append(kornia.ColorJitter(brightness=jitter, contrast=jitter, saturation=jitter))
    return made


def _each(policy: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A policy that is drawn for every picture by itself; kornia draws one for the batch."""
    return lambda images: torch.cat([policy(image[None]) for image in images])


def _erased(images: Tensor, recipe: Recipe, draw: torch.Generator) -> Tensor:
    """Rectangles of noise. kornia erases with a constant, which is used to say where."""
    if not recipe.erasing:
        return images
    with _drawn(draw):
        erase = kornia_augmentation().RandomErasing(scale=(0.02, 1 / 3), ratio=(0.3, 1 / 0.3), p=recipe.erasing)
        where = erase(torch.zeros_like(images[:, :1]) + 1) == 0
    noise = torch.randn(images.shape, generator=draw).mul(0.25).add(0.5).clamp(0, 1).to(images)
    return noise.where(where, images)


@contextmanager
def _drawn(draw: torch.Generator) -> Iterator[None]:
    """torch's global generator, by which kornia draws, seeded by a generator, and afterwards as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=draw)))
        yield
