"""Labelled images and volumes in .npz files."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from scanlab.data.checks import checked
from scanlab.data.dataset import Dataset
from scanlab.data.parts import PARTS, SPLIT_SEED, TRAIN_SHARE, brightness_quarters, from_parts, split
from scanlab.data.resize import CHUNK, check_size, resized, resized_masks
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text

__all__ = ["load_arrays"]

BRIGHTEST = 255
# The last of four or five axes holds channels when it is this short, and is one in space otherwise.
MOST_CHANNELS = 4
MOST_CLASSES = 64
_TARGETS = ("labels", "masks", "instances")
_EXPECTED = (
    "expected train_images, train_labels, test_images and test_labels (MedMNIST's keys, with val_images and val_labels "
    "if there are any), or x and y, with x_test and y_test if there are any; masks or instances may stand for labels"
)


def load_arrays(path: str | Path, size: tuple[int, ...] | None = None) -> Dataset:
    """Read a .npz file with MedMNIST's keys (doi 10.1038/s41597-022-01721-8), or x, y and perhaps x_test, y_test.

    Images [M, H, W] or [M, H, W, C], volumes [M, D, H, W] or [M, D, H, W, C], uint8 or floats in [0, 1]. Targets are
    labels, whole numbers from 0, [M] or [M, 1]; or masks of the images' extents (`masks`, `train_masks`, …) with a
    class per pixel, or numbered objects (`instances`), of which all are class 1. `groups` [M] (`train_groups`, …) may
    name what no split divides. A folder with train.npz, test.npz and perhaps val.npz, each with x and y, is read as
    one. Gives images float32 [M, C, *extents]; what is uint8 is divided by 255, and resized where a size is given. A
    file without a test part is divided 70/30 by group, or else by class or brightness, always alike. Raises S642 and
    S646.

    >>> images, labels = np.zeros((10, 8, 8), np.uint8), np.arange(10) % 2
    >>> np.savez("mine.npz", x=images, y=labels)
    >>> load_arrays("mine.npz").images.shape
    (10, 1, 8, 8)
    """
    path = Path(path)
    pixels, targets, groups = _read(path)
    extents = next(iter(pixels.values())).shape[2:]
    size = size or extents
    check_size(size, extents, path.name)
    images = _joined(list(pixels.values()), size)
    joined = np.concatenate(list(targets.values()))
    joined = joined if joined.ndim == 1 else resized_masks(joined, size)
    together = _grouped(path, groups) if groups else None
    parts = dict(zip(pixels, from_parts([len(part) for part in pixels.values()]), strict=True))
    if "test" not in parts:
        kinds = joined if joined.ndim == 1 else brightness_quarters(images)
        parts["train"], parts["test"] = split(kinds, together, TRAIN_SHARE, SPLIT_SEED)
    dataset = Dataset(
        name=path.stem,
        images=images,
        labels=joined,
        train=parts["train"],
        test=parts["test"],
        classes=1 + int(joined.max()),
        credit=f"read from {path.name}",
        val=parts.get("val", np.empty(0, np.int64)),
        groups=together,
        drawn="test" not in pixels,
    )
    return checked(dataset)


def _read(path: Path) -> tuple[dict[str, NDArray], dict[str, NDArray], dict[str, NDArray]]:
    """By part: pixels [M, C, *extents] as they are, targets, and groups if there are any."""
    pixels, targets, groups = {}, {}, {}
    files = {part: path / f"{part}.npz" for part in PARTS} if path.is_dir() else {"": path}
    for given, place in files.items():
        if given and not place.is_file() and given != "train":
            continue
        with _opened(place) as file:
            for part, names in _parts_in(place, file, alone=bool(given)).items():
                where = given or part
                pixels[where], targets[where], grouped = _part(place, file, part, names)
                if grouped is not None:
                    groups[where] = grouped
    shapes = {part: array.shape[1:] for part, array in pixels.items()}
    if len(set(shapes.values())) > 1:
        raise _wrong(path, f"its parts differ in shape: {shapes}", "expected images of one shape")
    return pixels, targets, groups if len(groups) == len(pixels) else {}


def _parts_in(path: Path, file: Mapping[str, NDArray], alone: bool) -> dict[str, tuple[str, str]]:
    """The parts in a file, each with the names of its arrays; of a file that stands for one part, that alone."""
    names = {part: pair for part in PARTS if (pair := _names(file, part))}
    if "train" not in names or (not alone and "test" not in names and len(names) > 1):
        missing = "" if "train" not in names else ", so no test part"
        raise _wrong(path, f"it holds {_listed(file)}{missing}", _EXPECTED)
    return {"train": names["train"]} if alone else names


def _part(
    path: Path, file: Mapping[str, NDArray], part: str, names: tuple[str, str]
) -> tuple[NDArray, NDArray, NDArray | None]:
    """Pixels [M, C, *extents] as they are, targets, and the names of groups if there are any."""
    images, labels = names
    pixels = _pixels(path, images, _array(path, file, images))
    targets = _targets(path, labels, _array(path, file, labels), pixels.shape)
    if len(pixels) != len(targets):
        counts = f"{len(pixels)} {images} and {len(targets)} {labels}"
        raise _wrong(path, f"it holds {counts}", "expected one label, or one mask, per image")
    grouped = "groups" if images in ("images", "x") else f"{part}_groups"
    if grouped not in file:
        return pixels, targets, None
    groups = _array(path, file, grouped)
    if groups.shape != (len(pixels),):
        raise _wrong(path, f"its {grouped} have shape {list(groups.shape)}", "expected one name or number per image")
    return pixels, targets, groups


def _grouped(path: Path, groups: Mapping[str, NDArray]) -> NDArray[np.int64]:
    """The groups of all samples, numbered."""
    names, numbers = np.unique(np.concatenate(list(groups.values())), return_inverse=True)
    ends = np.cumsum([len(part) for part in groups.values()])[:-1]
    parts = dict(zip(groups, np.split(numbers, ends), strict=True))
    for one, other in combinations(parts, 2):
        if len(shared := np.intersect1d(parts[one], parts[other])):
            problem = f"its group {names[shared[0]]} is in {one} and in {other}, one of {len(shared)} that are divided"
            raise _wrong(path, problem, "expected every group, such as a patient, in one part alone")
    return numbers.astype(np.int64)


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
    """Under which names a part's images and targets are in the file; None where it has no such part."""
    pairs = [(f"{part}_images", f"{part}_{kind}") for kind in _TARGETS] + [(f"x_{part}", f"y_{part}")]
    pairs += [("x", "y"), *(("images", kind) for kind in _TARGETS)] if part == "train" else []
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


