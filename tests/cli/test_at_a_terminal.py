"""At a real terminal: lines that fit, the hint that `list` filters, and Ctrl-C."""

from __future__ import annotations

import os
import re
import select
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

pty = pytest.importorskip("pty")
ROOT = Path(__file__).parents[2]


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return kept | {"TERM": "xterm-256color", "PYTHONPATH": os.pathsep.join(paths)}


def _terminal(*words: str, columns: int = 80) -> str:
    """What a terminal of so many columns gets to see, without colours."""
    import fcntl
    import termios

    own, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-m", "scanlab", *words]
    child = subprocess.Popen(command, stdout=other, stderr=other, stdin=other, env=_environment(), close_fds=True)
    os.close(other)
    seen, end = b"", time.monotonic() + 100
    while time.monotonic() < end:
        if select.select([own], [], [], 0.2)[0]:
            try:
                part = os.read(own, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
        elif child.poll() is not None:
            break
    child.kill()
    child.wait()
    os.close(own)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode()).replace("\r", "")


def test_list_wraps_at_words_and_says_that_it_filters() -> None:
    lines = _terminal("list").split("\n")
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert "scanlab list WORD" in " ".join(lines)


def test_an_error_fits_and_marks_where_its_line_is_cut(tmp_path: Path) -> None:
    file = tmp_path / "a.scan"
    keys = " + ".join(f"(h // {k})" for k in range(2, 60))
    file.write_text(f"grid h, w\norder a = by {keys} + unknown + {keys}, w\n", encoding="utf-8")
    lines = _terminal("check", str(file)).rstrip().split("\n")
    # The path of the file may be longer than the screen, and is not broken.
    assert max(len(line.rstrip()) for line in lines if str(file) not in line) <= 80
    source = next(line for line in lines if line.startswith("2 | "))
    carets = lines[lines.index(source) + 1]
    assert source.startswith("2 | …") and source.endswith("…")
    assert source[carets.index("^") : carets.rindex("^") + 1] == "unknown"


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_never_ends_in_a_kill(tmp_path: Path) -> None:
    statuses = []
    for wait in (0.0, 0.02):
        words = [sys.executable, "-m", "scanlab", "show", "row", "-g", "4x4", "-o", str(tmp_path / "a.svg")]
        child = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=_environment())
        assert child.stderr is not None and "wrote" in child.stderr.readline()
        time.sleep(wait)
        child.send_signal(signal.SIGINT)
        rest = child.communicate(timeout=60)[1]
        assert "Traceback" not in rest
        statuses.append(child.returncode)
    # 130, or 0 where the process was over before.
    assert set(statuses) <= {0, 130}


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
@pytest.mark.parametrize("module", ["scanlab.ir.grids", "torch"])
def test_the_end_of_a_process(module: str) -> None:
    code = f"import atexit, sys, {module}\nfrom scanlab.cli.ending import end\natexit.register(print, 'bye')\nend(3)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=_environment(), check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "bye\n", "")
