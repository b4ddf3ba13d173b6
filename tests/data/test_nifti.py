"""Volumes in the Decathlon's layout: extents, scaling, modalities, names, and what is refused."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from scanlab import data
from scanlab.ir.diagnostics import ScanlabError

HIPPOCAMPUS = Path(__file__).parents[3] / "shared" / "data" / "hippocampus"
DRAW = np.random.default_rng(0)


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), path)


def volumes(folder: Path, shapes=((6, 8, 7),) * 5, modalities: int = 0) -> Path:
    """Volumes of noise around 100 n with a box of class 1 and a corner of class 2."""
    for n, shape in enumerate(shapes):
        size = (*shape, modalities) if modalities else shape
        mask = np.zeros(shape, np.uint8)
        mask[1:3, 1:3, 1:3] = 1
        mask[-1, -1, -1] = 2
        save(folder / "imagesTr" / f"brain_{n}.nii.gz", (DRAW.normal(size=size) * 9 + 100 * n).astype(np.float32))
        save(folder / "labelsTr" / f"brain_{n}.nii.gz", mask)
    return folder


def refused(folder: Path, code: str, *words: str, **more) -> None:
    with pytest.raises(ScanlabError, match="(?s)" + ".*".join(map(re.escape, words))) as caught:
        data.load(str(folder), **more)
    assert caught.value.code == code and caught.value.diagnostics[0].help


def test_volumes_are_z_scored_and_keep_their_masks(tmp_path: Path) -> None:
    dataset = data.load(str(volumes(tmp_path / "Task99")))
    assert (dataset.name, dataset.extents, dataset.channels, dataset.classes) == ("Task99", (6, 8, 7), 1, 3)
    assert dataset.masks and dataset.labels.dtype == np.uint8 and not dataset.video
    np.testing.assert_allclose(dataset.images.mean((2, 3, 4)), 0, atol=1e-5)
    np.testing.assert_allclose(dataset.images.std((2, 3, 4)), 1, atol=1e-5)
    assert (dataset.labels == 1).sum() == 5 * 8 and (dataset.labels[:, -1, -1, -1] == 2).all()
    assert len(np.intersect1d(dataset.train, dataset.test)) == 0 and len(dataset.train) + len(dataset.test) == 5
    assert data.load(str(tmp_path / "Task99")).fingerprint == dataset.fingerprint


def test_the_scale_of_a_file_is_applied(tmp_path: Path) -> None:
    """A header's slope and intercept are part of what a voxel means; a z-score takes them out again."""
    volumes(tmp_path)
    path = tmp_path / "imagesTr" / "brain_0.nii.gz"
    before = data.load(str(tmp_path)).images[0]
    image = nibabel.load(path)
    stored = np.round(image.get_fdata() * 100).astype(np.int16)
    scaled = nibabel.Nifti1Image(stored, np.eye(4))
    scaled.header.set_slope_inter(-0.01, 3)
    nibabel.save(scaled, path)
    np.testing.assert_allclose(data.load(str(tmp_path)).images[0], -before, atol=0.01)


def test_volumes_of_several_extents_get_the_median(tmp_path: Path) -> None:
    dataset = data.load(str(volumes(tmp_path, ((6, 8, 7), (8, 8, 9), (7, 10, 8)) * 3)))
    assert dataset.extents == (7, 8, 8)
    # The corner's class is met only where it is at the middle of a new voxel.
    assert set(np.unique(dataset.labels)) <= {0, 1, 2}
    assert data.load(str(tmp_path), size=(3, 4, 3)).extents == (3, 4, 3)


def test_modalities_are_channels(tmp_path: Path) -> None:
    dataset = data.load(str(volumes(tmp_path, modalities=2)))
    assert dataset.images.shape == (5, 2, 6, 8, 7)
    np.testing.assert_allclose(dataset.images.mean((2, 3, 4)), 0, atol=1e-5)


NAMED = {
    "the Decathlon's": {"0": "background", "1": "Anterior", "2": "Posterior"},
    "nnU-Net's": {"background": 0, "Anterior": 1, "Posterior": 2},
}


@pytest.mark.parametrize("labels", NAMED.values(), ids=NAMED.keys())
def test_names_from_dataset_json(tmp_path: Path, labels: dict) -> None:
    volumes(tmp_path)
    (tmp_path / "dataset.json").write_text(json.dumps({"name": "Hippo", "labels": labels}))
    dataset = data.load(str(tmp_path))
    assert (dataset.name, dataset.class_names) == ("Hippo", ("background", "Anterior", "Posterior"))


def test_a_class_that_no_mask_has(tmp_path: Path) -> None:
    volumes(tmp_path)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"0": "nothing", "1": "a", "4": "d"}}))
    dataset = data.load(str(tmp_path))
    assert dataset.classes == 5 and dataset.class_names == ("nothing", "a", "class 2", "class 3", "d")


