"""Commands where the working folder is gone, or none may be written to, and where the user has no home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scanlab.data import load
from scanlab.ir.diagnostics import ScanlabError

posix = pytest.mark.skipif(os.name != "posix", reason="elsewhere a folder in use cannot be removed")

GONE = """
import os, sys
os.rmdir(os.getcwd())
from scanlab.cli import main
sys.argv = ["scanlab", *sys.argv[1:]]
main()
"""


def _in_a_removed_folder(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    command = [sys.executable, "-c", GONE, *words]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@posix
@pytest.mark.parametrize("words", [("show", "snake", "-g", "4x4"), ("list", "snake"), ("check",)], ids=str)
def test_orders_need_no_working_folder(words: tuple[str, ...], tmp_path: Path) -> None:
    done = _in_a_removed_folder(tmp_path / "gone", *words)
    assert done.returncode == 0 and done.stdout and not done.stderr


@posix
@pytest.mark.parametrize("command", ["train", "ablate", "doctor", "erf"])
def test_what_computes_says_that_the_folder_is_gone(command: str, tmp_path: Path) -> None:
    done = _in_a_removed_folder(tmp_path / "gone", command)
    assert done.returncode == 1 and "error[S760]: the working folder no longer exists" in done.stderr


def test_data_of_an_unknown_user_are_no_traceback() -> None:
    for name in ("~nobody-of-this-name/a.npz", "~nobody-of-this-name"):
        with pytest.raises(ScanlabError, match=r"S6(00|4\d)"):
            load(name)
