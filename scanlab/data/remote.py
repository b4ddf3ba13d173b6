"""Data sets by name from torchvision, medmnist and Hugging Face: the only ones that may ask the network."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.checks import checked
from scanlab.data.dataset import Dataset
from scanlab.data.parts import PARTS, SPLIT_SEED, TRAIN_SHARE, from_parts, held_out, split
from scanlab.data.resize import check_size, resized
from scanlab.data.strata import strata_of
from scanlab.data.target_kinds import CLASSES, LABELS
from scanlab.ir.diagnostics import ScanlabError
from scanlab.places import configured_folder

__all__ = ["REMOTE", "load_remote"]

BRIGHTEST = 255
# Images and labels of a part, uint8 [M, H, W, C] or volumes [M, D, H, W].
Part = tuple[NDArray, NDArray]
# Of Pillow's modes, those whose images have one channel, and those that can be made to have three.
_GREY, _COLOURED = ("1", "L", "LA"), ("P", "RGB", "RGBA", "CMYK", "YCbCr")


@dataclass(frozen=True, eq=False)
class RemoteParts:
    """What a library gave: its parts, and the names of the classes, if it has them."""

    parts: Mapping[str, Part]
    class_names: tuple[str, ...] = ()


def load_remote(library: str, name: str, size: tuple[int, ...] | None = None) -> Dataset:
    """Load a data set by a library's own name for it, downloaded into SCANLAB_DATA (~/.cache/scanlab/data by default).

    Raises S645 where the library is missing, does not know the name, or cannot download, and S646.
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
        loaded = REMOTE[library](module, name, folder)
    except ScanlabError:
        raise
    except Exception as error:  # Whatever a library or a network raises: it is reported, with what can be done.
        raise ScanlabError.at(
            "S645",
            f"{library} cannot load {name}: {type(error).__name__}: {error}",
            help=f"see that {library} knows the name and that the network can be reached",
        ) from error
    return _dataset(library, name, loaded, size)


def _dataset(library: str, name: str, loaded: RemoteParts, size: tuple[int, ...] | None) -> Dataset:
    arrays = [_channels_first(images) for images, _ in loaded.parts.values()]
    if len({array.shape[1:] for array in arrays}) > 1:
        shapes = " and ".join(str(list(array.shape)) for array in arrays)
        raise ScanlabError.at("S646", f"the parts of {name} have shapes {shapes}", help="choose other data")
    extents = arrays[0].shape[2:]
    check_size(size or extents, extents, name)
    images = np.concatenate([resized(a, size or extents, 1 / BRIGHTEST) for a in arrays])
    labels = np.concatenate([np.asarray(some, np.int64) for _, some in loaded.parts.values()])
    kind = LABELS if labels.ndim > 1 else CLASSES
    labels = labels.astype(np.uint8) if kind is LABELS else labels
    counts = [len(loaded.parts[p][1]) if p in loaded.parts else 0 for p in PARTS]
    train, val, test = from_parts(counts)
    notes = ()
    if "test" not in loaded.parts:
        train, test = split(strata_of(kind, images, labels)[train], None, TRAIN_SHARE, SPLIT_SEED)
        notes = (held_out(len(test), len(train) + len(test), "by a fixed seed"),)
    classes = labels.shape[1] if kind is LABELS else max(1 + int(labels.max(initial=0)), len(loaded.class_names))
    credit = f"{name} by {library}"
    return checked(
        Dataset(
            name,
            images,
            labels,
            train,
            test,
            classes,
            credit,
            val=val,
            class_names=loaded.class_names,
            drawn="test" not in loaded.parts,
            targets=kind,
            notes=notes,
        )
    )


def _torchvision(module: Any, name: str, folder: Path) -> RemoteParts:
    kind = getattr(module.datasets, name)
    # Most of its classes have a flag for the training part, the newer ones name their parts.
    named = "split" in inspect.signature(kind).parameters
    data = {
        part: kind(root=str(folder), download=True, **({"split": part} if named else {"train": part == "train"}))
        for part in ("train", "test")
    }
    names = tuple(map(str, getattr(data["train"], "classes", ())))
    return RemoteParts({part: _stacked(some) for part, some in data.items()}, names)


def _medmnist(module: Any, name: str, folder: Path) -> RemoteParts:
    kind = getattr(module, name)
    parts = {part: kind(split=part, download=True, root=str(folder)) for part in PARTS}
    meanings = parts["train"].info["label"]
    names = tuple(str(meanings[str(c)]) for c in range(len(meanings)))
    return RemoteParts({part: (data.imgs, _one_or_several(data.labels)) for part, data in parts.items()}, names)


def _one_or_several(labels: NDArray) -> NDArray:
    """Classes [M], or 0 and 1 for every label [M, labels]."""
    return labels if labels.ndim > 1 and labels.shape[1] > 1 else labels.reshape(-1)


def _huggingface(module: Any, name: str, folder: Path) -> RemoteParts:
    splits = module.load_dataset(name, cache_dir=str(folder))
    features = splits["train"].features
    kinds = {type(kind).__name__: key for key, kind in reversed(features.items())}
    if not {"Image", "ClassLabel"} <= set(kinds):
        raise ScanlabError.at(
            "S645",
            f"{name} has the columns {', '.join(features)}, not one of images and one of classes",
            help="choose data for image classification",
        )
    image, label = kinds["Image"], kinds["ClassLabel"]
    named = {"train": "train", "val": "validation", "test": "test"}
    parts = {
        part: _stacked((row[image], row[label]) for row in splits[there])
        for part, there in named.items()
        if there in splits
    }
    return RemoteParts(parts, tuple(map(str, features[label].names)))


def _stacked(samples: Iterable[tuple[Any, Any]]) -> Part:
    """Pillow's images with their classes as arrays, grey where all are."""
    images, labels = zip(*samples, strict=True)
    if len({image.size for image in images}) > 1:
        raise ScanlabError.at(
            "S646", "the images differ in size", help="save them to a folder, and load that with --size"
        )
    modes = {image.mode for image in images}
    if odd := modes.difference(_GREY, _COLOURED):
        raise ScanlabError.at("S646", f"there are images of mode {min(odd)}", help="choose data with 8 bits a channel")
    mode = "L" if modes <= set(_GREY) else "RGB"
    return np.stack([np.asarray(image.convert(mode)) for image in images]), np.array(labels, np.int64)


def _channels_first(images: NDArray) -> NDArray:
    channels_last = images.ndim > 3 and images.shape[-1] <= 4
    return np.moveaxis(images, -1, 1) if channels_last else images[:, None]


def _module(library: str) -> Any:
    name = "datasets" if library == "huggingface" else library
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ScanlabError.at("S645", f"{library} data need {name}", help=f"pip install {name}") from None


REMOTE: Mapping[str, Callable[[Any, str, Path], RemoteParts]] = MappingProxyType(
    {"torchvision": _torchvision, "medmnist": _medmnist, "huggingface": _huggingface}
)
