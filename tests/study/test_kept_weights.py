"""Weights that a study keeps on request, and the cards beside them: by what is computed alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load
from small import numbers, small_trial
from torch import nn
from typer.testing import CliRunner

from scanlab import data, zoo
from scanlab.cli.app import app
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import StudyRecord, analyse, read_study, run_study, study_of, with_options, write_report
from scanlab.study.early_stop import best_epoch
from scanlab.study.engines.local import Processes
from scanlab.study.preflight import check_study
from scanlab.study.runner import CHECKPOINTS
from scanlab.study.tasks import TASKS
from scanlab.study.train import train_model
from scanlab.study.trial import Study
from scanlab.study.weights import kept_sentences, weightless_sentences
from scanlab.study.work import dataset_of, one_thread
from scanlab.zoo.files import read_tensors

OPTIONS = {"strategies": ["row", "hilbert"], "controls": ["A/A"], "seeds": 2, "limit": 200, "test_limit": 60}
OPTIONS |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 5, "recipe.learning_rate": 0.3}
BOTH = {"recipe.validation": True, "keep": ["last", "best"]}
TASK = TASKS["classification"]


def study(**more) -> Study:
    return study_of(with_options(None, OPTIONS | more))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyRecord]:
    folder = tmp_path_factory.mktemp("kept")
    # Weights come back from other processes.
    run_study(study(**BOTH), folder, engine=Processes(2))
    record = read_study(folder)
    write_report(record, folder)
    return folder, record


def folders(folder: Path) -> list[Path]:
    return sorted(file.parent for file in folder.glob("models/*/*/*/*/model.safetensors"))


def test_the_weights_are_those_of_the_epochs_that_they_are_called_after(ran: tuple[Path, StudyRecord]) -> None:
    folder, record = ran
    assert [place.parts[-3:-1] for place in folders(folder)][::2] == [
        (name, f"seed {m.seed} {m.key[:8]}")
        for name in ("hilbert", "row")
        for m in record.members
        if m.strategy == name
    ]
    digits = dataset_of(study(**BOTH).problems[0].data)
    parts = {"": digits.test, "validation ": digits.val}
    differing = 0
    for member in (m for m in record.members if m.control is None):
        epochs = record.trial(member).epochs
        chosen = best_epoch(epochs, TASK)
        assert chosen is not None
        differing += chosen != len(epochs) - 1
        for kept, number in (("last", len(epochs) - 1), ("best", chosen)):
            place = folder / "models" / "digits" / member.strategy / f"seed {member.seed} {member.key[:8]}" / kept
            for model in (zoo.from_pretrained(place), zoo.load(place / "model.safetensors")):
                for prefix, part in parts.items():
                    with torch.no_grad(), one_thread():
                        guesses = model(torch.from_numpy(digits.images[part].copy())).argmax(1).numpy()
                    accuracy = np.mean(guesses == digits.labels[part])
                    assert epochs[number].metrics[f"{prefix}accuracy"] == pytest.approx(accuracy)
    assert differing, "with this learning rate some best epoch is not the last"


def test_what_is_kept_changes_no_number(ran: tuple[Path, StudyRecord], tmp_path: Path) -> None:
    record = ran[1]
    plain = run_study(study(**{**BOTH, "keep": []}), tmp_path)
    assert numbers(plain) == numbers(record) and not (tmp_path / "models").exists()
    assert record.about == plain.about and all(t.result.weights == {} for t in record.trials.values() if t.result)


def test_a_resumed_training_keeps_the_best_of_the_epochs_before(tmp_path: Path) -> None:
    trial = study(**BOTH).trials()[0]
    dataset = dataset_of(trial.problem.data)
    _, whole = train_model(trial, dataset, keep=("last", "best"))

    class Stop(Exception):
        pass

    def stop(number: int, epoch: object) -> None:
        if number == 3:
            raise Stop

    with pytest.raises(Stop):
        train_model(trial, dataset, stop, checkpoint=tmp_path / "trial.pt")
    _, resumed = train_model(trial, dataset, checkpoint=tmp_path / "trial.pt", keep=("last", "best"))
    assert set(resumed.weights) == set(whole.weights) == {"last", "best"}
    for kept, files in whole.weights.items():
        one, other = (load(each["model.safetensors"]) for each in (files, resumed.weights[kept]))
        assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_weights_that_find_no_room_stop_the_run_and_cost_no_training(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("in the way")
    with pytest.raises(ScanlabError, match=r"S653.*weights.*cannot be written"):
        run_study(study(keep="last"), tmp_path)
    assert len(list((tmp_path / CHECKPOINTS).iterdir())) == 1
    (tmp_path / "models").unlink()
    seen = []
    run_study(study(keep="last"), tmp_path, listener=lambda update: seen.append(update.event))
    assert len(folders(tmp_path)) == 4


def test_the_best_weights_take_a_part_that_no_result_is_of() -> None:
    with pytest.raises(ScanlabError, match=r"S861.*no validation part says which"):
        check_study(study(keep="best"))
    with pytest.raises(ScanlabError, match=r"S608.*keep is 'first'"):
        check_study(study(keep=["first"]))


def test_what_is_kept_is_said_before(ran: tuple[Path, StudyRecord], tmp_path: Path) -> None:
    folder, record = ran
    sizes = {("digits", "row"): 1_000_000, ("digits", "hilbert"): 1_000_000}
    [said] = kept_sentences(study(**BOTH), sizes, ())
    assert said.startswith("The last and best weights of 4 trainings will be kept in models/, about 32 MB")
    assert kept_sentences(study(), sizes, ()) == [] == weightless_sentences(study(**BOTH), folder, record.trials)
    [said] = weightless_sentences(study(**BOTH), tmp_path, record.trials)
    assert said.startswith("4 finished trials have no such weights, and none is trained again for that")
    words = ["ablate", "recipe.epochs=2", "seeds=2", "limit=100", "-s", "row", "--keep", "last", "--dry-run"]
    shown = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "new")], env={"COLUMNS": "300"})
    assert "The last weights of 2 trainings will be kept in models/, about 0.1" in shown.output


def test_a_card_says_what_the_record_says(ran: tuple[Path, StudyRecord]) -> None:
    hub = pytest.importorskip("huggingface_hub")
    folder, record = ran
    findings = analyse(record)
    place = next(p for p in folders(folder) if p.parts[-3] == "hilbert" and p.name == "best")
    card = hub.ModelCard.load(place / "README.md")
    assert card.data.library_name == "scanlab" and card.data.pipeline_tag == "image-classification"
    [accuracy] = [r for r in card.data.eval_results if r.metric_type == "accuracy"]
    member = next(m for m in record.members if m.key.startswith(place.parent.name[-8:]))
    epochs = record.trial(member).epochs
    chosen = best_epoch(epochs, TASK)
    assert chosen is not None and accuracy.metric_value == epochs[chosen].metrics["accuracy"]
    assert accuracy.dataset_type == record.about["problems"][0]["fingerprint"]
    text = card.text
    assert f"Weights after epoch {chosen + 1} of 5 epochs, the best by validation accuracy" in text
    assert "promises too much" in text and "hilbert(h, w)" in text and "**learning_rate = 0.3**" in text
    row = findings.problems[0].row("hilbert")
    assert f"over 2 seeds: {100 * (row.mean or 0):.2f} %, 95 % interval" in text
    assert f"Against row: {row.comparison.verdict if row.comparison else ''}" in text
    assert "40 of the 200 training samples are the validation part" in text and "This model on 60 samples" in text
    assert "scanlab predict" in text and "not of weights that were chosen as these were" in text


def test_the_head_of_a_card_survives_any_name(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    odd = 'a: "b" # c'
    run_study(study(strategies={odd: "row"}, seeds=1, keep="last", name=odd, **{"recipe.epochs": 1}), tmp_path)
    record = read_study(tmp_path)
    write_report(record, tmp_path)
    [card] = tmp_path.glob("models/**/README.md")
    head = yaml.safe_load(card.read_text().split("---\n")[1])
    assert head["model-index"][0]["name"] == f"{odd} on digits, seed 0"
    assert "Of this strategy there is one seed with a result" in card.read_text()


def make(given, width: int = 4) -> nn.Module:
    """A model of a person's own."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, given.classes))


def test_of_a_model_of_ones_own_the_weights_alone_are_kept(tmp_path: Path) -> None:
    options = {"strategies": ["row"], "seeds": 1, "controls": [], "limit": 60, "test_limit": 30, "recipe.epochs": 1}
    run_study(study_of(with_options(None, options | {"model": {"make": make}, "keep": "last"})), tmp_path)
    record = read_study(tmp_path)
    write_report(record, tmp_path)
    [place] = folders(tmp_path)
    assert sorted(file.name for file in place.iterdir()) == ["README.md", "model.safetensors"]
    assert set(read_tensors(place / "model.safetensors")[0]) == {"1.weight", "1.bias"}
    card = (place / "README.md").read_text()
    assert "as `load_state_dict` takes them" in card and "from_pretrained" not in card


def test_keys_know_nothing_of_what_is_kept() -> None:
    assert [t.key for t in study(keep="last").trials()] == [t.key for t in study().trials()]
    assert json.dumps(study(keep="last").about()) == json.dumps(study().about())
    assert len(data.load("digits").val) == 0 and small_trial().key == small_trial(validation=False).key