def _targets(path: Path, name: str, array: NDArray, images: tuple[int, ...]) -> NDArray:
    """Classes int64 [M], or masks uint8 [M, *extents]."""
    if name.endswith(("masks", "instances")) or (array.ndim > 2 and array.shape[1:] == images[2:]):
        return _masks(path, name, array, images)
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if flat.ndim != 1 or not len(flat) or not np.issubdtype(flat.dtype, np.integer) or flat.min() < 0:
        shape = f"{flat.dtype} of shape {list(array.shape)}"
        low = f" from {flat.min()}" if flat.size and flat.dtype.kind in "if" else ""
        expected = "expected one whole number from 0 up for each image, [M] or [M, 1], or a mask for each"
        raise _wrong(path, f"its {name} are {shape}{low}", expected)
    return flat.astype(np.int64)


def _masks(path: Path, name: str, array: NDArray, images: tuple[int, ...]) -> NDArray[np.uint8]:
    if array.shape[1:] != images[2:] or array.dtype.kind not in "bui":
        shape = f"{array.dtype} of shape {list(array.shape)}"
        raise _wrong(path, f"its {name} are {shape}", f"expected whole numbers, of the images' {grid_text(images[2:])}")
    if name.endswith("instances"):
        return (array > 0).astype(np.uint8)
    if array.min() < 0 or array.max() >= MOST_CLASSES:
        values = f"values from {array.min()} to {array.max()}"
        expected = f"expected classes from 0 to {MOST_CLASSES - 1}; numbered objects are called instances"
        raise _wrong(path, f"its {name} have {values}", expected)
    return array.astype(np.uint8)


def _joined(parts: Sequence[NDArray], size: tuple[int, ...]) -> NDArray[np.float32]:
    """One after another as float32, resized, written once: volumes fill much of a memory."""
    images = np.empty((sum(map(len, parts)), parts[0].shape[1], *size), np.float32)
    start = 0
    for part in parts:
        for first in range(0, len(part), CHUNK):
            some = part[first : first + CHUNK]
            if some.dtype == np.uint8:
                some = np.divide(some, np.float32(BRIGHTEST), dtype=np.float32)
            images[start : start + len(some)] = resized(some, size)
            start += len(some)
    return images


def _listed(file: Mapping[str, NDArray]) -> str:
    return ", ".join(sorted(file)) or "nothing"


def _wrong(path: Path, problem: str, expected: str) -> ScanlabError:
    return ScanlabError.at("S642", f"{path} is no data set: {problem}", help=expected)
