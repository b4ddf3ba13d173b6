"""TIFF files: which are read by rasterio and which by Pillow, so that a model sees what it would see in training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from scanlab.data.file_facts import COLOUR_BITS, bits_of, is_white_first
from scanlab.data.geotiff import Raster, opened_raster
from scanlab.data.pictures import is_deep, opened
from scanlab.data.rasters import PLACE_TAGS, is_raster, unwarned_of_size
from scanlab.data.upright import orientation
from scanlab.nn import PictureRows
from scanlab.predict.picture_files import picture_rows

__all__ = ["TiffFacts", "opened_tiff", "tiff_facts"]

# Tags of rational polynomials and of the nodata value; and files beside a TIFF that say where it lies.
_RPCS, _NODATA = 50844, 42113
_BESIDE = (".tfw", ".tifw", ".tiffw", ".wld")
_SAMPLES = 277


@dataclass(frozen=True)
class TiffFacts:
    """How a TIFF file is read.

    bands: all its pixels by rasterio, as training reads what is none of a camera's. placed: it says where it lies, or
    where it has no data. same: as many channels as rasterio reads of it just as Pillow does, 0 for none. colours: how
    many of its bands are no transparency.
    """

    bands: bool = False
    placed: bool = False
    same: int = 0
    colours: int = 0


def tiff_facts(file: Path) -> TiffFacts:
    """What decides it. Raises S644, and S722 where it takes rasterio, which is missing."""
    if is_raster(file):
        return TiffFacts(bands=True)
    with unwarned_of_size(), opened(file) as image:
        tags = getattr(image, "tag_v2", {})
        bits = bits_of(image, file)
        is_tiff, mode = image.format == "TIFF", image.mode
        white_first = is_white_first(image)
        # One that is to be turned is refused, as in training.
        orientation(image)
    # Pillow reads the upper eight bits of colours; training with `reflectance` reads them all, as this does.
    if is_tiff and (mode == "F" or (not is_deep(mode) and bits > COLOUR_BITS)):
        return TiffFacts(bands=True)
    placed = any(tag in tags for tag in (*PLACE_TAGS, _RPCS, _NODATA)) or _has_place_beside(file)
    plain = not white_first and (is_deep(mode) or (mode in ("L", "RGB") and bits == COLOUR_BITS))
    colours = int(tags.get(_SAMPLES, 1)) - (mode in ("RGBA", "LA", "PA"))
    return TiffFacts(False, placed and is_tiff, (3 if mode == "RGB" else 1) if plain else 0, colours)


@contextmanager
def opened_tiff(
    file: Path, channels: int, chosen: tuple[int, ...], scale: float | None, notes: list[str]
) -> Iterator[tuple[PictureRows, Raster | None]]:
    """The rows of a TIFF file, and its raster where it has more to say than pixels: some rows at a time by rasterio, or
    whole by Pillow what rasterio reads otherwise: palettes, black and white, inks, transparency, and grey where the
    model reads colours. chosen: its bands from 1, which rasterio reads. Raises what `opened_raster` and `picture_rows`
    raise."""
    facts = TiffFacts(bands=True) if chosen else tiff_facts(file)
    if facts.bands:
        with opened_raster(file, channels, chosen, scale) as raster:
            notes += raster.notes
            yield _rows(raster, raster.read), raster
    elif not facts.placed:
        yield picture_rows(file, channels, scale, notes), None
    elif facts.same == channels:
        with opened_raster(file, channels, (), scale) as raster:
            notes += raster.notes
            # What Pillow reads in training knows of no pixels without data.
            yield _rows(raster, raster.read_all if raster.holds_bytes else raster.read), raster
    else:
        with opened_raster(file, facts.colours, tuple(range(1, facts.colours + 1)), scale=1.0) as raster:
            # Overviews and masks stand behind the picture.
            yield picture_rows(file, channels, scale, notes, pages=True), raster


def _rows(raster: Raster, read: Callable) -> PictureRows:
    return PictureRows(raster.shape, lambda first, last: torch.from_numpy(read(first, last)))


def _has_place_beside(file: Path) -> bool:
    return any(file.with_suffix(suffix).exists() for suffix in _BESIDE) or Path(f"{file}.aux.xml").exists()
