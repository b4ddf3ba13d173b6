"""What every part of a data set should have alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from scanlab.data.lazy import LazyImages
from scanlab.data.lazy_masks import LazyMasks
from scanlab.data.ragged import RaggedImages, brightness_of
from scanlab.data.target_kinds import CLASSES, LABELS, TargetKind

__all__ = ["brightness_quarters", "rarest_labels", "strata_of"]

QUARTERS = 4


def strata_of(
    kind: TargetKind, images: NDArray[np.float32] | RaggedImages | LazyImages, labels: NDArray | LazyMasks
) -> NDArray[np.int64]:
    """A stratum for every sample, int64 [M]: its class, its rarest label, or its quarter by brightness."""
    known = _STRATA.get(kind)
    return known(labels) if known and not isinstance(labels, LazyMasks) else brightness_quarters(images)


def brightness_quarters(images: NDArray[np.float32] | RaggedImages | LazyImages) -> NDArray[np.int64]:
    """A stratum for every image [M, C, *extents] that has no class: its quarter by mean brightness, int64 [M].

    Microscopes and stains differ most in brightness; a random split can leave one of them out of a part.
    """
    brightness = brightness_of(images)
    ranks = brightness.argsort(kind="stable").argsort(kind="stable")
    return (ranks * QUARTERS // len(images)).astype(np.int64)


def rarest_labels(labels: NDArray) -> NDArray[np.int64]:
    """A stratum for every sample with several labels [M, classes]: of its labels the rarest, or `classes` for none."""
    counts = labels.sum(0, dtype=np.int64)
    frequent = np.where(labels > 0, counts, len(labels) + 1)
    return np.where(labels.any(1), frequent.argmin(1), labels.shape[1]).astype(np.int64)


_STRATA: Mapping[TargetKind, Callable[[NDArray], NDArray[np.int64]]] = MappingProxyType(
    {CLASSES: lambda labels: labels, LABELS: rarest_labels}
)
