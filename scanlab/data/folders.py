"""Folders of image files, by Pillow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scanlab.data.checks import checked
from scanlab.data.dataset import Dataset
from scanlab.data.parts import PARTS, SPLIT_SEED, TRAIN_SHARE, brightness_quarters, from_parts, split
from scanlab.data.resize import check_size
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["IMAGES", "load_folder"]

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
BRIGHTEST = 255
# Of 16 bits.
DEEPEST = 65535
MOST_CLASSES = 64
_LAYOUTS = (
    "a folder per class, or images and masks with files of the same names; both perhaps below train, val and test"
)


def load_folder(folder: Path, size: tuple[int, ...] | None = None) -> Dataset:
    """Read a folder of images: one folder per class, or images/ with masks/; both perhaps below train, val and test.

    Grey images have one channel, all others three; all have one size, or get the one that is given. A mask has the
    stem of its image and holds classes 0, 1, …; one of 0 and 255 alone holds background and one class. Without a test
    part 30 % of the images are held out, by class or brightness, always the same. Classes are numbered by name. Raises
    S644 for folders of another layout and files that are no images, S645 without Pillow, and S646.
    """
    _pillow()
    places = _places(folder)
    masked = [_has_masks(place) for place in places.values()]
    if any(masked) and not all(masked):
        raise _wrong(folder, "only some of its parts have images and masks", f"expected {_LAYOUTS}")
    return (_with_masks if all(masked) else _with_classes)(folder, places, size)


def _places(folder: Path) -> dict[str, Path]:
    """The folder of each part; the whole as "train" where it is not divided."""
    named = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}
    parts = {part: folder / name for part, names in named.items() for name in names if (folder / name).is_dir()}
    alone = set(parts) == {"train"} and any(place.is_dir() for place in parts["train"].iterdir())
    if "train" not in parts or _has_masks(folder) or (len(parts) == 1 and not alone):
        # A class may be called train, too.
        return {"train": folder}
    if "val" in parts and "test" not in parts:
        help = "call val test, to measure on it; or give train alone, of which 30 % are then held out"
        raise _wrong(folder, "it has train and val, and no test", help)
    return {part: parts[part] for part in PARTS if part in parts}


def _has_masks(folder: Path) -> bool:
    return (folder / "images").is_dir() and (folder / "masks").is_dir()


def _with_classes(folder: Path, places: Mapping[str, Path], size: tuple[int, ...] | None) -> Dataset:
    by_part = {part: _classes(place) for part, place in places.items()}
    names = sorted({name for classes in by_part.values() for name in classes})
    if not names:
        raise _wrong(folder, "it holds no images in folders", f"expected {_LAYOUTS}")
    files = {
        part: [(file, names.index(n)) for n, some in classes.items() for file in some]
        for part, classes in by_part.items()
    }
    images = _read([file for some in files.values() for file, _ in some], size)
    labels = np.array([label for some in files.values() for _, label in some], np.int64)
    counts = {part: len(some) for part, some in files.items()}
    return _dataset(folder, images, labels, counts, tuple(names))


def _with_masks(folder: Path, places: Mapping[str, Path], size: tuple[int, ...] | None) -> Dataset:
    pairs = {part: _pairs(place) for part, place in places.items()}
    together = [pair for some in pairs.values() for pair in some]
    pixels = _read([image for image, _ in together], size)
    masks = [_mask(mask, image, size) for image, mask in together]
    if max(int(mask.max()) for mask in masks) == BRIGHTEST and all(np.isin(m, (0, BRIGHTEST)).all() for m in masks):
        masks = [mask // BRIGHTEST for mask in masks]
    labels = np.stack(masks)
    if labels.max() >= MOST_CLASSES:
        raise _wrong(folder, f"a mask has the value {labels.max()}", f"expected classes from 0 to {MOST_CLASSES - 1}")
    return _dataset(folder, pixels, labels, {part: len(some) for part, some in pairs.items()})


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Every image with its mask."""
    images, masks = _files(folder / "images"), {file.stem: file for file in _files(folder / "masks")}
    lonely = [file.name for file in images if file.stem not in masks] + sorted(set(masks) - {f.stem for f in images})
    if lonely or not images:
        problem = f"{lonely[0]} has no partner, one of {len(lonely)}" if lonely else "images is empty"
        raise _wrong(folder, problem, "expected a mask of the same name for every image")
    return [(file, masks[file.stem]) for file in images]


