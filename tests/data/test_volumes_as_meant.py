"""Volumes that were once read in silence as something else: each is read as it was meant, noted, or refused."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from layouts import DRAW, noted, refused

from scanlab import data

MASK = np.arange(4 * 5 * 6).reshape(4, 5, 6) % 2


def volume(*more: int) -> np.ndarray:
    return DRAW.normal(size=(4, 5, 6, *more)).astype(np.float32)


def nifti(path: Path, array: np.ndarray, step: float = 1, unit: str = "mm") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(array, np.diag([step, step, step, 1]))
    image.header.set_xyzt_units(unit)
    nibabel.save(image, path)


def task(folder: Path, images: str = "imagesTr/{}.nii.gz", masks: str = "labelsTr/{}.nii.gz", **options) -> Path:
    for n in range(6):
        nifti(
            folder / images.format(n), options.get("array", volume()), options.get("step", 1), options.get("unit", "mm")
        )
        nifti(folder / masks.format(n), MASK.astype(np.uint8), options.get("step", 1), options.get("mask_unit", "mm"))
    return folder


@pytest.mark.parametrize("mask_unit", ["micron", "unknown"])
def test_units(tmp_path: Path, mask_unit: str) -> None:
    folder = task(tmp_path, step=10, unit="micron", mask_unit=mask_unit)
    dataset = data.whole(str(folder))
    noted(dataset, "assumed", "voxels of 0.01x0.01x0.01 mm")
    noted(dataset, "mapped", "lengths of 6 volumes are given in microns")
    assert data.whole(str(folder), spacing=(0.02, 0.01, 0.01)).extents == (2, 5, 6)
    for n in range(0, 6, 2):
        nifti(folder / f"imagesTr/{n}.nii.gz", volume(), 0.02)
        nifti(folder / f"labelsTr/{n}.nii.gz", MASK.astype(np.uint8), 0.02)
    noted(data.whole(str(folder)), "assumed", "voxels of 0.01x0.01x0.01 to 0.02x0.02x0.02 mm")


def test_units_of_a_mask_that_lies_elsewhere(tmp_path: Path) -> None:
    refused(task(tmp_path, step=10, unit="micron"), "S693", "lies up to", "same_grid")


def test_modalities_of_other_numbers(tmp_path: Path) -> None:
    folder = task(tmp_path, "imagesTr/a{}_0000.nii.gz", "labelsTr/a{}.nii.gz")
    for n in range(6):
        nifti(folder / f"imagesTr/a{n}_000{1 + n % 2}.nii.gz", volume())
    refused(
        folder, "S644", "differ in their modalities: 0000, 0001 with a0_0000.nii.gz, 0000, 0002 with a1_0000.nii.gz"
    )


def test_complex_voxels_and_a_fourth_axis(tmp_path: Path) -> None:
    refused(task(tmp_path / "complex", array=volume() + 1j * volume()), "S644", "0.nii.gz has complex voxels")
    dataset = data.whole(str(task(tmp_path / "time", array=volume(7))))
    assert dataset.images.shape == (6, 7, 4, 5, 6)
    noted(dataset, "assumed", "the fourth axis of 6 volumes, of 7, holds channels: if it is time")


def test_parts_and_patients_below_the_images(tmp_path: Path) -> None:
    for part in ("train", "test"):
        task(tmp_path / "parts", f"images/{part}/{{}}.nii.gz", f"masks/{part}/{{}}.nii.gz")
    dataset = data.whole(str(tmp_path / "parts"))
    assert (len(dataset.train), len(dataset.test), dataset.drawn) == (6, 6, False)
    for patient in ("p", "q"):
        task(tmp_path / "patients", f"images/{patient}/{{}}.nii.gz", f"masks/{patient}/{{}}.nii.gz")
    refused(tmp_path / "patients", "S691", "lie in the folders p, q", "groups")
    grouped = data.whole(str(tmp_path / "patients"), layout="groups").groups
    assert grouped is not None and grouped.tolist() == [0] * 6 + [1] * 6


def test_words_and_files_that_say_nothing_of_volumes(tmp_path: Path) -> None:
    folder = task(tmp_path)
    refused(folder, "S690", "layout says nested, which means nothing for imagesTr with labelsTr", layout="nested")
    rows = "\n".join(f"{n}.nii.gz,p{n // 2}" for n in range(6))
    (folder / "people.csv").write_text(f"image,patient\n{rows}")
    refused(folder, "S691", "the column patient of people.csv would divide", "masks")
    dataset = data.whole(str(folder), layout="masks")
    noted(dataset, "left out", "the column patient of people.csv")
    noted(dataset, "left out", "files that are no NIfTI: 1 .csv")


def test_volumes_without_a_mask(tmp_path: Path) -> None:
    nifti(task(tmp_path) / "imagesTr" / "9.nii.gz", volume())
    refused(tmp_path, "S644", "9.nii.gz has no mask, one of 1", "masked_only")
    dataset = data.whole(str(tmp_path), layout="masked_only")
    assert len(dataset.images) == 6
    noted(dataset, "left out", "1 volume without a mask: 9.nii.gz")
