"""Every example runs: as it stands by `make sweep`, and with trainings of one epoch in every run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sweep import sweeping

from scanlab.checking import check_module
from scanlab.facade import load_file

EXAMPLES = Path(__file__).parents[2] / "examples"


# As `python SCRIPT` but for the epochs of a recipe. What an example shows by its figures is seen in the sweep.
BRIEFLY = """
import runpy, sys
from scanlab.study.trial import Recipe
whole = Recipe.__init__
def brief(self, *arguments, **options):
    whole(self, *arguments, **options)
    object.__setattr__(self, "epochs", min(self.epochs, 1))
Recipe.__init__ = brief
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""

# What makes them shorter; `make sweep` leaves it out.
ARGUMENTS = {"stream_video": ("1000",)}
# It asserts what it has learned.
CHECKED = ("expect_the_next_frame",)


@pytest.mark.sweep
@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.stem)
def test_script(script: Path) -> None:
    # Without data that lie beside the repository on some machines: the same everywhere, and small.
    env = {**os.environ, "SCANLAB_DATA": "nowhere"}
    whole = sweeping() or script.stem in CHECKED
    words = () if whole else ARGUMENTS.get(script.stem, ())
    command = [sys.executable, *(() if whole else ("-c", BRIEFLY)), str(script), *words]
    limit = 600 if sweeping() else 300
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.scan")), ids=lambda p: p.stem)
def test_definitions(file: Path) -> None:
    module = load_file(file).raise_problems()
    checked = list(check_module(module))
    assert checked
    assert [d for c in checked for d in c.diagnostics] == []
