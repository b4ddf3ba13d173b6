"""Data from arrays in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scanlab.data.boxes.in_arrays import joined_boxes, looks_like_boxes
from scanlab.data.checks import checked
from scanlab.data.dataset import Dataset
from scanlab.data.lazy import LazyImages
from scanlab.data.notes import Note
from scanlab.data.parts import divided
from scanlab.data.strata import strata_of
from scanlab.data.table_files import is_missing
from scanlab.data.target_kinds import BOXES, LABELS, by_shape
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["assembled", "from_arrays", "labels_for"]

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
    counts = {"train": len(pixels)}
    if test_images is not None and test_targets is not None:
        more = _pair(test_images, test_targets)
        if more[0].shape[1:] != pixels.shape[1:] or more[1].shape[1:] != labels.shape[1:]:
            shapes = f"{list(pixels.shape)} and {list(more[0].shape)}"
            raise ScanlabError.at("S646", f"the parts have images of shapes {shapes}", help="give both parts one shape")
        pixels, labels = np.concatenate([pixels, more[0]]), np.concatenate([labels, more[1]])
        counts["test"] = len(more[0])
    together = None if groups is None else _groups(groups, len(pixels), divided="test" not in counts)
    return assembled(name, pixels, labels, counts, "arrays in memory", groups=together, video=video)


def assembled(
    name: str,
    images: NDArray[np.float32] | LazyImages,
    labels: NDArray,
    counts: Mapping[str, int],
    credit: str,
    *,
    groups: NDArray[np.int64] | None = None,
    video: bool = False,
    class_names: tuple[str, ...] = (),
    notes: Iterable[Note] = (),
    val_stands: bool = True,
) -> Dataset:
    """Data of parts that follow one another, so many samples each; a test part is held out where there is none.

    val_stands: whether a validation part is measured on in place of it, as `divided` takes it. labels: as `labels_for`
    gives them. Raises S646 for data that nothing can be learned from.
    """
    kind = BOXES if looks_like_boxes(labels) else LABELS if _several(images.shape, labels) else by_shape(labels)
    said = list(notes)
    if kind is BOXES:
        labels = joined_boxes([labels], images.shape[2:], images.shape[2:], said)
    parts = divided(counts, strata_of(kind, images, labels), groups, said, val_stands)
    highest = int((labels[..., 4] if kind is BOXES else labels).max(initial=0))
    classes = labels.shape[1] if kind is LABELS else max(1 + highest, len(class_names))
    made = Dataset(
        name,
        images,
        labels,
        parts["train"],
        parts["test"],
        classes=classes,
        credit=credit,
        val=parts.get("val", np.empty(0, np.int64)),
        class_names=class_names if len(class_names) == classes else (),
        groups=groups,
        video=video,
        drawn="test" not in counts,
        targets=kind,
        notes=tuple(said),
    )
    return checked(made)


def _pair(images: ArrayLike, targets: ArrayLike) -> tuple[NDArray[np.float32], NDArray]:
    """Images with their targets, classes int64, masks uint8 or boxes float32."""
    try:
        # A view, for data are made read-only, and the caller's own array must not be.
        pixels, labels = np.asarray(images, np.float32).view(), np.asarray(targets)
    except (ValueError, TypeError) as error:
        raise ScanlabError.at("S646", f"the images or targets are no arrays: {error}", help=_EXPECTED) from None
    return pixels, labels_for(pixels.shape, labels)


def labels_for(shape: tuple[int, ...], labels: NDArray) -> NDArray:
    """Targets of images of a shape [M, C, *extents], in the dtype of their kind: classes int64, masks and labels uint8,
    boxes float32. Raises S646 for others."""
    if looks_like_boxes(labels) and len(shape) == 4 and shape[0] == len(labels) and np.isfinite(labels).all():
        return labels.astype(np.float32)
    shaped = 3 <= len(shape) <= 5 and (labels.ndim == 1 or labels.shape[1:] == shape[2:] or _several(shape, labels))
    fits = shaped and shape[0] == len(labels) and prod(shape) and labels.dtype.kind in "bui"
    if not fits or labels.min() < 0 or (labels.ndim > 1 and labels.max() > np.iinfo(np.uint8).max):
        values = f", from {labels.min()} to {labels.max()}" if fits else ""
        raise ScanlabError.at(
            "S646",
            f"images of shape {list(shape)} do not go with {labels.dtype} targets of shape "
            f"{list(labels.shape)}{values}",
            help=_EXPECTED,
        )
    return labels.astype(np.uint8 if labels.ndim > 1 else np.int64)


def _several(shape: tuple[int, ...], targets: NDArray) -> bool:
    """Whether targets are labels, of which a sample has any number: masks of a series have its length."""
    marks = targets.ndim == 2 and targets.shape[1] > 1 and targets.shape[1:] != shape[2:]
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
