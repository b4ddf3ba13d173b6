"""Labelled images and volumes in .npz files."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from scanlab.data.dataset import Dataset, stratified_split
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["load_arrays"]

PARTS = ("train", "val", "test")
BRIGHTEST = 255
# The last of four or five axes holds channels when it is this short, and is one in space otherwise.
MOST_CHANNELS = 4
TRAIN_SHARE = 0.7
SPLIT_SEED = 0
_EXPECTED = (
    "expected train_images, train_labels, test_images and test_labels (MedMNIST's keys, with val_images and val_labels "
    "if there are any), or x and y, with x_test and y_test if there are any"
)


def load_arrays(path: str | Path, held_out: str = "test") -> Dataset:
    """Read a .npz file with MedMNIST's keys (doi 10.1038/s41597-022-01721-8), or x, y and perhaps x_test, y_test.

    Images [M, H, W] or [M, H, W, C], volumes [M, D, H, W] or [M, D, H, W, C], uint8 or floats in [0, 1]; labels whole
    numbers from 0, [M] or [M, 1]. Gives images float32 [M, C, H, W] or [M, C, D, H, W]; what is uint8 is divided by
    255. Of the parts train, val and test, the data set has the first and, as its test part, the one `held_out` names;
    a file without any is divided 70/30 by class, always alike. Raises S642.
    """
    path = Path(path)
    if held_out not in ("val", "test"):
        raise ScanlabError.at("S642", f"{held_out!r} cannot be held out", help='choose "val" or "test"')
    pixels, labels = _read(path, held_out)
    parts = [part for part in ("train", held_out) if part in pixels]
    chosen = np.concatenate([labels[part] for part in parts])
    first = len(labels["train"])
    train, test = np.arange(first), np.arange(first, len(chosen))
    if parts == ["train"]:
        train, test = stratified_split(chosen, TRAIN_SHARE, SPLIT_SEED)
    classes = 1 + int(max(part.max() for part in labels.values()))
    images = _joined([pixels[part] for part in parts])
    return Dataset(path.stem, images, chosen, train, test, classes, credit=f"read from {path.name}")


def _read(path: Path, held_out: str) -> tuple[dict[str, NDArray], dict[str, NDArray[np.int64]]]:
    """By part: the pixels of those to be used, and all labels, which alone tell how many classes there are."""
    pixels, labels = {}, {}
    with _opened(path) as file:
        names = {part: found for part in PARTS if (found := _names(file, part))}
        if "train" not in names or (held_out not in names and len(names) > 1):
            missing = "" if "train" not in names else f", so no {held_out} part"
            raise _wrong(path, f"it holds {_listed(file)}{missing}", _EXPECTED)
        for part, (images_name, labels_name) in names.items():
            labels[part] = _labels(path, labels_name, _array(path, file, labels_name))
            if part in ("train", held_out):
                pixels[part] = _pixels(path, images_name, _array(path, file, images_name))
                if len(pixels[part]) != len(labels[part]):
                    counts = f"{len(pixels[part])} {images_name} and {len(labels[part])} {labels_name}"
                    raise _wrong(path, f"it holds {counts}", "expected one label per image")
    shapes = {part: array.shape[1:] for part, array in pixels.items()}
    if len(set(shapes.values())) > 1:
        raise _wrong(path, f"its parts differ in shape: {shapes}", "expected images of one shape")
    return pixels, labels


def _opened(path: Path) -> np.lib.npyio.NpzFile:
    if not path.is_file():
        raise _wrong(path, "there is no such file", "expected the path of a .npz file")
    try:
        file = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise _wrong(path, f"it cannot be read ({error})", "expected a .npz file, as numpy.savez writes it") from None
    if not isinstance(file, np.lib.npyio.NpzFile):
        raise _wrong(path, "it holds a single array", _EXPECTED)
    return file


def _names(held: Mapping[str, NDArray], part: str) -> tuple[str, str] | None:
    """Under which names a part's images and labels are in the file; None where it has no such part."""
    pairs = [(f"{part}_images", f"{part}_labels"), (f"x_{part}", f"y_{part}")]
    pairs += [("x", "y")] if part == "train" else []
    return next((pair for pair in pairs if set(pair) <= set(held)), None)


def _array(path: Path, file: Mapping[str, NDArray], name: str) -> NDArray:
    try:
        return file[name]
    except (OSError, ValueError, EOFError, BadZipFile, zlib.error) as error:
        raise _wrong(path, f"its {name} cannot be read ({error})", "expected whole arrays of numbers") from None


def _pixels(path: Path, name: str, array: NDArray) -> NDArray:
    """As they are, [M, C, *extents]; a view."""
    kind = array.dtype
    if kind != np.uint8 and not np.issubdtype(kind, np.floating):
        raise _wrong(path, f"its {name} are {kind}", "expected uint8, or floats from 0 to 1")
    channels_last = array.ndim > 3 and array.shape[-1] <= MOST_CHANNELS
    if array.ndim - channels_last not in (3, 4) or 0 in array.shape:
        expected = "expected [M, H, W], [M, H, W, C] or [M, D, H, W], none empty"
        raise _wrong(path, f"its {name} have shape {list(array.shape)}", expected)
    if kind != np.uint8 and not (array.min() >= 0 and array.max() <= 1):
        values = f"values from {array.min():g} to {array.max():g}"
        raise _wrong(path, f"its {name} have {values}", "expected uint8, or floats from 0 to 1")
    return np.moveaxis(array, -1, 1) if channels_last else array[:, None]


def _labels(path: Path, name: str, array: NDArray) -> NDArray[np.int64]:
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if flat.ndim != 1 or not len(flat) or not np.issubdtype(flat.dtype, np.integer) or flat.min() < 0:
        shape = f"{flat.dtype} of shape {list(array.shape)}"
        low = f" from {flat.min()}" if flat.size and flat.dtype.kind in "if" else ""
        expected = "expected one whole number from 0 up for each image, [M] or [M, 1]"
        raise _wrong(path, f"its {name} are {shape}{low}", expected)
    return flat.astype(np.int64)


def _joined(parts: Sequence[NDArray]) -> NDArray[np.float32]:
    """One after another as float32 in [0, 1], written once: volumes fill much of a memory."""
    images = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), np.float32)
    start = 0
    for part in parts:
        scale = BRIGHTEST if part.dtype == np.uint8 else 1
        np.divide(part, np.float32(scale), out=images[start : start + len(part)], casting="unsafe")
        start += len(part)
    return images


def _listed(file: Mapping[str, NDArray]) -> str:
    return ", ".join(sorted(file)) or "nothing"


def _wrong(path: Path, found: str, expected: str) -> ScanlabError:
    return ScanlabError.at("S642", f"{path} is no data set: {found}", help=expected)
