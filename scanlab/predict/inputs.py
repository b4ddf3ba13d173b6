"""Kinds of files that are predicted from: pictures, and TIFF files, which may have other bands and a place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scanlab.data.geotiff import GEOTIFFS, Raster
from scanlab.data.pictures import IMAGES, require_pillow
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import PictureRows
from scanlab.predict.picture_files import picture_rows
from scanlab.predict.tiff_files import opened_tiff

__all__ = ["INPUTS", "Bands", "InputKind", "Opened", "kind_of"]


@dataclass(frozen=True)
class Bands:
    """Which bands of a GeoTIFF are read, from 1, () for all; and what values are divided by, None for the usual.

    >>> Bands((4, 3, 2), scale=10000).chosen
    (4, 3, 2)
    """

    chosen: tuple[int, ...] = ()
    scale: float | None = None


@dataclass(frozen=True, eq=False)
class Opened:
    """A file while it is read. raster: of one that rasterio knows more of than pixels. notes: what was assumed of it,
    and what it lacks."""

    rows: PictureRows
    raster: Raster | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class InputKind:
    """A kind of file. suffixes: of its names; masks: those that a mask of it may have, the usual one first; opened:
    reads a file for a model of so many channels; placed: whether it can say where on the earth its pixels lie."""

    suffixes: tuple[str, ...]
    masks: tuple[str, ...]
    opened: Callable[[Path, int, Bands], AbstractContextManager[Opened]]
    placed: bool = False


@contextmanager
def _picture(file: Path, channels: int, bands: Bands) -> Iterator[Opened]:
    require_pillow()
    if bands.chosen:
        raise ScanlabError.at("S659", f"{file.name} is no GeoTIFF", help="leave --bands out")
    notes: list[str] = []
    yield Opened(picture_rows(file, channels, bands.scale, notes), None, tuple(notes))


@contextmanager
def _tiff(file: Path, channels: int, bands: Bands) -> Iterator[Opened]:
    require_pillow()
    notes: list[str] = []
    with opened_tiff(file, channels, bands.chosen, bands.scale, notes) as (rows, raster):
        lacks = raster.gaps().notes(file.name) if raster else ()
        yield Opened(rows, raster, (*notes, *lacks))


# In their order: the first whose suffix fits.
INPUTS: Sequence[InputKind] = (
    InputKind(GEOTIFFS, GEOTIFFS, _tiff, placed=True),
    InputKind(IMAGES, (".png",), _picture),
)


def kind_of(file: Path) -> InputKind:
    """The kind that a file's name says.

    >>> kind_of(Path("scene.TIF")).masks[0], kind_of(Path("photo.jpg")).masks[0]
    ('.tif', '.png')
    """
    return next(kind for kind in INPUTS if file.name.lower().endswith(kind.suffixes))
