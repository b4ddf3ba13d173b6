"""scanlab search."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import scanlab
from scanlab.cli.app import app
from scanlab.facade import load
from scanlab.study.search import Candidate, SearchResult, SearchStopped
from scanlab.study.store import read_study

TINY = ("--limit", "60", "--trials", "2", "--epochs", "1", "--finalists", "1", "--final-seeds", "1")


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["search", *words], env={"COLUMNS": "160", "NO_COLOR": "1"})


def test_a_dry_run_lists_candidates_and_trains_none(tmp_path: Path) -> None:
    done = run("--dry-run", "--space", "keys", "--trials", "6", "--seed", "2", "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert "refuted" in done.output and "To train: 7 for 3 epochs on the validation part" in done.output
    assert not (tmp_path / "out").exists()
    assert "in all." in done.output
    data, again, other = (_plan(seed) for seed in "001")
    assert data["verdicts"]["new"] == 6 and len(data["candidates"]) == sum(data["verdicts"].values())
    assert data == again != other


def _plan(seed: str) -> dict:
    done = run("--dry-run", "--space", "keys", "--trials", "6", "--json", "--seed", seed)
    data = json.loads(done.output)
    assert data.pop("seconds") > 0
    return data


def test_a_search_shows_the_scores_of_the_search_beside_fresh_ones(tmp_path: Path) -> None:
    done = run(*TINY, "--out", str(tmp_path))
    assert done.exit_code == 0, done.output
    assert "in the search" in done.output and "afresh" in done.output and "random order" in done.output
    assert load(f"{tmp_path / 'best.scan'}:found_1").axes == ("h", "w")
    data = json.loads((tmp_path / "search.json").read_text())
    assert [row["label"] for row in data["finalists"]] == ["row", "found_1", "random order"]
    page = (tmp_path / "report.html").read_text()
    assert "keep their lead over row with fresh seeds" in page and "validation part" in page
    again = json.loads(run(*TINY, "--out", str(tmp_path), "--json").output)
    assert again["tried"] == data["tried"] and again["finalists"] == data["finalists"]


def _study(folder: Path, *more: str) -> str:
    lines = ("strategies = ['hilbert', 'row']", "baseline = 'row'", "dataset = 'digits'", "limit = 60", *more)
    model = ("[model]", "dim = 8", "depth = 1", "[recipe]", "epochs = 1")
    file = folder / "study.toml"
    file.write_text("\n".join([*lines, *model]))
    return str(file)


def test_a_study_file_gives_the_problem_and_the_baseline(tmp_path: Path) -> None:
    words = ("--trials", "2", "--finalists", "1", "--final-seeds", "1", "--out", str(tmp_path / "out"), "--json")
    done = run(_study(tmp_path, "part = 'val'", "margin = 0.01"), *words)
    assert done.exit_code == 0, done.output
    data = json.loads(done.output)
    assert (data["baseline"]["label"], data["data"]["limit"], data["data"]["part"]) == ("row", 60, "test")
    about = read_study(tmp_path / "out").about
    assert about["problems"][0]["sizes"]["dim"] == 8 and about["margins"] == {"digits": 0.01}
    assert read_study(tmp_path / "out" / "search").about["problems"][0]["data"]["part"] == "val"
    other = run(_study(tmp_path), "--baseline", "snake", "--dry-run", "--space", "plans")
    assert other.exit_code != 0 and "two or more layers" in str(other.exception)


def test_a_search_has_one_problem(tmp_path: Path) -> None:
    file = tmp_path / "two.toml"
    file.write_text("[[problem]]\nname = 'a'\n[[problem]]\nname = 'b'\n[problem.recipe]\nepochs = 2\n")
    done = run(str(file), "--dry-run")
    assert done.exit_code != 0 and "a, b" in str(done.exception)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--space", "orders"), "no space 'orders'"),
        (("--sampler", "tarot"), "no sampler 'tarot'"),
        (("--space", "scans", "--baseline", "row"), "two or more paths"),
        (("--data", "no-such-data"), "no-such-data"),
        (("--trials", "1"), "1 trials cannot give 3"),
    ],
)
def test_what_cannot_be_searched_is_refused(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    done = run(*words, "--dry-run", "--out", str(tmp_path))
    assert done.exit_code != 0 and says in str(done.exception)


def test_a_search_that_is_stopped_prints_what_it_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = scanlab.compile("hilbert", grid=(4, 4))
    tried = Candidate(0, "candidate 1", plan.scan, plan, {1: 0.75})
    result = SearchResult((tried,), (), {1: 0.5}, {"new": 1}, 1, False, 1.0)

    def stopped(*_: object, **__: object) -> None:
        raise SearchStopped(result)

    monkeypatch.setattr("scanlab.cli.search.explore", stopped)
    done = run(*TINY, "--out", str(tmp_path))
    assert done.exit_code != 0
    assert "hilbert" in done.output and "0.7500" in done.output and "+0.2500" in done.output
    assert "stopped, with 1 candidate trained: the same command goes on" in done.output
