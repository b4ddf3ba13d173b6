"""A whole search, small: it trains what is proved, resumes, judges afresh and writes what `scanlab check` accepts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from small import small_problem

from scanlab.checking import check_module
from scanlab.facade import load, load_file
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.engines import Failed, Finished
from scanlab.study.engines.local import InProcess
from scanlab.study.record import Epoch, TrialResult
from scanlab.study.search import (
    Search,
    SearchResult,
    SearchStopped,
    candidates,
    explore,
    final_study,
    judge,
    judged,
    lost_words,
    space_named,
    write_best,
    write_data,
)
from scanlab.study.search.run import ROUND
from scanlab.study.search.values import Candidate, plain_source
from scanlab.study.store import read_study
from scanlab.study.tasks import task_named


def _search(kind: str = "keys", baseline: str = "row", **settings) -> Search:
    problem = small_problem((baseline,), epochs=settings.pop("whole", 1))
    space = space_named(kind, load(baseline), (4, 4), 2)
    given = {"trials": 4, "epochs": 1, "finalists": 2, "final_seeds": 2, **settings}
    return Search(problem, space, **given)


class Landscape:
    """An engine that makes results up instead of training: a score for each strategy's text, by seed."""

    def __init__(self, score) -> None:
        self.score, self.trained = score, []

    def run(self, take, on_event) -> None:
        while (job := take()) is not None:
            trial = job.trial
            self.trained.append((plain_source(trial.plan), trial.seed, trial.problem.recipe.epochs, trial.control))
            score = self.score(*self.trained[-1][:3])
            if score is None:
                on_event(Failed(job.key, "RuntimeError", "no", {}))
                continue
            epochs = (Epoch(1.0, {"accuracy": score}),) * trial.problem.recipe.epochs
            on_event(Finished(job.key, TrialResult(epochs, 1, 1, 1.0), {}))


def _short(text: str, seed: int, epochs: int) -> float:
    return 1 / len(text)


def test_a_search_trains_each_proved_order_once_and_resumes(tmp_path: Path) -> None:
    search, engine = _search("parameters", trials=12), Landscape(_short)
    result = explore(search, tmp_path, engine=engine)
    assert len(result.ranked) == 12 and result.counts["new"] == 12
    texts = [text for text, *_ in engine.trained]
    assert len(texts) == len(set(texts)) == 13, "the baseline, and each candidate, once"
    scores = [t.scores[1] for t in result.ranked]
    assert scores == sorted(scores, reverse=True)
    again = Landscape(_short)
    resumed = explore(search, tmp_path, engine=again)
    assert again.trained == []
    assert [(t.label, t.scores) for t in resumed.ranked] == [(t.label, t.scores) for t in result.ranked]
    assert {m.strategy for m in read_study(tmp_path).members} == {"row", *(t.label for t in result.ranked)}


@pytest.mark.parametrize("sampler", ["random", "optuna"])
def test_a_search_that_was_stopped_goes_on_as_if_it_had_not(sampler: str, tmp_path: Path) -> None:
    if sampler == "optuna":
        pytest.importorskip("optuna")
    search = _search("keys", trials=3 * ROUND, sampler=sampler)

    class Stopped(Landscape):
        def run(self, take, on_event) -> None:
            if len(self.trained) > ROUND:
                raise KeyboardInterrupt
            left = iter(range(ROUND + 2))
            super().run(lambda: take() if next(left, None) is not None else None, on_event)

    unbroken = explore(search, tmp_path / "whole", engine=Landscape(_short))
    first, second = Stopped(_short), Landscape(_short)
    with pytest.raises(KeyboardInterrupt):
        explore(search, tmp_path / "broken", engine=first)
    resumed = explore(search, tmp_path / "broken", engine=second)
    assert 0 < len(second.trained) < 3 * ROUND
    assert not {t for t, *_ in first.trained} & {t for t, *_ in second.trained}
    assert [(t.label, str(t.value)) for t in resumed.ranked] == [(t.label, str(t.value)) for t in unbroken.ranked]