def _dataset(
    folder: Path,
    images: NDArray[np.float32],
    labels: NDArray,
    counts: Mapping[str, int],
    class_names: tuple[str, ...] = (),
) -> Dataset:
    """The data with their parts, which follow one another; a test part is held out where there is none."""
    parts = dict(zip(counts, from_parts(list(counts.values())), strict=True))
    if "test" not in parts:
        strata = labels if labels.ndim == 1 else brightness_quarters(images)
        parts["train"], parts["test"] = split(strata, None, TRAIN_SHARE, SPLIT_SEED)
    made = Dataset(
        name=folder.name,
        images=images,
        labels=labels,
        train=parts["train"],
        test=parts["test"],
        classes=len(class_names) or 1 + int(labels.max()),
        credit=f"read from the folder {folder.name}",
        val=parts.get("val", np.empty(0, np.int64)),
        class_names=class_names,
        drawn="test" not in counts,
    )
    return checked(made)


def _classes(folder: Path) -> dict[str, list[Path]]:
    classes = {place.name: _files(place) for place in sorted(folder.iterdir()) if place.is_dir()}
    empty = [name for name, files in classes.items() if not files and not name.startswith(".")]
    if empty:
        raise _wrong(folder, f"its folder {empty[0]} holds no images", f"expected {_LAYOUTS}")
    return {name: files for name, files in classes.items() if files}


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in IMAGES and not file.name.startswith("."))


def _read(files: Sequence[Path], size: tuple[int, ...] | None) -> NDArray[np.float32]:
    """Files as float32 [M, C, H, W] in [0, 1], written once."""
    shapes = Counter[tuple[int, ...]]()
    channels = 1
    for file in files:
        with _opened(file) as image:
            shapes[image.size[::-1]] += 1
            channels = channels if _grey(image.mode) else 3
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
        deep = _deep(image.mode)
        most = 1 if image.mode == "F" else DEEPEST if deep else BRIGHTEST
        try:
            plain = image.convert("F" if deep else "RGB" if channels == 3 else "L")
            if plain.size[::-1] != extents:
                plain = plain.resize((extents[1], extents[0]), Image.Resampling.BILINEAR)
        except (OSError, ValueError, SyntaxError) as error:
            raise _unreadable(file, error) from None
    array = np.asarray(plain, np.float32)
    # Values that are no numbers are refused by `checked`, with those of all other data.
    if deep and (array.min() < 0 or array.max() > most):
        values = f"has values from {array.min():g} to {array.max():g}"
        raise _wrong(file.parent, f"{file.name} {values}", f"expected values from 0 to {most}")
    array = array / np.float32(most)
    if channels == 3 and array.ndim == 2:
        return np.broadcast_to(array, (3, *extents))
    return np.moveaxis(array, -1, 0) if array.ndim == 3 else array[None]


def _grey(mode: str) -> bool:
    """Whether images of one of Pillow's modes have one channel, but for transparency."""
    return mode in ("1", "L", "LA") or _deep(mode)


def _deep(mode: str) -> bool:
    """Whether a grey image has more than eight bits: whole numbers of 16 or 32 bits, or floats."""
    return mode.startswith("I;16") or mode in ("I", "F")


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
    # A damaged head can claim more pixels than Pillow takes for honest.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
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


def _wrong(folder: Path, problem: str, expected: str) -> ScanlabError:
    return ScanlabError.at("S644", f"{folder} is no data set: {problem}", help=expected)
