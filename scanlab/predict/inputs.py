"""Kinds of files that are predicted from: pictures by Pillow, and GeoTIFFs by rasterio."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from scanlab.data.geotiff import GEOTIFFS, Raster, opened_raster
from scanlab.data.pictures import IMAGES, require_pillow
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import PictureRows
from scanlab.predict.pictures import picture_rows

__all__ = ["INPUTS", "Bands", "InputKind", "Opened", "kind_of"]


@dataclass(frozen=True)
class Bands:
    """Which bands of a GeoTIFF are read, from 1, () for all; and the divisor of its values, None for the usual one.

    >>> bool(Bands()), bool(Bands(scale=10000))
    (False, True)
    """

    chosen: tuple[int, ...] = ()
    scale: float | None = None

    def __bool__(self) -> bool:
        return bool(self.chosen) or self.scale is not None


@dataclass(frozen=True, eq=False)
class Opened:
    """A file while it is read. raster: of a GeoTIFF alone. notes: what was assumed of it."""

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
    if bands:
        raise ScanlabError.at("S659", f"{file.name} is no GeoTIFF", help="leave --bands and --scale out")
    yield Opened(picture_rows(file, channels))


@contextmanager
def _raster(file: Path, channels: int, bands: Bands) -> Iterator[Opened]:
    with opened_raster(file, channels, bands.chosen, bands.scale) as raster:
        rows = PictureRows(raster.shape, lambda first, last: torch.from_numpy(raster.read(first, last)))
        yield Opened(rows, raster, raster.notes)


# In their order: the first whose suffix fits.
INPUTS: Sequence[InputKind] = (
    InputKind(GEOTIFFS, GEOTIFFS, _raster, placed=True),
    InputKind(IMAGES, (".png",), _picture),
)


def kind_of(file: Path) -> InputKind:
    """The kind that a file's name says.

    >>> kind_of(Path("scene.TIF")).masks[0], kind_of(Path("photo.jpg")).masks[0]
    ('.tif', '.png')
    """
    return next(kind for kind in INPUTS if file.name.lower().endswith(kind.suffixes))
