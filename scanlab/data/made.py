"""Data sets made from the shipped digits: videos whose class is the motion, and images with their pixels shuffled."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scanlab.data.dataset import Dataset
from scanlab.data.digits import load_digits
from scanlab.data.lazy_masks import held_labels
from scanlab.data.ragged import require_one_size
from scanlab.data.target_kinds import BOXES
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["MOTIONS", "load_moving_digits", "load_permuted_digits", "permuted", "pixel_permutation"]

FRAMES, CANVAS = 8, 16
SEED = 0
# Down and right, in pixels from one frame to the next.
MOTIONS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))


def load_moving_digits() -> Dataset:
    """Videos of a digit that moves in one of eight directions, one pixel per frame; the label is the direction.

    images float32 [1797, 1, 8, 16, 16]; labels int64 [1797], an index into MOTIONS. A digit starts anywhere and comes
    in again at the other side, so that no single frame tells the direction. Every digit makes one video and keeps its
    part: test videos show digits that no training video shows.

    >>> videos = load_moving_digits()
    >>> videos.images.shape, videos.class_names[0]
    ((1797, 1, 8, 16, 16), '+0 down, +1 right')
    """
    digits = load_digits()
    draw = np.random.RandomState(SEED)
    count = len(digits.images)
    labels = np.empty(count, np.int64)
    for part in (digits.train, digits.test):
        labels[part] = draw.permutation(np.arange(len(part)) % len(MOTIONS))
    starts = draw.randint(CANVAS, size=(count, 2))
    canvas = np.zeros((count, CANVAS, CANVAS), np.float32)
    height, width = digits.extents
    canvas[:, :height, :width] = digits.images[:, 0]
    videos = np.empty((count, 1, FRAMES, CANVAS, CANVAS), np.float32)
    for video, picture, start, label in zip(videos[:, 0], canvas, starts, labels, strict=True):
        for step, frame in enumerate(video):
            frame[:] = np.roll(picture, start + step * np.array(MOTIONS[label]), axis=(0, 1))
    credit = f"made from digits: {digits.credit}"
    names = tuple(f"{down:+d} down, {right:+d} right" for down, right in MOTIONS)
    made = Dataset("moving-digits", videos, labels, digits.train, digits.test, len(MOTIONS), credit, drawn=True)
    return replace(made, class_names=names, video=True)


def load_permuted_digits() -> Dataset:
    """The digits with their 64 pixels shuffled, all images alike: see `permuted`.

    >>> load_permuted_digits().name
    'permuted-digits'
    """
    return replace(permuted(load_digits()), name="permuted-digits")


def permuted(dataset: Dataset) -> Dataset:
    """Data with the pixels of every image shuffled alike: neighbours on the grid are neighbours no more.

    A positive control: at patches of one pixel, the order `Order.from_indices(pixel_permutation(extents))` visits the
    pixels as `row` visits those of the original, and every order that goes by the grid is at a loss. Masks move with
    their pixels; boxes cannot. Raises S698.

    >>> digits = load_digits()
    >>> places = pixel_permutation(digits.extents)
    >>> shuffled = permuted(digits).images.reshape(-1, 64)
    >>> bool((shuffled[:, places] == digits.images.reshape(-1, 64)).all())
    True
    """
    if dataset.target_kind is BOXES:
        what = f"{dataset.name} has boxes, which nothing is left of when pixels are shuffled"
        raise ScanlabError.at("S698", what, help="choose data with classes or masks")
    places = pixel_permutation(dataset.extents)
    images = require_one_size(dataset.images, dataset.name, "one permutation of all pixels")
    labels = held_labels(dataset.labels)
    return replace(
        dataset,
        name=f"permuted {dataset.name}",
        images=_shuffled(images, places, len(dataset.extents)),
        labels=_shuffled(labels, places, len(dataset.extents)) if dataset.masks else labels,
        credit=f"made from {dataset.name}: {dataset.credit}",
    )


def _shuffled(arrays: NDArray, places: NDArray[np.int64], axes: int) -> NDArray:
    flat = arrays.reshape(*arrays.shape[:-axes], -1)
    shuffled = np.empty_like(flat)
    shuffled[..., places] = flat
    return shuffled.reshape(arrays.shape)


def pixel_permutation(extents: tuple[int, ...] = (8, 8)) -> NDArray[np.int64]:
    """int64 [pixels]: where each pixel of an image, in raster order, lies in a permuted one."""
    return np.random.RandomState(SEED).permutation(math.prod(extents)).astype(np.int64)