def test_refuted_candidates_and_repeats_are_counted_and_not_trained(tmp_path: Path) -> None:
    search, engine = _search("keys", trials=40), Landscape(_short)
    result = explore(search, tmp_path, engine=engine)
    assert result.counts["refuted"] > 0 and result.counts["new"] == 40
    assert result.proposals == sum(result.counts.values()) > 40
    assert len(engine.trained) == 41
    seen, screen = candidates(search, 40)
    assert screen.counts == result.counts
    assert {p.number for p, verdict in seen if verdict == "new"} == {t.number for t in result.ranked}


def test_a_small_space_is_exhausted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scanlab.study.search import bases

    monkeypatch.setattr(bases, "_by_name", lambda grid: {"row": bases.Base("row")})
    result = explore(_search("parameters", trials=30), tmp_path, engine=Landscape(_short))
    # Of the 16 symmetries of a raster on a square 8 differ, and one of them is the baseline.
    assert result.exhausted and len(result.ranked) == 7


def test_a_failed_candidate_is_left_out_and_a_failed_baseline_is_reported(tmp_path: Path) -> None:
    search = _search("parameters", trials=6)
    bad = explore(search, tmp_path / "all", engine=Landscape(_short)).ranked[0]
    result = explore(search, tmp_path / "some", engine=Landscape(lambda t, *_: None if t == str(bad.value) else 0.5))
    assert [t.label for t in result.failed] == [bad.label] and len(result.ranked) == 5
    with pytest.raises(ScanlabError, match="baseline itself"):
        explore(search, tmp_path / "base", engine=Landscape(lambda t, *_: None if t == "by h, w" else 0.5))
    with pytest.raises(ScanlabError, match="none of"):
        explore(search, tmp_path / "none", engine=Landscape(lambda t, *_: 0.5 if t == "by h, w" else None))


def test_successive_halving_trains_the_best_third_longer(tmp_path: Path) -> None:
    engine = Landscape(lambda text, seed, epochs: _short(text, seed, epochs) + 0.01 * epochs)
    search = _search("parameters", trials=9, whole=9, halving=True, finalists=1)
    result = explore(search, tmp_path, engine=engine)
    assert [sorted(t.scores) for t in result.ranked] == [[1, 3, 9], [1, 3], [1, 3]] + [[1]] * 6
    assert [e for _, _, e, _ in engine.trained].count(3) == 4, "three candidates and the baseline"
    assert result.lead(result.ranked[0]) == pytest.approx(result.ranked[0].scores[9] - result.baseline[9])


def test_the_last_study_has_fresh_seeds_the_test_part_and_the_whole_recipe(tmp_path: Path) -> None:
    search = _search("parameters", trials=4, whole=5, seeds=2)
    result = explore(search, tmp_path, engine=Landscape(_short))
    searched, last = read_study(tmp_path), final_study(search, result)
    assert not set(searched.about["seeds"]) & set(last.seeds) and len(last.seeds) == 2
    assert searched.about["problems"][0]["data"]["part"] == "val"
    assert (last.problems[0].data.part, last.problems[0].recipe.epochs) == ("test", 5)
    assert [label for label, _ in last.problems[0].strategies] == ["row", "found_1", "found_2", "random order"]
    assert not {t.key for t in last.trials()} & set(searched.trials)
    assert "found_1 +" in last.question or "found_1 -" in last.question


def test_the_curse_is_visible(tmp_path: Path) -> None:
    """All orders are worth the same; the search sees luck, which fresh seeds do not share."""

    def luck(text: str, seed: int, epochs: int) -> float:
        return 0.5 + (0.1 * (len(text) % 7) / 7 if seed < 1000 else 0.0)

    search, engine = _search("parameters", trials=20), Landscape(luck)
    result = explore(search, tmp_path / "search", engine=engine)
    rows = judged(search, result, judge(search, result, tmp_path, engine=engine))
    task = task_named("classification")
    best = rows[1]
    assert (best.label, best.fresh_lead) == ("found_1", 0.0)
    assert best.search_lead and best.lost == pytest.approx(best.search_lead) and best.lost > 0
    had = round(100 * best.search_lead, 2)
    assert lost_words(best, task) == f"lost {had} of its lead of {had} points"
    assert rows[-1].label == "random order" and rows[-1].search is None
    assert lost_words(replace(best, lost=-0.1), task) == f"lost nothing of its lead of {had} points"
    assert lost_words(replace(best, search_lead=-0.1), task) == "had no lead to lose"
    assert lost_words(replace(best, fresh=None, lost=None), task) == "no fresh score"


