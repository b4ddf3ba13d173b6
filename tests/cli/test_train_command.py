"""scanlab train: the numbers of a study's trial, alone and by several processes, and the model in a file."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner, Result

from scanlab import data, zoo
from scanlab.cli.app import app
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import runner, settings
from scanlab.study.distributed import joined
from scanlab.study.learning import learning_of
from scanlab.study.tasks import task_named
from scanlab.study.train import ALONE

EPOCHS, LONG = 3, 10
STUDY = f"""
strategies = ["row", "hilbert"]
dataset = "digits"
controls = []
seeds = [1]
[model]
dim = 8
depth = 1
mixer = {{ state = 1, expand = 1 }}
[recipe]
epochs = {EPOCHS}
batch = 65
"""
# What a recipe of the field adds, as words of a command.
FIELD = ("recipe.mixup=0.8", "recipe.crop=0.7", "recipe.ema=0.5", "recipe.accumulate=2", "recipe.warm_up=0.5")


@pytest.fixture
def study(tmp_path) -> Path:
    file = tmp_path / "study.toml"
    file.write_text(STUDY)
    return file


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["train", *map(str, words)], env={"COLUMNS": "160", "NO_COLOR": "1"})


def result_of(folder: Path) -> list[dict]:
    return json.loads((folder / "result.json").read_text())["result"]["epochs"]


def figures(epochs) -> list[tuple[float, dict]]:
    return [(e["loss"], e["metrics"]) for e in epochs]


def torchrun(*words: object) -> subprocess.Popen:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "scanlab", "train", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "160"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_one_process_gives_the_numbers_of_the_study(tmp_path, study):
    done = run(study, "-s", "hilbert", "--seed", 1, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "digits, hilbert, seed 1" in done.output and f"epoch {EPOCHS} of {EPOCHS}: loss" in done.output
    record = runner.run_study(settings.study_of(settings.read_settings(study)), tmp_path / "study")
    [key] = [m.key for m in record.members if m.strategy == "hilbert"]
    wanted = [(e.loss, dict(e.metrics)) for e in record.trials[key].result.epochs]
    assert figures(result_of(tmp_path / "out")) == wanted
    assert json.loads((tmp_path / "out" / "result.json").read_text())["key"] == key
    # The file holds the trained model, and the command again goes on where nothing is left to do.
    digits = data.load("digits")
    images, targets = torch.from_numpy(digits.images[digits.test]), torch.from_numpy(digits.labels[digits.test])
    with torch.no_grad():
        model = zoo.load(tmp_path / "out" / "model.safetensors")
        found = learning_of(task_named("classification")).measure(model, images, targets, 4 * 65)
    assert found["accuracy"] == wanted[-1][1]["accuracy"]
    again = run(study, "-s", "hilbert", "--seed", 1, "-o", tmp_path / "out", "--json")
    assert figures(json.loads(again.output)["result"]["epochs"]) == wanted


def test_two_processes_learn_what_one_does_and_go_on_when_killed(tmp_path, study):
    words = (study, *FIELD, "-s", "hilbert", "--epochs", LONG, "-o")
    alone = run(*words, tmp_path / "alone")
    assert alone.exit_code == 0, alone.output
    words = (*words, tmp_path / "both")
    killed = torchrun(*words)
    for line in killed.stdout:
        if line.startswith("epoch 1 of"):
            # The launcher ends its processes, each in a group of its own, at once.
            killed.send_signal(signal.SIGTERM)
            break
    killed.communicate()
    assert (tmp_path / "both" / "checkpoint.pt").exists() and not (tmp_path / "both" / "model.safetensors").exists()
    process = torchrun(*words)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    # Rank 0 alone speaks.
    assert output.count("by 2 processes") == output.count("going on from") == 1
    assert output.count(f"epoch {LONG} of {LONG}") == 1
    one, two = result_of(tmp_path / "alone"), result_of(tmp_path / "both")
    assert json.loads((tmp_path / "both" / "result.json").read_text())["processes"] == 2
    for alone_epoch, both_epoch in zip(one, two, strict=True):
        assert both_epoch["loss"] == pytest.approx(alone_epoch["loss"], rel=5e-4)
        assert both_epoch["metrics"]["auc"] == pytest.approx(alone_epoch["metrics"]["auc"], abs=1e-3)
        assert both_epoch["metrics"]["accuracy"] == pytest.approx(alone_epoch["metrics"]["accuracy"], abs=4e-3)
    one, two = (zoo.load(tmp_path / name / "model.safetensors").state_dict() for name in ("alone", "both"))
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=2e-3, atol=2e-3)


def test_two_processes_train_a_segmenter_whose_last_norm_is_unused(tmp_path):
    digits = data.load("digits")
    images = digits.images[:97, 0]
    np.savez(tmp_path / "masks.npz", x=(images * 16).astype(np.uint8), y=(images > 0.5).astype(np.uint8))
    file = tmp_path / "study.toml"
    text = STUDY.replace('"digits"', '"masks.npz"').replace('["row", "hilbert"]', '["row"]')
    file.write_text(text.replace(f"epochs = {EPOCHS}", "epochs = 2"))
    alone = run(file, "-o", tmp_path / "alone")
    assert alone.exit_code == 0, alone.output
    process = torchrun(file, "-o", tmp_path / "both")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    one, two = result_of(tmp_path / "alone"), result_of(tmp_path / "both")
    assert [e["loss"] for e in two] == pytest.approx([e["loss"] for e in one], rel=0.05)
    assert type(zoo.load(tmp_path / "both" / "model.safetensors")).__name__ == "Segmenter"


def test_two_processes_mix_pictures_that_each_reads_for_itself(tmp_path):
    draw = np.random.RandomState(0)
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(20):
            Image.fromarray(draw.randint(0, 255, (8, 8), np.uint8)).save(tmp_path / "set" / name / f"{number}.png")
    text = STUDY.replace('"digits"', '"set"\nlazy = true').replace("seeds = [1]", "seeds = 1").replace("65", "6")
    file = tmp_path / "study.toml"
    file.write_text(text.replace(f"epochs = {EPOCHS}", "epochs = 2\nmixup = 0.8\ncutmix = 1.0"))
    alone = run(file, "-s", "row", "-o", tmp_path / "alone")
    assert alone.exit_code == 0, alone.output
    process = torchrun(file, "-s", "row", "-o", tmp_path / "both")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    one, two = result_of(tmp_path / "alone"), result_of(tmp_path / "both")
    assert [e["loss"] for e in two] == pytest.approx([e["loss"] for e in one], rel=1e-4)


OWN = """
from torch import nn

