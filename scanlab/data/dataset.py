"""The value every data source returns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scanlab.data.lazy import LazyImages
from scanlab.data.lazy_masks import LazyMasks, held_targets
from scanlab.data.notes import Note
from scanlab.data.ragged import RaggedImages, arrays_of
from scanlab.data.target_kinds import BOXES, LABELS, MASKS, TargetKind, by_shape

__all__ = ["IGNORED", "Dataset", "stratified_split"]

# In masks: a pixel of no class, which is neither learned nor measured.
IGNORED = 255


def _none() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images, volumes or videos with their targets, and a fixed division into parts.

    images float32 [M, C, H, W], or [M, C, D, H, W] for volumes and videos, RaggedImages, or LazyImages; photographs in
    [0, 1], what is z-scored has mean 0. labels, of the kind of `targets`, by default told by their shape: classes int64
    [M] in [0, classes); masks uint8 [M, *extents] with a class per pixel, 0 the background, IGNORED where there is
    none, or LazyMasks; classes of any number as uint8 [M, classes] with 1 for each; texts int16 [M, longest] of classes
    that are symbols, -1 after the end, -2 for a symbol that is none of them; boxes float32 [M, most, 5] of x0, y0, x1,
    y1 in pixels and the class, -1 where there is no more. train, val, test: disjoint int64 index arrays into the
    images, sorted; val may be empty. class_names: one per class, or none. groups: int64 [M], samples that were never
    divided over parts (one patient, one digit); None where each stands alone. video: the first axis is time. drawn:
    ScanLab divided them into train and test, which did not come as parts. ink: of texts, whether their pictures came
    with dark_ink or light_ink, words of layout; in images it is light; "" where nothing says. notes: what the reader
    assumed, mapped and left out. Arrays are read-only.

    >>> images, labels = np.zeros((4, 1, 8, 8), np.float32), np.array([0, 1, 0, 1])
    >>> pair = Dataset("pair", images, labels, np.array([0, 1]), np.array([2, 3]), classes=2, credit="made up")
    >>> pair.extents, pair.channels, pair.masks
    ((8, 8), 1, False)
    """

    name: str
    images: NDArray[np.float32] | RaggedImages | LazyImages
    labels: NDArray | LazyMasks
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    classes: int
    credit: str
    val: NDArray[np.int64] = field(default_factory=_none)
    class_names: tuple[str, ...] = ()
    groups: NDArray[np.int64] | None = None
    video: bool = False
    drawn: bool = False
    notes: tuple[Note, ...] = ()
    targets: TargetKind | None = None
    ink: str = ""

    def __post_init__(self) -> None:
        for array in (self.images, self.labels, self.train, self.val, self.test):
            array.setflags(write=False)

    @property
    def extents(self) -> tuple[int, ...]:
        """Height and width of an image, depth (or frames) before them for a volume (or video), in pixels; of images of
        different widths the usual one, the median."""
        return tuple(self.images.shape[2:])

    @property
    def channels(self) -> int:
        """C."""
        return self.images.shape[1]

    @property
    def masks(self) -> bool:
        """Whether the targets are a class per pixel."""
        return self.target_kind is MASKS

    @property
    def several(self) -> bool:
        """Whether a sample has any number of classes."""
        return self.target_kind is LABELS

    @property
    def target_kind(self) -> TargetKind:
        """What there is to learn from."""
        return self.targets or by_shape(self.labels)

    @property
    def ignoring(self) -> bool:
        """Whether IGNORED in masks marks pixels of no class; with 256 classes it is one of them."""
        return self.masks and self.classes <= IGNORED

    def class_numbers(self, chosen: NDArray[np.int64] | slice = slice(None)) -> NDArray:
        """The classes of some samples, or of their pixels, symbols or boxes, in any order; what is of none is left out.
        Of masks on disk each class that any of them has, once.

        >>> images, labels = np.zeros((2, 1, 4, 4), np.float32), np.array([[0, 1, 1], [1, 0, 1]], np.uint8)
        >>> Dataset("two", images, labels, np.array([0]), np.array([1]), 3, "", targets=LABELS).class_numbers()
        array([1, 2, 0, 2])
        """
        labels = self.labels[chosen]
        if isinstance(labels, LazyMasks):
            values = labels.values()
            return values[values != IGNORED] if self.ignoring else values
        if self.target_kind is LABELS:
            return labels.nonzero()[1]
        if self.target_kind is BOXES:
            labels = labels[..., -1]
        if self.target_kind.filled:
            return labels[labels >= 0].astype(np.int64)
        return labels[labels != IGNORED] if self.ignoring else labels.ravel()

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the SHA-256 of all that determines a trial: what its hash knows the data by.

        The arrays, whether they are videos, what the targets are, and classes that no label has.
        """
        digest = hashlib.sha256(b"video" if self.video else b"")
        digest.update(self.target_kind.mark.encode())
        if self.classes != 1 + int(self.labels.max(initial=0)):
            digest.update(f"{self.classes} classes".encode())
        for array in (*arrays_of(self.images), held_targets(self.labels), self.train, self.val, self.test):
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:16]


def stratified_split(labels: NDArray, share: float, seed: int) -> tuple[NDArray, NDArray]:
    """Divide samples into train and test so that every class is divided in the same proportion.

    labels int64 [M]; share in (0, 1) is the train part of each class, rounded to whole samples. Returns two sorted,
    disjoint int64 index arrays. The generator is numpy's `RandomState`, whose stream numpy has frozen (NEP 19), so the
    split is the same under every numpy version.
    """
    generator = np.random.RandomState(seed)
    train = []
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        train.append(members[: round(share * len(members))])
    chosen = np.sort(np.concatenate(train)).astype(np.int64)
    rest = np.setdiff1d(np.arange(len(labels), dtype=np.int64), chosen)
    return chosen, rest
