"""Studies whose seeds draw their own parts, and the test that goes with it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import records
from scipy import stats

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import analyse, check_study, run_study, settings, write_report
from scanlab.study.resampled import overlap_of
from scanlab.study.statistics import paired_difference
from scanlab.study.work import dataset_of

SMALL = {"strategies": ["row", "hilbert"], "controls": ["A/A"], "seeds": 3, "test_limit": 60, "limit": 80}
VALUES = {"row": (0.90, 0.91, 0.92, 0.9, 0.91), "hilbert": (0.93, 0.95, 0.94, 0.97, 0.93)}
SMALL |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 1}


def study(**options):
    return settings.study_of(settings.with_options(None, {**SMALL, **options}))


def test_all_arms_of_a_seed_have_its_parts() -> None:
    made = study(resample=True)
    check_study(made)
    by_seed: dict[int, set] = {}
    for m in made.members():
        by_seed.setdefault(m.seed, set()).add(m.trial.problem.data)
    assert all(len(choices) == 1 for choices in by_seed.values())
    parts = [dataset_of(choices.pop()) for choices in by_seed.values()]
    tests = [{image.tobytes() for image in p.images[p.test]} for p in parts]
    assert all(len(test) > 50 for test in tests) and tests[0] != tests[1]
    assert all((len(p.train), len(p.test)) == (80, 60) for p in parts)


def test_keys_differ_from_those_of_shared_parts_and_from_each_other() -> None:
    keys = [{t.key for t in study(**o).trials()} for o in ({}, {"resample": True}, {"resample": "pooled"})]
    assert not keys[0] & keys[1] and not keys[1] & keys[2]
    assert not keys[1] & {t.key for t in study(resample=True, limit=70).trials()}
    assert keys[1] == {t.key for t in study(resample=True).trials()}
    assert keys[0] == {t.key for t in study(resample=False).trials()}


def test_a_study_says_how_its_seeds_overlap() -> None:
    [problem] = study(resample=True).about()["problems"]
    assert problem["resample"] == {"pooled": False, "tested": 60, "pool": 1797}
    assert overlap_of(problem) == 60 / 1737
    assert "redraw" not in problem["data"] and "resample" not in study().about()["problems"][0]
    assert overlap_of(study().about()["problems"][0]) == 0


def test_parts_that_came_with_the_data_are_refused_before_anything_runs(tmp_path: Path) -> None:
    images, labels = np.random.default_rng(0).integers(0, 255, (40, 8, 8), np.uint8), np.arange(40) % 2
    np.savez(tmp_path / "mine.npz", x=images[:30], y=labels[:30], x_test=images[30:], y_test=labels[30:])
    given = {"dataset": str(tmp_path / "mine.npz"), "limit": None, "test_limit": None}
    with pytest.raises(ScanlabError, match="mine came with a test part") as caught:
        check_study(study(resample=True, **given))
    assert caught.value.diagnostics[0].code == "S770"
    check_study(study(resample="pooled", **given))
    check_study(study(resample=True, part="val", **given))


def test_another_word_is_refused() -> None:
    with pytest.raises(ScanlabError, match="resample is 'often'"):
        study(resample="often")


def test_a_run_goes_on_and_gives_the_numbers_of_its_parts(tmp_path: Path) -> None:
    made = study(resample=True, seeds=2, controls=[])
    record = run_study(made, tmp_path)
    assert run_study(made, tmp_path) == record
    values = [record.trial(m).result.final["accuracy"] for m in record.members]
    assert all(round(60 * v, 6) == round(60 * v) for v in values)


def test_the_analysis_allows_for_the_overlap(tmp_path: Path) -> None:
    record = records.record(VALUES)
    problem = {**record.about["problems"][0], "resample": {"pooled": False, "tested": 30, "pool": 90}}
    redrawn = replace(record, about={**record.about, "problems": [problem]})
    plain, wider = (analyse(r).problems[0].row("hilbert").comparison.difference for r in (record, redrawn))
    differences = np.subtract(VALUES["hilbert"], VALUES["row"])
    error = math.sqrt((1 / 5 + 30 / 60) * differences.var(ddof=1))
    assert (wider.high - wider.low) / 2 == pytest.approx(stats.t.ppf(0.975, 4) * error)
    assert wider.p == pytest.approx(2 * stats.t.sf(abs(differences.mean()) / error, 4)) and wider.p > plain.p
    page = write_report(redrawn, tmp_path).read_text(encoding="utf-8")
    assert "differences must be 1.9 times as large as that" in page and "only where every seed draws its own" in page
    assert "30 of 90 samples to measure on" in page
    other = write_report(record, tmp_path).read_text(encoding="utf-8")
    assert "do not cover the choice of the test samples" in other and "times as large" not in other


def _accuracy(x, y, train, test) -> float:
    weights = np.linalg.lstsq(np.c_[x[train], np.ones(len(train))], y[train], rcond=None)[0]
    return float(((np.c_[x[test], np.ones(len(test))] @ weights > 0) == (y[test] > 0)).mean())


def test_two_learners_of_equal_power_seldom_differ() -> None:
    # 2,000 such studies: 4.4 % and, by the plain t test, 36 %.
    draw, tested, count, studies = np.random.default_rng(2), 67, 200, 150
    plain = corrected = 0
    for _ in range(studies):
        y = np.sign(draw.normal(size=count))
        x = draw.normal(size=(2, count, 5)) + 0.35 * y[:, None]
        places = [draw.permutation(count) for _ in range(10)]
        one, other = ([_accuracy(arm, y, p[tested:], p[:tested]) for p in places] for arm in x)
        overlap = overlap_of({"resample": {"tested": tested, "pool": count}})
        plain += (paired_difference(one, other).p or 1) < 0.05
        corrected += (paired_difference(one, other, overlap=overlap).p or 1) < 0.05
    # Six standard errors of 5 %, and less than half of what the plain test gives.
    assert corrected <= 0.05 * studies + 6 * math.sqrt(0.05 * 0.95 * studies) / 2
    assert plain > 2 * corrected and plain > 0.2 * studies
