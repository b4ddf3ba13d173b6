"""Data whose images are resized after they were read."""

from __future__ import annotations

from dataclasses import replace

from scanlab.data.dataset import Dataset
from scanlab.data.lazy_masks import held_labels
from scanlab.data.ragged import require_one_size
from scanlab.data.resize import check_size, resized, resized_masks
from scanlab.data.target_kinds import BOXES
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import Extents, grid_of

__all__ = ["extents_of", "sized"]


def extents_of(size: Extents | None) -> tuple[int, ...] | None:
    """A size in any form as integers; whether images can have it, `check_size` says."""
    plain = size is None or (isinstance(size, tuple) and all(type(n) is int for n in size))
    return size if plain else grid_of(size, what="size")  # pyright: ignore[reportReturnType]


def sized(dataset: Dataset, size: tuple[int, ...] | None) -> Dataset:
    """The data with images, and masks, of a size; None for their own. Raises S646, S670 and S833."""
    if size is None or size == dataset.extents:
        return dataset
    check_size(size, dataset.extents, dataset.name)
    if dataset.target_kind is BOXES:
        help = "leave size out, or let the function give them in that size"
        raise ScanlabError.at("S646", f"the boxes of {dataset.name} belong to pixels of their own size", help=help)
    images, held = require_one_size(dataset.images, dataset.name, "another size"), held_labels(dataset.labels)
    labels = resized_masks(held, size) if dataset.masks else held.copy()
    return replace(dataset, images=resized(images, size), labels=labels)
