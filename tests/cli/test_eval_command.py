"""``scanlab eval``: what it prints, its exit codes, and its JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scanlab.nn import Backbone, BackboneConfig, Classifier
from scanlab.zoo import create_model, preprocessing, save, to_official
from scanlab.zoo.presets import PRESETS

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def scanlab_eval(scanlab: Command) -> Command:
    return partial(scanlab, "eval")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("models") / "digits.safetensors"
    save(Classifier(Backbone("vim", BackboneConfig(dim=16, readout="cls"), input_size=(8, 8)), 10), path)
    return str(path)


def test_a_table_with_a_caution(scanlab_eval: Command, checkpoint: str) -> None:
    code, out, err = scanlab_eval(checkpoint, "--scans", "hilbert; sum(row, -row) ;by w, h")
    assert (code, err) == (0, "")
    assert "539 images of digits, part: test" in out
    for name in ("original: vim", "hilbert", "sum(row, -row)", "by w, h"):
        assert f"│ {name} " in out
    assert "Caution: the model was trained with vim" in out


def test_json(scanlab_eval: Command, checkpoint: str) -> None:
    code, out, _ = scanlab_eval(checkpoint, "-s", "hilbert", "--part", "train", "--batch", "500", "--json")
    data = json.loads(out)
    assert code == 0 and (data["images"], data["trained"], data["part"]) == (1258, "vim", "train")
    original, hilbert = data["rows"]
    assert original["scan"] == "original" and original["difference"] is None
    d = hilbert["difference"]
    assert d["difference"] == pytest.approx(hilbert["accuracy"] - original["accuracy"])
    assert d["difference"] == pytest.approx((d["gained"] - d["lost"]) / 1258)
    assert len(data["notes"]) == 1


def test_an_official_checkpoint_on_a_file(scanlab_eval: Command, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = create_model("vim_tiny", classes=3, input_size=(32, 32))
    torch.save({"model": to_official(model), "optimizer": {}}, tmp_path / "vim.pth")
    x = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    np.savez(tmp_path / "things.npz", x=x, y=np.arange(8) % 3)
    words = [str(tmp_path / "vim.pth"), "--model", "vim_tiny", "--classes", "3", "--input", "32x32"]
    code, out, err = scanlab_eval(*words, "--data", str(tmp_path / "things.npz"), "--part", "all", "-s", "column")
    assert (code, err) == (0, "")
    assert "8 images of things, part: all" in out and "│ column " in out


def test_official_weights_on_a_folder_of_pictures(scanlab_eval: Command, tmp_path: Path) -> None:
    """Pictures are prepared as the authors do, the averaged weights are taken, and what they give is said."""
    draw = np.random.default_rng(0)
    for name in ("n01440764", "n01443537"):
        (tmp_path / "val" / name).mkdir(parents=True)
        for n in range(2):
            pixels = draw.integers(0, 256, (40, 60, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "val" / name / f"{n}.png")
    states = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        states.append(to_official(create_model("vmamba_tiny", classes=2, input_size=(32, 32))))
    file = tmp_path / "vssm1_tiny_0230s_ckpt_epoch_264.pth"
    torch.save({"model": states[0], "model_ema": states[1]}, file)
    words = [str(file), "--model", "vmamba_tiny", "--classes", "2", "--input", "32x32", "--data", str(tmp_path / "val")]
    code, out, err = scanlab_eval(*words, "--json")
    said = json.loads(out)
    assert (code, said["images"]) == (0, 4), err
    model = create_model("vmamba_tiny", classes=2, input_size=(32, 32), checkpoint=file, checkpoint_key="model_ema")
    prepare = preprocessing(model)
    pictures = [prepare(Image.open(path)) for path in sorted((tmp_path / "val").rglob("*.png"))]
    with torch.no_grad():
        guesses = model.eval()(torch.stack(pictures)).argmax(1).tolist()
    assert said["rows"][0]["accuracy"] == np.mean(np.array(guesses) == [0, 0, 1, 1])
    assert any("the shorter side to 36 (bicubic), the middle 32x32" in note for note in said["notes"])
    assert any("82.6 % on ImageNet-1K for its averaged weights" in note for note in said["notes"])
    (tmp_path / "val" / "n01440764" / "1.png").write_bytes(b"")
    assert "error[S644]" in scanlab_eval(*words)[2]
    assert "1 file could not be read" in scanlab_eval(*words, "--unreadable", "1")[1]
    assert "error[S659]" in scanlab_eval(*words[:-1], "digits", "--unreadable", "1")[2]


def test_the_zoo(scanlab: Command) -> None:
    code, out, _ = scanlab("zoo")
    assert code == 0 and all(name in out for name in PRESETS)
    rows = {row["model"]: row for row in json.loads(scanlab("zoo", "--json")[1])}
    assert rows["vim_tiny"]["top1"] == 76.1 and rows["plainmamba_l1"]["address"] == ""
    one = scanlab("zoo", "vmamba_tiny")[1]
    assert "82.6 % on ImageNet-1K, of averaged weights" in one and "not known to us" in one
    assert "error[S617]" in scanlab("zoo", "vim_tinny")[2]


def test_errors_in_the_input_exit_with_1(scanlab_eval: Command, checkpoint: str, tmp_path: Path) -> None:
    armed, marker = tmp_path / "armed.pth", tmp_path / "marker"
    torch.save({"model": Hostile(str(marker))}, armed)
    for words, code in {
        (str(armed), "--model", "vim_tiny"): "S640",
        (str(tmp_path / "missing.safetensors"),): "S641",
        (checkpoint, "--data", str(tmp_path / "missing.npz")): "S642",
        (checkpoint, "--data", "digit"): "S600",
        (checkpoint, "--part", "val"): "S643",
        (checkpoint, "--scans", "hilbret"): "S201",
        (checkpoint, "--model", "vim_tinny"): "S617",
    }.items():
        exit_code, out, err = scanlab_eval(*words)
        assert (exit_code, out) == (1, "") and f"error[{code}]" in err, words
    assert not marker.exists()


def test_wrong_usage_exits_with_2(scanlab_eval: Command, checkpoint: str) -> None:
    code, _, err = scanlab_eval(checkpoint, "--classes", "10")
    assert code == 2 and "--model" in err
    assert scanlab_eval()[0] == 2
    assert scanlab_eval(checkpoint, "--batch", "0")[0] == 2


class Hostile:
    """Makes a folder where it is unpickled."""

    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (self.marker,)
