"""Where a volume lies in the body, and how what is predicted of it is put back there."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text, reason_of
from scanlab.places import write_whole

__all__ = ["Space", "body_axes", "space_of", "write_labels"]


@dataclass(frozen=True, eq=False)
class Space:
    """The grid of a NIfTI file: extents as it is stored, the affine from voxels to the body, its header.

    axes: of the body, [3, 2] as nibabel has them, that those of the file are closest to, with their signs; None where
    the header does not say. like: the kind of image that the file holds.
    """

    extents: tuple[int, ...]
    affine: NDArray[np.float64]
    header: Any
    axes: NDArray | None
    like: Any

    def stored(self, array: NDArray) -> NDArray:
        """An array over the canonical axes (RAS+), as the file's own axes have it."""
        if self.axes is None:
            return array
        from nibabel.orientations import apply_orientation, ornt_transform

        canonical = np.array([[0, 1], [1, 1], [2, 1]])
        return np.ascontiguousarray(apply_orientation(array, ornt_transform(canonical, self.axes)))


def space_of(image: Any) -> Space:
    """The space of an image that nibabel opened."""
    affine = np.asarray(image.affine, np.float64).copy()
    return Space(tuple(image.shape[:3]), affine, image.header.copy(), body_axes(image), type(image))


def body_axes(image: Any) -> NDArray | None:
    """The axes of the body that those of a file are closest to, and their signs; None where its header does not say."""
    from nibabel.orientations import io_orientation

    affine = np.asarray(image.affine, np.float64)
    codes = [int(image.header[key]) for key in ("sform_code", "qform_code") if key in image.header]
    # Without either code nibabel makes an affine up.
    if not np.isfinite(affine).all() or (codes and not any(codes)):
        return None
    axes = io_orientation(affine)
    return None if np.isnan(axes).any() else axes


def write_labels(labels: NDArray, space: Space, path: str | Path) -> None:
    """Write a class for every voxel, [X, Y, Z] over the file's own axes, as NIfTI in the place of a volume.

    Affine, codes, units and extents are those of the volume; the numbers are uint8, or int16 beyond 255 classes, and
    unscaled. The name ends in .nii or .nii.gz. Raises S502 for a file that cannot be written, S623 for other extents.
    """
    path = Path(path)
    if labels.shape != space.extents:
        shown = (grid_text(labels.shape), grid_text(space.extents))
        raise ScanlabError.at("S623", f"the labels have {shown[0]} voxels, and the volume {shown[1]}")
    if not path.name.endswith((".nii", ".nii.gz")):
        raise ScanlabError.at("S502", f"{path.name} is no name for a volume", help="let it end in .nii or .nii.gz")
    kind = np.uint8 if labels.max(initial=0) <= 255 else np.int16
    header = space.header.copy()
    header.set_data_dtype(kind)
    # What the volume's header says of its grey values holds of no class.
    for field, value in (("scl_slope", np.nan), ("scl_inter", np.nan), ("cal_min", 0), ("cal_max", 0)):
        if field in header:
            header[field] = value
    made = space.like(labels.astype(kind), None if space.axes is None else space.affine, header).to_bytes()
    try:
        # Without a time in it the same labels make the same file.
        write_whole(path, gzip.compress(made, mtime=0) if path.name.endswith(".gz") else made, mode=None)
    except OSError as error:
        help = "give another file"
        raise ScanlabError.at("S502", f"{path} cannot be written: {reason_of(error)}", help=help) from None
