"""TIFF files with other bands than those of a photograph, by rasterio: as satellites give them."""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scanlab.data.file_facts import COLOUR_BITS
from scanlab.data.geotiff import GEOTIFFS, opened_raster
from scanlab.data.layout import Layout, settled_by
from scanlab.data.notes import Note
from scanlab.data.resize import check_size, resized
from scanlab.data.scales import reflectance_scale, scale_by_range, scale_of
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["PLACE_TAGS", "is_raster", "read_rasters", "unwarned_of_size"]

# TIFF's tags: samples per pixel, what the extra ones are, and where GeoTIFF says the place of a pixel.
_SAMPLES, _EXTRA, PLACE_TAGS = 277, 338, (33550, 33922, 34264, 34735)
# Whether bands lie one after the other, and how many bits a value has.
_PLANES, _APART, _BITS = 284, 2, 258
_ALPHA = (1, 2)

# The filters of warnings are those of all threads.
_FILTERS = RLock()

# Pillow logs what it cannot decode, and is asked for nothing else here.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def is_raster(file: Path) -> bool:
    """Whether a file is a TIFF whose bands Pillow cannot read, or would take for something else: near infrared for
    transparency, or a second band for nothing. Raises S722 where that takes rasterio, and it is missing."""
    if not file.name.lower().endswith(GEOTIFFS):
        return False
    from PIL import Image as pillow

    try:
        with unwarned_of_size(), pillow.open(file) as image:
            tags = getattr(image, "tag_v2", {})
            samples, extra, mode = tags.get(_SAMPLES, 1), tags.get(_EXTRA, ()), image.mode
            if mode in ("L", "RGBX") and samples > 1 and not set(extra) & set(_ALPHA):
                return True
            if mode == "RGBA" and any(tag in tags for tag in PLACE_TAGS):
                # Transparency is there or not; what has shades is near infrared, which many programs call so.
                shades = np.unique(np.asarray(image)[..., 3])
                return not set(shades.tolist()) <= {0, 255}
            # Of all others Pillow knows the kind by its head: no photograph need be decoded to tell.
            doubtful = tags.get(_PLANES, 1) == _APART and max(tags.get(_BITS, (1,))) > COLOUR_BITS
            return doubtful and not _decodes(image) and _rasterio_reads(file)
    except (OSError, ValueError, SyntaxError, pillow.DecompressionBombError):
        return _rasterio_reads(file)


@contextmanager
def unwarned_of_size() -> Iterator[None]:
    """Pillow warns of pictures of very many pixels, as satellites give them, before it reads any."""
    from PIL import Image as pillow

    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore", pillow.DecompressionBombWarning)
        yield


def _decodes(image: Image) -> bool:
    """Whether Pillow knows the kind of the pixels, be they whole or not: some it recognises, and cannot decode."""
    try:
        image.getpixel((0, 0))
    except ValueError:
        return False
    except (OSError, SyntaxError):
        pass
    return True


def read_rasters(
    files: Sequence[Path],
    size: tuple[int, ...] | None,
    layout: Layout,
    notes: list[Note],
    fitted: Sequence[tuple[int, int]] | None = None,
) -> NDArray[np.float32]:
    """Files as float32 [M, bands, H, W], all of as many bands; where a band has no data it is 0. fitted: as of
    `read_pictures`.

    Values are scaled as those of pictures are, all files alike, and what is divided by is noted; `layout` can say
    reflectance, raw_values or scaled_values. Raises S644 for files that cannot be read or differ in their bands or in
    the kind of their numbers, S646 for several sizes, and S722 without rasterio.
    """
    _check_alike(files, shapes := _shapes(files))
    bands, *own = shapes[0]
    sizes = Counter(shape[1:] for shape in shapes)
    if size is None and len(sizes) > 1:
        usual = " and ".join(grid_text(extents) for extents, _ in sizes.most_common(2))
        problem = f"the images have {len(sizes)} sizes, such as {usual}"
        raise ScanlabError.at("S646", problem, help="give one for all, as in --size 64x64")
    extents = size or tuple(own)
    check_size(extents, tuple(own), files[0].parent.name)
    pixels = np.zeros((len(files), bands, *extents), np.float32)
    kinds: dict[np.dtype, Path] = {}
    named: dict[tuple[str, ...], Path] = {}
    empty, odd, shaded = 0, 0, 0
    for number, file in enumerate(files):
        with opened_raster(file, bands, scale=1.0) as raster:
            values, gaps = raster.read_counted()
            empty, odd = empty + (gaps.some > 0), odd + (gaps.odd > 0)
            shaded += raster.reads_alpha
            for kind in raster.file.dtypes:
                kinds.setdefault(np.dtype(kind), file)
            named.setdefault(tuple(name or "" for name in raster.file.descriptions), file)
        within = extents if fitted is None else fitted[number]
        pixels[(number, slice(None), *map(slice, within))] = resized(values[None], within)[0]
    _check_names(named)
    notes.append(Note("layout", f"{count_text(bands, 'band')} of every TIFF file, read by rasterio{_names(named)}"))
    if empty:
        notes.append(Note("assumed", f"{count_text(empty, 'file')} with pixels that have no data: they are 0"))
    if odd:
        what = f"in {count_text(odd, 'file')} pixels that are NaN or infinite: they count as pixels without data"
        notes.append(Note("assumed", what))
    if shaded:
        what = f"in {count_text(shaded, 'file')} a band that is called transparency is read as the others are"
        notes.append(Note("assumed", what))
    _scale(pixels, kinds, files, layout, notes)
    return pixels


