"""Classes one by one: confusion matrices and Dice from what trials said of single samples."""

from __future__ import annotations

import re

import numpy as np
import pytest
from records import record

from scanlab.cli.report import run
from scanlab.study import read_study
from scanlab.study.analysis import analyse
from scanlab.study.predictions import Predictions
from scanlab.study.report import render
from scanlab.study.report.per_class import MOST_CLASSES, confusion_of, per_class_html, shares_of


def kept(values, truth) -> Predictions:
    return Predictions("class", np.array(values), "some", np.array(truth))


def test_confusions_are_counted_over_seeds():
    confusion = confusion_of([kept([0, 1, 1, 2], [0, 0, 1, 2]), kept([0, 0, 1, 1], [0, 0, 1, 2])])
    assert confusion.counts.tolist() == [[3, 1, 0], [0, 2, 0], [0, 1, 1]] and confusion.seeds == 2
    assert confusion.share(0, 1) == 0.25 and confusion.largest() == [(0, 1), (2, 1)]
    assert confusion_of([Predictions("loss", np.array([0.1]), "some")]) is None
    # A class that no sample has, and one that is only guessed.
    assert confusion_of([kept([3], [0])]).share(3, 0) is None


def test_dice_is_the_mean_over_the_samples_that_have_the_class():
    nan = np.nan
    one = Predictions("dice", np.array([[0.5, nan], [1.0, nan]]), "some")
    two = Predictions("dice", np.array([[0.7, nan], [nan, nan]]), "some")
    [(mean, spread), (none, _)] = shares_of([one, two])
    assert mean == pytest.approx(0.725) and spread == pytest.approx(np.std([0.75, 0.7], ddof=1)) and np.isnan(none)


def test_a_study_that_ran_shows_its_own_predictions(tmp_path):
    from small import small_study

    from scanlab.study import runner

    runner.run_study(small_study(epochs=1), tmp_path)
    study = read_study(tmp_path)
    findings = analyse(study)
    [problem] = findings.problems
    page = per_class_html(study, problem)
    assert list(re.findall(r"<summary>(.*?),", page)) == [r.label for r in problem.rows if not r.same_as]
    # The diagonal over all samples is the accuracy.
    first = page.partition("</details>")[0]
    right = sum(int(n) for a, b, n in re.findall(r"class (\d+) taken for (\d+): (\d+) times?", first) if a == b)
    total = sum(int(n) for n in re.findall(r"taken for \d+: (\d+) times?", first))
    assert right / total == pytest.approx(problem.rows[0].mean, abs=1e-9)
    assert page in render(study, findings, {}, per_class=True) and "By class" not in render(study, findings, {})
    assert run(tmp_path, None, as_json=True, per_class=True) == 0
    text = (tmp_path / "report.html").read_text("utf-8")
    # The command on the page makes this page.
    assert page in text and f"scanlab report {tmp_path} --per-class" in text


def test_where_nothing_was_kept_that_is_said():
    study = record({"row": [0.9, 0.91], "hilbert": [0.8, 0.81]})
    assert "Nothing was kept" in per_class_html(study, analyse(study).problems[0])


def test_many_classes_are_a_list_of_the_most_frequent_confusions(monkeypatch):
    truth = np.repeat(np.arange(MOST_CLASSES + 5), 4)
    values = truth.copy()
    values[:3] = 7
    monkeypatch.setattr(
        "scanlab.study.report.per_class.read_predictions",
        lambda study, members: {m.key: kept(values, truth) for m in members},
    )
    study = record({"row": [0.9], "hilbert": [0.8]})
    page = per_class_html(study, analyse(study).problems[0])
    assert page.count("<tr><td>0</td><td>7</td><td>3</td><td>75.0</td></tr>") == 2 and 'class="confusion"' not in page
