"""GeoTIFF files by rasterio: bands as pixels, and where on the earth they lie."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.scales import check_divisor
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text
from scanlab.places import FOR_ALL, draft_of

__all__ = [
    "GEOTIFFS",
    "NO_CLASS",
    "Gaps",
    "Georeference",
    "Raster",
    "opened_raster",
    "require_rasterio",
    "write_classes",
]

GEOTIFFS = (".tif", ".tiff")
# In what is written, the class of a pixel for which the input has no data.
NO_CLASS = 255
BYTE = 255
# So many rows are looked at together where values themselves are not kept.
ROWS = 256


@dataclass(frozen=True)
class Gaps:
    """How many pixels of a raster lack something. pixels: all there are; some, none: where a band has no data, where no
    band has any; odd: where a band is NaN or infinite and no nodata value says so, which counts as no data.

    >>> Gaps(12, some=12, none=12).notes("a.tif")
    ('a.tif has no data in any of its 12 pixels',)
    """

    pixels: int
    some: int = 0
    none: int = 0
    odd: int = 0

    def __add__(self, other: Gaps) -> Gaps:
        return Gaps(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def notes(self, name: str) -> tuple[str, ...]:
        """What is to be said of them."""
        made = []
        if self.odd:
            made.append(
                f"{self.odd:,} of {self.pixels:,} pixels of {name} are NaN or infinite in some band: no data there"
            )
        if self.none == self.pixels:
            made.append(f"{name} has no data in any of its {self.pixels:,} pixels")
        return tuple(made)


@dataclass(frozen=True, eq=False)
class Georeference:
    """Where a raster lies: its coordinate reference system, the affine transform from pixels to it, ground control
    points and rational polynomials, each None where the file has none.

    >>> Georeference().missing
    'a coordinate reference system and a transform'
    """

    crs: Any = None
    transform: Any = None
    gcps: Any = None
    rpcs: Any = None

    @property
    def missing(self) -> str:
        """What it lacks to say where a pixel is, in words; "" for nothing."""
        if self.rpcs or self.gcps:
            return ""
        lacking = [
            *(["a coordinate reference system"] if self.crs is None else []),
            *(["a transform"] if self.transform is None else []),
        ]
        return " and ".join(lacking)


@dataclass(frozen=True, eq=False)
class Raster:
    """An open GeoTIFF. bands: those that are read, from 1. scale: what its values are divided by."""

    file: Any
    bands: tuple[int, ...]
    scale: float
    georeference: Georeference
    notes: tuple[str, ...] = field(default=())

    @property
    def shape(self) -> tuple[int, int, int]:
        """Bands, height and width."""
        return len(self.bands), self.file.height, self.file.width

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """Rows of pixels, float32 [C, last - first, W]; 0 where there are no data. Raises S644."""
        values, valid, _ = self._looked(first, last)
        return self._filled(values, valid)

    def read_counted(self) -> tuple[NDArray[np.float32], Gaps]:
        """The whole as `read` gives it, and its gaps, in one look. Raises S644."""
        values, valid, strange = self._looked(0, self.file.height)
        return self._filled(values, valid), _gaps(valid, strange)

    def _filled(self, values: NDArray, valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        pixels = values.astype(np.float32)
        pixels[~valid] = 0
        return pixels / np.float32(self.scale)

    def read_all(self, first: int, last: int) -> NDArray[np.float32]:
        """As `read` does, but for pixels without data, which have the value that stands there. Raises S644."""
        return self._looked(first, last)[0].astype(np.float32) / np.float32(self.scale)

    @property
    def holds_bytes(self) -> bool:
        """Whether all values are bytes."""
        return all(self.file.dtypes[band - 1] == "uint8" for band in self.bands)

    def valid(self, first: int, last: int) -> NDArray[np.bool_]:
        """Where some band has data: bool [last - first, W]. Raises S644."""
        return np.asarray(self._looked(first, last)[1].any(0))

    def gaps(self) -> Gaps:
        """How many pixels lack something, counted some rows at a time. Raises S644."""
        height, width = self.file.height, self.file.width
        if self._marks_none:
            return Gaps(height * width)
        total = Gaps(0)
        for first in range(0, height, ROWS):
            _, valid, strange = self._looked(first, min(height, first + ROWS))
            total += _gaps(valid, strange)
        return total

    @property
    def _marks_none(self) -> bool:
        """Whether all pixels have data without a look at them."""
        valid = _rasterio().enums.MaskFlags.all_valid
        return all(
            np.dtype(self.file.dtypes[band - 1]).kind != "f" and valid in self.file.mask_flag_enums[band - 1]
            for band in self.bands
        )

    def _looked(self, first: int, last: int) -> tuple[NDArray, NDArray[np.bool_], NDArray[np.bool_]]:
        """Of rows the values, where each band has data, and where a value alone says that it has none: [C, rows, W]."""
        window = ((first, last), (0, self.file.width))
        try:
            values = self.file.read(list(self.bands), window=window)
            marked = self._marked(values, window)
        except _errors() as error:
            raise _unreadable(Path(self.file.name), error) from None
        strange = marked & ~np.isfinite(values)
        return values, marked & ~strange, strange

    def _marked(self, values: NDArray, window: tuple[tuple[int, int], tuple[int, int]]) -> NDArray[np.bool_]:
        """Where the file marks each band as having data."""
        if self.reads_alpha:
            # Then the nodata value alone says where there are data.
            nodata = self.file.nodata
            if nodata is None:
                return np.ones(values.shape, bool)
            return ~np.isnan(values) if np.isnan(nodata) else values != nodata
        with _unwarned(_rasterio()):
            return self.file.read_masks(list(self.bands), window=window) > 0

    @property
    def reads_alpha(self) -> bool:
        """Whether a band that the file calls transparency is read as one of the bands, as near infrared often is."""
        alpha = _rasterio().enums.ColorInterp.alpha
        return any(self.file.colorinterp[band - 1] == alpha for band in self.bands)


def _gaps(valid: NDArray[np.bool_], strange: NDArray[np.bool_]) -> Gaps:
    """Of some rows, [C, rows, W]."""
    whole, some = valid.all(0), valid.any(0)
    return Gaps(whole.size, int((~whole).sum()), int((~some).sum()), int(strange.any(0).sum()))


@contextmanager
def opened_raster(
    path: Path, channels: int | None, bands: Sequence[int] = (), scale: float | None = None
) -> Iterator[Raster]:
    """A GeoTIFF from which a model of so many channels reads; None for one that reads all bands there are.

    bands: which, from 1; by default all where the file has as many as there are channels. scale: the divisor of its
    values, as in training; by default 255 for bytes, and 1 for floats, which is noted. Raises S722 without rasterio,
    S644 for a file that cannot be read, S694 for one of several pages, S723 for bands that do not fit, and S724 for
    whole numbers of more than eight bits without a scale, and for a scale that divides nothing.
    """
    rasterio = _rasterio()
    try:
        with _unwarned(rasterio):
            file = rasterio.open(path)
            pages = len(file.subdatasets)
    except _errors() as error:
        raise _unreadable(path, error) from None
    with file:
        if pages > 1:
            help = "save the page that counts as a file of its own"
            raise ScanlabError.at("S694", f"{path.name} has {pages} pages", help=help)
        notes: list[str] = []
        chosen = _bands(path, file, file.count if channels is None else channels, bands, notes)
        divisor = _scale(path, file, chosen, scale, notes)
        yield Raster(file, chosen, divisor, _georeference(file), tuple(notes))


def write_classes(
    path: Path, classes: NDArray[np.uint8], where: Georeference, names: Sequence[str], colours: Mapping[int, Any]
) -> None:
    """Write a class per pixel [H, W], NO_CLASS where there is none, as a GeoTIFF that lies where its input does.

    names stand in the band's tags, as class_0 and so on; colours (red, green, blue) by class are its palette. Raises
    S502 where the file cannot be written, S722 without rasterio.
    """
    rasterio = _rasterio()
    height, width = classes.shape
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": height, "width": width}
    profile |= {"nodata": NO_CLASS, "compress": "deflate", "crs": where.crs}
    if where.transform is not None:
        profile["transform"] = where.transform
    try:
        with (
            draft_of(path, FOR_ALL) as draft,
            _unwarned(rasterio),
            rasterio.open(draft, "w", **profile) as file,
        ):
            if where.gcps:
                file.gcps = where.gcps
            if where.rpcs:
                file.rpcs = where.rpcs
            file.write(classes, 1)
            file.write_colormap(1, {number: (*colour, 255) for number, colour in colours.items()})
            file.update_tags(1, **{f"class_{number}": name for number, name in enumerate(names)})
    except _errors() as error:
        raise ScanlabError.at(
            "S502", f"{path} cannot be written: {_reason(error)}", help="give another --out"
        ) from None


def _bands(path: Path, file: Any, channels: int, bands: Sequence[int], notes: list[str]) -> tuple[int, ...]:
    chosen = tuple(bands) or tuple(range(1, file.count + 1))
    if len(chosen) != channels or any(not 1 <= band <= file.count for band in chosen):
        what = f"the bands {', '.join(map(str, bands))}" if bands else count_text(file.count, "band")
        raise ScanlabError.at(
            "S723",
            f"{path.name} has {count_text(file.count, 'band')}, and the model reads {count_text(channels, 'channel')}"
            + (f": {what} do not fit" if bands else ""),
            help=f"name {channels} of its bands from 1 in the order of the training data, as in --bands 4,3,2",
        )
    if named := [f"{band} {name}" for band in chosen if (name := file.descriptions[band - 1])]:
        notes.append(f"bands of {path.name}: {', '.join(named)}")
    return chosen


def _scale(path: Path, file: Any, bands: Sequence[int], scale: float | None, notes: list[str]) -> float:
    kinds = {np.dtype(file.dtypes[band - 1]) for band in bands}
    if any(kind.kind not in "buif" for kind in kinds):
        raise ScanlabError.at("S724", f"{path.name} has bands of {', '.join(map(str, kinds))}", help="save real bands")
    if scale is not None:
        check_divisor(scale)
        return scale
    if all(kind == np.uint8 for kind in kinds):
        return BYTE
    if all(kind.kind == "f" for kind in kinds):
        notes.append(f"the values of {path.name} are floats, and are taken as they are; --scale divides them")
        return 1.0
    shown = ", ".join(sorted(map(str, kinds)))
    raise ScanlabError.at(
        "S724",
        f"{path.name} has values of {shown}, and nothing says what they were divided by in training",
        help="give the divisor, as in --scale 10000 for reflectances of Sentinel-2",
    )


def _georeference(file: Any) -> Georeference:
    points, crs = file.gcps
    transform = None if file.transform.is_identity else file.transform
    return Georeference(file.crs, transform, (points, crs) if points else None, file.rpcs)


@contextmanager
def _unwarned(rasterio: ModuleType) -> Iterator[None]:
    """What rasterio warns of is said here in a sentence of our own, a missing georeference, or is as it should be: of a
    nodata value and an alpha band the first says where there are data."""
    with warnings.catch_warnings():
        for kind in (rasterio.errors.NotGeoreferencedWarning, rasterio.errors.NodataShadowWarning):
            warnings.simplefilter("ignore", kind)
        yield


def _errors() -> tuple[type[Exception], ...]:
    return (_rasterio().errors.RasterioError, OSError, ValueError)


def require_rasterio() -> None:
    """Raise S722 where rasterio is missing."""
    _rasterio()


def _rasterio() -> ModuleType:
    try:
        import rasterio
        import rasterio.enums
        import rasterio.errors
    except ImportError:
        raise ScanlabError.at(
            "S722", "GeoTIFF files need rasterio, which is not installed", help='pip install "scanlab[satellite]"'
        ) from None
    return rasterio


def _reason(error: BaseException) -> str:
    """What failed first: rasterio's own errors often say no more than that something did."""
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    return str(error)


def _unreadable(path: Path, error: Exception) -> ScanlabError:
    return ScanlabError.at("S644", f"{path} cannot be read as a GeoTIFF: {_reason(error)}", help="replace the file")
