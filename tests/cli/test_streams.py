"""Consoles and pipes whose encoding lacks our signs: similar ones stand for them, and the status is the result's."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from scanlab.cli.streams import holds_all_text, make_printable

ENCODINGS = ("ascii", "cp1252:strict", "utf-8:strict")
TIED = "grid h, w\norder a = by h\n"
PROVED = "grid h, w\norder a = by h, w\n"
# Starting Python takes longer than all that is checked, so one process runs several commands.
RUN = """
import sys
from scanlab.cli import main
for words in {commands}:
    sys.argv = ["scanlab", *words]
    status = 0
    try:
        main()
    except SystemExit as stopped:
        status = stopped.code or 0
    print("status", status, flush=True)
"""


def _run(encoding: str, *commands: list[str], cwd: Path) -> tuple[list[int], str, str]:
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}
    code = RUN.format(commands=list(commands))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, cwd=cwd, check=False)
    out, err = (stream.decode(encoding.partition(":")[0]) for stream in (done.stdout, done.stderr))
    assert "Traceback" not in err, err
    lines = out.splitlines()
    return [int(line.split()[1]) for line in lines if line.startswith("status ")], out, err


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_command_prints_and_ends_with_its_own_status(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "good.scan").write_text(PROVED)
    (tmp_path / "bad.scan").write_text(TIED)
    commands = (
        ["check", "good.scan"],
        ["check", "bad.scan"],
        ["show", "zigzag", "-g", "5x5"],
        ["show", "good.scan:none"],
        ["compare", "row", "hilbert", "-g", "4x4"],
        ["list"],
        ["list", "--help"],
        ["check", "--json", "bad.scan"],
        ["show", "\udcff.scan"],
    )
    statuses, out, err = _run(encoding, *commands, cwd=tmp_path)
    assert statuses == [0, 1, 0, 1, 0, 0, 0, 1, 1]
    assert "every patch exactly once" in out
    assert "S107" in err and "\\udcff.scan" in err


def test_signs_of_one_place_stay_one(tmp_path: Path) -> None:
    _, ascii_text, _ = _run("ascii", ["show", "zigzag", "-g", "3x3", "--numbers"], cwd=tmp_path)
    assert "0--1  5\n /  / |\n2  4  6\n" in ascii_text
    _, text, _ = _run("utf-8", ["show", "zigzag", "-g", "3x3", "--numbers"], cwd=tmp_path)
    drawn = [(a, b) for a, b in zip(ascii_text.splitlines(), text.splitlines(), strict=True) if "…" not in b]
    assert all(len(a) == len(b) for a, b in drawn) and len(drawn) > 6


def test_json_keeps_all_text(tmp_path: Path) -> None:
    (tmp_path / "a.scan").write_text('grid h, w\n"Größe × 2 → …"\norder a = by h, w\n', encoding="utf-8")
    _, ascii_text, _ = _run("ascii", ["check", "--json", "a.scan"], cwd=tmp_path)
    _, text, _ = _run("utf-8", ["check", "--json", "a.scan"], cwd=tmp_path)
    assert json.loads(ascii_text.rpartition("status")[0]) == json.loads(text.rpartition("status")[0])
    assert ascii_text.isascii()


def test_every_sign_has_something_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    held = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(held, "ascii"))
    monkeypatch.setattr(sys, "stderr", None)
    make_printable()
    print("é Č → ² … ✓ 中 \udc80", end="", flush=True)
    assert held.getvalue().decode() == "e C -> 2 ... v \\u4e2d \\udc80"


def test_signs_of_the_sources_are_known() -> None:
    """What a command may print has a similar sign, so that no code point's number is shown for it."""
    from scanlab.cli.streams import _similar

    shown = ("cli", "view", "checking.py", "ir", "language", "compiler", "study", "data", "bench")
    root = Path(__file__).parents[2] / "scanlab"
    files = {f for part in shown for f in ([root / part] if part.endswith(".py") else (root / part).rglob("*.py"))}
    # These read what somebody wrote by mistake, and print nothing of it; of such a sign its number tells more.
    files -= {root / "language/signs.py", root / "language/habits.py", root / "ir/grids.py"}
    signs = {sign for f in files for sign in f.read_text(encoding="utf-8") if ord(sign) > 127}
    assert len(signs) > 20
    unknown = {s: unicodedata.name(s, "") for s in signs if _similar(s).startswith("\\") and s != "\\"}
    assert set(unknown) == {"╲"}, "which is a backslash"


def test_which_encodings_hold_all_text() -> None:
    assert all(map(holds_all_text, ("utf-8", "UTF8", "utf-16")))
    assert not any(map(holds_all_text, ("cp1252", "ascii", "", None)))
