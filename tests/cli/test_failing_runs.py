"""What a person sees of runs in which trainings diverge."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from scanlab.cli.app import app
from scanlab.study.store import read_study

SMALL = ("seeds=2", "controls=[]", "limit=120", "test_limit=60", "model.dim=8", "model.depth=1", "recipe.epochs=2")
WILD = ("recipe.learning_rate=1e4", "recipe.clip=0.0")


def invoke(*words: object) -> Result:
    return CliRunner().invoke(app, list(map(str, words)), env={"COLUMNS": "400", "NO_COLOR": "1"})


def test_trials_that_diverged_are_named_and_left_alone_until_asked_for(tmp_path: Path) -> None:
    out, command = tmp_path / "out", ("ablate", *SMALL, *WILD, "strategies=['row']", "-w", 1)
    first = invoke(*command, "-o", out)
    assert first.exit_code == 1 and "1 of 2: digits, row, seed 0" in first.output
    assert "failed: digits, row, seed 0: diverged: S860: digits, row, seed 0" in first.output
    attempts = [trial.attempts for trial in read_study(out).trials.values()]
    again = invoke(*command, "-o", out)
    assert again.exit_code == 1 and "2 trials diverged in an earlier run and are not trained again" in again.output
    assert [trial.attempts for trial in read_study(out).trials.values()] == attempts == [1, 1]
    plan = invoke(*command, "-o", out, "--dry-run")
    assert "--retry-diverged goes on with them" in plan.output and "takes about 0 s" in plan.output
    told = json.loads(invoke(*command, "-o", out, "--dry-run", "--json", "--retry-diverged").output)
    assert told["notes"] == [] and told["seconds"] > 0
    invoke(*command, "-o", out, "--retry-diverged")
    assert [trial.attempts for trial in read_study(out).trials.values()] == [2, 2]
    # Another recipe makes other trials.
    mended = invoke("ablate", *SMALL, "strategies=['row']", "-w", 1, "-o", out)
    assert mended.exit_code == 0 and "not trained again" not in mended.output


def test_a_single_training_that_diverges_says_where(tmp_path: Path) -> None:
    done = invoke("train", *SMALL[2:], *WILD, "-o", tmp_path / "out")
    assert done.exit_code == 1 and "S860]: digits, row, seed 0" in str(done.exception)
    assert "try a lower learning_rate, as 3e+03, or clip = 1.0" in str(done.exception)
    assert not (tmp_path / "out" / "model.safetensors").exists()
