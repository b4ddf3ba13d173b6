"""Data sets by name from torchvision, medmnist and Hugging Face: the only ones that may ask the network."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.checks import checked
from scanlab.data.dataset import Dataset
from scanlab.data.parts import SPLIT_SEED, TRAIN_SHARE, from_parts, split
from scanlab.data.resize import check_size, resized
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["REMOTE", "load_remote"]

BRIGHTEST = 255
# Images and labels of a part, uint8 [M, H, W, C] or volumes [M, D, H, W]; None where there is no such part.
Part = tuple[NDArray, NDArray] | None


def load_remote(library: str, name: str, size: tuple[int, ...] | None = None) -> Dataset:
    """Load a data set by a library's own name for it, downloaded into SCANLAB_DATA (~/.cache/scanlab/data by default).

    Raises S645 where the library is missing, does not know the name, or cannot download, and S646.
    """
    folder = Path(os.environ.get("SCANLAB_DATA", Path.home() / ".cache" / "scanlab" / "data"))
    module = _module(library)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = REMOTE[library](module, name, folder)
    except ScanlabError:
        raise
    except Exception as error:  # Whatever a library or a network raises: it is told, with what can be done.
        raise ScanlabError.at(
            "S645",
            f"{library} cannot load {name}: {type(error).__name__}: {error}",
            help=f"see that {library} knows the name and that the network can be reached",
        ) from error
    parts = {part: value for part, value in found.items() if value is not None}
    arrays = [_channels_first(images) for images, _ in parts.values()]
    extents = arrays[0].shape[2:]
    check_size(size or extents, extents, name)
    images = np.concatenate([resized(a, size or extents, 1 / BRIGHTEST) for a in arrays])
    labels = np.concatenate([np.asarray(labels, np.int64).reshape(len(labels)) for _, labels in parts.values()])
    train, val, test = from_parts([len(parts[p][1]) if p in parts else 0 for p in ("train", "val", "test")])
    if "test" not in parts:
        train, test = split(labels, None, TRAIN_SHARE, SPLIT_SEED)
    credit = f"{name} by {library}"
    return checked(Dataset(name, images, labels, train, test, 1 + int(labels.max()), credit, val=val))


def _torchvision(module: Any, name: str, folder: Path) -> dict[str, Part]:
    kind = getattr(module.datasets, name)
    parts: dict[str, Part] = {}
    for part, train in (("train", True), ("test", False)):
        data = kind(root=str(folder), train=train, download=True)
        parts[part] = _stacked((np.asarray(image), label) for image, label in data)
    return parts


def _medmnist(module: Any, name: str, folder: Path) -> dict[str, Part]:
    kind = getattr(module, name)
    parts = {part: kind(split=part, download=True, root=str(folder)) for part in ("train", "val", "test")}
    if any(data.labels.shape[1:] not in ((), (1,)) for data in parts.values()):
        raise ScanlabError.at("S645", f"{name} gives several labels to an image", help="choose data of one class each")
    return {part: (data.imgs, data.labels.reshape(-1)) for part, data in parts.items()}


def _huggingface(module: Any, name: str, folder: Path) -> dict[str, Part]:
    found = module.load_dataset(name, cache_dir=str(folder))
    features = found["train"].features
    image = next(key for key, kind in features.items() if type(kind).__name__ == "Image")
    label = next(key for key, kind in features.items() if type(kind).__name__ == "ClassLabel")
    named = {"train": "train", "val": "validation", "test": "test"}
    return {
        part: _stacked((np.asarray(row[image]), row[label]) for row in found[there]) if there in found else None
        for part, there in named.items()
    }


def _stacked(samples: Iterable[tuple[NDArray, Any]]) -> Part:
    images, labels = zip(*samples, strict=True)
    if len({image.shape for image in images}) > 1:
        raise ScanlabError.at(
            "S646", "the images differ in size", help="save them to a folder, and load that with --size"
        )
    return np.stack(images), np.array(labels, np.int64)


def _channels_first(images: NDArray) -> NDArray:
    channels_last = images.ndim > 3 and images.shape[-1] <= 4
    return np.moveaxis(images, -1, 1) if channels_last else images[:, None]


def _module(library: str) -> Any:
    name = "datasets" if library == "huggingface" else library
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ScanlabError.at("S645", f"{library} data need {name}", help=f"pip install {name}") from None


REMOTE: Mapping[str, Callable[[Any, str, Path], dict[str, Part]]] = MappingProxyType(
    {"torchvision": _torchvision, "medmnist": _medmnist, "huggingface": _huggingface}
)
