"""README.md: what its tour prints is what the commands print, and its Python runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


def _sessions() -> list[tuple[str, str]]:
    """The deterministic commands of the console blocks, each with the output shown below it."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", README.read_text(encoding="utf-8"), re.S):
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            if command.startswith("scanlab ") and not command.startswith("scanlab ablate"):
                found.append((command, shown))
    return found


def _mine() -> str:
    [text] = re.findall(r"\$ cat mine.scan\n(.*?)\n\n", README.read_text(encoding="utf-8"), re.S)
    return text + "\n"


@pytest.mark.parametrize(("command", "shown"), _sessions(), ids=[c for c, _ in _sessions()])
def test_the_tour_is_real(command: str, shown: str, tmp_path: Path) -> None:
    (tmp_path / "mine.scan").write_text(_mine(), encoding="utf-8")
    code = "import sys; from scanlab.cli import main; sys.argv[0] = 'scanlab'; main()"
    words = [sys.executable, "-c", code, *re.findall(r"'[^']*'|\S+", command)[1:]]
    environment = os.environ | {"NO_COLOR": "1", "COLUMNS": "160", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [w.strip("'") for w in words], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert _trimmed(done.stdout) == _trimmed(shown)


def _trimmed(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().split("\n")]


def test_python_runs() -> None:
    for example in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S):
        exec(compile(example, str(README), "exec"), {})


def test_the_two_commands_come_first() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.index("make demo") < text.index("make test") < 200
