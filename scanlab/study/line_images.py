"""Images of different widths as a trial trains on them: one array of pixels, and lists of images by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from scanlab.data.lazy import LazyImages
from scanlab.data.ragged import BRIGHTEST, RaggedImages
from scanlab.data.unreadable import Unreadable
from scanlab.study.loading import LoadedImages, LoadedMasks

__all__ = ["Images", "LineImages", "Targets", "fetched", "fetched_targets", "images_of", "of_one_size", "shifted_each"]


@dataclass(frozen=True, eq=False)
class LineImages:
    """Tensors of images that differ in width. pixels [C, H, sum of widths]: float32, or uint8 that stand for 255ths;
    offsets: where each begins, and the last one ends. Indexed by an int64 tensor or a slice it gives a list of images,
    float32 [C, H, W]."""

    pixels: Tensor
    offsets: list[int]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, chosen: Tensor | slice) -> list[Tensor]:
        numbers = chosen.tolist() if isinstance(chosen, Tensor) else range(len(self))[chosen]
        return [self._image(number) for number in numbers]

    def split(self, count: int) -> Iterator[list[Tensor]]:
        """So many images at a time."""
        return (self[start : start + count] for start in range(0, len(self), count))

    def _image(self, number: int) -> Tensor:
        image = self.pixels[..., self.offsets[number] : self.offsets[number + 1]]
        return image if image.is_floating_point() else image.float() / BRIGHTEST


Images = Tensor | LineImages | LoadedImages
Targets = Tensor | LoadedMasks


def images_of(images: NDArray | RaggedImages | LazyImages, chosen: NDArray, device: str) -> Images:
    """Some images of a data set on a device."""
    some = images[chosen]
    if isinstance(some, LazyImages):
        return LoadedImages(some, device, Unreadable(some.unreadable))
    if isinstance(some, RaggedImages):
        return LineImages(torch.from_numpy(some.pixels).to(device), some.offsets.tolist())
    return torch.from_numpy(some).to(device)


def fetched(
    images: Images,
    order: Sequence[Tensor],
    needed: Callable[[int], Iterable[int]] = range,
    draws: Sequence[Tensor] | None = None,
) -> Iterator[Tensor | list[Tensor]]:
    """The images of each batch of numbers. needed: of a batch of so many the places that are computed with; those of
    images on disk are read, and the others are zeros. draws: what windows of volumes are placed by."""
    if isinstance(images, LoadedImages):
        return images.batches(order, needed, draws)
    return (images[chosen.to(images.device) if isinstance(images, Tensor) else chosen] for chosen in order)


def fetched_targets(
    targets: Targets,
    order: Sequence[Tensor],
    needed: Callable[[int], Iterable[int]] = range,
    draws: Sequence[Tensor] | None = None,
) -> Iterator[Tensor]:
    """The targets of each batch of numbers, as `fetched` gives its images."""
    if isinstance(targets, LoadedMasks):
        return targets.batches(order, needed, draws)
    return (targets[chosen.to(targets.device)] for chosen in order)


def of_one_size(images: Images, count: int, extents: tuple[int, ...]) -> Tensor:
    """The first images as one tensor [B, C, *extents]; those of another width are cut or filled up at their end."""
    first = images[:count]
    if isinstance(first, Tensor):
        return first
    width = extents[-1]
    return torch.stack([F.pad(image[..., :width], (0, max(0, width - image.shape[-1]))) for image in first])


def shifted_each(images: list[Tensor], most: int, draw: torch.Generator) -> list[Tensor]:
    """Images [C, H, W], each moved by -most to most pixels along both axes, with zeros coming in."""
    moves = torch.randint(2 * most + 1, (2, len(images)), generator=draw).tolist()
    if not most:
        return images
    padded = (F.pad(image, (most,) * 4) for image in images)
    return [
        image[:, down : down + image.shape[1] - 2 * most, right : right + image.shape[2] - 2 * most]
        for image, down, right in zip(padded, *moves, strict=True)
    ]
