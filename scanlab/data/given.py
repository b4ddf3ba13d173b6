"""Data from arrays in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scanlab.data.boxes.in_arrays import joined_boxes, looks_like_boxes
from scanlab.data.checks import checked
from scanlab.data.dataset import Dataset
from scanlab.data.notes import Note
from scanlab.data.parts import SPLIT_SEED, TRAIN_SHARE, held_out, split
from scanlab.data.strata import strata_of
from scanlab.data.table_files import is_missing
from scanlab.data.target_kinds import BOXES, LABELS, by_shape
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["from_arrays"]

_EXPECTED = (
    "give images [M, C, *extents] with whole numbers from 0: classes [M], masks [M, *extents] or labels [M, labels]; "
    "or floats [M, most, 5]: boxes and their classes"
)


def from_arrays(
    images: ArrayLike,
    targets: ArrayLike,
    *,
    test_images: ArrayLike | None = None,
    test_targets: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    video: bool = False,
    name: str = "arrays",
) -> Dataset:
    """Data from arrays in memory: images [M, C, *extents] of any real dtype, taken as they are; targets as classes [M],
    masks [M, *extents], 0 and 1 for every label [M, labels] where a sample has any number of them, or boxes as floats
    [M, most, 5] (x0, y0, x1, y1 in pixels and the class, -1 where there is none).

    Without test arrays about 30 % are held out, by group where groups [M] are given, or else by class or brightness.
    The arrays must not change afterwards; they are not copied where that can be avoided. Raises S646.

    >>> images, labels = np.random.default_rng(0).random((10, 1, 8, 8)), np.arange(10) % 2
    >>> data = from_arrays(images, labels)
    >>> data.classes, len(data.train), len(data.test)
    (2, 8, 2)
    """
    if (test_images is None) != (test_targets is None):
        raise ScanlabError.at("S646", "test images need test targets, and the other way round", help="give both")
    pixels, labels = _pair(images, targets)
    train, test = np.arange(len(pixels)), np.arange(0)
    drawn = test_images is None
    if test_images is not None and test_targets is not None:
        more = _pair(test_images, test_targets)
        if more[0].shape[1:] != pixels.shape[1:] or more[1].shape[1:] != labels.shape[1:]:
            shapes = f"{list(pixels.shape)} and {list(more[0].shape)}"
            raise ScanlabError.at("S646", f"the parts have images of shapes {shapes}", help="give both parts one shape")
        pixels, labels = np.concatenate([pixels, more[0]]), np.concatenate([labels, more[1]])
        test = np.arange(len(train), len(pixels))
    kind = BOXES if looks_like_boxes(labels) else LABELS if _several(pixels, labels) else by_shape(labels)
    together = None if groups is None else _groups(groups, len(pixels), divided=not len(test))
    notes: list[Note] = []
    if kind is BOXES:
        labels = joined_boxes([labels], pixels.shape[2:], pixels.shape[2:], notes)
    if not len(test):
        train, test = split(strata_of(kind, pixels, labels), together, TRAIN_SHARE, SPLIT_SEED)
        notes.append(held_out(len(test), len(pixels), "by a fixed seed" if together is None else "by group"))
    made = Dataset(
        name,
        pixels,
        labels,
        train,
        test,
        classes=labels.shape[1]
        if kind is LABELS
        else 1 + int((labels[..., 4] if kind is BOXES else labels).max(initial=0)),
        credit="arrays in memory",
        groups=together,
        video=video,
        drawn=drawn,
        targets=kind,
        notes=tuple(notes),
    )
    return checked(made)


def _pair(images: ArrayLike, targets: ArrayLike) -> tuple[NDArray[np.float32], NDArray]:
    """Images with their targets, classes int64, masks uint8 or boxes float32."""
    try:
        # A view, for data are made read-only, and the caller's own array must not be.
        pixels, labels = np.asarray(images, np.float32).view(), np.asarray(targets)
    except (ValueError, TypeError) as error:
        raise ScanlabError.at("S646", f"the images or targets are no arrays: {error}", help=_EXPECTED) from None
    if looks_like_boxes(labels) and pixels.ndim == 4 and len(pixels) == len(labels) and np.isfinite(labels).all():
        return pixels, labels.astype(np.float32)
    shaped = 3 <= pixels.ndim <= 5 and (
        labels.ndim == 1 or labels.shape[1:] == pixels.shape[2:] or _several(pixels, labels)
    )
    fits = shaped and len(pixels) == len(labels) and pixels.size and labels.dtype.kind in "bui"
    if not fits or labels.min() < 0 or (labels.ndim > 1 and labels.max() > np.iinfo(np.uint8).max):
        values = f", from {labels.min()} to {labels.max()}" if fits else ""
        raise ScanlabError.at(
            "S646",
            f"images of shape {list(pixels.shape)} do not go with {labels.dtype} targets of shape "
            f"{list(labels.shape)}{values}",
            help=_EXPECTED,
        )
    return pixels, labels.astype(np.uint8 if labels.ndim > 1 else np.int64)


def _several(images: NDArray, targets: NDArray) -> bool:
    """Whether targets are labels, of which a sample has any number: masks of a series have its length."""
    marks = targets.ndim == 2 and targets.shape[1] > 1 and targets.shape[1:] != images.shape[2:]
    return marks and targets.dtype.kind in "bui" and bool(np.isin(targets, (0, 1)).all())


def _groups(groups: ArrayLike, count: int, divided: bool) -> NDArray[np.int64]:
    if not divided:
        raise ScanlabError.at(
            "S646", "groups divide the images, but test images are given", help="leave one of them out"
        )
    names = np.asarray(groups)
    if names.shape != (count,):
        raise ScanlabError.at(
            "S646", f"groups have shape {list(names.shape)}, and there are {count} images", help="name one per image"
        )
    if any(map(is_missing, map(str, names))):
        raise ScanlabError.at("S646", "groups have samples without one", help="give every sample its group")
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
