"""Where voxels are: orientations, headers of images and masks, spacing, modalities, and folders of volumes."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from layouts import noted, refused
from nibabel import orientations

from scanlab import data
from scanlab.data.notes import notes_of

DRAW = np.random.default_rng(0)
VOLUME = DRAW.random((7, 6, 5)).astype(np.float32)
MASK = (VOLUME > 0.6).astype(np.uint8)
SCORED = (VOLUME - VOLUME.mean()) / VOLUME.std()
AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])


def turned(image: nibabel.Nifti1Image, code: str) -> nibabel.Nifti1Image:
    change = orientations.ornt_transform(orientations.io_orientation(image.affine), orientations.axcodes2ornt(code))
    return image.as_reoriented(change)


def save(path: Path, image: nibabel.Nifti1Image | np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image if isinstance(image, nibabel.Nifti1Image) else nibabel.Nifti1Image(image, AFFINE), path)


def cases(folder: Path, image=lambda n: VOLUME, mask=lambda n: MASK, count: int = 5) -> Path:
    for n in range(count):
        save(folder / "imagesTr" / f"v{n}.nii.gz", image(n))
        save(folder / "labelsTr" / f"v{n}.nii.gz", mask(n))
    return folder


def stored_as(code: str, array: np.ndarray) -> nibabel.Nifti1Image:
    return turned(nibabel.Nifti1Image(array, AFFINE), code)


@pytest.mark.parametrize("codes", [("RAS", "LPS"), ("LAS", "PIR"), ("SPL", "RAS")])
def test_volumes_of_several_orientations_come_out_alike(tmp_path: Path, codes: tuple[str, str]) -> None:
    cases(tmp_path, lambda n: stored_as(codes[n % 2], VOLUME), lambda n: stored_as(codes[(n // 2) % 2], MASK))
    dataset = data.whole(str(tmp_path))
    for image, labels in zip(dataset.images, dataset.labels, strict=True):
        np.testing.assert_allclose(image[0], SCORED, atol=1e-5)
        assert np.array_equal(labels, MASK)
    noted(dataset, "assumed", "turned to orientation RAS+ from")
    noted(dataset, "assumed", "voxels of 2x2x3 mm")


def test_a_mask_that_lies_elsewhere(tmp_path: Path) -> None:
    moved = AFFINE.copy()
    moved[0, 3] = 4
    cases(tmp_path, mask=lambda n: nibabel.Nifti1Image(MASK, moved if n == 3 else AFFINE))
    refused(tmp_path, "S693", "mask v3.nii.gz lies up to 2 voxels away from v3.nii.gz", "same_grid")
    dataset = data.whole(str(tmp_path), layout="same_grid")
    assert np.array_equal(dataset.labels[3], MASK)
    # Headers are rounded: a tenth of a voxel is no other place.
    moved[0, 3] = 0.2
    cases(tmp_path, mask=lambda n: nibabel.Nifti1Image(MASK, moved))
    assert np.array_equal(data.whole(str(tmp_path)).labels[0], MASK)


def test_the_same_grid_is_that_of_the_image_as_it_is_stored(tmp_path: Path) -> None:
    """A mask whose header was lost lies on the voxels of its image, which is turned: both are."""
    bare = stored_as("LPS", MASK)
    cases(
        tmp_path, lambda n: stored_as("LPS", VOLUME), lambda n: nibabel.Nifti1Image(np.asarray(bare.dataobj), np.eye(4))
    )
    refused(tmp_path, "S693", "voxels away")
    dataset = data.whole(str(tmp_path), layout="same_grid")
    np.testing.assert_allclose(dataset.images[0, 0], SCORED, atol=1e-5)
    assert np.array_equal(dataset.labels[0], MASK)


def test_spacing_is_noted_and_resampled_on_request(tmp_path: Path) -> None:
    def image(n: int, array: np.ndarray) -> nibabel.Nifti1Image:
        return nibabel.Nifti1Image(array, np.diag([1.0 + n % 2, 1, 1, 1]))

    cases(tmp_path, lambda n: image(n, VOLUME), lambda n: image(n, MASK))
    plain = data.whole(str(tmp_path))
    assert plain.extents == (7, 6, 5)
    noted(plain, "assumed", "voxels of 1x1x1 to 2x1x1 mm", "do not compare")
    even = data.whole(str(tmp_path), spacing=(1, 1, 1))
    assert even.extents == (14, 6, 5)
    # A volume of 7 voxels of 1 mm is padded around its middle; one of 2 mm becomes twice as long.
    np.testing.assert_allclose(even.images[0, 0, 3:10], SCORED, atol=1e-5)
    assert (even.images[0, 0, :3] == even.images[0, 0, 3:10].min()).all() and not even.labels[0, :3].any()
    assert np.array_equal(even.labels[1], MASK.repeat(2, 0))
    noted(even, "assumed", "resampled to 1x1x1 mm")
    cropped = data.whole(str(tmp_path), (8, 6, 5), spacing=(1, 1, 1))
    assert np.array_equal(cropped.labels[1], MASK.repeat(2, 0)[3:11])
    noted(cropped, "left out", "labelled voxels of 2 volumes")
    refused(tmp_path, "S695", "the spacing is 0x1x1", spacing=(0, 1, 1))
    refused(tmp_path, "S695", "three axes", spacing=(1, 1))


def test_volumes_off_the_axes_are_noted(tmp_path: Path) -> None:
    angle = np.deg2rad(20)
    tilt = np.eye(4)
    tilt[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    cases(tmp_path, lambda n: nibabel.Nifti1Image(VOLUME, tilt), lambda n: nibabel.Nifti1Image(MASK, tilt))
    noted(data.whole(str(tmp_path)), "assumed", "5 volumes up to 20 degrees off the axes")


def test_headers_without_an_orientation(tmp_path: Path) -> None:
    cases(tmp_path, lambda n: nibabel.Nifti1Image(VOLUME, None), lambda n: nibabel.Nifti1Image(MASK, None))
    dataset = data.whole(str(tmp_path))
    noted(dataset, "assumed", "5 volumes without an orientation")
    np.testing.assert_allclose(dataset.images[0, 0], SCORED, atol=1e-5)
    assert np.array_equal(dataset.labels[0], MASK)
    cases(tmp_path, lambda n: stored_as("LPS", VOLUME), lambda n: nibabel.Nifti1Image(MASK, None))
    refused(tmp_path, "S693", "header of v0.nii.gz does not say where it lies", "same_grid")


MASKS = {
    "255 for a class": (MASK * np.uint8(255), MASK),
    "one more axis": (MASK[..., None], MASK),
    "255 for none": (np.where(VOLUME > 0.9, 255, MASK).astype(np.uint8), np.where(VOLUME > 0.9, 255, MASK)),
    "floats": (MASK.astype(np.float32), MASK),
}


@pytest.mark.parametrize("stored, labels", MASKS.values(), ids=MASKS.keys())
def test_masks_of_many_forms(tmp_path: Path, stored: np.ndarray, labels: np.ndarray) -> None:
    assert np.array_equal(data.whole(str(cases(tmp_path, mask=lambda n: stored))).labels[0], labels)


def test_names_of_nnunet_and_of_others(tmp_path: Path) -> None:
    for n in range(5):
        for k in range(2):
            save(
                tmp_path / "two" / "imagesTr" / f"v{n}_{k:04}.nii.gz",
                VOLUME + k * DRAW.random(VOLUME.shape, np.float32),
            )
            save(tmp_path / "other" / "scans" / f"v{n}.nii.gz", VOLUME)
        save(tmp_path / "two" / "labelsTr" / f"v{n}.nii", MASK * (1 + n % 2))
        save(tmp_path / "other" / "segmentations" / f"v{n}_seg.nii", MASK)
    (tmp_path / "two" / "dataset.json").write_text('{"labels": {"background": 0, "a": 1, "ignore": 2}}')
    two = data.whole(str(tmp_path / "two"))
    assert two.channels == 2 and two.class_names == ("background", "a")
    assert np.array_equal(two.labels[0], MASK) and np.array_equal(two.labels[1], MASK * 255)
    refused(tmp_path / "other", "S644", "one of images with one of masks", "images=scans")
    other = data.whole(str(tmp_path / "other"), layout="images=scans")
    assert np.array_equal(other.labels[0], MASK)


def test_labelled_test_volumes_are_the_test_part(tmp_path: Path) -> None:
    cases(tmp_path)
    save(tmp_path / "imagesTs" / "t0.nii.gz", VOLUME)
    noted(data.whole(str(tmp_path)), "left out", "1 volume in imagesTs")
    save(tmp_path / "labelsTs" / "t0.nii.gz", MASK)
    dataset = data.whole(str(tmp_path))
    assert (len(dataset.train), len(dataset.test)) == (5, 1)


def test_a_folder_of_volumes_per_class(tmp_path: Path) -> None:
    for name, sign in (("ill", 1), ("well", -1)):
        for n in range(5):
            save(tmp_path / name / f"{n}.nii.gz", stored_as("LPS" if n % 2 else "RAS", sign * VOLUME))
    dataset = data.whole(str(tmp_path))
    assert not dataset.masks and dataset.class_names == ("ill", "well") and dataset.images.shape == (10, 1, 7, 6, 5)
    np.testing.assert_allclose(dataset.images[:5, 0], np.stack([SCORED] * 5), atol=1e-5)
    np.testing.assert_allclose(dataset.images[5:, 0], -np.stack([SCORED] * 5), atol=1e-5)
    for n in range(4):
        for kind in ("t1", "seg"):
            save(tmp_path / "brats" / f"case{n}" / f"case{n}_{kind}.nii.gz", MASK)
    refused(tmp_path / "brats", "S644", "but case0, case1")
    assert "duplicated" in notes_of(dataset)
