"""What is predicted of a volume lies where the volume lies, whatever its axes, spacing and extents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, Segmenter
from scanlab.study.surfaces import surface_scores
from scanlab.study.volumes import predict_volume

nibabel = pytest.importorskip("nibabel")

EXTENTS = (10, 14, 12)
SPACING = (1.0, 2.0, 0.5)
ORIENTATIONS = ("RAS", "LPS", "PIR", "SLA", "IAR")


class ByValue(Segmenter):
    """Says of every voxel which of three grey values it is nearest to, so that its answer is known."""

    def __init__(self, size=EXTENTS, channels=1):
        config = BackboneConfig(patch=2, dim=8, depth=1)
        super().__init__(Backbone("by h, w, d", config, input_size=size, channels=channels), 3, width=4)

    def forward(self, images):
        low, high = images.amin(), images.amax()
        levels = torch.tensor([0.0, 0.5, 1.0])[:, None, None, None] * (high - low) + low
        return -200 * (images[:, :1] - levels) ** 2


def shapes() -> np.ndarray:
    """Two boxes that no turn or flip takes into themselves, over RAS axes."""
    mask = np.zeros(EXTENTS, np.uint8)
    mask[1:4, 2:9, 3:11] = 1
    mask[6:9, 8:12, 1:4] = 2
    return mask


def turned(array: np.ndarray, orientation: str, oblique: float = 0.0):
    """An image of a RAS array as a file of another orientation has it, and its mask."""
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = (-20, 5, 7)
    angle = np.radians(oblique)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine[:3, :3] = turn @ affine[:3, :3]
    image = nibabel.Nifti1Image(array, affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, 1)
    image.set_qform(affine, 2)
    codes = nibabel.orientations.axcodes2ornt(tuple(orientation))
    ornt = nibabel.orientations.ornt_transform(nibabel.orientations.io_orientation(affine), codes)
    return image.as_reoriented(ornt)


def files(folder: Path, orientation: str, oblique: float = 0.0) -> tuple[Path, Path, np.ndarray]:
    """A volume whose grey values are 10, 20 and 30, its mask, and the mask as stored."""
    image = turned((10 + 10 * shapes()).astype(np.int16), orientation, oblique)
    image.header["cal_max"] = 30
    mask = turned(shapes(), orientation, oblique)
    nibabel.save(image, folder / "case.nii.gz")
    nibabel.save(mask, folder / "mask.nii.gz")
    return folder / "case.nii.gz", folder / "mask.nii.gz", np.asarray(mask.dataobj)


@pytest.mark.parametrize("oblique", [0.0, 12.0])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_labels_come_back_into_the_patients_space(tmp_path: Path, orientation: str, oblique: float) -> None:
    image, mask, stored = files(tmp_path, orientation, oblique)
    made = predict_volume(ByValue(), image)
    np.testing.assert_array_equal(made.labels, stored)
    made.write(tmp_path / "seg.nii.gz")
    before, after = nibabel.load(image), nibabel.load(tmp_path / "seg.nii.gz")
    assert after.shape == before.shape and after.get_data_dtype() == np.uint8
    np.testing.assert_allclose(after.affine, before.affine, atol=1e-6)
    assert nibabel.aff2axcodes(after.affine) == tuple(orientation)
    for key in ("sform_code", "qform_code", "xyzt_units", "pixdim"):
        np.testing.assert_array_equal(after.header[key], before.header[key])
    np.testing.assert_array_equal(np.asarray(after.dataobj), stored)
    # In millimetres of the body, every class has its middle where the mask has it.
    for c in (1, 2):
        points = [nibabel.affines.apply_affine(i.affine, np.argwhere(np.asarray(i.dataobj) == c)).mean(0)
                  for i in (after, nibabel.load(mask))]  # fmt: skip
        np.testing.assert_allclose(points[0], points[1], atol=1e-5)
    assert any(orientation in note for note in made.notes) == (orientation != "RAS")


@pytest.mark.parametrize("orientation", ["RAS", "PIR"])
def test_other_sizes_are_resampled_there_and_back(tmp_path: Path, orientation: str) -> None:
    image, mask, stored = files(tmp_path, orientation)
    for options in ({"size": (20, 28, 24)}, {"spacing": (0.5, 1.0, 0.5)}, {"size": (15, 14, 18)}):
        made = predict_volume(ByValue(), image, **options)
        assert made.labels.shape == stored.shape
        assert [s.label for s in made.scores(mask)] == [1, 2]
        # Between 10 and 30 lies 20: along such borders a resampled volume has a rim of class 1.
        guess, true = made.labels > 0, stored > 0
        assert 2 * (guess & true).sum() / (guess.sum() + true.sum()) > 0.8
        middles = [np.argwhere(each == 2).mean(0) for each in (made.labels, stored)]
        np.testing.assert_allclose(*middles, atol=0.51)
    note = next(n for n in predict_volume(ByValue(), image, spacing=(0.5, 1.0, 0.5)).notes if "mm" in n)
    assert note == "resampled from 1x2x0.5 mm to 0.5x1x0.5 mm, 20x28x12 voxels"


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_scores_are_in_millimetres_along_the_files_own_axes(tmp_path: Path, orientation: str) -> None:
    image, mask, stored = files(tmp_path, orientation)
    made = predict_volume(ByValue(), image)
    assert all(s.dice == 1 and s.hd95_mm == 0 and s.surface_dice == 1 for s in made.scores(mask))
    # Against a mask that is one voxel farther to the front: 2 mm.
    moved = turned(np.roll(shapes(), 1, axis=1), orientation)
    nibabel.save(moved, tmp_path / "moved.nii.gz")
    scores = made.scores(tmp_path / "moved.nii.gz")
    assert [s.hd95_mm for s in scores] == [2.0, 2.0]
    lengths = nibabel.affines.voxel_sizes(nibabel.load(image).affine)
    expected = surface_scores(stored == 1, np.asarray(moved.dataobj) == 1, lengths)
    assert scores[0].average_mm == pytest.approx(expected.average)
    assert made.scores(tmp_path / "moved.nii.gz", tolerance_mm=2.0)[0].surface_dice == 1.0


def test_windows_say_the_same_of_a_model_that_sees_one_voxel(tmp_path: Path) -> None:
    """Up to rims of windows: `ByValue` scales by what it sees, so each window has to see all grey values."""
    image, _, stored = files(tmp_path, "LPS")
    seen = []
    made = predict_volume(
        ByValue(), image, window=(10, 14, 11), overlap=0.75, on_window=lambda done, total: seen.append((done, total))
    )
    np.testing.assert_array_equal(made.labels, stored)
    assert seen[-1][0] == seen[-1][1] > 1 and "by windows of 10x14x11 that overlap by 75%" in made.notes


def test_a_header_without_an_orientation_stays_without(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image((10 + 10 * shapes()).astype(np.int16), None)
    nibabel.save(image, tmp_path / "bare.nii")
    made = predict_volume(ByValue(), tmp_path / "bare.nii")
    made.write(tmp_path / "seg.nii")
    after = nibabel.load(tmp_path / "seg.nii")
    assert int(after.header["sform_code"]) == int(after.header["qform_code"]) == 0
    np.testing.assert_array_equal(np.asarray(after.dataobj), shapes())
    assert any("no orientation" in note for note in made.notes)


def test_a_real_segmenter_with_a_unet(tmp_path: Path) -> None:
    image, mask, stored = files(tmp_path, "LPS")
    config = BackboneConfig(patch=2, dim=8, depth=(1, 1))
    model = Segmenter(Backbone("slices", config, input_size=(8, 8, 8)), 3, width=4, decoder="unet")
    made = predict_volume(model.train(), image)
    assert made.labels.shape == stored.shape and model.training and len(made.scores(mask)) == 2


def test_the_same_labels_make_the_same_file(tmp_path: Path) -> None:
    image, _, _ = files(tmp_path, "LPS")
    made = predict_volume(ByValue(), image)
    for name in ("a.nii.gz", "b.nii.gz"):
        made.write(tmp_path / name)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_what_is_refused(tmp_path: Path) -> None:
    image, _, _ = files(tmp_path, "RAS")
    flat = Segmenter(Backbone("row", BackboneConfig(dim=8), input_size=(8, 8)), 2)
    for model, said in ((flat, "over 2 axes"), (Classifier(flat.backbone), "Classifier")):
        with pytest.raises(ScanlabError, match=f"S623.*{said}"):
            predict_volume(model, image)
    with pytest.raises(ScanlabError, match=r"S623.*1 channel.*reads 2"):
        predict_volume(ByValue(channels=2), image)
    made = predict_volume(ByValue(channels=2), [image, image])
    for name, code in (("seg.png", "S502"), ("missing/seg.nii", "S502")):
        with pytest.raises(ScanlabError, match=code):
            made.write(tmp_path / name)
    with pytest.raises(ScanlabError, match="S695"):
        predict_volume(ByValue(), image, spacing=(0, 1, 1))


def test_a_sheared_voxel_is_smaller_than_its_sides_say(tmp_path: Path) -> None:
    affine = np.diag([1.0, 2.0, 0.5, 1.0])
    affine[0, 1] = 1.0
    image = nibabel.Nifti1Image((10 + 10 * shapes()).astype(np.int16), affine)
    image.set_sform(affine, 1)
    nibabel.save(image, tmp_path / "case.nii.gz")
    predicted = predict_volume(ByValue(), tmp_path / "case.nii.gz")
    assert predicted.voxel_ml == pytest.approx(abs(np.linalg.det(affine[:3, :3])) / 1000)
    assert predicted.voxel_ml < np.prod(predicted.volume.spacing) / 1000


def test_the_notes_say_what_was_done(tmp_path: Path) -> None:
    file, _, _ = files(tmp_path, "RAS")
    own = predict_volume(ByValue(), file, window=(96, 96, 96))
    assert own.notes[-2:] == (
        "10x14x12 voxels of 1x2x0.5 mm, as they are",
        "in one pass: a window of 96x96x96 covers the 10x14x12 voxels",
    )
    halves = predict_volume(ByValue(), file, window=(10, 8, 12))
    assert halves.notes[-1] == "by windows of 10x8x12 that overlap by 50%"
    nibabel.save(turned(np.full(EXTENTS, 7, np.int16), "RAS"), tmp_path / "flat.nii.gz")
    assert (
        "all voxels of modality 1 have one value: it tells nothing"
        in predict_volume(ByValue(), tmp_path / "flat.nii.gz").notes
    )
    with pytest.raises(ScanlabError, match=r"(?s)S623.*model reads 2.*give a file for every modality"):
        predict_volume(ByValue(channels=2), file)
