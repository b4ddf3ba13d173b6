"""What was in force in a study, and when it was looked at, cannot be rewritten, and is said where results are."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from records import record, result
from small import small_problem, small_study

from scanlab.study import in_force, store
from scanlab.study.analysis import analyse
from scanlab.study.changes import changes
from scanlab.study.history import BEFORE, LOOK, SETTINGS, Entry, History
from scanlab.study.in_force import (
    confidence_in_force,
    confidence_planned,
    history_sentences,
    judged_seeds,
    level_words,
    margin_words,
    version_sentences,
)
from scanlab.study.record import StudyRecord
from scanlab.study.report import render
from scanlab.study.report.past import past_of
from scanlab.study.store import Store, read_study, read_to_judge
from scanlab.study.trial import Study
from scanlab.study.tune import Tune

OLD = Path(__file__).parents[2] / "examples" / "studies" / "orders" / "study.sqlite"
CLEAN = {"code": "0123456789ab"}


@pytest.fixture(autouse=True)
def code(monkeypatch):
    monkeypatch.setattr(store, "code_version", lambda: CLEAN["code"])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.sqlite"


def small(seeds: int = 3, names=("row", "hilbert"), margin: float = 0.0, **rest) -> Study:
    margins = {"digits": margin} if margin else {}
    return Study("small", (small_problem(names),), tuple(range(seeds)), controls=(), margins=margins, **rest)


def run(path: Path, study: Study, trials: int | None = None, look: bool = True) -> StudyRecord:
    """As a run leaves a study after so many trials, by default all, without training any."""
    with Store(path) as opened:
        opened.open_study(study)
        while (trials is None or trials > 0) and (key := opened.claim()) is not None:
            opened.finish(key, result(0.9), CLEAN)
            trials = None if trials is None else trials - 1
        if look:
            opened.note_look("run")
        return opened.read()


def test_what_is_declared_before_a_run_is_known_to_be(path):
    entry, look = run(path, small(margin=0.005)).history.entries
    assert (entry.event, entry.results, entry.trials, entry.code) == (SETTINGS, 0, 0, CLEAN["code"])
    assert entry.content == small(margin=0.005).about()
    assert (look.event, look.results, look.trials, look.content) == (LOOK, 6, 6, {"seeds": [0, 1, 2], "how": "run"})
    record = read_study(path)
    assert record.history.recorded and record.history.intact and not history_sentences(record)
    assert margin_words(record) == "the margin that was set before the run"


def test_the_same_run_again_adds_nothing_and_other_settings_do(path):
    first = run(path, small())
    assert run(path, small()).history == first.history
    assert read_to_judge(path).history == first.history
    assert len(run(path, small(margin=0.01)).history.entries) == 3
    assert run(path, small(margin=0.01)).history.entries[:2] == first.history.entries


def test_other_code_is_written_down(path, monkeypatch):
    run(path, small())
    monkeypatch.setattr(store, "code_version", lambda: "fedcba987654+")
    record = run(path, small())
    assert [e.code for e in record.history.entries] == [CLEAN["code"], CLEAN["code"], "fedcba987654+"]
    assert not history_sentences(record), "nothing that was in force is another"


def test_a_margin_that_changed_after_the_results_is_not_one_set_before(path):
    run(path, small(margin=0.5))
    record = run(path, small(margin=0.001))
    assert history_sentences(record) == ("Margin changed from 50.0 to 0.1 points after 6 of 6 results.",)
    assert margin_words(record) == "the margin, which was changed after results were there"
    # Back again: it was seen meanwhile.
    record = run(path, small(margin=0.5))
    assert len(history_sentences(record)) == 2 and "set before" not in margin_words(record)


def test_settings_changed_before_any_result_are_no_news(path):
    run(path, small(margin=0.5), trials=0, look=False)
    record = run(path, small(margin=0.01))
    assert not history_sentences(record)
    assert margin_words(record) == "the margin that was set before the run"


def test_a_change_in_the_middle_says_how_many_results_there_were(path):
    run(path, small(margin=0.5), trials=1, look=False)
    record = run(path, small(margin=0.01))
    assert history_sentences(record) == ("Margin changed from 50.0 to 1.0 points after 1 of 6 results.",)


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (small(baseline="hilbert"), "Baseline changed from row to hilbert after 6 of 6 results."),
        (small(confidence=0.9), "Confidence changed from 0.95 to 0.9 after 6 of 6 results."),
        (small(names=("row", "hilbert", "snake")), "Strategy snake added after 6 of 6 results."),
        (small(names=("row", "snake")), "Strategy hilbert removed after 6 of 6 results."),
        (small(unequal=True), "Unequal changed from no to yes after 6 of 6 results."),
        (replace(small(), controls=("A/A", "no_scan")), "Controls A/A and no scan added after 6 of 6 results."),
        (
            replace(small(), problems=(small_problem(epochs=3),)),
            "Epochs changed from 2 to 3 after 6 of 6 results.",
        ),
        (
            replace(small(), problems=(replace(small_problem(), task="classification_by_auc"),)),
            "Task changed from classification to classification by auc after 6 of 6 results.",
        ),
        (
            replace(small(), problems=(replace(small_problem(), fingerprint="0"),)),
            "Contents of the data changed from",
        ),
        (small(looks=(3, 6)), "Looks changed from none to 3, 6 after 6 of 6 results."),
    ],
)
def test_every_setting_that_changed_is_named(path, after, words):
    run(path, small())
    assert any(s.startswith(words) for s in history_sentences(run(path, after))), history_sentences(read_study(path))


def test_a_strategy_that_means_something_else_is_named():
    def about(source: str) -> dict:
        strategies = {"mine": {"source": source, "axes": ["h", "w"], "grid": [4, 4]}}
        problem = {"name": "digits", "task": "classification", "strategies": strategies}
        return {"seeds": [0], "margins": {}, "problems": [problem]}

    said = list(changes(about("by h, w"), about("by w, h"), "after 2 of 2 results"))
    assert said == ["mine changed from `by h, w` to `by w, h` after 2 of 2 results"]


def test_settings_that_an_older_version_did_not_know_are_no_change(path):
    about = small().about()
    [problem] = about["problems"]
    newer = {**about, "resample": False, "problems": [{**problem, "recipe": {**problem["recipe"], "warm_up": 0.1}}]}
    assert not list(changes(about, newer, "now"))
    assert list(changes(about, {**about, "resample": True}, "now")) == ["resample changed from none to yes now"]


def test_seeds_added_after_a_look_are_said_and_judged_more_strictly(path):
    first = run(path, small(3))
    assert confidence_in_force(first) == pytest.approx(0.96)
    assert confidence_planned(small(5).about(), first) == pytest.approx(0.992)
    record = run(path, small(5))
    changed, look = history_sentences(record)
    assert changed == "2 seeds added after a look at 3 seeds."
    assert look.startswith("This is look 2, beside looks at 3 seeds: judged at 0.8 % in place of 5 %")
    assert confidence_in_force(record) == pytest.approx(0.992)
    assert confidence_in_force(run(path, small(3))) == pytest.approx(0.96), "the first look is what it was"


def test_seeds_taken_away_are_said(path):
    run(path, small(3))
    record = run(path, small(2))
    assert history_sentences(record)[0] == "1 seed removed after a look at 3 seeds."
    assert confidence_in_force(record) == pytest.approx(0.992)


def test_declared_looks_share_the_level_as_was_declared(path):
    planned = {"looks": (3, 6)}
    first = run(path, small(3, **planned))
    assert 0.05 > 1 - confidence_in_force(first) > 0.001
    assert "a look at 3 of 6 seeds" in history_sentences(first)[0]
    record = run(path, small(6, **planned))
    assert history_sentences(record)[0] == "3 seeds added after a look at 3 seeds, as was declared before it."
    assert confidence_in_force(record) == pytest.approx(0.9556, abs=1e-3)
    assert confidence_in_force(run(path.with_name("b"), small(3, looks=(3,)))) == pytest.approx(0.95, abs=1e-4)


def test_a_report_of_an_unfinished_study_is_a_look(path):
    run(path, small(5), trials=6, look=False)
    assert judged_seeds(read_study(path)) == (0, 1, 2)
    assert [e.event for e in read_study(path).history.entries] == [SETTINGS], "reading alone judges nothing"
    record = read_to_judge(path)
    assert record.history.entries[-1].content == {"seeds": [0, 1, 2], "how": "report"}
    assert "This is a look at 3 of 5 seeds" in " ".join(history_sentences(record))
    assert 1 - confidence_in_force(record) < 0.01
    assert read_to_judge(path).history == record.history
    after = run(path, small(5))
    assert confidence_in_force(after) > 0.96 and "look 2" in history_sentences(after)[-1]


def test_one_seed_shows_no_spread_and_is_no_look(path):
    run(path, small(5), trials=3, look=False)
    assert judged_seeds(read_study(path)) == ()
    assert len(read_to_judge(path).history.entries) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE history SET content = replace(content, '0.5', '0.001')",
        "DELETE FROM history",
        "INSERT OR REPLACE INTO history SELECT number, time, event, code, 0, 0, content, hash FROM history",
        "INSERT INTO history SELECT -1, time, event, code, 0, 0, content, hash FROM history LIMIT 1",
    ],
)
def test_the_history_refuses_to_be_rewritten(path, statement):
    before = run(path, small(margin=0.5)).history
    with contextlib.closing(sqlite3.connect(path)) as base, pytest.raises(sqlite3.DatabaseError, match="only added to"):
        base.execute(statement)
    assert read_study(path).history == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE history SET content = replace(content, '0.001', '0.5')",
        "UPDATE history SET results = 0 WHERE number = 3",
        "UPDATE history SET time = time - 86400 WHERE number = 3",
        "DELETE FROM history WHERE number = 1",
        "DELETE FROM history WHERE number = 2",
    ],
)
def test_a_history_rewritten_past_its_triggers_proves_nothing(path, statement):
    run(path, small(margin=0.5))
    run(path, small(margin=0.001))
    with contextlib.closing(sqlite3.connect(path)) as base:
        for kind in ("changed", "removed", "replaced"):
            base.execute(f"DROP TRIGGER history_is_not_{kind}")
        base.execute(statement)
        base.commit()
    record = read_study(path)
    assert not record.history.intact
    assert "proves nothing" in history_sentences(record)[0] and margin_words(record) == "the margin"


def test_a_database_without_a_history_is_read_and_begins_one(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    shutil.copy(OLD, folder / "study.sqlite")
    with contextlib.closing(sqlite3.connect(folder / "study.sqlite")) as base:
        for kind in ("changed", "removed", "replaced"):
            base.execute(f"DROP TRIGGER IF EXISTS history_is_not_{kind}")
        base.execute("DROP TABLE IF EXISTS history")
        base.commit()
    before = read_to_judge(folder)
    assert before.history == History() and "not recorded" in history_sentences(before)[0]
    assert margin_words(before) == "the margin"
    other = small(margin=0.01)
    with Store(folder / "study.sqlite") as opened:
        opened.open_study(other)
        entries = opened.read().history.entries
    done = sum(trial.result is not None for trial in before.trials.values())
    assert [(e.event, e.results) for e in entries] == [(BEFORE, done), (SETTINGS, done)]
    assert entries[0].content == before.about and entries[1].content == other.about()
    after = read_study(folder)
    assert not after.history.recorded and margin_words(after) == "the margin"
    assert any(s.startswith("2 seeds removed after a look at 5 seeds") for s in history_sentences(after))


def test_records_made_in_memory_are_judged_as_their_settings_say():
    made = record({"row": [0.9, 0.91], "hilbert": [0.8, 0.81]})
    assert confidence_in_force(made) == 0.95 and not history_sentences(made) and not level_words(made)
    assert confidence_planned(made.about) == pytest.approx(0.96)


def coded(*codes: str) -> StudyRecord:
    made = record({"row": [0.9, 0.91, None], "hilbert": [0.8, 0.81, 0.82]})
    done = iter(codes)
    trials = {k: replace(t, environment={"code": next(done)}) if t.result else t for k, t in made.trials.items()}
    return replace(made, trials=trials)


def test_results_of_other_versions_of_the_code_are_counted():
    assert not version_sentences(coded("a1", "a1", "a1", "a1", "a1"))
    assert version_sentences(coded("a1", "b2+", "a1", "b2+", "a1")) == (
        "2 of 6 trials come from another version of the code (b2, uncommitted changes) than most.",
    )
    assert version_sentences(coded("a1+", "c3", "a1+", "a1+", "a1+")) == (
        "4 of 6 trials come from code with uncommitted changes (a1): no commit holds what ran.",
        "1 of 6 trials comes from another version of the code (c3) than most.",
    )


def test_the_page_and_the_numbers_say_what_changed(path):
    run(path, small(margin=0.5))
    record = run(path, small(margin=0.001))
    page = render(record, analyse(record), {})
    assert "Margin changed from 50.0 to 0.1 points after 6 of 6 results." in page
    assert "set before the run" not in page and "<h2>History</h2>" in page
    from scanlab.study.report.tables import as_json

    data = json.loads(as_json(record, analyse(record)))["history"]
    assert data["sentences"] == list(history_sentences(record)) and data["recorded"] and data["intact"]
    assert [e["event"] for e in data["entries"]] == [SETTINGS, LOOK, SETTINGS]
    kept = run(path.with_name("kept.sqlite"), small(margin=0.5))
    assert "the margin that was set before the run" in render(kept, analyse(kept), {})


def test_what_was_said_of_a_record_needs_no_history(path):
    made = run(path, small())
    assert made == replace(made, history=None), "records are equal whose results are"
    assert in_force.look_in_force(replace(made, history=None)) is None


def test_a_look_that_cannot_be_written_down_does_not_stop_a_report(path, monkeypatch):
    run(path, small(5), trials=6, look=False)
    monkeypatch.setattr(Store, "note_look", lambda *_: (_ for _ in ()).throw(store.ScanlabError.at("S657", "no")))
    assert len(read_to_judge(path).history.entries) == 1


def test_times_are_said_in_utc():
    assert Entry(LOOK, 0.0, "", 0, 0, {}).when == "1970-01-01 00:00 UTC"


def test_a_small_study_has_a_history_of_its_run(tmp_path):
    from scanlab.study.runner import run_study

    record = run_study(small_study(("row",), seeds=(0, 1), controls=(), epochs=1), tmp_path)
    assert [e.event for e in record.history.entries] == [SETTINGS, LOOK]


def two(margins: dict[str, float], names=("digits", "other")) -> Study:
    data = ("f1", "f2", "f3")
    first = small_problem()
    problems = [replace(first, name=name, fingerprint=data[i]) for i, name in enumerate(names)]
    return Study("small", tuple(problems), (0, 1, 2), controls=(), margins=margins)


def test_only_a_margin_that_changed_is_called_changed(path):
    margins = {"digits": 0.01, "other": 0.02}
    run(path, two(margins))
    # A problem that goes, or comes, leaves the other's margin what it was.
    record = run(path, two({"digits": 0.01}, ("digits",)))
    assert history_sentences(record)[0].startswith("Problem other removed")
    assert margin_words(record) == "the margin that was set before the run"
    assert margin_words(run(path, two(margins))) == "the margin that was set before the run"


def test_a_margin_is_not_changed_by_way_of_leaving_its_problem_out(path):
    run(path, two({"digits": 0.01, "other": 0.02}))
    run(path, two({"digits": 0.01}, ("digits",)))
    record = run(path, two({"digits": 0.01, "other": 0.5}))
    assert "margin of other changed from 2.0 to 50.0 points" in " ".join(history_sentences(record)).lower()
    assert margin_words(record) == "the margin, which was changed after results were there"


def test_a_margin_set_where_there_was_none_is_a_change(path):
    run(path, small())
    record = run(path, small(margin=0.01))
    assert history_sentences(record) == ("Margin changed from 0.0 to 1.0 points after 6 of 6 results.",)
    assert margin_words(record) == "the margin, which was changed after results were there"


def test_a_new_name_for_the_same_data_proves_no_margin(path):
    run(path, two({"digits": 0.01, "other": 0.02}))
    assert margin_words(run(path, two({"digits": 0.01, "new": 0.5}, ("digits", "new")))) == "the margin"


def rows(record: StudyRecord) -> list[tuple[str, ...]]:
    return [row.words for row in past_of(record).rows]


def test_each_line_of_the_history_says_what_changed_and_no_more(path, monkeypatch):
    tuned = replace(small(), tune=Tune((1e-3, 1e-2)))
    run(path, tuned, trials=0, look=False)
    record = run(path, replace(tuned, chosen={("digits", "row"): 0.01, ("digits", "hilbert"): 0.001}), look=False)
    assert rows(record)[1] == ("Learning rates chosen on digits: 0.001 for hilbert, 0.01 for row",)
    assert not history_sentences(record), "that was to be chosen as declared"
    monkeypatch.setattr(store, "code_version", lambda: "fedcba987654")
    record = run(path, replace(tuned, chosen={("digits", "row"): 0.01, ("digits", "hilbert"): 0.001}), look=False)
    assert rows(record)[2] == ("Another version of the code",)


def test_what_is_older_than_its_history_has_no_known_version_to_differ_from():
    content = small().about()
    old, new = Entry(BEFORE, 0.0, "", 6, 6, content), Entry(SETTINGS, 1.0, "a1", 6, 6, content)
    made = replace(record({"row": [0.9, 0.91], "hilbert": [0.8, 0.81]}), history=History((old, new)))
    assert rows(made)[1] == ("The version of the code is recorded from here on",)
    unsaid = Entry(
        SETTINGS,
        2.0,
        "a1",
        6,
        6,
        {**content, "problems": [p | {"tested": {"samples": 9}} for p in content["problems"]]},
    )
    made = replace(made, history=History((old, new, unsaid)))
    assert rows(made)[2] == ("Recorded in other words: problems",)
