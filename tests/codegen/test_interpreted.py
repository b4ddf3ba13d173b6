"""Triton's interpreter runs generated functions, a sequence at once: a dozen, and the library in a sweep."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sweep import sweeping

pytest.importorskip("triton")


# Every operator that the generator writes, sequences by arithmetic beside those of the table, curves, tokens, 1 to 3
# axes; test_programs.py runs the text of all others, in NumPy.
DOZEN = ("hilbert_windows", "eamamba", "cross", "vim", "snake", "zigzag", "window", "efficient", "videomamba",
         "vim_double_cls", "msvmamba_half", "sequence", "morton")  # fmt: skip


@pytest.mark.sweep
def test_the_library_in_the_interpreter(tmp_path: Path) -> None:
    environment = {**os.environ, "TRITON_INTERPRET": "1", "SCANLAB_CACHE_DIR": str(tmp_path)}
    words = [sys.executable, str(Path(__file__).with_name("rows_interpreted.py")), *(() if sweeping() else DOZEN)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    count, *wrong = done.stdout.split()
    assert not wrong and int(count) > (100 if sweeping() else 11)
