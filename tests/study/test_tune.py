"""Learning rates that are chosen for every arm, on samples and seeds that nothing is judged by."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from small import small_study

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import analyse, check_study, read_study, run_study, settings, write_report
from scanlab.study.engines.local import InProcess
from scanlab.study.runner import choose_learning_rates
from scanlab.study.store import Store
from scanlab.study.tune import Tune, tuning_sentences
from scanlab.study.tuning import best_rates
from scanlab.study.work import dataset_of

SMALL = {"strategies": ["row", "hilbert"], "controls": ["A/A"], "seeds": 2, "limit": 60, "test_limit": 50}
SMALL |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 1}
RATES = [1e-4, 8e-3]


def study(**options):
    return settings.study_of(settings.with_options(None, {**SMALL, "tune": {"learning_rate": RATES}, **options}))


class NoEngine:
    """Refuses every job."""

    def run(self, take, on_event, /) -> None:
        assert take() is None, "a trial would be trained again"


class Counted(InProcess):
    """Counts the jobs, and stops after so many."""

    def __init__(self, most: int = 1000) -> None:
        super().__init__()
        object.__setattr__(self, "most", most)
        object.__setattr__(self, "keys", [])

    def run(self, take, on_event) -> None:
        def take_some():
            if len(self.keys) >= self.most:
                raise KeyboardInterrupt
            job = take()
            if job:
                self.keys.append(job.key)
            return job

        super().run(take_some, on_event)


def test_every_arm_has_the_same_budget_and_the_dry_run_counts_it() -> None:
    made = study()
    check_study(made)
    tuning = list(made.tuning_members())
    assert len(tuning) == 3 * 2 and len(made.trials()) == 6 + 3 * 2
    assert [m.strategy for m in tuning] == [f"{a} at {r}" for a in ("row", "hilbert", "control: A/A") for r in RATES]
    assert made.about()["tune"] == {"learning_rate": RATES, "seeds": [2_000_003], "trainings": 6, "chosen": {}}
    assert not {m.seed for m in tuning} & {*made.seeds}
    assert len(list(study(tune={"learning_rate": RATES, "seeds": 2}).tuning_members())) == 12


@pytest.mark.parametrize("part", ["test", "val"])
def test_nothing_that_is_measured_chooses(part: str) -> None:
    made = study(part=part)
    judged = dataset_of(made.problems[0].data)
    tuning = dataset_of(next(made.tuning_members()).trial.problem.data)
    measured = {image.tobytes() for image in judged.images[judged.test]}
    assert not measured & {image.tobytes() for image in tuning.images}


def test_keys_of_judged_trials_change_with_the_learning_rate_alone() -> None:
    plain = small_study(("row", "hilbert"), (0, 1), ())
    [problem] = plain.problems
    rate = problem.recipe.learning_rate
    chosen = {(problem.name, "row"): rate, (problem.name, "hilbert"): 2 * rate}
    tuned = replace(plain, tune=Tune((rate, 2 * rate)), chosen=chosen)
    keys = [
        {(m.strategy, m.seed): m.trial.key for m in s.members() if m.problem == problem.name} for s in (plain, tuned)
    ]
    assert all((keys[0][k] == keys[1][k]) is (k[0] == "row") for k in keys[0])


def test_the_best_on_the_validation_samples_is_judged(tmp_path: Path) -> None:
    engine = Counted()
    record = run_study(study(), tmp_path, engine=engine)
    assert len(engine.keys) == len(set(engine.keys)) == 12
    chosen = record.about["tune"]["chosen"]["digits"]
    finals = {m.strategy: record.trial(m).result.final["accuracy"] for m in record.members if m.seed == 2_000_003}
    for arm in ("row", "hilbert", "control: A/A"):
        best = max(RATES, key=lambda rate: (finals[f"{arm} at {rate}"], -rate))
        assert chosen[arm] == best
        judged = [record.trial(m) for m in record.members if (m.problem, m.strategy) == ("digits", arm)]
        assert {t.config["recipe"]["learning_rate"] for t in judged} == {best} and len(judged) == 2
    findings = analyse(record)
    assert [row.label for row in findings.problems[0].rows] == ["row", "hilbert", "control: A/A"]
    page = write_report(record, tmp_path).read_text(encoding="utf-8")
    assert "Learning rates are chosen from 0.0001, 0.008" in page
    numbers = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert numbers["about"]["tune"]["chosen"]["digits"] == chosen
    assert run_study(study(), tmp_path, engine=NoEngine()) == record


def test_a_choice_that_was_stopped_goes_on(tmp_path: Path) -> None:
    whole = run_study(study(), tmp_path / "whole")
    first = Counted(4)
    with pytest.raises(KeyboardInterrupt):
        run_study(study(), tmp_path / "cut", engine=first)
    held = read_study(tmp_path / "cut")
    # While learning rates are chosen the page says what waits, not nothing.
    assert analyse(held).counts["done"] == 4 and analyse(held).counts["waiting"] == 8
    second = Counted()
    after = run_study(study(), tmp_path / "cut", engine=second)
    assert len(second.keys) == 8 and not {*first.keys} & {*second.keys}
    finals = [{k: t.result.final for k, t in r.trials.items()} for r in (whole, after)]
    assert finals[0] == finals[1] and whole.about == after.about


def test_a_second_runner_that_still_chooses_takes_no_trial_it_does_not_know(tmp_path: Path) -> None:
    made = study()
    chosen = choose_learning_rates(made, tmp_path, engine=InProcess())
    with Store(tmp_path / "study.sqlite") as store:
        store.open_study(chosen)
        assert store.claim({m.trial.key for m in made.tuning_members()}) is None
        assert store.claim() is not None


def best(values: dict[float, float], task: str = "classification") -> float:
    made = study(task=task, tune={"learning_rate": sorted(values)}, controls=[], strategies=["row"])
    members = list(made.tuning_members())
    metric = {"classification": "accuracy", "next_patch": "mse"}[task]
    metrics = {m.trial.key: {metric: values[m.trial.problem.recipe.learning_rate]} for m in members}
    return best_rates(members, metrics)["digits", "row"]


def test_what_the_best_is() -> None:
    assert best({1e-3: 0.5, 1e-2: 0.6, 1e-1: 0.4}) == 1e-2
    assert best({1e-3: 0.5, 1e-2: 0.6, 1e-1: 0.6}) == 1e-2
    assert best({1e-3: 0.5, 1e-2: 0.6, 1e-1: 0.4}, "next_patch") == 1e-1
    assert best({1e-3: 0.5, 1e-2: math.nan}) == 1e-3
    with pytest.raises(ScanlabError, match="no learning rate gave row on digits"):
        best({1e-3: math.nan, 1e-2: math.inf})


def test_a_training_that_failed_leaves_no_choice() -> None:
    members = list(study().tuning_members())
    metrics = {m.trial.key: {"accuracy": 0.5} for m in members[1:]}
    with pytest.raises(ScanlabError, match=r"1 training .* row at 0.0001, seed 2000003"):
        best_rates(members, metrics)


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"learning_rate": 1e-3},
        {"learning_rate": [1e-3]},
        {"learning_rate": [1e-3, 1e-3]},
        {"learning_rate": [1e-3, -1e-3]},
        {"learning_rate": [1e-3, "much"]},
        {"learning_rate": RATES, "seeds": 0},
        {"learning_rate": RATES, "decay": [0.1]},
    ],
)
def test_what_cannot_be_chosen_from_is_refused(table: dict) -> None:
    with pytest.raises(ScanlabError) as caught:
        study(tune=table)
    assert caught.value.diagnostics[0].code == "S771"


def test_a_seed_that_chooses_does_not_judge() -> None:
    with pytest.raises(ScanlabError, match="seed 2000003 chooses"):
        check_study(study(seeds=[0, 2_000_003]))


def test_words_of_a_choice() -> None:
    about = study().about()
    about["tune"]["chosen"] = {"digits": {"row": 8e-3, "hilbert": 8e-3, "control: A/A": 1e-4}}
    assert tuning_sentences(about) == [
        "Learning rates are chosen from 0.0001, 0.008, for every strategy and control alike, by 6 trainings with 1 "
        "seed that nothing is judged by, on samples that nothing is measured on.",
        "digits: chosen were 0.0001 for control: A/A; 0.008 for row, hilbert.",
        "1 of 3 chose 0.0001, at the end of what was offered: a smaller one may be better.",
        "2 of 3 chose 0.008, at the end of what was offered: a larger one may be better.",
    ]
    assert tuning_sentences(small_study().about()) == []


def test_options_go_beside_a_studys_problems() -> None:
    given = settings.Settings({"problem": [{"name": "a"}]}, Path(), "a file")
    assert settings.with_options(given, {"tune.learning_rate": RATES}).table["tune"] == {"learning_rate": RATES}
