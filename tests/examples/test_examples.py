"""Every example runs as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scanlab.checking import check_module
from scanlab.facade import load_file

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.stem)
def test_script(script: Path) -> None:
    # Without data that lie beside the repository on some machines: the same everywhere, and small.
    env = {**os.environ, "SCANLAB_DATA": "nowhere"}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.scan")), ids=lambda p: p.stem)
def test_definitions(file: Path) -> None:
    module = load_file(file).raise_problems()
    checked = list(check_module(module))
    assert checked
    assert [d for c in checked for d in c.diagnostics] == []
