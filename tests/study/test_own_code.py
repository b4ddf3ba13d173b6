"""Models, heads, losses and metrics of a person's own: by path and in Python, and all that can be wrong with them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small import numbers
from torch import nn

import scanlab
from scanlab.data.target_kinds import CLASSES
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import Learning, Task, run_study, study_of, tasks, train_trial, with_options
from scanlab.study.own_checks import noted, own_sentences
from scanlab.study.preflight import check_study
from scanlab.study.trial_wording import failure_reason
from scanlab.study.work import dataset_of

CODE = """
from torch import nn
from scanlab.data.target_kinds import CLASSES
from scanlab.study import Learning, Task

class Net(nn.Module):
    def __init__(self, given, width, ordered=True, classes=None):
        super().__init__()
        self.embed = nn.Conv2d(given.channels, width, given.config.patch, given.config.patch)
        self.paths = given.paths() if ordered else None
        self.mix = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, classes or given.classes)

    def forward(self, images):
        rows = self.embed(images).flatten(2).mT
        rows = rows if self.paths is None else self.paths.along(rows)[:, 0]
        return self.head(self.mix(rows)[0].mean(1))

class RowsOnly(Net):
    def forward(self, images):
        if self.paths.indices[0, 1] != 1:
            raise ValueError("rows only")
        return super().forward(images)

class Leaves(Net):
    def forward(self, images):
        if self.training and self.paths.indices[0, 1] != 1:
            raise SystemExit(3)
        return super().forward(images)

def leaves(given):
    return Leaves(given, 4)

def leaves_at_once(given):
    raise SystemExit(3)

def make(given, width=4):
    return Net(given, width)

def blind(given):
    return Net(given, 4, ordered=False)

def rows_only(given):
    return RowsOnly(given, 4)

def wide(given):
    return Net(given, 4, classes=3)

def ours(given, width=4):
    return given.backbone(dim=width)

def nothing(given):
    pass

def broken(given):
    raise RuntimeError("no weights today")

def apart(channels, classes):
    pass

number = 3

def build(backbone, dataset):
    return make_head(backbone, dataset.classes)

def make_head(backbone, classes):
    from scanlab.nn import Classifier
    return Classifier(backbone, classes)

def loss(model, images, targets, recipe):
    return nn.functional.cross_entropy(model(images), targets)

def measure(model, images, targets, batch):
    return {"wrong": (model(images).argmax(1) != targets).double().mean()}

