"""scanlab data."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from scanlab.cli.app import app


def run(*words):
    done = CliRunner().invoke(app, ["data", *words], env={"COLUMNS": "120", "NO_COLOR": "1"})
    assert done.exit_code == 0, done.output
    return done.output


def test_the_names():
    assert [line.split(":")[0] for line in run().splitlines()] == ["digits", "moving-digits", "permuted-digits"]


def test_facts_of_the_digits_and_a_picture():
    text = run("digits")
    assert "1797" in text and "8, 8" in text and "CC BY 4.0" in text
    assert "class 0" in text and "@@" in text


def test_videos_show_frames_side_by_side():
    [facts] = [json.loads(run("moving-digits", "--json"))]
    assert facts["extents"] == [8, 16, 16] and facts["classes"] == 8 and facts["channels"] == 1
    assert sum(facts["train images per class"]) == facts["train images"] == 1258
    assert max(map(len, run("moving-digits").splitlines())) > 2 * 16


@pytest.mark.parametrize("shape", [(6, 5, 7), (6, 5, 7, 3), (6, 40, 50)])
def test_files(shape, tmp_path):
    np.savez(tmp_path / "mine.npz", x=np.random.default_rng(0).random(shape), y=np.arange(6) % 3)
    text = run(str(tmp_path / "mine.npz"))
    assert "mine" in text and "class 2" in text
