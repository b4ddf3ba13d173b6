"""What is done is shown without the data that it was learned from."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from scanlab import data
from scanlab.cli.ablate import RunOptions, run
from scanlab.study import work
from scanlab.study.analysis import analyse
from scanlab.study.kept import kept_costs, kept_study
from scanlab.study.preflight import check_study
from scanlab.study.runner import run_study
from scanlab.study.settings import study_of, with_options
from scanlab.study.store import read_study

OPTIONS = {"strategies": ["row", "snake"], "controls": ["no_scan"], "seeds": 2, "limit": 32, "test_limit": 40}
OPTIONS |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 1, "margin": 0.1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("done")
    run_study(study_of(with_options(None, OPTIONS)), folder)
    return folder


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for data is refused."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("data were loaded")

    monkeypatch.setattr(work, "_kept", {})
    monkeypatch.setattr(data, "load", refuse)
    monkeypatch.setattr(data, "whole", refuse)


def test_a_finished_study_is_what_its_settings_say(folder: Path, unread: None) -> None:
    record = read_study(folder)
    study = kept_study(with_options(None, OPTIONS), record)
    assert study is not None and {t.key for t in study.trials()} == set(record.trials)
    assert json.loads(json.dumps(study.about())) == record.about
    assert study.problems[0].tested.samples == 40 and study.problems[0].tested.step == 1 / 40


def test_its_costs_are_those_that_models_have(folder: Path) -> None:
    study = study_of(with_options(None, OPTIONS))
    assert kept_costs(study, read_study(folder)) == check_study(study)


@pytest.mark.parametrize(
    "more",
    [{"limit": 33}, {"seeds": 3}, {"model.patch": 2}, {"resample": True}, {"strategies": ["row", "column"]}],
    ids=lambda more: next(iter(more)),
)
def test_what_is_not_all_done_needs_the_data(folder: Path, more: dict) -> None:
    assert kept_study(with_options(None, {**OPTIONS, **more}), read_study(folder)) is None


def test_another_margin_needs_no_data(folder: Path, unread: None) -> None:
    study = kept_study(with_options(None, {**OPTIONS, "margin": 0.2, "baseline": "row"}), read_study(folder))
    assert study is not None and study.margins == {"digits": 0.2}


def test_a_dry_run_of_a_finished_study_reads_no_data_and_says_so(folder: Path, unread: None, capsys) -> None:
    assert run(None, OPTIONS, folder, RunOptions(), True, False) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "about 0 s" in said and "The data were not read for this" in said
    assert run(None, OPTIONS, folder, RunOptions(), True, True) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["data_read"] is False and plan["seconds"] == 0 and all(trial["done"] for trial in plan["trials"])


def test_predictions_are_read_from_a_database_that_is_opened_once(folder: Path, monkeypatch) -> None:
    record, opened = read_study(folder), []
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: opened.append(a) or connect(*a, **k))
    [problem] = analyse(record).problems
    assert sum(row.comparison is not None and row.comparison.crossed is not None for row in problem.rows) == 2
    assert len(opened) == 1
