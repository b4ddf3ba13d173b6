"""scanlab ablate and scanlab report: a study from options or a file, its plan, its results, its resumption."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from scanlab.cli.app import app
from scanlab.study.store import Store, read_study
from scanlab.study.trial import Study

TINY = """
name = "a tiny study"
question = "Is it quick?"
strategies = { row = "row", twin = "by 2 * h, 3 * w", "window[k=2]" = "window[k=2]" }
seeds = 2
controls = ["A/A"]
limit = 300
test_limit = 200
transfer = ["rotate 90"]

[model]
dim = 8
depth = 1

[recipe]
epochs = 2
batch = 16
"""


def invoke(command: str, *words: str) -> Result:
    return CliRunner().invoke(app, [command, *words], env={"COLUMNS": "260", "NO_COLOR": "1"})


def refusal(done: Result) -> str:
    """What `scanlab` prints of an error: the runner of these tests hands it on as an exception."""
    assert done.exit_code == 1, done.output
    return str(done.exception)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("ablate")
    (folder / "tiny.toml").write_text(TINY, encoding="utf-8")
    return folder, invoke("ablate", str(folder / "tiny.toml"), "-o", str(folder / "out"), "-w", "1")


def test_a_study_file_runs_to_a_report(ran: tuple[Path, Result]) -> None:
    folder, done = ran
    assert done.exit_code == 0, done.output
    assert "digits: twin is the same as row on every grid (proved), and not run twice" in done.output
    assert "With 2 seeds and 1 comparison nothing can be told from chance" in " ".join(done.output.split())
    assert "6 of 6: digits, " in done.output, "two strategies and a control, twice"
    assert "digits, window[k=2], seed 1" in done.output and "window[k=2]: not distinguishable" in done.output
    assert "the same as row" in done.output and "not distinguishable from row with 2 seeds" in done.output
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "Is it quick?" in page and page.count("<figure>") >= 3
    record = read_study(folder / "out")
    assert {t.status for t in record.trials.values()} == {"done"} and len(record.trials) == 6
    assert all(t.result and t.result.transfer.keys() == {"rotate 90"} for t in record.trials.values())


def test_what_is_done_is_not_done_again(ran: tuple[Path, Result]) -> None:
    folder, _ = ran
    before = read_study(folder / "out")
    again = invoke("ablate", str(folder / "tiny.toml"), "-o", str(folder / "out"), "-w", "1")
    assert again.exit_code == 0 and "of 6:" not in again.output
    assert read_study(folder / "out").trials == before.trials
    # What earlier trials showed makes the estimate of power one in the metric.
    assert "nothing can be told from chance" in " ".join(again.output.split())


def test_another_seed_is_added_to_those_that_ran(ran: tuple[Path, Result]) -> None:
    folder, _ = ran
    copy = folder / "more"
    copy.mkdir()
    (copy / "study.sqlite").write_bytes((folder / "out" / "study.sqlite").read_bytes())
    more = invoke("ablate", str(folder / "tiny.toml"), "-o", str(copy), "-w", "1", "--seeds", "3")
    assert more.exit_code == 0, more.output
    assert "7 of 9: digits, row, seed 2" in more.output and "1 of 9" not in more.output


def test_the_report_is_rebuilt_from_the_database_alone(ran: tuple[Path, Result]) -> None:
    folder, _ = ran
    written = {p.name: p.read_bytes() for p in (folder / "out").iterdir() if p.suffix in (".html", ".csv", ".json")}
    for name in written:
        (folder / "out" / name).unlink()
    done = invoke("report", str(folder / "out"))
    assert done.exit_code == 0, done.output
    assert {name: (folder / "out" / name).read_bytes() for name in written} == written
    elsewhere = invoke("report", str(folder / "out" / "study.sqlite"), "-o", str(folder / "copy"))
    assert elsewhere.exit_code == 0 and (folder / "copy" / "report.html").is_file()


def test_json_is_all_that_is_printed(ran: tuple[Path, Result]) -> None:
    folder, _ = ran
    data = json.loads(invoke("report", str(folder / "out"), "--json").stdout)
    assert data["baseline"] == "row" and data["report"].endswith("report.html")
    [problem] = data["problems"]
    assert [row["label"] for row in problem["rows"]] == ["row", "twin", "window[k=2]", "control: A/A"]


def test_a_dry_run_says_what_it_would_do_and_does_nothing(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    done = invoke("ablate", str(tmp_path / "tiny.toml"), "--dry-run", "-o", str(tmp_path / "out"), "-w", "2")
    assert done.exit_code == 0, done.output
    assert "a tiny study: 6 trials, 0 of them done" in done.output
    assert "What is left takes about" in done.output and "with 2 workers" in done.output
    assert not (tmp_path / "out").exists()
    data = json.loads(invoke("ablate", str(tmp_path / "tiny.toml"), "--dry-run", "--json").stdout)
    assert len(data["trials"]) == 8 and data["seconds"] > 0 and len({t["trial"] for t in data["trials"]}) == 6


@pytest.mark.parametrize(("shape", "scan"), [((40, 8, 8), "row"), ((40, 4, 6, 8), "spatial_first")])
def test_a_study_from_options_on_a_file(shape: tuple[int, ...], scan: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    np.savez(tmp_path / "mine.npz", x=draw.random(shape), y=np.arange(40) % 2)
    words = ["-s", scan, "--seeds", "1", "--epochs", "1", "--data", str(tmp_path / "mine.npz"), "--json", "-w", "1"]
    done = invoke("ablate", *words, "-o", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["problems"][0]["name"] == "mine"


def test_strategies_of_unequal_cost_are_refused_unless_allowed() -> None:
    done = invoke("ablate", "-s", "row; cross", "--dry-run")
    assert "S658" in refusal(done) and "--unequal" in refusal(done)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["-s", "row; row"], "S607"),
        (["-s", "nothing"], "S201"),
        (["--seeds", "0"], "S601"),
        (["--epochs", "0"], "S608"),
        (["--data", "nowhere.npz"], "S642"),
        (["--task", "dreaming"], "S650"),
        (["--engine", "abacus"], "S608"),
        (["--logger", "diary"], "S608"),
        (["--device", "tpu"], "S608"),
        (["missing.toml"], "S107"),
    ],
)
def test_bad_options_are_refused_before_anything_runs(words: list[str], code: str, tmp_path: Path) -> None:
    done = invoke("ablate", *words, "-o", str(tmp_path / "out"), "-w", "1")
    assert code in refusal(done)
    assert not list(tmp_path.glob("out/*.html"))


def test_fewer_workers_than_none_are_wrong_usage() -> None:
    done = invoke("ablate", "--dry-run", "-w", "-3")
    assert done.exit_code == 2 and "--workers" in done.output


def test_no_study_no_report(tmp_path: Path) -> None:
    assert "S657" in refusal(invoke("report", str(tmp_path)))


def test_a_file_in_place_of_the_folder_is_refused_before_anything_else(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_text("")
    for command in (["ablate", "-s", "row; snake"], ["search"], ["train", "-s", "row"], ["report", str(tmp_path)]):
        done = invoke(*command, "--out", str(file))
        assert "S681" in refusal(done) and f"{file} is a file" in refusal(done), command
    below = invoke("ablate", "-s", "row; snake", "--out", str(file / "study"))
    assert f"{file} is a file and {file / 'study'} cannot lie in it" in refusal(below)
    assert file.read_bytes() == b"" and list(tmp_path.iterdir()) == [file]


def test_a_study_that_is_stopped_says_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(study: Study, folder: Path, **_: object) -> None:
        with Store(folder / "study.sqlite") as store:
            store.open_study(study)
        raise KeyboardInterrupt

    monkeypatch.setattr("scanlab.study.runner.run_study", stopped)
    done = invoke("ablate", "-s", "row; snake", "--seeds", "2", "--epochs", "1", "-w", "1", "-o", str(tmp_path / "out"))
    assert done.exit_code != 0
    assert "stopped: 0 of 12 trials are done" in done.output and "The same command goes on." in done.output


def test_changed_settings_are_said_on_the_terminal_and_in_json(ran: tuple[Path, Result], tmp_path: Path) -> None:
    folder, _ = ran
    copy = tmp_path / "changed"
    copy.mkdir()
    (copy / "study.sqlite").write_bytes((folder / "out" / "study.sqlite").read_bytes())
    words = [str(folder / "tiny.toml"), "-o", str(copy), "-w", "1", "--margin", "0.1"]
    done = invoke("ablate", *words)
    assert "Margin changed from 0.0 to 10.0 points after 6 of 6 results." in done.output
    data = json.loads(invoke("report", str(copy), "--json").stdout)
    assert "Margin changed from 0.0 to 10.0 points after 6 of 6 results." in data["history"]["sentences"]


def test_looks_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for looks in ("[1, 2]", "[5, 5]", "[5, 3]"):
        (tmp_path / "tiny.toml").write_text(f"looks = {looks}\n{TINY}", encoding="utf-8")
        assert "S680" in refusal(invoke("ablate", str(tmp_path / "tiny.toml"), "--dry-run"))
    (tmp_path / "tiny.toml").write_text(f"looks = [2, 4]\n{TINY}", encoding="utf-8")
    done = invoke("ablate", str(tmp_path / "tiny.toml"), "--dry-run", "--seeds", "5")
    assert "S680" in refusal(done) and "there are 5 seeds" in refusal(done)