@pytest.mark.parametrize(("kind", "baseline"), [("keys", "row"), ("scans", "cross"), ("plans", "row")])
def test_what_is_written_is_accepted_by_check(kind: str, baseline: str, tmp_path: Path) -> None:
    search, engine = _search(kind, baseline, trials=6), Landscape(_short)
    if kind == "plans":
        search = replace(search, problem=replace(search.problem, config=replace(search.problem.config, depth=2)))
    result = explore(search, tmp_path / "search", engine=engine)
    rows = judged(search, result, judge(search, result, tmp_path, engine=engine))
    file = write_best(search, result, rows, tmp_path / "best.scan", 'scanlab search "a\\b"')
    module = load_file(file).raise_problems()
    checked = list(check_module(module))
    assert [c.definition.name for c in checked] == ["found_1", "found_2"]
    assert all(c.proof and c.proof.verdict == "proved" and not c.diagnostics for c in checked)
    assert [c.definition.value for c in checked] == [t.value for t in result.ranked[:2]]
    assert all("fresh seeds" in c.definition.doc and "scanlab search" in c.definition.source for c in checked)
    data = json.loads(write_data(search, result, rows, tmp_path / "search.json").read_text())
    assert data["verdicts"]["new"] == len(data["tried"]) == 6
    assert data["finalists"][1]["label"] == "found_1"
    with pytest.raises(ScanlabError, match="cannot write"):
        write_data(search, result, rows, tmp_path)


def test_a_real_search_is_trained_and_reproducible(tmp_path: Path) -> None:
    search = _search("parameters", trials=2, finalists=1, final_seeds=1)
    result = explore(search, tmp_path / "a", engine=InProcess())
    again = explore(search, tmp_path / "b", engine=InProcess())
    assert [t.scores for t in result.ranked] == [t.scores for t in again.ranked]
    rows = judged(search, result, judge(search, result, tmp_path))
    assert all(row.fresh is not None and 0 <= row.fresh <= 1 for row in rows)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"trials": 0}, "trials must be above 0"),
        ({"trials": None}, "needs a budget"),
        ({"trials": 2, "finalists": 3}, "2 trials cannot give 3"),
        ({"final_seeds": -1}, "final seeds must be above 0"),
    ],
)
def test_settings_are_checked(settings: dict, says: str) -> None:
    with pytest.raises(ScanlabError, match=says):
        _search(**settings)


def test_a_lead_compares_what_was_trained_alike() -> None:
    search = _search()
    _, plan = search.problem.strategies[0]
    tried = Candidate(0, "candidate 1", load("row"), plan, {1: 0.5, 3: 0.75})
    result = SearchResult((tried,), (), {1: 0.25, 3: 0.25}, {}, 1, False, 0.0)
    assert result.lead(tried) == 0.5


def test_a_stopped_search_has_what_it_had_and_goes_on(tmp_path: Path) -> None:
    class Stopping(Landscape):
        def run(self, take, on_event) -> None:
            def some():
                if len(self.trained) == 4:
                    raise KeyboardInterrupt
                return take()

            super().run(some, on_event)

    search = _search("parameters", trials=8)
    with pytest.raises(SearchStopped) as stop:
        explore(search, tmp_path, engine=Stopping(_short))
    result = stop.value.result
    assert [t.scores for t in result.ranked] == [{1: _short(plain_source(t.plan), 0, 1)} for t in result.ranked]
    assert len(result.ranked) == 3 and result.baseline == {1: _short("by h, w", 0, 1)}
    rest = Landscape(_short)
    assert len(explore(search, tmp_path, engine=rest).ranked) == 8 and len(rest.trained) == 5
