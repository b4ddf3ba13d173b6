"""``scanlab erf``: tables, pictures, JSON, training and checkpoints."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from scanlab.cli import main


@dataclass(frozen=True)
class Run:
    """What a command gave back."""

    code: int
    out: str
    err: str


Command = Callable[..., Run]


@pytest.fixture
def erf(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*words: str) -> Run:
        monkeypatch.setattr(sys, "argv", ["scanlab", "erf", *words])
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as stopped:
            main()
            sys.exit(0)
        code = stopped.value.code
        printed = capsys.readouterr()
        return Run(int(code or 0) if not isinstance(code, str) else 1, printed.out, printed.err)

    return run


def read(run: Run) -> dict[tuple[str, str], dict]:
    assert run.code == 0, run.err
    return {(field["strategy"], field["kind"]): field for field in json.loads(run.out)["fields"]}


def test_a_table_and_heat_maps(erf: Command) -> None:
    run = erf("row", "cross", "-g", "4x4", "--decay", "0.5")
    assert run.code == 0 and "4×4" in run.out and "0.5 of itself" in run.out
    # The centre's row: 1/4, 1/2 and 1 lie in the last two tenths of four decades, and the next patch is not heard.
    assert "899·" in run.out and "cross" in run.out


def test_predictions_as_json(erf: Command) -> None:
    found = read(erf("by h, w", "window[k=2]", "window[k=4]", "-g", "4x4", "--decay", "0.5", "--json"))
    assert [strategy for strategy, _ in found] == ["by h, w", "window[k=2]", "window[k=4]"]
    row = found["by h, w", "predicted from ranks"]
    ranks = np.arange(16).reshape(4, 4)
    np.testing.assert_allclose(row["contributions"], np.where(ranks <= 10, 0.5 ** (10.0 - ranks), 0))
    assert (
        row["cell"] == [[2, 3], [2, 3]]
        and row["grid"] == [4, 4]
        and list(row["areas"]) == ["0.2", "0.3", "0.5", "0.99"]
    )
    assert row["mean_distance_of_all_patches"] > 0


def test_layers(erf: Command) -> None:
    [one] = read(erf("row", "-g", "4x4", "--json")).values()
    [three] = read(erf("row", "-g", "4x4", "--layers", "3", "--json")).values()
    assert three["mean_distance"] > one["mean_distance"]


@pytest.mark.parametrize("grid", [(), ("-g", "2x3x3x3")])
def test_any_number_of_axes(erf: Command, grid: tuple[str, ...]) -> None:
    line = "by t, d, h, w" if grid else "by t, ~h, ~w"
    assert erf(line, *grid).code == 0


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_pictures(erf: Command, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra pictures")
    target = tmp_path / f"erf.{suffix}"
    run = erf("row", "by t, h, w", "-o", str(target))
    assert run.code == 0 and not run.out and "wrote" in run.err
    assert target.stat().st_size > 1000


@pytest.mark.parametrize(
    "words,code",
    [
        (("row", "--decay", "2"), "S634"),
        (("row", "--epochs", "1"), "S636"),
        (("row", "--data", "digits"), "S636"),
        (("row", "--train", "--checkpoint", "x.safetensors"), "S636"),
        (("row", "--checkpoint", "x.safetensors", "-g", "4x4"), "S636"),
        (("row", "--train", "-g", "3x3"), "S636"),
        (("row", "--train", "--epochs", "0"), "S608"),
        (("row", "--train", "--data", "nothing"), "S600"),
        (("row", "-o", "erf.gif"), "S501"),
        (("no such strategy",), "S1"),
    ],
)
def test_wrong_use(erf: Command, words: tuple[str, ...], code: str) -> None:
    run = erf(*words)
    assert run.code == 1 and f"[{code}" in run.err


def test_training(erf: Command) -> None:
    words = ("by h, w", "cross", "--train", "--epochs", "1", "-g", "4x4")
    found = read(erf(*words, "--json"))
    kinds = ["predicted from ranks", "before training", "after training"]
    assert list(found) == [(strategy, kind) for kind in kinds for strategy in ("by h, w", "cross")]
    before, after = (np.array(found["by h, w", kind]["contributions"]) for kind in kinds[1:])
    assert (before.ravel()[11:] == 0).all() and (after.ravel()[11:] == 0).all() and not np.allclose(before, after)
    assert (np.array(found["cross", "before training"]["contributions"]) > 0).all()
    run = erf(*words)
    assert run.code == 0 and "test accuracy after 1 epoch: by h, w" in run.out


def test_a_checkpoint_under_other_orders(erf: Command, tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra checkpoints")
    import torch

    from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig
    from scanlab.study.receptive_field import receptive_field
    from scanlab.zoo import save

    torch.manual_seed(0)
    config = BackboneConfig(patch=2, dim=8, mixer=MixerConfig(state=2))
    model = Classifier(Backbone("by h, w", config, input_size=(8, 8)), 10)
    file = tmp_path / "model.safetensors"
    save(model, file)
    found = read(erf("by -h, -w", "by h, w", "--checkpoint", str(file), "--json"))
    own, other, again = (np.array(f["contributions"]) for (_, kind), f in found.items() if kind == "gradient")
    assert (own.ravel()[11:] == 0).all() and (other.ravel()[:10] == 0).all() and (other.ravel()[10:] > 0).all()
    np.testing.assert_array_equal(own, again)
    assert "64 test images of digits" in erf("row", "--checkpoint", str(file)).out

    colours = Classifier(Backbone("by h, w", config, input_size=(8, 12), channels=3), 10)
    save(colours, file)
    run = erf("by h, w", "--checkpoint", str(file), "--json")
    assert json.loads(run.out)["notes"] == ["measured on 16 inputs of normal noise, for want of --data"]
    noise = np.random.RandomState(0).standard_normal((16, 3, 8, 12)).astype(np.float32)
    wanted = receptive_field(colours, torch.from_numpy(noise)).patches
    np.testing.assert_allclose(read(run)["by h, w", "gradient"]["contributions"], wanted, rtol=1e-4)
    refused = erf("by h, w", "--checkpoint", str(file), "--data", "digits")
    assert refused.code == 1 and "S636" in refused.err
