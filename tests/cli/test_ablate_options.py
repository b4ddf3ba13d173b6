"""What the options of scanlab ablate change, and what they leave."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from scanlab.cli.ablate import Overrides, Settings
from scanlab.cli.app import app


def test_options_win_and_the_rest_stays():
    settings = Settings(seeds=5, patch=4)
    changed = Overrides(" row ; snake;", None, 0, "moving-digits").applied(settings)
    assert changed == Settings(("row", "snake"), 5, 0, "moving-digits", 4)
    assert Overrides().applied(settings) == settings
    assert Overrides(seeds=0).applied(settings).seeds == 0


@pytest.mark.parametrize("shape, scan", [((40, 8, 8), "row"), ((40, 4, 6, 8), "spatial_first")])
def test_a_study_on_a_file(shape, scan, tmp_path):
    draw = np.random.default_rng(0)
    np.savez(tmp_path / "mine.npz", x=draw.random(shape), y=np.arange(40) % 2)
    words = ["ablate", "-s", scan, "--seeds", "1", "--epochs", "1", "--data", str(tmp_path / "mine.npz"), "--json"]
    done = CliRunner().invoke(app, [*words, "--workers", "1", "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "mine" in json.dumps(json.loads(done.stdout))
