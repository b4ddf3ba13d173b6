"""Data sets of torch, torchvision and people's own code: whatever has a length and gives an image and its target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.hugging_face import hugging_face_set, is_hugging_face
from scanlab.data.item_sets import ItemSet
from scanlab.data.places import part_of
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["is_items", "item_parts", "torch_set"]

# Where data sets list the targets of all samples; the last two hold pairs with the file before it, as ImageFolder's.
_LISTED, _PAIRED = ("targets", "labels"), ("samples", "imgs")


def is_items(made: Any) -> bool:
    """Whether something has a length and items by number, and is neither an array nor a pair of such."""
    numbered = hasattr(made, "__getitem__") and hasattr(made, "__len__") and not isinstance(made, Mapping | tuple | str)
    return numbered or is_hugging_face(made)


def torch_set(dataset: Any) -> ItemSet:
    """A map-style data set as samples. Targets are those that it lists, as torchvision's do, if it has one for each;
    parts and joined sets of torch (Subset, ConcatDataset) list those of what they are made of."""
    return ItemSet(len(dataset), dataset.__getitem__, _listed(dataset), _class_names(dataset))


def item_set(dataset: Any) -> ItemSet:
    """The samples of a data set of whatever library."""
    return hugging_face_set(dataset) if is_hugging_face(dataset) else torch_set(dataset)


def item_parts(made: Any) -> dict[str, ItemSet] | None:
    """Samples by part of what a function gave: one data set, a pair to train and to measure on, or a mapping of parts;
    None for anything else. Raises S840 for a mapping without a part to train on."""
    if isinstance(made, Mapping):
        named = {part_of(str(name)): some for name, some in made.items()}
        if "" in named or not all(map(is_items, made.values())) or any(map(_is_array, made.values())):
            return None
        if len(named) < len(made) or "train" not in named:
            problem = f"the parts are {', '.join(map(str, made))}"
            raise ScanlabError.at("S840", problem, help="give train, and val or test or both")
        return {part: item_set(named[part]) for part in ("train", "val", "test") if part in named}
    if isinstance(made, tuple):
        pair = len(made) == 2 and all(is_items(some) and not _is_array(some) for some in made)
        return {"train": item_set(made[0]), "test": item_set(made[1])} if pair else None
    return {"train": item_set(made)} if is_items(made) and not hasattr(made, "dtype") else None


def _is_array(made: Any) -> bool:
    """Whether something is rather images, or targets, of all samples: arrays, tensors, lists of numbers or arrays."""
    return hasattr(made, "dtype") or isinstance(made, list)


def _listed(dataset: Any) -> NDArray | None:
    if hasattr(dataset, "datasets") and not any(hasattr(dataset, name) for name in _LISTED):
        parts = [_listed(some) for some in dataset.datasets]
        return None if not parts or any(part is None for part in parts) else np.concatenate(parts)  # pyright: ignore
    if hasattr(dataset, "indices") and hasattr(dataset, "dataset"):
        whole = _listed(dataset.dataset)
        return None if whole is None else whole[np.asarray(dataset.indices, np.int64)]
    for name in (*_LISTED, *_PAIRED):
        listed = getattr(dataset, name, None)
        if listed is None or callable(listed):
            continue
        try:
            array = np.asarray([target for _, target in listed] if name in _PAIRED else listed)
        except (TypeError, ValueError):
            continue
        if array.ndim and len(array) == len(dataset) and array.dtype.kind in "bui":
            return array
    return None


def _class_names(dataset: Any) -> tuple[str, ...]:
    if hasattr(dataset, "datasets"):
        named = {_class_names(some) for some in dataset.datasets}
        return named.pop() if len(named) == 1 else ()
    if hasattr(dataset, "indices") and hasattr(dataset, "dataset"):
        return _class_names(dataset.dataset)
    names = getattr(dataset, "classes", ())
    listed = isinstance(names, list | tuple) and len(set(map(str, names))) == len(names)
    return tuple(map(str, names)) if listed else ()
