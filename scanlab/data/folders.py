"""Folders of image files, by Pillow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scanlab.data.checks import checked
from scanlab.data.dataset import Dataset
from scanlab.data.parts import PARTS, SPLIT_SEED, TRAIN_SHARE, from_parts, looks, split
from scanlab.data.resize import check_size
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["IMAGES", "load_folder"]

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
BRIGHTEST = 255
MOST_CLASSES = 64
_LAYOUTS = "a folder per class, perhaps below train, val and test; or images and masks with files of the same names"


def load_folder(folder: Path, size: tuple[int, ...] | None = None) -> Dataset:
    """Read a folder of images: one folder per class, perhaps below train, val and test; or images/ with masks/.

    Grey images have one channel, all others three; all have one size, or get the one that is given. A mask has the
    stem of its image and holds classes 0, 1, …; one of 0 and 255 alone holds background and one class. Without a test
    part 30 % of the images are held out, by class or look, always the same. Classes are numbered by name. Raises S644
    for folders of another layout and files that are no images, S645 without Pillow, and S646.
    """
    _pillow()
    if (folder / "images").is_dir() and (folder / "masks").is_dir():
        return _with_masks(folder, size)
    named = {"val": ("val", "valid", "validation"), "train": ("train",), "test": ("test",)}
    parts = {part: next((folder / n for n in named[part] if (folder / n).is_dir()), None) for part in PARTS}
    if parts["train"] is None or parts["test"] is None:
        parts = {"train": folder, "val": None, "test": None}
    found = {part: _classes(place) for part, place in parts.items() if place is not None}
    names = sorted({name for classes in found.values() for name in classes})
    if not names:
        raise _wrong(folder, "it holds no images in folders", f"expected {_LAYOUTS}")
    files = {
        part: [(file, names.index(n)) for n, some in classes.items() for file in some]
        for part, classes in found.items()
    }
    images = _read([file for some in files.values() for file, _ in some], size)
    labels = np.array([label for some in files.values() for _, label in some], np.int64)
    train, val, test = from_parts([len(files.get(part, ())) for part in PARTS])
    if "test" not in files:
        train, test = split(labels, None, TRAIN_SHARE, SPLIT_SEED)
    credit = f"read from the folder {folder.name}"
    return checked(
        Dataset(folder.name, images, labels, train, test, len(names), credit, val=val, class_names=tuple(names))
    )


def _with_masks(folder: Path, size: tuple[int, ...] | None) -> Dataset:
    images, masks = _files(folder / "images"), {file.stem: file for file in _files(folder / "masks")}
    lonely = [file.name for file in images if file.stem not in masks] + sorted(set(masks) - {f.stem for f in images})
    if lonely or not images:
        problem = f"{lonely[0]} has no partner, one of {len(lonely)}" if lonely else "images is empty"
        raise _wrong(folder, problem, "expected a mask of the same name for every image")
    pixels = _read(images, size)
    marks = [_mask(masks[file.stem], file, size) for file in images]
    if max(int(mask.max()) for mask in marks) == BRIGHTEST and all(np.isin(m, (0, BRIGHTEST)).all() for m in marks):
        marks = [mask // BRIGHTEST for mask in marks]
    labels = np.stack(marks)
    if labels.max() >= MOST_CLASSES:
        raise _wrong(folder, f"a mask has the value {labels.max()}", f"expected classes from 0 to {MOST_CLASSES - 1}")
    train, test = split(looks(pixels), None, TRAIN_SHARE, SPLIT_SEED)
    credit = f"read from the folder {folder.name}"
    return checked(Dataset(folder.name, pixels, labels, train, test, 1 + int(labels.max()), credit))


def _classes(folder: Path) -> dict[str, list[Path]]:
    found = {place.name: _files(place) for place in sorted(folder.iterdir()) if place.is_dir()}
    empty = [name for name, files in found.items() if not files and not name.startswith(".")]
    if empty:
        raise _wrong(folder, f"its folder {empty[0]} holds no images", f"expected {_LAYOUTS}")
    return {name: files for name, files in found.items() if files}


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in IMAGES and not file.name.startswith("."))


def _read(files: Sequence[Path], size: tuple[int, ...] | None) -> NDArray[np.float32]:
    """Files as float32 [M, C, H, W] in [0, 1], written once."""
    shapes = Counter[tuple[int, ...]]()
    channels = 1
    for file in files:
        with _opened(file) as image:
            shapes[image.size[::-1]] += 1
            channels = channels if image.mode in ("1", "L", "I;16", "I", "F") else 3
    if size is None and len(shapes) > 1:
        usual = " and ".join(grid_text(shape) for shape, _ in shapes.most_common(2))
        raise ScanlabError.at(
            "S646",
            f"the images have {len(shapes)} sizes, such as {usual}",
            help="give one for all, as in --size 64x64",
        )
    extents = size or next(iter(shapes))
    check_size(extents, next(iter(shapes)), files[0].parent.name)
    pixels = np.empty((len(files), channels, *extents), np.float32)
    for number, file in enumerate(files):
        pixels[number] = _pixels(file, extents, channels)
    return pixels


def _pixels(file: Path, extents: tuple[int, ...], channels: int) -> NDArray[np.float32]:
    from PIL import Image

    with _opened(file) as image:
        try:
            deep = image.mode in ("I;16", "I", "F")
            plain = image.convert("F" if deep else "RGB" if channels == 3 else "L")
            if plain.size[::-1] != extents:
                plain = plain.resize((extents[1], extents[0]), Image.Resampling.BILINEAR)
        except (OSError, ValueError, SyntaxError) as error:
            raise _unreadable(file, error) from None
    array = np.asarray(plain, np.float32) / np.float32(65535 if deep else BRIGHTEST)
    if channels == 3 and array.ndim == 2:
        return np.broadcast_to(array, (3, *extents))
    return np.moveaxis(array, -1, 0) if array.ndim == 3 else array[None]


def _mask(file: Path, image: Path, size: tuple[int, ...] | None) -> NDArray[np.uint8]:
    from PIL import Image

    with _opened(file) as mask, _opened(image) as picture:
        if mask.size != picture.size:
            sizes = [grid_text(s[::-1]) for s in (mask.size, picture.size)]
            raise ScanlabError.at(
                "S644",
                f"the mask {file.name} has {sizes[0]} pixels, and its image {sizes[1]}",
                help="give both one size",
            )
        try:
            # The numbers of a palette are classes; their colours say nothing.
            plain = mask if mask.mode == "P" else mask.convert("L")
            plain = plain if size is None else plain.resize((size[1], size[0]), Image.Resampling.NEAREST)
        except (OSError, ValueError, SyntaxError) as error:
            raise _unreadable(file, error) from None
        return np.asarray(plain, np.uint8).copy()


def _opened(file: Path) -> Image:
    from PIL import Image

    try:
        return Image.open(file)
    except (OSError, ValueError, SyntaxError) as error:
        raise _unreadable(file, error) from None


def _pillow() -> None:
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise ScanlabError.at("S645", "image files need Pillow", help='pip install "scanlab[data]"') from None


def _unreadable(file: Path, error: Exception) -> ScanlabError:
    return ScanlabError.at(
        "S644", f"{file} cannot be read as an image: {error}", help="replace the file, or take it out of the folder"
    )


def _wrong(folder: Path, found: str, expected: str) -> ScanlabError:
    return ScanlabError.at("S644", f"{folder} is no data set: {found}", help=expected)
