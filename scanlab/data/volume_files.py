"""NIfTI files as arrays in one orientation, by nibabel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.layout import Layout, settled_by
from scanlab.data.resize import nearest, resized
from scanlab.data.volume_places import Case
from scanlab.data.volume_space import Space, body_axes, space_of
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text

__all__ = [
    "Volume",
    "VolumeFacts",
    "check_place",
    "checked_classes",
    "facts_of",
    "load_case",
    "opened_volume",
    "require_nibabel",
    "unreadable_volume",
    "voxel_count",
]

# In voxels: where the corners of an image and its mask may lie apart, for headers are rounded.
NEAR = 0.5
_MILLIMETRES: Mapping[str, float] = MappingProxyType({"meter": 1000.0, "mm": 1.0, "micron": 0.001})


@dataclass(frozen=True, eq=False)
class VolumeFacts:
    """What the header of a volume says, in the words of `Volume`."""

    stored: str
    spacing: tuple[float, ...]
    oblique: float
    unit: str = ""
    last: int = 0


@dataclass(frozen=True, eq=False)
class Volume:
    """A volume, z-scored, float32 [C, X, Y, Z], its mask [X, Y, Z] or None, and what its header says.

    stored: the orientation that the file has, "" for a header without one; spacing: millimetres from voxel to voxel;
    unit: of lengths in the header, "" for none; last: channels that come from a fourth axis, 0 without one;
    oblique: degrees between its axes and the body's. name: of the mask's file, or the volume's own. space: where it
    lies, as its file says. files: of its modalities.
    """

    channels: NDArray[np.float32]
    mask: NDArray | None
    name: str
    stored: str
    spacing: tuple[float, ...]
    oblique: float
    unit: str = ""
    last: int = 0
    space: Space | None = None
    files: tuple[Path, ...] = ()

    @property
    def extents(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return self.channels.shape[1:]

    def at_spacing(self, spacing: Sequence[float]) -> Volume:
        """Resampled, to as many voxels as the volume then has."""
        pairs = zip(self.extents, self.spacing, spacing, strict=True)
        size = tuple(max(1, round(n * own / asked)) for n, own, asked in pairs)
        mask = None if self.mask is None else nearest(self.mask[None], size)[0]
        return replace(self, channels=resized(self.channels[None], size)[0], mask=mask)


def load_case(case: Case, layout: Layout) -> Volume:
    """A sample's files, turned to the closest canonical orientation (RAS+). Raises S644, S646 and S693."""
    import nibabel

    images = [opened_volume(nibabel, file) for file in case.images]
    first, file = images[0], case.images[0]
    for other, path in zip(images[1:], case.images[1:], strict=True):
        check_place(first, other, (file, path), "modality", layout)
    labels = None if case.mask is None else _mask_of(nibabel, first, file, case.mask, layout)
    arrays = [_array(nibabel, image, path) for image, path in zip(images, case.images, strict=True)]
    channels = np.concatenate([a[None] if a.ndim == 3 else np.moveaxis(a, -1, 0) for a in arrays])
    if not np.isfinite(channels).all():
        raise ScanlabError.at("S646", f"{file} has voxels that are NaN or infinite", help="repair it, or leave it out")
    axes = (1, 2, 3)
    centred = channels - channels.mean(axes, keepdims=True)
    scored = (centred / np.maximum(centred.std(axes, keepdims=True), 1e-6)).astype(np.float32)
    name, facts = (case.mask or file).name, facts_of(first)
    return Volume(
        scored,
        labels,
        name,
        facts.stored,
        facts.spacing,
        facts.oblique,
        facts.unit,
        facts.last,
        space_of(first),
        case.images,
    )


def facts_of(image: Any) -> VolumeFacts:
    """What the header of an image that nibabel opened says."""
    last = image.shape[3] if len(image.shape) == 4 else 0
    return VolumeFacts(_orientation(image), _spacing(image), _oblique(image), _unit(image), last)


def _mask_of(nibabel: Any, first: Any, file: Path, path: Path, layout: Layout) -> NDArray:
    """The mask of an image, in its place."""
    mask = opened_volume(nibabel, path)
    if "same_grid" in layout and mask.shape[:3] == first.shape[:3]:
        # Whatever the header says: the array as it is, in the place of the image.
        mask = type(first)(np.asanyarray(mask.dataobj), first.affine, first.header)
    else:
        check_place(first, mask, (file, path), "mask", layout)
    return _mask(nibabel, mask, path)


def require_nibabel() -> None:
    """Raise S645 where nibabel is missing."""
    try:
        import nibabel  # noqa: F401
    except ImportError:
        raise ScanlabError.at("S645", "NIfTI files need nibabel", help='pip install "scanlab[data]"') from None


def voxel_count(file: Path) -> int:
    """How many voxels the header of a file says that it has; 0 for a file that cannot be read."""
    import nibabel

    try:
        return prod(opened_volume(nibabel, file).shape)
    except ScanlabError:
        return 0


def opened_volume(nibabel: Any, file: Path) -> Any:
    """The image of a file, whose voxels are not read yet. Raises S644 for a file that holds no volume."""
    try:
        image = nibabel.load(file)
    except Exception as error:  # nibabel, gzip and zlib raise errors of many kinds for files that are not whole.
        raise unreadable_volume(file, error) from None
    if len(image.shape) not in (3, 4) or 0 in image.shape:
        raise ScanlabError.at("S644", f"{file} has shape {list(image.shape)}", help="expected a volume of three axes")
    if image.get_data_dtype().kind == "c":
        problem = f"{file} has complex voxels, which are two numbers each"
        raise ScanlabError.at("S644", problem, help="save their magnitude, or both as two modalities")
    return image


