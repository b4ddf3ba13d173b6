"""What goes wrong, for people and for machines: JSON where JSON was asked for, edges of words and numbers."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main

from scanlab.cli import main
from scanlab.cli.app import app
from scanlab.cli.invocation import asks_for_json

GOOD = "grid h, w\norder a = by h, w\n"


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str


@pytest.fixture
def scanlab(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(*words: str, stdin: bytes = b"") -> Run:
        monkeypatch.setattr(sys, "argv", ["scanlab", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as stopped:
            main()
            sys.exit(0)
        printed = capsys.readouterr()
        return Run(int(stopped.value.code or 0), printed.out, printed.err)

    return run


# Each command that has --json, an error of it, its code, and the exit status.
ERRORS = [
    (("compile", "by h", "--grid", "3x3"), "S300", 1),
    (("compile", "row", "--grid", "3y3"), "S400", 1),
    (("compile", "row", "-e", "nothing"), "S405", 1),
    (("compile",), "S659", 2),
    (("compare", "no_such_order"), "S201", 1),
    (("compare", "row", "--grid", "0x3"), "S400", 1),
    (("check", "/no/such/file.scan"), "S107", 1),
    (("check", "--grid", "x"), "S400", 1),
    (("list", "a", "b"), "S659", 2),
    (("lisst",), "S659", 2),
    (("erf", "row", "--decay", "2"), "S634", 1),
    (("erf", "row", "--layers", "none"), "S659", 2),
    (("data", "no such data"), "S600", 1),
    (("data", "digits", "--size", "８x8"), "S400", 1),
    (("train", "--epochs", "0"), "S659", 2),
    (("train", "--seed", "３"), "S659", 2),
    (("eval", "/no/such/file"), "S641", 1),
    (("report", "/no/such/study"), "S657", 1),
    (("search", "--space", "none"), "S667", 1),
    (("ablate", "-s", "no_such_order", "--dry-run"), "S201", 1),
    (("bench", "compiler", "--runs", "many"), "S659", 2),
    (("doctor", "--backend", "cuda"), "S750", 1),
    (("cache", "--clera"), "S659", 2),
    (("show", "row"), "S659", 2),
]


@pytest.mark.parametrize(("words", "code", "status"), ERRORS, ids=[" ".join(e[0]) for e in ERRORS])
def test_errors_are_json_where_json_was_asked_for(scanlab, words, code, status) -> None:
    run = scanlab(*words, "--json")
    data = json.loads(run.out)
    assert run.code == status and data["ok"] is False
    found = data["diagnostics"][0]
    assert found["code"] == code
    assert {"code", "severity", "message", "note", "help", "place", "counterexample", "edit"} == found.keys()
    assert "error[" not in run.err


def test_json_and_text_say_the_same(scanlab) -> None:
    words = ("compile", "by h + w", "--grid", "3x3")
    [found] = json.loads(scanlab(*words, "--json").out)["diagnostics"]
    text = scanlab(*words)
    assert text.out == "" and text.code == 1
    assert found["message"] in text.err and found["help"] in text.err
    assert found["help"] == "add `h` as the last key: by h + w, h"


def test_a_file_named_by_json_leaves_errors_as_text(scanlab) -> None:
    run = scanlab("bench", "kernels", "--device", "tpu", "--json", "figures.json")
    assert run.code == 1 and run.out == "" and "error[S754]" in run.err


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["list", "--json"], True),
        (["list"], False),
        (["list", "--", "--json"], False),
        (["bench", "compiler", "--json"], True),
        (["bench", "models", "--json", "out.json"], False),
        (["no", "--json"], True),
    ],
)
def test_who_asks_for_json(words, asked) -> None:
    assert asks_for_json(typer.main.get_command(app), words) is asked


def test_results_with_json_are_json(scanlab) -> None:
    assert json.loads(scanlab("data", "--json").out).keys() >= {"digits"}
    assert json.loads(scanlab("list", "no such thing", "--json").out) == []


def test_check_reads_standard_input(scanlab) -> None:
    run = scanlab("check", "-", stdin=GOOD.encode())
    assert run.code == 0 and "✓ a" in run.out
    run = scanlab("check", "-", stdin=b"grid h, w\norder a = by h\n")
    assert run.code == 1 and "--> <stdin>:2:11" in run.out
    assert "<stdin> is not UTF-8 text" in scanlab("check", "-", stdin=b"\xff").out


@pytest.mark.parametrize("command", ["show", "compare", "compile", "erf"])
def test_other_commands_read_it_too_and_want_a_definition(scanlab, command: str, tmp_path: Path) -> None:
    run = scanlab(command, "-", "-g", "3x3", stdin=GOOD.encode())
    assert run.code == 0 and run.out
    file = tmp_path / "empty.scan"
    file.write_text("", encoding="utf-8")
    run = scanlab(command, str(file), "-g", "3x3")
    assert run.code == 1 and f"{file} defines nothing" in run.err


@pytest.mark.parametrize(
    ("code", "help"),
    [
        ("S999", "`scanlab explain` lists all"),
        ("S000", "`scanlab explain` lists all"),
        ("nothing", "`scanlab explain` lists all"),
        ("300", "did you mean `S300`?"),
        ("E300", "did you mean `S300`?"),
        ("Ｓ３００", "did you mean `S300`?"),
        ("S30", "those near it are S300, S301"),
    ],
)
def test_explain_guesses_no_code_of_another_meaning(scanlab, code: str, help: str) -> None:
    run = scanlab("explain", code)
    assert run.code == 1 and f"help: {help}" in run.err


def test_explain_in_any_case(scanlab) -> None:
    assert "S300: a tie" in scanlab("explain", "s300").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "row", "--grid", "１４x14"), "help: write 14x14"),
        (("show", "row", "--grid", "3"), "the grid 3 has 1 extent; this is over 2 axes (h, w)"),
        (("compile", "strided", "--grid", "3x3"), "the grid 3x3 has 2 extents; this is over 1 axis (p)"),
    ],
)
def test_numbers_and_counts(scanlab, words, said) -> None:
    run = scanlab(*words)
    assert run.code == 1 and said in run.err
