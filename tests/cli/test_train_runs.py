"""scanlab train: what it goes on from, what it refuses, what it logs while it trains, and what it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from scanlab import zoo
from scanlab.cli.app import app
from scanlab.cli.train_folder import config_differences
from scanlab.study.recipe import Recipe

SMALL = ("limit=150", "test_limit=50", "model.dim=8", "model.depth=1", "recipe.epochs=3")


def run(*words: object, command: str = "train") -> Result:
    return CliRunner().invoke(app, [command, *map(str, words)], env={"COLUMNS": "400", "NO_COLOR": "1"})


def losses(folder: Path) -> list[float]:
    return [e["loss"] for e in json.loads((folder / "result.json").read_text())["result"]["epochs"]]


def test_auto_goes_on_and_never_starts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(*SMALL, "-o", tmp_path / "whole").exit_code == 0
    from scanlab.study import train

    plain = train.write_checkpoint

    def stopping(place, key, progress, stateful) -> None:
        plain(place, key, progress, stateful)
        if len(progress.epochs) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train, "write_checkpoint", stopping)
        assert run(*SMALL, "-o", tmp_path / "cut").exit_code != 0
    done = run(*SMALL, "-o", tmp_path / "cut", "--resume", "auto")
    assert done.exit_code == 0 and "going on from" in done.output
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")
    anew = run(*SMALL, "-o", tmp_path / "cut", "--resume", "never")
    assert anew.exit_code == 0 and "going on from" not in anew.output
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")
    assert "S608" in str(run(*SMALL, "-o", tmp_path / "cut", "--resume", "always").exception)


def test_another_trials_folder_is_refused_with_what_differs(tmp_path: Path) -> None:
    assert run(*SMALL, "-o", tmp_path / "out").exit_code == 0
    words = (*SMALL[:-1], "recipe.epochs=5", "recipe.ema=0.9", "-s", "hilbert", "--seed", 2)
    said = str(run(*words, "-o", tmp_path / "out").exception)
    for part in ("the steps of the order differ", "recipe.epochs is 3 there and 5 here", "seed is 0 there and 2 here"):
        assert part in said
    assert "recipe.ema is 0.0 there and 0.9 here" in said and "holds another training" in said
    # A checkpoint alone, without what says of which trial it is.
    (tmp_path / "other").mkdir()
    (tmp_path / "out" / "checkpoint.pt").rename(tmp_path / "other" / "checkpoint.pt")
    said = str(run(*words, "-o", tmp_path / "other").exception)
    assert "is the checkpoint of another trial" in said
    assert not (tmp_path / "other" / "result.json").exists()


def test_settings_that_differ_are_named_once() -> None:
    one = {"data": "a", "sizes": {"dim": 8, "mixer": {"state": 4}}, "recipe": {"epochs": 3}}
    two = {"data": "b", "sizes": {"dim": 9, "mixer": {"state": 4}}, "recipe": {"epochs": 3, "clip": Recipe().clip}}
    assert list(config_differences(one, two)) == ["the contents of the data differ", "model.dim is 8 there and 9 here"]
    assert list(config_differences(one, one)) == []


def test_tensorboard_is_written_while_it_trains(tmp_path: Path) -> None:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert run(*SMALL, "-o", tmp_path / "out", "--log", "tensorboard").exit_code == 0
    [folder] = (tmp_path / "out" / "tensorboard").glob("*/*/*")
    assert folder.name.startswith("seed 0 ") and folder.parent.name == "row"
    events = reading.EventAccumulator(str(folder)).Reload()
    result = json.loads((tmp_path / "out" / "result.json").read_text())["result"]
    wanted = {"loss": "loss", "learning_rate": "rate", "throughput": "throughput", "seconds": "seconds"}
    for tag, name in wanted.items():
        assert [e.value for e in events.Scalars(tag)] == pytest.approx([e[name] for e in result["epochs"]])
        assert [e.step for e in events.Scalars(tag)] == [0, 1, 2]
    assert all(e.value > 0 for e in events.Scalars("throughput"))
    # Along the cosine: of the last step of each epoch.
    rates = [e.value for e in events.Scalars("learning_rate")]
    assert rates[0] > rates[1] > rates[2] and rates[0] < Recipe().learning_rate
    assert events.Scalars("result/throughput")[0].value == pytest.approx(result["throughput"])


def test_a_training_that_diverges_is_logged_and_said_again(tmp_path: Path) -> None:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    words = (*SMALL, "recipe.learning_rate=1e4", "recipe.clip=0.0", "-o", tmp_path / "out")
    assert "S860" in str(run(*words, "--log", "tensorboard").exception)
    [folder] = (tmp_path / "out" / "tensorboard").glob("*/*/*")
    [event] = reading.EventAccumulator(str(folder)).Reload().Tensors("error/text_summary")
    assert "S860" in event.tensor_proto.string_val[0].decode()
    again = run(*words)
    assert "it diverged before, and will again unless something else has changed: digits, row, seed 0" in again.output


def test_it_leaves_models_that_predict_reads_and_their_cards(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run(*SMALL, "recipe.validation=true", "--keep", "best", "-o", out)
    assert done.exit_code == 0, done.output
    assert "samples per second" in done.output and f"wrote {out / 'best' / 'model.safetensors'}" in done.output
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "black.png")
    for place in (out, out / "best", out / "model.safetensors"):
        said = run(place, tmp_path / "black.png", "--json", command="predict")
        assert said.exit_code == 0 and json.loads(said.output)[0]["file"] == "black.png"
    assert zoo.from_pretrained(out).num_classes == 10
    last, best = ((place / "README.md").read_text() for place in (out, out / "best"))
    assert "Weights after the last of 3 epochs" in last and "the best by validation accuracy" in best
    assert "there is one seed with a result, which shows no spread" in last
    assert "S861" in str(run(*SMALL, "--keep", "best", "-o", tmp_path / "other").exception)