task = Task("t", "the class", Learning(build, loss, measure), CLASSES, "wrong", higher=False)
"""
SMALL = {"limit": 16, "test_limit": 16, "recipe.epochs": 1, "seeds": 2, "controls": ["random_order_1"]}


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "my_models.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    tasks._imported_task.cache_clear()
    yield
    sys.modules.pop("my_models", None)


def _study(function: str, **more):
    make = {"model.make": f"my_models:{function}", "model.patch": 4}
    return study_of(with_options(None, {"strategies": ["row", "column"], **SMALL, **make, **more}))


def _code(call) -> str:
    with pytest.raises(ScanlabError) as caught:
        call()
    return caught.value.diagnostics[0].code


@pytest.mark.parametrize("function", ["make", "ours"])
def test_a_model_by_path_is_trained_like_any(function: str) -> None:
    study = _study(function, **{"model.width": 6})
    check_study(study)
    record = run_study(study, Path("out"))
    results = [trial.result for trial in record.trials.values()]
    assert len(results) == 6 and all(r and r.parameters and r.flops for r in results)
    assert all(bool(r.field) == (function == "ours") for r in results if r)
    losses = {m.strategy: r.epochs[0].loss for m in record.members if m.seed == 0 and (r := record.trial(m).result)}
    assert len(set(losses.values())) == 3  # The order reaches the model, and so does the control.
    assert run_study(study, Path("out")) == record


def test_the_key_knows_the_file_and_the_arguments(tmp_path: Path) -> None:
    study = _study("make")
    before = [trial.key for trial in study.trials()]
    assert [trial.key for trial in _study("make").trials()] == before
    assert not {t.key for t in _study("make", **{"model.width": 5}).trials()} & set(before)
    (tmp_path / "my_models.py").write_text(CODE + "\n# mended\n")
    assert not {t.key for t in _study("make").trials()} & set(before)


def test_studies_without_own_code_say_nothing_of_it() -> None:
    [trial, *_] = study_of(with_options(None, {"strategies": ["row"], **SMALL})).trials()
    assert not {"model", "task_source"} & set(trial.config) and "dim" in trial.config["sizes"]


@pytest.mark.parametrize(
    ("function", "code"),
    [
        ("absent", "S850"),
        ("number", "S850"),
        ("nothing", "S852"),
        ("wide", "S852"),
        ("broken", "S851"),
        ("leaves_at_once", "S851"),
        ("apart", "S851"),
    ],
)
def test_what_is_wrong_for_all_strategies_is_refused(function: str, code: str) -> None:
    assert _code(lambda: check_study(_study(function))) == code


def test_a_function_of_other_arguments_is_told_what_it_is_given() -> None:
    with pytest.raises(ScanlabError, match=r"(?s)my_models:apart\(channels, classes\) cannot be called.*ModelInputs"):
        check_study(_study("apart"))


def test_a_traceback_is_shown() -> None:
    with pytest.raises(ScanlabError) as caught:
        check_study(_study("broken"))
    assert 'raise RuntimeError("no weights today")' in caught.value.diagnostics[0].note


def test_no_module_is_no_model() -> None:
    assert _code(lambda: study_of(with_options(None, {"model.make": "nowhere_at_all:make"}))) == "S850"
    assert _code(lambda: study_of(with_options(None, {"model.make": "unknown"}))) == "S850"


def test_one_strategy_that_raises_does_not_stop_the_others() -> None:
    study = _study("rows_only")
    assert [label for _, label in check_study(study)] == ["row"]
    record = run_study(study, Path("out"))
    by_name = {(m.strategy, m.seed): record.trial(m) for m in record.members}
    assert by_name["row", 0].status == by_name["row", 1].status == "done"
    assert by_name["column", 0].status == "failed" and "rows only" in by_name["column", 0].error


def test_code_that_leaves_python_ends_its_own_trials_alone() -> None:
    record = run_study(_study("leaves"), Path("out"))
    by_name = {(m.strategy, m.seed): record.trial(m) for m in record.members}
    assert by_name["row", 0].status == by_name["row", 1].status == "done"
    assert by_name["column", 0].status == by_name["column", 1].status == "failed"
    assert failure_reason(by_name["column", 0].error) == "SystemExit: 3"


def test_a_model_that_ignores_the_order_is_told_by_its_outputs() -> None:
    assert not [line for line in own_sentences(noted(_study("make"))) if "does not use the order" in line]
    lines = [line for line in own_sentences(noted(_study("blind"))) if "does not use the order" in line]
    assert any("row and column" in line for line in lines) and any("random order 1" in line for line in lines)


def test_the_page_says_that_an_order_is_not_used(tmp_path: Path) -> None:
    made = scanlab.ablate(["row", "column"], **{**TINY, "model": {"make": "my_models:blind", "patch": 4}}, seeds=2)
    assert "does not use the order" in made.report(tmp_path).read_text("utf-8")


def test_controls_that_need_our_mixer_are_named() -> None:
    study = _study("make", controls=["A/A", "no_scan"])
    with pytest.raises(ScanlabError, match="no_scan") as caught:
        check_study(study)
    assert caught.value.diagnostics[0].code == "S853"
    assert "no_scan" not in _study("make", controls=["default"]).controls


def test_a_task_by_path_is_judged_without_its_code() -> None:
    study = study_of(with_options(None, {"strategies": ["row", "column"], **SMALL, "task": "my_models:task"}))
    assert study.trials()[0].config["task_source"]
    record = run_study(study, Path("out"))
    sys.modules.pop("my_models")
    Path("my_models.py").unlink()
    tasks._imported_task.cache_clear()
    [problem] = scanlab.study.analyse(record).problems
    assert (problem.metric, problem.higher, problem.unit) == ("wrong", False, "")


def _task(**parts) -> Task:
    def loss(model, images, targets, recipe):
        return nn.functional.cross_entropy(model(images), targets)

    def measure(model, images, targets, batch):
        return {"wrong": (model(images).argmax(1) != targets).double().mean()}

    def predict(model, images, targets, batch):
        return "value", (model(images).argmax(1) != targets).float()

    def build(backbone, dataset):
        return scanlab.nn.Classifier(backbone, dataset.classes)

    whole = {"build": build, "loss": loss, "measure": measure, "predict": predict, **parts}
    return Task("wrongness", "the class", Learning(**whole), CLASSES, "wrong", higher=False)


TINY = {"model": {"dim": 4, "depth": 1, "patch": 4}, "recipe": {"epochs": 1}, "controls": []}


def test_in_one_call_with_everything_of_ones_own(tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((40, 1, 8, 8)).astype("f4")
    labels = np.arange(40) % 2
    made = scanlab.ablate(["row", "column"], dataset=(images, labels), task=_task(), seeds=3, **TINY)
    assert [row["metric"] for row in made.table] == ["wrong", "wrong"] and made.folder.is_dir()
    assert str(made.folder) in str(made) and "<svg" in made._repr_html_()
    assert made.report(tmp_path / "report").is_file() and made.figure().save(tmp_path / "f.svg").is_file()
    assert not made.errors
    # What was said of every sample counts as a sample's share of the metric.
    assert made.findings.problems[0].rows[1].comparison.crossed is not None


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"strategies": [1, 2]}, "S410", "`1` is no order"),
        ({"strategies": [np.arange(4)]}, "S410", "is no order"),
        ({"strategies": ["row", None]}, "S410", "`None` is no order"),
        ({"workers": -1}, "S608", "workers is -1"),
        ({"seeds": 2.5}, "S610", "scanlab.ablate: `seeds` is 2.5"),
        ({"recipe": {"epoch": 1}}, "S610", r"scanlab.ablate, \[recipe\]: `epoch` means nothing"),
        ({"recipe": {"epochs": 1, "frozen": ["nowhere"]}}, "S608", "frozen: no parameter's name begins with nowhere"),
        ({"recipe": {"epochs": 1, "frozen": ["backbone", "head"]}}, "S608", "frozen: nothing is left to train"),
    ],
)
def test_what_is_wrong_in_a_call_is_said_before_anything_runs(changed: dict, code: str, said: str, tmp_path) -> None:
    given = {
        "strategies": ["row"],
        "out": tmp_path / "out",
        "limit": 16,
        "test_limit": 16,
        "seeds": 1,
        **TINY,
        **changed,
    }
    with pytest.raises(ScanlabError, match=f"(?s){code}.*{said}"):
        scanlab.ablate(given.pop("strategies"), **given)
    assert not (tmp_path / "out").exists()


def test_numbers_of_numpy_are_settings_like_others() -> None:
    numbers = {"seeds": np.arange(1), "limit": np.int64(16), "test_limit": 16, "margin": np.float64(0.1)}
    made = scanlab.ablate([scanlab.load("row")], **numbers, **TINY | {"recipe": {"epochs": np.int32(1)}})
    assert made.study.seeds == (0,) and not made.errors


def test_a_torch_data_set_and_a_lambda() -> None:
    pairs = torch.utils.data.TensorDataset(torch.rand(20, 1, 8, 8), torch.arange(20) % 2)
    model = lambda given: given.backbone(dim=4)  # noqa: E731
    rest = {**TINY, "model": {"make": model, "patch": 4, "depth": 1}}
    made = scanlab.ablate(["row", "column"], dataset=pairs, seeds=1, **rest)
    assert not made.errors and len(made.record.trials) == 2
    assert _code(lambda: scanlab.ablate(["row"], dataset=pairs, seeds=1, workers=2, **rest)) == "S854"


@pytest.mark.parametrize(
    "parts",
    [
        {"loss": lambda model, images, targets, recipe: model(images)},
        {"measure": lambda model, images, targets, batch: {"wrong": "much"}},
        {"measure": lambda model, images, targets, batch: {"right": 1.0}},
        {"measure": lambda model, images, targets, batch: 0.5},
    ],
)
def test_losses_and_metrics_are_numbers(parts) -> None:
    assert _code(lambda: scanlab.ablate(["row"], task=_task(**parts), limit=16, test_limit=16, **TINY)) == "S852"


def test_a_metric_without_a_number_is_told() -> None:
    task = _task(measure=lambda model, images, targets, batch: {"wrong": float("nan")}, predict=None)
    made = scanlab.ablate(["row", "column"], task=task, limit=16, test_limit=16, seeds=2, **TINY)
    assert made.findings.problems[0].rows[0].diverged == (0, 1)


def test_a_task_takes_no_name_of_ours() -> None:
    assert _code(lambda: tasks.given_task(replace(_task(), name="classification"))) == "S852"


NOISE = """
import torch
def noisy(images, targets, draw):
    return images + 0.1 * torch.randn(images.shape, generator=draw), targets