def _shapes(files: Sequence[Path]) -> list[tuple[int, int, int]]:
    """Bands, height and width of every file."""
    if odd := [file.name for file in files if not file.name.lower().endswith(GEOTIFFS)]:
        bands = next((file.name for file in files if file.name not in odd), None)
        why = f"{bands} beside it has bands of its own" if bands else "reflectances are those of TIFF files"
        raise ScanlabError.at("S644", f"{odd[0]} is no TIFF file, and {why}", help="give TIFF files alone")
    shapes = []
    for file in files:
        with opened_raster(file, None, scale=1.0) as raster:
            shapes.append(raster.shape)
    return shapes


def _check_alike(files: Sequence[Path], shapes: Sequence[tuple[int, int, int]]) -> None:
    if odd := next((n for n, shape in enumerate(shapes) if shape[0] != shapes[0][0]), None):
        raise ScanlabError.at(
            "S644",
            f"{files[0].name} has {count_text(shapes[0][0], 'band')}, and {files[odd].name} {shapes[odd][0]}",
            help="give files with the same bands in the same order",
        )


def _check_names(named: Mapping[tuple[str, ...], Path]) -> None:
    """Raise S644 where files name all of their bands, and differently."""
    full = [(names, file) for names, file in named.items() if all(names)]
    if len(full) > 1:
        (one, first), (other, second) = full[:2]
        raise ScanlabError.at(
            "S644",
            f"{first.name} has the bands {', '.join(one)}, and {second.name} {', '.join(other)}",
            help="give files with the same bands in the same order",
        )


def _names(named: Collection[tuple[str, ...]]) -> str:
    """What the bands are called, where all files call them the same."""
    (names, *others) = named
    return f": {', '.join(names)}" if all(names) and not others else ""


def _scale(
    pixels: NDArray[np.float32],
    kinds: Mapping[np.dtype, Path],
    files: Sequence[Path],
    layout: Layout,
    notes: list[Note],
) -> None:
    """Divide all values by one number, and say which. Raises S644 for values of which nothing says what they mean, and
    for files that hold bytes, other whole numbers or floats beside one another."""
    if "raw_values" in layout:
        return
    if "scaled_values" in layout:
        scale_by_range(pixels, notes)
        return
    of_kind = {_scale_kind(dtype): (dtype, file) for dtype, file in kinds.items()}
    if len(of_kind) > 1:
        (one, first), (other, second) = list(of_kind.values())[:2]
        problem = f"{first.name} holds {one}, and {second.name} {other}, which have no divisor in common"
        words = settled_by("scaled_values", "raw_values")
        raise ScanlabError.at("S644", problem, help=f"save all files alike; or {words}")
    [kind] = of_kind
    low, high = float(pixels.min()), float(pixels.max())
    scale = reflectance_scale if "reflectance" in layout else scale_of
    divisor = scale(low, high, kind, "bands", notes)
    if divisor is None:
        raise ScanlabError.at(
            "S644",
            f"the bands in {files[0].parent} have values from {low:g} to {high:g}, and nothing says what they mean",
            help=settled_by("reflectance", "scaled_values", "raw_values"),
        )
    pixels /= np.float32(divisor)


def _scale_kind(dtype: np.dtype) -> str:
    """As `scale_of` calls it."""
    return "f" if dtype.kind == "f" else "B" if dtype == np.uint8 else "i"


def _rasterio_reads(file: Path) -> bool:
    """Whether rasterio takes it for a TIFF file; of one that is damaged Pillow says what is wrong. Raises S722 where
    rasterio is missing."""
    with file.open("rb") as stream:
        if stream.read(4) not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return False
    try:
        with opened_raster(file, None, scale=1.0):
            return True
    except ScanlabError as error:
        if error.code == "S722":
            raise
        return False
