"""``scanlab count``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scanlab.cli.app import app
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Segmenter
from scanlab.zoo import save, save_pretrained


def count(*words: str, columns: int = 120) -> str:
    done = CliRunner().invoke(app, ["count", *words], env={"NO_COLOR": "1", "COLUMNS": str(columns)})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small segmenter."""
    config = BackboneConfig(patch=4, dim=8, depth=(1, 1), mlp=2.0)
    path = tmp_path_factory.mktemp("models") / "small.safetensors"
    save(Segmenter(Backbone("cross", config, input_size=(16, 16)), 3, width=4, decoder="unet"), path)
    return path


def test_a_file_by_part(file: Path) -> None:
    said = count(str(file))
    assert "small.safetensors: 16x16 pixels, 1 channel, 4x4 patches" in said
    for part in ("embed", "stage 1: projections", "stage 1: scan", "stage 2: mlp", "stage 1: downsample", "decoder"):
        assert f"│ {part} " in said
    assert "│ all " in said and "multiply-add is two" in said


def test_json_adds_up(file: Path) -> None:
    data = json.loads(count(str(file), "--json", "--size", "32x48"))
    assert data["size"] == [32, 48] and data["grid"] == [8, 12] and data["kind"] == "Segmenter"
    for what in ("parameters", "flops"):
        assert data[what] == sum(part[what] for part in data["parts"]) > 0
    same = json.loads(count(str(file), "--json", "--grid", "8x12"))
    assert same == data


def test_a_folder(file: Path, tmp_path: Path) -> None:
    from scanlab.zoo import load

    save_pretrained(load(file), tmp_path / "model")
    parts = [json.loads(count(str(place), "--json"))["parts"] for place in (file, tmp_path / "model")]
    assert parts[0] == parts[1]


def test_a_published_model_with_other_settings() -> None:
    data = json.loads(count("vim_tiny", "--json", "-g", "2x3", "--classes", "0", "--channels", "1", "-s", "hilbert"))
    assert data["size"] == [32, 48] and data["channels"] == 1
    assert "head" not in {part["name"] for part in data["parts"]}
    assert next(p for p in data["parts"] if p["name"] == "embed")["parameters"] < 100_000
    # Overlapping patches: 8 pixels apart, 16 wide.
    assert json.loads(count("vim_tiny_stride8", "--json", "-g", "2x3"))["size"] == [24, 32]


@pytest.mark.parametrize("columns", [30, 40, 60])
def test_narrow_terminals_lose_nothing(file: Path, columns: int) -> None:
    said = count(str(file), columns=columns)
    assert all(len(line) <= columns for line in said.splitlines())
    whole = json.loads(count(str(file), "--json"))
    assert f"{whole['parameters']:,}" in said


@pytest.mark.parametrize(
    "words, code",
    [
        (("vim_tini",), "S617"),
        (("vim_tiny", "-g", "4x4x4"), "S624"),
        (("vim_tiny", "-g", "4x4", "--size", "64x64"), "S624"),
        (("vim_tiny", "--size", "0x4"), "S400"),
        (("{file}", "--classes", "3"), "S624"),
    ],
)
def test_what_is_refused(file: Path, words: tuple[str, ...], code: str) -> None:
    with pytest.raises(ScanlabError, match=code):
        count(*(word.format(file=file) for word in words))