def smaller(images, targets, draw):
    return images[:, :, 1:], targets
def late(images, targets, draw):
    raise ValueError("no such noise")
"""


def test_an_augmentation_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_noise.py").write_text(NOISE)
    monkeypatch.chdir(tmp_path)
    options = {"strategies": ["row"], "controls": [], "seeds": 1, "limit": 32, "test_limit": 16}
    options |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 2}

    def made(name: str):
        return study_of(with_options(None, options | ({"recipe.augment": f"my_noise:{name}"} if name else {})))

    check_study(made("noisy"))
    [plain], [own] = made("").trials(), made("noisy").trials()
    assert plain.key != own.key
    dataset = dataset_of(own.problem.data)
    first, again = (train_trial(own, dataset).epochs[0].loss for _ in range(2))
    assert first == again != train_trial(plain, dataset).epochs[0].loss
    for name, code, words in (
        ("smaller", "S852", "images"),
        ("late", "S851", "no such noise"),
        ("none", "S850", "none"),
    ):
        with pytest.raises(ScanlabError, match=code) as error:
            check_study(made(name))
        assert words in str(error.value)
    (tmp_path / "my_noise.py").write_text(NOISE + "# changed\n")
    assert made("noisy").trials()[0].key != own.key


def test_two_processes_import_it_for_themselves() -> None:
    alone = run_study(_study("make"), Path("alone"), workers=1)
    apart = run_study(_study("make"), Path("apart"), workers=2)
    assert numbers(alone) == numbers(apart) and len(numbers(apart)) == 6


def test_changed_inputs_are_put_to_a_model_of_ones_own() -> None:
    study = _study("ours", transfer=["rotate 90"], seeds=1)
    check_study(study)
    trials = run_study(study, Path("out")).trials.values()
    assert all(trial.result and set(trial.result.transfer) == {"rotate 90"} for trial in trials)


def test_entry_points_of_installed_packages_are_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "of_mine-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: of-mine\nVersion: 1.0\n")
    entries = "[scanlab.models]\nmine = my_models:make\n[scanlab.tasks]\nwrongness_of_mine = my_models:task\n"
    (told / "entry_points.txt").write_text(entries)
    monkeypatch.syspath_prepend(str(tmp_path))
    options = {**SMALL, "strategies": ["row"], "seeds": 1, "controls": [], "model.patch": 4}
    study = study_of(with_options(None, options | {"model.make": "mine", "task": "wrongness_of_mine"}))
    check_study(study)
    [trial] = run_study(study, Path("out")).trials.values()
    assert trial.result and set(trial.result.final) == {"wrong"}
    assert _code(lambda: study_of(with_options(None, options | {"model.make": "nobodys"}))) == "S850"
