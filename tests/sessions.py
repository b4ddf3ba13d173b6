"""What pages show of a terminal: the commands of their console blocks, run, and compared with what is printed there.

A block is a sequence of `$ command` with what it prints below it. `$ cat FILE` shows a file, which is written before
the next command runs. A line that holds only … stands for any lines.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import warm

SCANLAB = "import sys; from scanlab.cli import main; sys.argv[0] = 'scanlab'; main()"


def commands(block: str) -> list[tuple[str, str]]:
    """Each command of a console block with what is shown below it."""
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M)


def printed(command: str, folder: Path, columns: int) -> str:
    """What a command prints in a folder, in a terminal of so many columns without colour."""
    program, *arguments = shlex.split(command)
    if program == "scanlab":
        done = warm.run(SCANLAB, *arguments, cwd=folder, env=_environment(columns))
    else:
        words = [sys.executable, *arguments]
        done = subprocess.run(words, capture_output=True, text=True, cwd=folder, env=_environment(columns), check=False)
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr
    return done.stdout


def started(command: str, folder: Path) -> str:
    """The first address that a server prints, which is ended as soon as it has printed one."""
    server = subprocess.Popen(
        _words(command), stdout=subprocess.PIPE, text=True, cwd=folder, env=_environment(80), stderr=subprocess.DEVNULL
    )
    assert server.stdout is not None
    try:
        return next(line for line in server.stdout if "http://" in line)
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def _words(command: str) -> list[str]:
    program, *arguments = shlex.split(command)
    return [sys.executable, *(["-c", SCANLAB] if program == "scanlab" else []), *arguments]


def _environment(columns: int) -> dict[str, str]:
    root = str(Path(__file__).parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return os.environ | {"NO_COLOR": "1", "COLUMNS": str(columns), "PYTHONUTF8": "1", "PYTHONPATH": path}


def is_shown(shown: str, text: str) -> bool:
    """Whether a text is what a page shows, but for spaces at the ends of lines and what … stands for."""
    # Tables begin with lines of spaces where they have no title, and end with one.
    lines = [line.rstrip() for line in text.strip().split("\n")]
    wanted = [line.rstrip() for line in shown.strip().split("\n")]
    parts = [r"(?:.*\n)*?" if line == "…" else re.escape(line) + "\n" for line in wanted]
    return re.fullmatch("".join(parts), "\n".join(lines) + "\n") is not None
