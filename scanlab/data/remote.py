"""Data sets by name from torchvision, medmnist and Hugging Face: the only ones that may ask the network."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from scanlab.data.array_axes import MOST_CHANNELS
from scanlab.data.dataset import Dataset
from scanlab.data.hugging_face import hugging_face_parts, require_datasets
from scanlab.data.item_data import load_items
from scanlab.data.item_sets import ItemSet
from scanlab.data.lazy import Lazy
from scanlab.data.parts import PARTS
from scanlab.data.torch_sets import torch_set
from scanlab.ir.diagnostics import ScanlabError
from scanlab.places import configured_folder, expand_home

__all__ = ["REMOTE", "load_remote"]


def load_remote(library: str, name: str, size: tuple[int, ...] | None = None, lazy: Lazy = "auto") -> Dataset:
    """Load a data set by a library's own name for it, downloaded into SCANLAB_DATA (~/.cache/scanlab/data by default).

    size and lazy as `load_items` takes them: what is too large for memory is read when it is needed. Raises S645 where
    the library is missing, does not know the name, or cannot download, and what `load_items` raises.
    """
    module = _module(library)
    try:
        folder = configured_folder(os.environ.get("SCANLAB_DATA") or "~/.cache/scanlab/data")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScanlabError.at(
            "S645",
            f"{name} has no place on this machine: {error.strerror}: {error.filename}",
            help="set SCANLAB_DATA to a folder that you can write to",
        ) from None
    try:
        parts = REMOTE[library](module, name, folder)
    except ScanlabError:
        raise
    except Exception as error:  # Whatever a library or a network raises: it is reported, with what can be done.
        raise ScanlabError.at(
            "S645",
            f"{library} cannot load {name}: {type(error).__name__}: {error}",
            help=f"see that {library} knows the name and that the network can be reached",
        ) from error
    name = Path(name).name if expand_home(name).is_dir() else name
    return load_items(name, parts, f"{name} by {library}", size, lazy, val_stands=False)


def _torchvision(module: Any, name: str, folder: Path) -> dict[str, ItemSet]:
    kind = getattr(module.datasets, name)
    # Most of its classes have a flag for the training part, the newer ones name their parts.
    named = "split" in inspect.signature(kind).parameters
    return {
        part: torch_set(
            kind(root=str(folder), download=True, **({"split": part} if named else {"train": part == "train"}))
        )
        for part in ("train", "test")
    }


def _medmnist(module: Any, name: str, folder: Path) -> dict[str, ItemSet]:
    kind = getattr(module, name)
    parts = {part: kind(split=part, download=True, root=str(folder)) for part in PARTS}
    meanings = parts["train"].info["label"]
    names = tuple(str(meanings[str(c)]) for c in range(len(meanings)))
    return {part: _of_arrays(data.imgs, _one_or_several(data.labels), names) for part, data in parts.items()}


def _of_arrays(images: NDArray, labels: NDArray, names: tuple[str, ...]) -> ItemSet:
    """Pictures [M, H, W, C] or [M, H, W], or volumes [M, D, H, W]."""
    pixels = images if images.ndim == 4 and images.shape[-1] <= MOST_CHANNELS else images[:, None]
    return ItemSet(len(labels), lambda number: (pixels[number], labels[number]), labels, names)


def _one_or_several(labels: NDArray) -> NDArray:
    """Classes [M], or 0 and 1 for every label [M, labels]."""
    return labels if labels.ndim > 1 and labels.shape[1] > 1 else labels.reshape(-1)


def _module(library: str) -> Any:
    if REMOTE[library] is hugging_face_parts:
        return require_datasets()
    try:
        return importlib.import_module(library)
    except ImportError:
        raise ScanlabError.at("S645", f"{library} data need {library}", help=f"pip install {library}") from None


REMOTE: Mapping[str, Callable[[Any, str, Path], Mapping[str, ItemSet]]] = MappingProxyType(
    {
        "torchvision": _torchvision,
        "medmnist": _medmnist,
        "huggingface": hugging_face_parts,
        "hf": hugging_face_parts,
    }
)
