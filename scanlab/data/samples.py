"""Samples of every class, ready to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanlab.data.dataset import IGNORED, Dataset
from scanlab.data.summary import class_name, pixel_counts
from scanlab.data.target_kinds import BOXES, TEXT
from scanlab.data.texts import text_of_numbers

__all__ = ["Sample", "caption", "samples"]

# Of values that are not in [0, 1], so many of a hundred at either end do not count: one bright voxel hides a brain.
_DARKEST, _BRIGHTEST = 1, 99


@dataclass(frozen=True, eq=False)
class Sample:
    """A sample of the training part.

    label: its class, a class that its mask has, or -1 where it has a text; number: its index in the data. pictures:
    float32 [S, H, W] grey or [S, H, W, 3], in [0, 1]; masks: uint8 [S, H, W], or None; boxes: float32 [n, 5] of x0, y0,
    x1, y1 and the class, or None. An image has one picture; of a volume or a video S slices or frames along the first
    axis, at `places`.
    """

    label: int
    number: int
    pictures: NDArray[np.float32]
    masks: NDArray[np.uint8] | None
    places: tuple[int, ...]
    boxes: NDArray[np.float32] | None = None


def samples(dataset: Dataset, classes: int, each: int, slices: int) -> list[Sample]:
    """Up to `each` samples of the first classes, `slices` pictures of each volume or video at most; of lines of text as
    many as classes are asked for.

    The first of a class in the training part; where targets are masks, those with the most pixels of the class, of
    all but the background, and slices that have some of it; where they are boxes, those with the most of the class.
    Always the same.
    """
    picked = []
    for label, numbers in _chosen(dataset, classes, each):
        for number in numbers:
            image = dataset.images[number]
            mask = _mask(dataset, number) if dataset.masks else None
            flat = image.ndim == 3
            places = (0,) if flat else _places(len(image[0]), slices, dataset.video, mask, label)
            pictures = _shown(image)[None] if flat else _shown(image)[list(places)]
            masks = None if mask is None else mask[None] if flat else mask[list(places)]
            boxes = _boxes(dataset, number) if dataset.target_kind is BOXES else None
            picked.append(Sample(label, int(number), pictures, masks, places, boxes))
    return picked


def caption(dataset: Dataset, sample: Sample) -> str:
    """What a sample has to be learned from, in words: the name of its class, or its text."""
    if dataset.target_kind is TEXT:
        return text_of_numbers(dataset.labels[sample.number], dataset.class_names)
    return class_name(dataset, sample.label)


def _mask(dataset: Dataset, number: int) -> NDArray[np.uint8]:
    """As it is drawn: pixels that do not count look like background."""
    mask = dataset.labels[number]
    return np.where(mask == IGNORED, 0, mask).astype(np.uint8) if dataset.ignoring else mask


def _boxes(dataset: Dataset, number: int) -> NDArray[np.float32]:
    boxes = dataset.labels[number]
    return boxes[boxes[:, 4] >= 0]


def _chosen(dataset: Dataset, classes: int, each: int) -> list[tuple[int, NDArray[np.int64]]]:
    """Classes with the numbers of their samples."""
    if dataset.target_kind is TEXT:
        return [(-1, dataset.train[:classes])]
    if dataset.several:
        labels = dataset.labels[dataset.train]
        return [(int(c), dataset.train[labels[:, c] > 0][:each]) for c in np.flatnonzero(labels.any(0))[:classes]]
    if dataset.target_kind is BOXES:
        labels = dataset.labels[dataset.train][..., 4]
        return _with_most(
            dataset, np.stack([(labels == c).sum(1) for c in range(dataset.classes)], 1), 0, classes, each
        )
    if not dataset.masks:
        labels = dataset.labels[dataset.train]
        return [(int(c), dataset.train[labels == c][:each]) for c in np.unique(labels)[:classes]]
    return _with_most(dataset, pixel_counts(dataset.labels[dataset.train], dataset.classes), 1, classes, each)


def _with_most(
    dataset: Dataset, counts: NDArray[np.int64], first: int, classes: int, each: int
) -> list[tuple[int, NDArray[np.int64]]]:
    """Classes from the first that training samples have, with those that have the most pixels or boxes of them: counts
    int64 [samples, classes]."""
    held = [c for c in range(first, dataset.classes) if counts[:, c].any()][:classes]
    best = {c: np.argsort(-counts[:, c], kind="stable") for c in held}
    return [(c, dataset.train[best[c][counts[best[c], c] > 0][:each]]) for c in held]


def _places(depth: int, most: int, video: bool, mask: NDArray | None, label: int) -> tuple[int, ...]:
    """Slices in the middle of equal parts of the depth, or of where the mask has the class; frames from first to
    last."""
    first, count = 0, depth
    if mask is not None:
        held = np.flatnonzero((mask == label).reshape(depth, -1).any(1))
        # A window of a volume may lie beside the class.
        first, count = (int(held[0]), int(held[-1] - held[0]) + 1) if len(held) else (0, depth)
    number = min(most, count)
    if video and number > 1:
        return tuple(first + round(k * (count - 1) / (number - 1)) for k in range(number))
    return tuple(first + int((k + 0.5) * count / number) for k in range(number))


def _shown(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """[C, *extents] as grey [*extents] or colours [*extents, 3], in [0, 1], the brightest 1: microscopes leave much of
    the range unused."""
    low, high = min(0.0, float(image.min())), float(image.max())
    if low < 0 or high > 1:
        low, high = np.percentile(image, (_DARKEST, _BRIGHTEST))
    shown = ((image - low) / max(high - low, 1e-6)).clip(0, 1).astype(np.float32)
    return np.moveaxis(shown, 0, -1) if len(shown) == 3 else shown.mean(0)
