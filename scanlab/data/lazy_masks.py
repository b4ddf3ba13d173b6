"""Masks that stay where they are until they are needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanlab.data.lazy import Numbered

__all__ = ["LazyMasks", "held_labels", "held_targets"]


@dataclass(frozen=True, eq=False)
class LazyMasks(Numbered):
    """The masks of M images, read when they are asked for, each uint8 [*extents] with a class per pixel.

    read: gives the mask of a number, as `LazyImages.read` gives its image. mask_shape: the extents. numbers int64 [M]:
    of the source, in this order. counts [source, 256]: of every mask of the source how many pixels have each
    value, by which all that is said of the classes is known without reading. mark: as that of LazyImages.

    >>> halves = LazyMasks(lambda number: np.eye(2, dtype=np.uint8), (2, 2), np.arange(3), np.ones((3, 256), int), "")
    >>> halves.shape, halves[[2, 0]].shape, halves[1].tolist()
    ((3, 2, 2), (2, 2, 2), [[1, 0], [0, 1]])
    """

    read: Callable[[int], NDArray[np.uint8]]
    mask_shape: tuple[int, ...]
    numbers: NDArray[np.int64]
    counts: NDArray[np.int64] | NDArray[np.int32]
    mark: str

    @property
    def shape(self) -> tuple[int, ...]:
        """M and the extents."""
        return (len(self), *self.mask_shape)

    @property
    def ndim(self) -> int:
        """Axes, that of the samples included."""
        return 1 + len(self.mask_shape)

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Of every mask."""
        return np.dtype(np.uint8)

    @property
    def nbytes(self) -> int:
        """Bytes that are held."""
        return self.numbers.nbytes + self.counts.nbytes

    def pixel_counts(self, classes: int) -> NDArray[np.int64]:
        """How many pixels of each class every mask has, int64 [M, classes]."""
        return self.counts[self.numbers, :classes].astype(np.int64)

    def values(self) -> NDArray[np.int64]:
        """The values that any of the masks has, in ascending order."""
        return np.flatnonzero(self.counts[self.numbers].any(0))

    def max(self, initial: int = 0) -> int:
        """The largest value that any of the masks has."""
        return int(self.values().max(initial=initial))

    def key(self) -> NDArray[np.uint8]:
        """What stands for the pixels in a fingerprint, uint8 [32]: the mark of the source, and the numbers."""
        digest = hashlib.sha256(f"masks {self.mark} {self.mask_shape}".encode())
        digest.update(np.ascontiguousarray(self.numbers).data)
        digest.update(np.ascontiguousarray(self.counts[self.numbers]).data)
        return np.frombuffer(digest.digest(), np.uint8)


def held_targets(labels: NDArray | LazyMasks) -> NDArray:
    """The array that targets are, or what stands for them in a fingerprint."""
    return labels.key() if isinstance(labels, LazyMasks) else labels


def held_labels(labels: NDArray | LazyMasks) -> NDArray:
    """Targets of images that are in memory, as they are then, too."""
    assert not isinstance(labels, LazyMasks), "masks stay on disk with their images alone"
    return labels
