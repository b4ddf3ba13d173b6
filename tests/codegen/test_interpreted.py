"""Triton's interpreter runs the generated functions of the whole library, all steps of a track at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")


def test_the_library_in_the_interpreter(tmp_path: Path) -> None:
    environment = {**os.environ, "TRITON_INTERPRET": "1", "SCANLAB_CACHE_DIR": str(tmp_path)}
    words = [sys.executable, str(Path(__file__).with_name("walk_interpreted.py"))]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    count, *wrong = done.stdout.split()
    assert not wrong and int(count) > 100