def make(given, dim):
    mixer = given.mixer(dim=dim)
    return nn.Sequential(nn.Conv2d(given.channels, dim, 2, 2), Rows(), mixer, Mean(), nn.Linear(dim, given.classes))

class Rows(nn.Module):
    def forward(self, maps):
        return maps.flatten(2).mT

class Mean(nn.Module):
    def forward(self, rows):
        return rows.mean(1)
"""


def test_a_model_of_ones_own_leaves_its_weights(tmp_path, study, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_own_layers.py").write_text(OWN)
    text = STUDY.replace(
        "dim = 8\ndepth = 1\nmixer = { state = 1, expand = 1 }", 'make = "my_own_layers:make"\ndim = 8'
    )
    study.write_text(text)
    done = run(study, "-s", "row", "--epochs", 1, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "the weights of my_own_layers:make alone" in done.output
    tensors = load_file(tmp_path / "out" / "model.safetensors")
    assert tensors["0.weight"].shape == (8, 1, 2, 2) and tensors["4.weight"].shape == (10, 8)
    again = run(study, "-s", "row", "--epochs", 1, "-o", tmp_path / "out")
    assert again.exit_code == 0 and "going on from" in again.output


def test_a_folder_belongs_to_one_training(tmp_path, study):
    assert run(study, "-s", "row", "--epochs", 1, "-o", tmp_path / "out").exit_code == 0
    before = (tmp_path / "out" / "model.safetensors").read_bytes()
    with pytest.raises(ScanlabError, match=r"S608.*another training"):
        refused(study, "-s", "hilbert", "--epochs", 1, "-o", tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == before


def refused(*words: object) -> None:
    raise run(*words).exception or AssertionError("nothing was refused")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "S607.*more than one strategy(?s:.*)row, hilbert"),
        (("-s", "snake"), "S607.*no strategy 'snake'(?s:.*)row, hilbert"),
        (("-s", "row", "--problem", "mnist"), "S608.*no problem 'mnist'(?s:.*)digits"),
        (("-s", "row", "--seed", "-1"), "S601.*-1"),
        (("-s", "row", "--device", "tpu"), "S608.*no device 'tpu'"),
    ],
)
def test_what_is_not_in_the_study_is_refused(tmp_path, study, words, says):
    with pytest.raises(ScanlabError, match=says):
        refused(study, "-o", tmp_path / "out", *words)
    assert not (tmp_path / "out").exists()


def test_without_safetensors_nothing_is_trained(study, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ScanlabError, match=r"S618(?s:.*)scanlab\[checkpoints\]"):
        refused(study, "-s", "row")


def test_processes_need_a_gpu_each(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ScanlabError, match=r"S608.*no GPU"), joined("cuda"):
        pass
    with joined("auto") as alone:
        assert alone == (ALONE, "cpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with joined("auto") as alone:
        assert alone == (ALONE, "cuda:0")
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "LOCAL_RANK": "3", "LOCAL_WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ScanlabError, match=r"S664.*4 processes.*2 GPUs(?s:.*)--nproc-per-node 2"), joined("cuda"):
        pass


def test_a_training_that_is_stopped_says_what_is_kept_and_a_damaged_checkpoint_is_named(tmp_path, study, monkeypatch):
    folder = tmp_path / "out"

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("scanlab.cli.train.train_model", stopped)
        done = run(study, "-s", "row", "-o", folder)
    assert done.exit_code != 0 and "stopped: what was trained up to the last checkpoint is kept in" in done.output
    (folder / "checkpoint.pt").write_bytes(b"half")
    done = run(study, "-s", "row", "--epochs", EPOCHS, "-o", folder)
    assert done.exit_code == 0 and "of no use (it cannot be read): training starts anew" in done.output
    assert "going on" not in done.output
