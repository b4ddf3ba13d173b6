"""What a data set holds, in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.dataset import Dataset
from scanlab.data.lazy import LazyImages
from scanlab.data.lazy_masks import LazyMasks
from scanlab.data.notes import notes_of
from scanlab.data.parts import PARTS
from scanlab.data.ragged import RaggedImages, values_of
from scanlab.renamed import renamed_names

__all__ = ["class_name", "dataset_summary", "kind", "pixel_counts"]

__getattr__ = renamed_names(__name__, {"facts": "dataset_summary"})

_KINDS = {1: "series", 2: "images", 3: "volumes"}


def dataset_summary(dataset: Dataset) -> dict[str, Any]:
    """The figures of a data set, in JSON's types, by words that a reader understands.

    Of every part how many samples it has, and how many of each class; where targets are masks, how many samples hold
    a class, and which share of all pixels it has. "widths": the least, the median and the greatest, of images that
    differ in it. "values" is None where pixels are on disk. "notes": what `notes_of` says.
    """
    what, images = kind(dataset), dataset.images
    one = what.removesuffix("s")
    summary: dict[str, Any] = {
        "name": dataset.name,
        "kind": what,
        "targets": "a class per pixel" if dataset.masks else f"{dataset.target_kind.per} {one}",
        "samples": len(images),
        "extents": list(dataset.extents),
        "channels": dataset.channels,
        "values": None if isinstance(images, LazyImages) else [round(float(value), 3) for value in values_of(images)],
        "classes": dataset.classes,
        "unlabelled": dataset.target_kind.unlabelled,
        "class names": list(dataset.class_names),
        "groups": None if dataset.groups is None else len(np.unique(dataset.groups)),
    }
    if isinstance(images, RaggedImages):
        summary["widths"] = [int(f(images.widths)) for f in (np.min, np.median, np.max)]
    for part in PARTS:
        chosen = getattr(dataset, part)
        summary[part] = len(chosen)
        if dataset.masks:
            counts = pixel_counts(dataset.labels[chosen], dataset.classes)
            summary[f"{part} per class"] = (counts > 0).sum(0).tolist()
            shares = counts.sum(0) / max(1, counts.sum())
            summary[f"{part} share of pixels"] = [round(float(share), 5) for share in shares]
        else:
            numbers = dataset.class_numbers(chosen)
            summary[f"{part} per class"] = np.bincount(numbers, minlength=dataset.classes).tolist()
    return summary | {"credit": dataset.credit, "notes": notes_of(dataset)}


def kind(dataset: Dataset) -> str:
    """What the samples are: images, volumes, videos or series."""
    return "videos" if dataset.video else _KINDS[len(dataset.extents)]


def class_name(dataset: Dataset, label: int) -> str:
    """The name of a class, or its number."""
    return dataset.class_names[label] if dataset.class_names else f"class {label}"


def pixel_counts(masks: NDArray | LazyMasks, classes: int) -> NDArray[np.int64]:
    """How many pixels of each class every mask has: uint8 [M, *extents] -> int64 [M, classes]. Those of none are left
    out."""
    if isinstance(masks, LazyMasks):
        return masks.pixel_counts(classes)
    counts = [np.bincount(mask.ravel(), minlength=classes)[:classes] for mask in masks]
    return np.array(counts, np.int64).reshape(len(masks), classes)