def test_hidden_twins_and_plain_nii(tmp_path: Path) -> None:
    volumes(tmp_path)
    (tmp_path / "imagesTr" / "._brain_0.nii.gz").write_bytes(b"Mac OS X")
    for part in ("imagesTr", "labelsTr"):
        nibabel.save(nibabel.load(tmp_path / part / "brain_4.nii.gz"), tmp_path / part / "other.nii")
    assert len(data.load(str(tmp_path)).images) == 6


@pytest.mark.parametrize("kept", [0, 0.05, 0.5, 0.9])
@pytest.mark.parametrize("part", ["imagesTr", "labelsTr"])
def test_truncated_volumes(tmp_path: Path, kept: float, part: str) -> None:
    path = volumes(tmp_path) / part / "brain_2.nii.gz"
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    refused(tmp_path, "S644", "brain_2.nii.gz cannot be read as NIfTI", "replace the file")


def test_a_file_that_is_no_nifti(tmp_path: Path) -> None:
    (volumes(tmp_path) / "imagesTr" / "brain_1.nii.gz").write_text("a brain")
    refused(tmp_path, "S644", "brain_1.nii.gz cannot be read as NIfTI")


def test_folders_that_do_not_fit(tmp_path: Path) -> None:
    (volumes(tmp_path / "lonely") / "labelsTr" / "brain_3.nii.gz").unlink()
    refused(tmp_path / "lonely", "S644", "brain_3.nii.gz has no mask, one of 1")
    (tmp_path / "empty" / "imagesTr").mkdir(parents=True)
    refused(tmp_path / "empty", "S644", "imagesTr is empty")
    save(volumes(tmp_path / "shape") / "labelsTr" / "brain_0.nii.gz", np.zeros((6, 8, 8), np.uint8))
    refused(tmp_path / "shape", "S644", "mask brain_0.nii.gz has 6x8x8 voxels, and its volume 6x8x7")
    for value in (64, -1, 0.5, np.nan):
        save(volumes(tmp_path / "values") / "labelsTr" / "brain_0.nii.gz", np.full((6, 8, 7), value, np.float32))
        refused(tmp_path / "values", "S644", "other values than classes from 0 to 63")
    save(volumes(tmp_path / "flat") / "imagesTr" / "brain_0.nii.gz", np.zeros((6, 8), np.float32))
    refused(tmp_path / "flat", "S644", "has shape [6, 8]", "three axes")
    save(volumes(tmp_path / "modes") / "imagesTr" / "brain_0.nii.gz", np.zeros((6, 8, 7, 3), np.float32))
    refused(tmp_path / "modes", "S644", "differ in their modalities")
    volumes(tmp_path / "size")
    refused(tmp_path / "size", "S646", "cannot become 8x8", size=(8, 8))
    for value in (np.nan, np.inf):
        bad = np.zeros((6, 8, 7), np.float32)
        bad[1, 1, 1] = value
        save(volumes(tmp_path / "nan") / "imagesTr" / "brain_0.nii.gz", bad)
        refused(tmp_path / "nan", "S646", "brain_0.nii.gz has voxels that are NaN or infinite")
    for n in range(5):
        save(volumes(tmp_path / "nothing") / "labelsTr" / f"brain_{n}.nii.gz", np.zeros((6, 8, 7), np.uint8))
    for n in range(5):
        save(tmp_path / "nothing" / "labelsTr" / f"brain_{n}.nii.gz", np.zeros((6, 8, 7), np.uint8))
    refused(tmp_path / "nothing", "S646", "nothing but background")


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "dataset.json cannot be read"),
        ('{"labels": {"tumour": [1, 2]}}', "gives the class 'tumour' the number [1, 2]"),
        ('{"labels": {"0": "nothing", "900": "much"}}', "'much' the number '900'"),
    ],
)
def test_a_dataset_json_that_does_not_fit(tmp_path: Path, text: str, words: str) -> None:
    (volumes(tmp_path) / "dataset.json").write_text(text)
    refused(tmp_path, "S644", words)


@pytest.mark.parametrize("text", ["[]", '{"labels": ["a"]}', '{"name": 7}'])
def test_a_dataset_json_of_another_kind_says_nothing(tmp_path: Path, text: str) -> None:
    (volumes(tmp_path) / "dataset.json").write_text(text)
    assert data.load(str(tmp_path)).class_names == ()


def test_without_nibabel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    volumes(tmp_path)
    monkeypatch.setitem(sys.modules, "nibabel", None)
    refused(tmp_path, "S645", "need nibabel", 'pip install "scanlab[data]"')


@pytest.mark.skipif(not HIPPOCAMPUS.is_dir(), reason="the hippocampus is not in ../shared/data")
def test_the_hippocampus() -> None:
    dataset = data.load(str(HIPPOCAMPUS), size=(12, 16, 12))
    assert dataset.images.shape == (260, 1, 12, 16, 12) and dataset.classes == 3
    assert (len(dataset.train), len(dataset.test)) == (184, 76)
    # Both halves of the hippocampus are about as large.
    shares = [(dataset.labels == c).mean() for c in (1, 2)]
    assert min(shares) > 0.02 and max(shares) < 0.03
