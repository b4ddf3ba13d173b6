"""``scanlab export``: its files, what it prints, its exit codes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from scanlab.cli import export as command
from scanlab.export import Agreement
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, NextFrame, TextReader
from scanlab.zoo import create_model, save, to_official
from scanlab.zoo.files import write_tensors

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def scanlab_export(scanlab: Command) -> Command:
    return partial(scanlab, "export")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("models") / "small.safetensors"
    save(Classifier(Backbone("cross", BackboneConfig(dim=16), input_size=(8, 8)), 10), path)
    return path


def test_a_file_and_its_check(scanlab_export: Command, checkpoint: Path, tmp_path: Path) -> None:
    code, out, err = scanlab_export(checkpoint, "-o", tmp_path / "m.onnx", "--check")
    assert (code, err) == (0, "")
    assert "images of 8x8" in out and "2 scans: blocks of steps side by side" in out
    assert "largest difference" in out
    said = {entry.key: entry.value for entry in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert said["scanlab.checkpoint_sha256"] == hashlib.sha256(checkpoint.read_bytes()).hexdigest()


def test_three_sizes_are_three_files(scanlab_export: Command, checkpoint: Path, tmp_path: Path) -> None:
    words = [word for size in ("8x8", "12x10", "16x16") for word in ("--size", size)]
    code, out, _ = scanlab_export(checkpoint, "-o", tmp_path / "m.onnx", *words, "--plain", "--json")
    report = json.loads(out)
    assert code == 0
    assert [Path(entry["file"]).name for entry in report] == ["m-8x8.onnx", "m-12x10.onnx", "m-16x16.onnx"]
    assert [entry["input_size"] for entry in report] == [[8, 8], [12, 10], [16, 16]]
    assert all(Path(entry["file"]).stat().st_size == entry["bytes"] for entry in report)
    assert {choice["way"] for entry in report for choice in entry["scans"].values()} == {"blocked"}


def test_a_reader_of_lines(scanlab_export: Command, tmp_path: Path) -> None:
    """Its alphabet is in the file, and one file reads all widths up to its own."""
    config = BackboneConfig(patch=(8, 4), dim=8, positions="none")
    reader = TextReader(Backbone("sum(column, -column)", config, input_size=(16, 40)), "ab ")
    save(reader, tmp_path / "reader.safetensors")
    words = (tmp_path / "reader.safetensors", "-o", tmp_path / "m.onnx", "--size", "16x80", "--check")
    code, out, err = scanlab_export(*words)
    assert (code, err) == (0, "")
    assert "images of 16x80" in out and "widths of lines: 4 to 80 pixels" in " ".join(out.split())
    said = {entry.key: entry.value for entry in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert (json.loads(said["scanlab.alphabet"]), said["scanlab.blank"]) == (["a", "b", " "], "3")
    code, _, err = scanlab_export(tmp_path / "reader.safetensors", "-o", tmp_path / "m.onnx", "--size", "24x40")
    assert code == 1 and "S674" in err


def test_the_next_frame_with_its_state(scanlab_export: Command, tmp_path: Path) -> None:
    config = BackboneConfig(patch=(1, 4, 4), dim=8, positions="none")
    save(NextFrame(Backbone("by t, h, w", config, input_size=(5, 8, 8), channels=2)), tmp_path / "next.safetensors")
    words = (tmp_path / "next.safetensors", "-o", tmp_path / "m.onnx", "--state", "--check", "--json")
    code, out, _ = scanlab_export(*words)
    assert code == 0
    [entry] = json.loads(out)
    assert "what is expected after this frame" in entry["metadata"]["scanlab.outputs"]
    assert all(row["agrees"] for row in entry["check"])


def test_class_names_travel(scanlab_export: Command, tmp_path: Path) -> None:
    model = Classifier(Backbone("row", BackboneConfig(dim=8), input_size=(8, 8)), 2)
    model.class_names = ("cat", "dög")
    save(model, tmp_path / "named.safetensors")
    _, out, _ = scanlab_export(tmp_path / "named.safetensors", "-o", tmp_path / "m.onnx", "--json")
    assert json.loads(json.loads(out)[0]["metadata"]["scanlab.class_names"]) == ["cat", "dög"]


def test_another_order(scanlab_export: Command, checkpoint: Path, tmp_path: Path) -> None:
    code, out, _ = scanlab_export(checkpoint, "-o", tmp_path / "m.onnx", "--scan", "hilbert", "--json")
    assert code == 0 and json.loads(out)[0]["metadata"]["scanlab.strategy"] == "by hilbert(h, w)"


def test_an_official_checkpoint(scanlab_export: Command, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = create_model("vim_tiny", classes=3, input_size=(32, 32))
    write_tensors(tmp_path / "official.safetensors", to_official(model), {})
    options = ("--model", "vim_tiny", "--classes", "3", "--input", "32x32", "--size", "48x32", "--json")
    code, out, _ = scanlab_export(tmp_path / "official.safetensors", "-o", tmp_path / "m.onnx", *options)
    [entry] = json.loads(out)
    assert code == 0 and entry["metadata"]["scanlab.grid"] == "3x2" and len(entry["scans"]) == 24


def test_states(scanlab_export: Command, tmp_path: Path) -> None:
    config = BackboneConfig(patch=(1, 4, 4), dim=8, positions="none", mixer=MixerConfig(convolution="path"))
    save(Classifier(Backbone("by t, h, ~w", config, input_size=(4, 8, 8)), 3), tmp_path / "video.safetensors")
    code, out, err = scanlab_export(tmp_path / "video.safetensors", "-o", tmp_path / "v.onnx", "--state", "--check")
    assert (code, err) == (0, "") and "frames" in out
    code, _, err = scanlab_export(
        tmp_path / "video.safetensors", "-o", tmp_path / "v.onnx", "--state", "-s", "by h, w, t"
    )
    assert code == 1 and "S716" in err


def test_a_model_that_computes_something_else_is_an_error(
    scanlab_export: Command, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "compare_onnx", lambda model, exported: [Agreement(1, 0.5, 1.0, 1.0, 1.0)])
    code, out, err = scanlab_export(checkpoint, "-o", tmp_path / "m.onnx", "--check")
    assert code == 1 and "5.0e-01" in out and "S786" in err


def test_wrong_usage(scanlab_export: Command, checkpoint: Path, tmp_path: Path) -> None:
    code, _, err = scanlab_export(checkpoint, "-o", tmp_path / "m.onnx", "--plain", "--portable")
    assert code == 2 and "two forms" in err
    code, _, err = scanlab_export(checkpoint, "-o", tmp_path / "m.onnx", "--classes", "3")
    assert code == 2 and "go with --model" in err
    assert not (tmp_path / "m.onnx").exists()


def test_a_checkpoint_is_not_written_over(scanlab_export: Command, checkpoint: Path, tmp_path: Path) -> None:
    held = checkpoint.read_bytes()
    for place in (checkpoint, tmp_path / "m.txt"):
        code, out, err = scanlab_export(checkpoint, "-o", place)
        assert (code, out) == (1, "") and "error[S784]" in err and "end in .onnx" in err
    assert checkpoint.read_bytes() == held and not (tmp_path / "m.txt").exists()
    assert scanlab_export(checkpoint, "-o", tmp_path / "new" / "m.onnx")[0] == 0
    assert scanlab_export(checkpoint, "-o", tmp_path / "m.onnx", "--latency", "2")[0] == 2
