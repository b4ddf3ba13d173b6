"""scanlab predict of folders with damaged files: left out and counted up to a limit, for every kind of answer."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from scanlab.nn import Backbone, BackboneConfig, Classifier, Detector, Segmenter, TextReader
from scanlab.zoo import save

Command = Callable[..., tuple[int, str, str]]
DRAW = np.random.default_rng(0)
FLAT = BackboneConfig(patch=4, dim=8, depth=1, positions="none")


def _model(kind: str) -> nn.Module:
    torch.manual_seed(0)
    if kind == "volumes":
        return Segmenter(Backbone("slices", FLAT, input_size=(8, 8, 8)), 3, width=4)
    if kind == "texts":
        return TextReader(Backbone("sum(column, -column)", FLAT, input_size=(16, 40)), " ab", "columns")
    backbone = Backbone("row", FLAT, input_size=(16, 16), channels=3)
    return {"classes": Classifier, "masks": Segmenter, "boxes": Detector}[kind](backbone, 3)


def _fill(folder: Path, kind: str) -> str:
    """Three files, of which the second is cut short, and the ending of their names."""
    folder.mkdir()
    for name in "abc":
        if kind == "volumes":
            volume = nibabel.Nifti1Image(DRAW.random((8, 8, 8), np.float32), np.eye(4))
            nibabel.save(volume, folder / f"{name}.nii")
        else:
            Image.fromarray(DRAW.integers(0, 256, (16, 16, 3), np.uint8)).save(folder / f"{name}.png")
    [middle] = folder.glob("b.*")
    middle.write_bytes(middle.read_bytes()[:200])
    return middle.suffix


@pytest.mark.parametrize("kind", ["classes", "masks", "texts", "boxes", "volumes"])
def test_a_damaged_file_is_left_out_and_counted(predict: Command, tmp_path: Path, kind: str) -> None:
    ending = _fill(tmp_path / "given", kind)
    save(_model(kind), tmp_path / "model.safetensors")
    out = tmp_path / ("table.csv" if kind in ("classes", "texts", "boxes") else "written")
    words = (tmp_path / "model.safetensors", tmp_path / "given", "--out", out)
    words = (*words, "--layout", "dark_ink") if kind == "texts" else words
    code, _, errors = predict(*words)
    assert code == 1 and "error[S644]" in errors and f"b{ending}" in errors
    code, printed, errors = predict(*words, "--unreadable", "1")
    assert code == 0, errors
    assert f"1 file could not be read and counts nowhere, such as b{ending}." in errors
    assert f"a{ending}" in printed or kind == "boxes"
    if kind == "volumes" or kind == "masks":
        assert {file.stem for file in out.iterdir()} - {"classes"} == {"a", "c"}
    elif kind != "boxes":
        assert [row["file"] for row in csv.DictReader(out.open())] == ["a.png", "c.png"]
    rows = json.loads(predict(*words, "--unreadable", "2", "--json")[1])
    assert [row["file"] for row in rows] == [f"{name}{ending}" for name in "acb"]
    assert "cannot be read as" in rows[2]["error"] and "error" not in rows[0]


def test_one_file_too_many_and_no_file_left_are_errors(predict: Command, tmp_path: Path) -> None:
    _fill(tmp_path / "given", "classes")
    (tmp_path / "given" / "a.png").write_bytes(b"")
    save(_model("classes"), tmp_path / "model.safetensors")
    words = (tmp_path / "model.safetensors", tmp_path / "given", "--unreadable")
    assert predict(*words, "1")[0] == 1
    assert "2 files could not be read and count nowhere, such as a.png." in predict(*words, "2")[2]
    (tmp_path / "given" / "c.png").write_bytes(b"")
    code, _, errors = predict(*words, "9")
    assert code == 1 and "error[S644]" in errors


def test_what_is_no_damage_of_a_file_is_not_left_out(predict: Command, tmp_path: Path) -> None:
    _fill(tmp_path / "given", "classes")
    save(_model("classes"), tmp_path / "model.safetensors")
    code, _, errors = predict(tmp_path / "model.safetensors", tmp_path / "given", "--unreadable", "9", "--bands", "1,2")
    assert code == 1 and "error[S659]" in errors


@pytest.mark.parametrize("kind", ["classes", "masks", "texts", "boxes", "volumes"])
def test_weights_that_are_no_numbers_say_nothing(predict: Command, tmp_path: Path, kind: str) -> None:
    _fill(tmp_path / "given", kind)
    model = _model(kind)
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    save(model, tmp_path / "model.safetensors")
    words = ("--layout", "dark_ink") if kind == "texts" else ()
    words = ("--out", tmp_path / "written") if kind in ("masks", "volumes") else words
    code, printed, errors = predict(tmp_path / "model.safetensors", tmp_path / "given", "--unreadable", "1", *words)
    assert code == 1 and "error[S870]" in errors and not printed
