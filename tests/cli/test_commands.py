"""The commands: what they print, their exit codes, and their JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from scanlab.cli import main


@dataclass(frozen=True)
class Run:
    """What a command gave back."""

    code: int
    out: str
    err: str


Command = Callable[..., Run]


@pytest.fixture
def scanlab(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*words: str) -> Run:
        monkeypatch.setattr(sys, "argv", ["scanlab", *words])
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as stopped:
            main()
            sys.exit(0)
        code = stopped.value.code
        printed = capsys.readouterr()
        return Run(int(code or 0) if not isinstance(code, str) else 1, printed.out, printed.err)

    return run


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "mine.scan"
    file.write_text("grid h, w\norder good = by w, h\norder tie = by h + w\norder typo = by h, v\n", encoding="utf-8")
    return file


def test_list(scanlab: Command) -> None:
    run = scanlab("list", "cross")
    assert run.code == 0
    assert "cross" in run.out and "✓" in run.out


def test_list_json(scanlab: Command) -> None:
    run = scanlab("list", "snake", "--json")
    assert any(e["name"] == "snake" and e["proof"] == "proved" and e["form"] == "affine" for e in json.loads(run.out))


def test_list_of_nothing(scanlab: Command) -> None:
    assert "matches" in scanlab("list", "no such thing").out


def test_check_reports_place_counterexample_and_fix(scanlab: Command, broken: Path) -> None:
    run = scanlab("check", str(broken))
    assert run.code == 1
    assert f"--> {broken}:3:13" in run.out
    assert "on a 2x2 grid, patches (0, 1) and (1, 0) share the key (1)" in run.out
    assert "add `h` as the last key: by h + w, h" in run.out
    assert "unknown name `v`" in run.out
    assert "the same as column in the library" in run.out


def test_check_json_says_the_same_to_machines(scanlab: Command, broken: Path) -> None:
    run = scanlab("check", "--json", str(broken))
    data = json.loads(run.out)
    assert run.code == 1 and data["ok"] is False
    [tie] = [d for d in data["diagnostics"] if d["code"] == "S300"]
    assert (tie["place"]["line"], tie["place"]["column"]) == (3, 13)
    assert tie["counterexample"] == {"grid": [2, 2], "patches": [[0, 1], [1, 0]], "key": [1]}
    assert tie["edit"]["replacement"] == "by h + w, h"


def test_taking_the_suggested_edit_mends_the_file(scanlab: Command, tmp_path: Path) -> None:
    file = tmp_path / "tie.scan"
    file.write_text("grid h, w\norder tie = by h + w\n", encoding="utf-8")
    [tie] = json.loads(scanlab("check", "--json", str(file)).out)["diagnostics"]
    place, lines = tie["edit"]["place"], file.read_text().split("\n")
    line = lines[place["line"] - 1]
    lines[place["line"] - 1] = (
        line[: place["column"] - 1] + tie["edit"]["replacement"] + line[place["end_column"] - 1 :]
    )
    file.write_text("\n".join(lines), encoding="utf-8")
    assert scanlab("check", str(file)).code == 0


def test_check_of_the_library(scanlab: Command) -> None:
    run = scanlab("check")
    assert run.code == 0 and "no errors" in run.out


@pytest.mark.parametrize("make", ["missing", "folder", "bytes"])
def test_check_of_what_is_no_text(scanlab: Command, tmp_path: Path, make: str) -> None:
    file = tmp_path / "x.scan"
    if make == "folder":
        file.mkdir()
    elif make == "bytes":
        file.write_bytes(b"grid h, w\norder a = by \xff\n")
    run = scanlab("check", str(file))
    assert run.code == 1 and ("S103" if make == "bytes" else "S107") in run.out


def test_show(scanlab: Command) -> None:
    run = scanlab("show", "snake", "--grid", "3x3", "--numbers")
    assert run.code == 0
    assert [s for s in run.out.replace("─", " ").split() if s.isdigit()][:9] == list("012543678")


def test_a_file_stands_for_all_its_definitions(scanlab: Command, tmp_path: Path) -> None:
    file = tmp_path / "two.scan"
    file.write_text("grid h, w\norder one = by h, w\norder two = by w, h\n", encoding="utf-8")
    run = scanlab("show", str(file), "-g", "2x2")
    assert "one" in run.out and "two" in run.out
    assert scanlab("show", f"{file}:two", "-g", "2x2").out.count("by w, h") == 1


@pytest.mark.parametrize("line", ["by t, ~h, ~w", "by d, h, w", "by x + y, x", "by (p % 3), p"])
def test_lines_may_use_the_usual_axes(scanlab: Command, line: str) -> None:
    assert scanlab("show", line).code == 0


@pytest.mark.parametrize("suffix", ["svg", "html", "png", "gif"])
def test_show_writes_pictures(scanlab: Command, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"path.{suffix}"
    assert scanlab("show", "cross", "-g", "4x4", "-o", str(target)).code == 0
    assert target.stat().st_size > 500


def test_compile_stages(scanlab: Command) -> None:
    expected = {
        "ast": "1:7       keys: Unary op='~'",
        "expanded": "Order axes=('h', 'w')",
        "keys": "-w if h % 2 == 1 else w",
        "isl": "[H, W] -> {",
        "proof": "proved for all sizes",
        "loops": "visit(",
        "indices": "indices: 0 1 3 2",
        "ranks": "0 1 3 2",
        "expr": "d2 = r1 if d1 % 2 == 0 else 1 - r1",
    }
    for stage, text in expected.items():
        assert text in scanlab("compile", "by h, ~w", "-g", "2x2", "--emit", stage).out, stage


def test_compile_json(scanlab: Command) -> None:
    data = json.loads(scanlab("compile", "sum(row, -row) with cls at middle", "-g", "2x2", "--json").out)
    assert data["result"]["row"] == {"indices": [0, 1, 2, 3], "tokens": ["cls@2"]}


def test_compare_names_what_is_provably_the_same(scanlab: Command) -> None:
    run = scanlab("compare", "row", "by 2 * h, 3 * w", "-g", "6x6")
    assert "row is the same as" in run.out and "(proved)" in run.out and "locality" in run.out


def test_compare_json_has_no_nan(scanlab: Command) -> None:
    data = json.loads(scanlab("compare", "row", "-g", "1x1", "--json").out, parse_constant=pytest.fail)
    assert data["paths"][0]["mean_gap"] is None


def test_explain(scanlab: Command) -> None:
    run = scanlab("explain", "s300")
    assert "a tie" in run.out and "wrong" in run.out and "right" in run.out


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("show", "snaek"), 1, "did you mean `snake`"),
        (("show", "row", "-g", "0x4"), 1, "S400"),
        (("show", "row", "-g", "4x4x4"), 1, "S400"),
        (("show", "row", "-g", "-4x4"), 1, "S400"),
        (("compile", "row", "-g", "100000x100000"), 1, "S401"),
        (("compile", "row", "--emit", "poetry"), 1, "S405"),
        (("explain", "S999"), 1, "no code"),
        (("ablate", "-s", "row", "--seeds", "0"), 1, "S601"),
        (("ablate", "-s", "row", "--epochs", "0"), 1, "S608"),
        (("show", "by q, h"), 1, "unknown name `q`"),
        (("show", "row", "-o", "x.doc"), 1, "S501"),
        (("frobnicate",), 2, "No such command"),
        (("show",), 2, "Missing argument"),
    ],
)
def test_errors(scanlab: Command, words: tuple[str, ...], code: int, text: str) -> None:
    run = scanlab(*words)
    assert run.code == code
    assert text in run.err


def test_ablate_refuses_a_wrong_study_file(scanlab: Command, tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text('stratgies = ["row"]\n', encoding="utf-8")
    run = scanlab("ablate", str(file))
    assert run.code == 1 and "S610" in run.err and "stratgies" in run.err


def test_an_empty_grid_is_none(scanlab: Command) -> None:
    assert scanlab("show", "row").code == 0
    run = scanlab("show", "row", "--grid", "")
    assert run.code == 1 and "S400" in run.err and "an empty text is no grid" in run.err
