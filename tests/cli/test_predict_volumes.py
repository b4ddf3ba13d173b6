"""``scanlab predict`` on NIfTI volumes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from scanlab.cli.app import app
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Segmenter
from scanlab.zoo import load, save

nibabel = pytest.importorskip("nibabel")


def predict(*words: object) -> str:
    done = CliRunner().invoke(app, ["predict", *map(str, words)], env={"NO_COLOR": "1", "COLUMNS": "120"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model and two volumes, the second in a folder below."""
    folder = tmp_path_factory.mktemp("volumes")
    config = BackboneConfig(patch=4, dim=8, depth=1)
    save(
        Segmenter(Backbone("slices", config, input_size=(8, 8, 8)), 3, width=4, decoder="unet"),
        folder / "m.safetensors",
    )
    draw = np.random.default_rng(0)
    for name in ("a.nii.gz", "below/b.nii"):
        file = folder / "cases" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        image = nibabel.Nifti1Image(draw.random((9, 12, 10), np.float32), np.diag([-1, -2, 0.5, 1]))
        nibabel.save(image, file)
    return folder


def test_a_volume_is_written_where_it_lies(place: Path, tmp_path: Path) -> None:
    said = predict(place / "m.safetensors", place / "cases" / "a.nii.gz", "--out", tmp_path / "seg.nii.gz")
    assert "turned to RAS+ from LPS" in said and "in one pass" in said and " ml" in said
    before, after = nibabel.load(place / "cases" / "a.nii.gz"), nibabel.load(tmp_path / "seg.nii.gz")
    assert after.shape == before.shape
    np.testing.assert_allclose(after.affine, before.affine)


def test_a_folder_by_windows_as_json(place: Path, tmp_path: Path) -> None:
    from scanlab.study.volumes import predict_volume

    words = ("--out", tmp_path / "out", "--tile", 8, "--size", "12x12x12", "--json")
    rows = json.loads(predict(place / "m.safetensors", place / "cases", *words))
    assert [row["file"] for row in rows] == ["a.nii.gz", "b.nii"]
    assert (tmp_path / "out" / "a.nii.gz").is_file() and (tmp_path / "out" / "below" / "b.nii").is_file()
    model = load(place / "m.safetensors")
    alone = predict_volume(model, place / "cases" / "a.nii.gz", size=(12, 12, 12), window=(8, 8, 8))
    np.testing.assert_array_equal(np.asarray(nibabel.load(tmp_path / "out" / "a.nii.gz").dataobj), alone.labels)
    # A voxel of 1 x 2 x 0.5 mm is a thousandth of a millilitre.
    counts = np.bincount(alone.labels.ravel(), minlength=3)
    assert list(rows[0]["millilitres"].values()) == pytest.approx([counts[1] / 1000, counts[2] / 1000])


def test_no_volume_is_written_over(place: Path) -> None:
    cases = place / "cases"
    before = (cases / "a.nii.gz").read_bytes()
    for given, out in ((cases, cases), (cases / "a.nii.gz", cases / "below" / ".." / "a.nii.gz")):
        with pytest.raises(ScanlabError, match=r"S729.*\n?.*over another file"):
            predict(place / "m.safetensors", given, "--out", out)
    assert (cases / "a.nii.gz").read_bytes() == before


def test_modalities_in_files_of_their_own_are_one_volume(place: Path, tmp_path: Path) -> None:
    from scanlab.study.volumes import predict_volume

    config = BackboneConfig(patch=4, dim=8, depth=1)
    model = Segmenter(Backbone("slices", config, input_size=(8, 8, 8), channels=2), 3, width=4)
    save(model, tmp_path / "two.safetensors")
    draw = np.random.default_rng(1)
    for name in ("one_0000", "one_0001", "two_0000", "two_0001"):
        (tmp_path / "cases").mkdir(exist_ok=True)
        image = nibabel.Nifti1Image(draw.random((9, 12, 10), np.float32), np.diag([1, 1, 1, 1]))
        nibabel.save(image, tmp_path / "cases" / f"{name}.nii.gz")
    rows = json.loads(predict(tmp_path / "two.safetensors", tmp_path / "cases", "--out", tmp_path / "out", "--json"))
    assert [row["file"] for row in rows] == ["one.nii.gz", "two.nii.gz"]
    pair = [tmp_path / "cases" / f"two_000{n}.nii.gz" for n in range(2)]
    alone = predict_volume(load(tmp_path / "two.safetensors"), pair)
    np.testing.assert_array_equal(np.asarray(nibabel.load(tmp_path / "out" / "two.nii.gz").dataobj), alone.labels)
    with pytest.raises(ScanlabError, match=r"(?s)S623.*reads 2.*a file for every modality"):
        predict(tmp_path / "two.safetensors", pair[0], "--out", tmp_path / "s.nii.gz")


def test_a_model_of_other_things_says_nothing_of_voxels(place: Path, tmp_path: Path) -> None:
    from scanlab.nn import Classifier

    save(Classifier(Backbone("row", BackboneConfig(dim=8), input_size=(8, 8)), 2), tmp_path / "c.safetensors")
    with pytest.raises(ScanlabError, match=r"S623.*a Classifier says nothing of voxels"):
        predict(tmp_path / "c.safetensors", place / "cases" / "a.nii.gz")


@pytest.mark.parametrize(
    "words, code",
    [
        ((), "S729"),
        (("--out", "seg.png"), "S729"),
        (("--out", "s.nii", "--bands", "1"), "S659"),
        (("--out", "s.nii", "--size", "own"), "S659"),
    ],
)
def test_what_is_refused(place: Path, words: tuple[str, ...], code: str) -> None:
    with pytest.raises(ScanlabError, match=code):
        predict(place / "m.safetensors", place / "cases" / "a.nii.gz", *words)