def _array(nibabel: Any, image: Any, file: Path) -> NDArray[np.float32]:
    """float32, the axes in canonical order."""
    try:
        turned = image if body_axes(image) is None else nibabel.as_closest_canonical(image)
        return np.asarray(turned.dataobj, np.float32)
    except Exception as error:
        raise unreadable_volume(file, error) from None


def _mask(nibabel: Any, image: Any, file: Path) -> NDArray:
    array = _array(nibabel, image, file)
    array = array[..., 0] if array.ndim == 4 and array.shape[-1] == 1 else array
    if array.ndim != 3:
        raise ScanlabError.at(
            "S644",
            f"the mask {file.name} has shape {list(array.shape)}",
            help="expected one class per voxel, not several",
        )
    return checked_classes(array, file)


def checked_classes(array: NDArray[np.float32], file: Path) -> NDArray:
    """The values of a mask as whole numbers, uint8 where they fit. Raises S644 for others."""
    whole = np.isfinite(array) & (array == np.round(array)) & (np.abs(array) < 1 << 24)
    if not whole.all():
        raise ScanlabError.at(
            "S644",
            f"the mask {file.name} has other values than classes from 0 to 63: {array[~whole].flat[0]:g}",
            help="renumber it",
        )
    return array.astype(np.uint8 if array.min() >= 0 and array.max() <= 255 else np.int32)


def check_place(first: Any, other: Any, files: tuple[Path, Path], what: str, layout: Layout) -> None:
    """Raise S644 for another extent, and S693 for another place, than that of the first image."""
    shapes = [image.shape[:3] for image in (other, first)]
    stored = [_turned_shape(image) for image in (other, first)]
    if stored[0] != stored[1]:
        sizes = [grid_text(shape) for shape in shapes]
        raise ScanlabError.at(
            "S644",
            f"the {what} {files[1].name} has {sizes[0]} voxels, and its volume {sizes[1]}",
            help="give both one size",
        )
    if "same_grid" in layout:
        return
    apart = _apart(first, other)
    if np.isinf(apart):
        bare, placed = files[::-1] if body_axes(other) is None else files
        raise ScanlabError.at(
            "S693",
            f"the header of {bare.name} does not say where it lies, and that of {placed.name} does",
            help=f"write it anew with the header of its volume; or {settled_by('same_grid')}",
        )
    if apart > NEAR:
        raise ScanlabError.at(
            "S693",
            f"the {what} {files[1].name} lies up to {apart:.3g} voxels away from {files[0].name}, as their headers say",
            help=f"resample it to its volume; or {settled_by('same_grid')}",
        )


def _turned_shape(image: Any) -> tuple[int, ...]:
    """Extents after turning; those of a header without use as they are."""
    axes = body_axes(image)
    shape = tuple(image.shape[:3])
    return shape if axes is None else tuple(int(shape[axis]) for axis in np.argsort(axes[:, 0]))


def _unit(image: Any) -> str:
    """The unit of lengths that a header names, "" for none: most that name none mean millimetres."""
    named = image.header.get_xyzt_units()[0] if hasattr(image.header, "get_xyzt_units") else ""
    return named if named in _MILLIMETRES else ""


def _apart(first: Any, other: Any) -> float:
    """How far the corners of two grids that were turned alike lie from one another at most, in voxels of the first."""
    import nibabel

    corners, units = [], [_unit(image) for image in (first, other)]
    # Programs that write masks often forget the unit, and mean that of the image.
    units = [unit or next(filter(None, units), "mm") for unit in units]
    for image, unit in zip((first, other), units, strict=True):
        axes = body_axes(image)
        if axes is None:
            return np.inf if body_axes(first) is not None or body_axes(other) is not None else 0.0
        shape = image.shape[:3]
        affine = image.affine @ nibabel.orientations.inv_ornt_aff(axes, shape)
        turned = _turned_shape(image)
        box = np.array(np.meshgrid(*[(0, n - 1) for n in turned], [1], indexing="ij")).reshape(4, -1)
        corners.append((affine @ box)[:3] * _MILLIMETRES[unit])
    smallest = min(_lengths(first)) * _MILLIMETRES[units[0]]
    return float(np.linalg.norm(corners[0] - corners[1], axis=0).max() / max(smallest, 1e-9))


def _orientation(image: Any) -> str:
    """Such as "LPS"; "" for a header that gives none."""
    import nibabel

    if body_axes(image) is None:
        return ""
    return "".join(code or "?" for code in nibabel.aff2axcodes(image.affine))


def _lengths(image: Any) -> NDArray[np.float64]:
    """From voxel to voxel along the stored axes, in the header's unit."""
    return np.linalg.norm(np.asarray(image.affine, np.float64)[:3, :3], axis=0)


def _spacing(image: Any) -> tuple[float, ...]:
    """Millimetres along the canonical axes."""
    lengths, axes = _lengths(image) * _MILLIMETRES[_unit(image) or "mm"], body_axes(image)
    order = range(3) if axes is None else np.argsort(axes[:, 0])
    return tuple(float(lengths[axis]) for axis in order)


def _oblique(image: Any) -> float:
    """Degrees between the axes of a volume and those that they are closest to, at most."""
    affine = np.asarray(image.affine, np.float64)[:3, :3]
    lengths = np.linalg.norm(affine, axis=0)
    if not np.isfinite(affine).all() or not lengths.all():
        return 0.0
    return float(np.degrees(np.arccos(np.clip(np.abs(affine / lengths).max(0), 0, 1))).max())


def unreadable_volume(file: Path, error: Exception) -> ScanlabError:
    """The error of a file that cannot be read."""
    return ScanlabError.at(
        "S644", f"{file} cannot be read as NIfTI: {error}", help="replace the file, or take it out of the folder"
    )
