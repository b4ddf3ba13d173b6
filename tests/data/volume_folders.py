"""Volumes in the Decathlon's layout for tests: two modalities that tell where they are, and boxes of two classes."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

# Orientations that a scanner may store: RAS, LPS, and axes in another order.
AFFINES = (
    np.eye(4),
    np.diag([-1.0, -1.0, 1.0, 1.0]),
    np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]]),
)


def made_volumes(folder: Path, shapes: list[tuple[int, int, int]], ending: str = ".nii.gz") -> Path:
    """A volume of each shape: voxels (int16, with a slope) say where they lie and whether they are labelled."""
    for number, shape in enumerate(shapes):
        x, y, z = np.indices(shape)
        mask = np.zeros(shape, np.uint8)
        mask[shape[0] // 2 : shape[0] // 2 + 3, 1:4, 2:5] = 1
        mask[-3:, -3:, -3:] = 2
        first = (x + 2 * y + 3 * z + 100 * number + 200 * mask).astype(np.int16)
        second = (x * y - z + 5 * mask).astype(np.int16)
        affine = AFFINES[number % len(AFFINES)]
        name = f"case_{number}"
        for array, place in (
            (first, f"imagesTr/{name}_0000"),
            (second, f"imagesTr/{name}_0001"),
            (mask, f"labelsTr/{name}"),
        ):
            file = folder / f"{place}{ending}"
            file.parent.mkdir(parents=True, exist_ok=True)
            image = nibabel.Nifti1Image(array, affine)
            if array is first:
                image.header.set_slope_inter(0.5, -3)
            nibabel.save(image, file)
    return folder
