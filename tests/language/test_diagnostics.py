"""Errors are part of the contract: code, line, column and message of each, and the suggested edit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scanlab.checking import check_module
from scanlab.ir.diagnostics import Diagnostic, ScanlabError, Source
from scanlab.language.library import library_templates
from scanlab.language.module import read_file, read_module
from scanlab.language.parse import decode

ROOT = Path(__file__).parents[2]


def _first(text: str) -> Diagnostic:
    module = read_module(Source(text, "a.scan"), library_templates)
    found = list(module.problems) + [d for c in check_module(module, look_up=False) for d in c.diagnostics]
    return min(found, key=Diagnostic.sort_key)


# The text (after "grid h, w" on line 1, unless it begins with a grid line or an @), the code, line and column, and the
# message.
CASES = [
    ("order a = by h; w", "S100", 2, 15, "the character ';' has no meaning here"),
    ("order a = by h were w", "S101", 2, 16, "`were` is not expected here; "),
    ("order a = by h, ~w % 7, order", "S102", 2, 23, "the definition ends too early; "),
    (
        "order a = by h,",
        "S102",
        2,
        15,
        "the text ends too early; a name, a number, `(`, `-`, `not`, `within` or `~` should follow",
    ),
    ("order a = by " + "(" * 65 + "h" + ")" * 65, "S105", 2, 78, "this is nested deeper than 64 brackets"),
    ("order a = by 2147483648 * h, w", "S106", 2, 14, "this number is larger than 2147483647"),
    ('"row\norder a = by h, w', "S108", 2, 1, "this string is not closed"),
    ("@order a = by h, w", "S200", 1, 11, "no grid is declared above this line"),
    ("order a = by h, x", "S201", 2, 17, "unknown name `x`"),
    ("order a = snaek", "S201", 2, 11, "unknown name `snaek`"),
    ("order a = snaek(w, h)", "S201", 2, 11, "unknown name `snaek`"),
    ("order a = by hilbret(h, w)", "S201", 2, 14, "unknown name `hilbret`"),
    ("order a = row with cls at midle", "S201", 2, 27, "unknown name `midle`"),
    ("order a = row(h=w, z=h)", "S201", 2, 20, "unknown name `z`"),
    ("scan a = sum(orbit(row, transposed))", "S201", 2, 25, "unknown name `transposed`"),
    ("order a = by h, w\norder a = by w, h", "S202", 3, 7, "`a` is defined twice"),
    ("order a[k=1, k=2] = by h, w", "S202", 2, 14, "the parameter `k` is named twice"),
    ("order w = by h, w", "S203", 2, 7, "`w` is an axis of the grid, or its extent"),
    ("order a = let H = 2 in by h, w", "S203", 2, 15, "`H` is the extent of the axis h here"),
    ("order sum(p) = p", "S203", 2, 7, "`sum(…)` is a word of the language"),
    ("order a = row(h)", "S204", 2, 11, "`row` runs over 2 coordinates (h, w), 1 given"),
    ("order a = by hilbert(h)", "S204", 2, 14, "`hilbert` takes 2 to 3 arguments, 1 given"),
    ("scan a = sum()", "S204", 2, 10, "`sum` needs at least one path"),
    ("scan a = sum(x=row)", "S204", 2, 14, "`x=` has no meaning here"),
    ("order a = transpose(row, row)", "S204", 2, 11, "`transpose(p)` takes 1 paths, 2 given"),
    ("order a = skip[1]", "S205", 2, 11, "`skip` needs a value for its parameter `j`"),
    ("order a = window[k=h]", "S205", 2, 20, "`h` is not a constant"),
    ("order a = window[q=3]", "S205", 2, 18, "`window` has no parameter `q`; its parameters are k"),
    ("plan a = cycle(row * 0)", "S205", 2, 16, "a repeat count goes from 1 to 1024, not 0"),
    ("scan a = sum(row, h)", "S206", 2, 19, "the key `h` stands where a path is needed"),
    ("order a = cross", "S206", 2, 11, "a scan stands where an order is needed"),
    ("order a = by row", "S206", 2, 14, "the path `row` stands where a key is needed"),
    ("order a = orbit(row, transpose)", "S206", 2, 11, "an orbit of several paths stands where one path is needed"),
    ("order a = transpose", "S206", 2, 11, "the helper `transpose(p)` stands where a path is needed"),
    ("order a = a", "S207", 2, 11, "`a` is defined by itself: a → a"),
    ("order a = b\norder b = -a", "S207", 2, 11, "`b` is defined by itself: b → a → b"),
    ("grid t, h, w\norder a = row", "S208", 2, 11, "`row` is over the axes h, w; the grid here has t, h, w"),
    ("order a = by h + ~w", "S209", 2, 18, "`~` turns a whole key around and cannot stand inside one"),
    ("order a = ~row", "S209", 2, 11, "`~` belongs to a key, not to a path"),
    ("order a = by flip(h * w)", "S210", 2, 14, "the extent of `h * w` is not known"),
    (
        "order a = by spiral_in(h, w, turn=2)",
        "S211",
        2,
        30,
        "turn=2 is out of range: it goes from 0 to 1 (clockwise, counter)",
    ),
    ("order a = by spiral_in(h, w, trun=1)", "S211", 2, 30, "`spiral_in` has no option `trun`"),
    ("order a = by morton(h, w, seed=1)", "S211", 2, 27, "`morton` has no option `seed`; it has none"),
    ("grid H, w\norder a = by 1", "S212", 1, 6, "`H` is no axis name: axes are lower case"),
    ("grid h, h\norder a = by 1", "S212", 1, 9, "the axis `h` is named twice"),
    ("grid a, b, c, d, e, f\norder z = by 1", "S212", 1, 1, "a grid has 1 to 5 axes, 6 given"),
    ("order a = by " + "h + " * 200 + "h", "S213", 2, 14, "this key expression is too large"),
    ("scan a = sum(orbit(row, " + "reverse, " * 6 + "reverse))", "S213", 2, 14, "this orbit has more than 64 paths"),
    (
        "order a = by visit(0, 0)",
        "S214",
        2,
        14,
        "these indices are no permutation: patch 0 is visited twice, at steps 0 and 1",
    ),
    ("order a = row with cls at end, cls at start", "S215", 2, 32, "the token `cls` is placed twice"),
    ("order a = by offset(h), w", "S290", 2, 14, "`offset` speaks of the box of a group, and there is none"),
    ("order a = by min(h, w) within (h), w", "S290", 2, 14, "`min` has no box of a group"),
    ("order a = by within (h): visit(0, 1)", "S290", 2, 26, "an explicit list has no box of a group"),
    ('order a = by lsystem(h, w, L="LFQL")', "S291", 2, 33, "the rule of `L` makes no curve that fills squares: `Q`"),
    (
        'order a = by lsystem(h, w, L="L F  Q L")',
        "S291",
        2,
        36,
        "the rule of `L` makes no curve that fills squares: `Q`",
    ),
    ('order a = by lsystem(h, w, L="LFL")', "S291", 2, 30, "the rule of `L` makes no curve that fills squares: its 2"),
    ('order a = by lsystem(h, w, start="L")', "S291", 2, 14, "a curve by rewriting needs rules"),
    ("order a = by lsystem(h, w, L=3)", "S211", 2, 30, "the rule `L` is no string"),
    ('order a = by lsystem(h, w, seed="L")', "S211", 2, 28, "`seed` is no letter that can have a rule"),
    ('order a = by lsystem(h, w, L="L", L="L")', "S211", 2, 35, "the rule `L` is given twice"),
    ('order a = by random(h, w, seed="3")', "S206", 2, 32, "a string stands where a number is needed"),
    ("order a = by within (h, 1 + ~w): w", "S209", 2, 29, "`~` turns a whole key around"),
    ("order a = by h + w", "S300", 2, 11, "two patches have the same keys, so their order is not defined"),
    ("scan a = sum(row, (row where h > 0))", "S301", 2, 10, "`by h, w where h > 0` leaves out a patch"),
    ("scan a = scatter(row, row)", "S302", 2, 10, "`row` and a path before it share a patch"),
    ("order a = row expect continuous", "S303", 2, 15, "this is not true: every step goes to a neighbouring patch"),
    ("order a = row expect same as column", "S304", 2, 15, "this is not true: `a` is the same as `column`"),
    ("order a = by h, w where h < 0", "S305", 2, 11, "`where h < 0` keeps no patch of any grid"),
    ("order a = by h // 0, w", "S306", 2, 19, "this divides by zero"),
    ("order a = by h, w where h > 0 expect covers", "S307", 2, 31, "this is not true: `a` visits every patch"),
    ("order a = by h * h * W * W + w * w expect continuous", "S309", 2, 1, "`a` is not proved for all grid sizes"),
    ("order a = by h, w assume H > 2, W > w // 2", "S280", 2, 37, "an assumption speaks of the grid's extents, and"),
    ("grid h, w assume H\norder a = by h, w", "S280", 1, 18, "`H` is no condition"),
    (
        "grid h, w assume H % 2 == 1\norder a = by h, w assume H == 4",
        "S281",
        2,
        11,
        "no grid satisfies what is assumed",
    ),
    ('order a = by "h (w k) -> h k", k=2', "S282", 2, 14, "the right side leaves out `w`"),
    ('order a = by "h (w k) -> w h k"', "S283", 2, 20, "the size of `k` is missing"),
    ("order a = by h // w, h, w", "S403", 2, 11, "a key divides by zero"),
]


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "message"), CASES, ids=[f"{c[1]}-{c[0][:30]}" for c in CASES]
)
def test_place_and_message(text: str, code: str, line: int, column: int, message: str) -> None:
    whole = text[1:] if text.startswith("@") else text if text.startswith("grid") else f"grid h, w\n{text}"
    found = _first(whole)
    assert found.span is not None
    assert (found.code, found.span.line, found.span.column) == (code, line, column)
    assert found.message.startswith(message)
    excerpt = str(found).split("\n")
    assert excerpt[1].endswith(f"--> a.scan:{line}:{column}")
    assert "^" in excerpt[4]


def test_every_code_of_the_language_has_a_case() -> None:
    raised = set()
    for part in ("ir", "language"):
        for file in (ROOT / "scanlab" / part).rglob("*.py"):
            if file.name not in ("codes.py", "language_codes.py"):
                raised |= set(re.findall(r'"(S\d{3})"', file.read_text(encoding="utf-8")))
    elsewhere = {
        "S103": "test_not_utf8",
        "S104": "tests/language/test_fuzz.py",
        "S107": "test_unreadable",
        "S216": "tests/language/test_roundtrip.py",
        "S217": "tests/language/test_broken.py",
        "S400": "tests/ir/test_grids.py",
        "S401": "tests/ir/test_grids.py",
        "S410": "tests/test_facade.py",
        "S406": "tests/compiler/test_bind.py",
        "S482": "tests/compiler/test_assumptions.py",
    }
    assert raised - {c[1] for c in CASES} == set(elsewhere)


@pytest.mark.parametrize(
    ("text", "replacement"),
    [
        ("order a = snaek", "snake"),
        ("order a = row with cls at midle", "middle"),
        ("order a = by h, w were h < 2", "where"),
        ("order a = by h + w", "by h + w, h"),
    ],
)
def test_suggested_edits_mend_the_text(text: str, replacement: str) -> None:
    whole = f"grid h, w\n{text}"
    edit = _first(whole).edit
    assert edit is not None and edit.span is not None
    assert edit.replacement == replacement
    mended = whole[: edit.span.start] + replacement + whole[edit.span.end :]
    module = read_module(Source(mended), library_templates).raise_problems()
    assert all(not c.diagnostics for c in check_module(module, look_up=False))


def test_the_whole_message() -> None:
    assert str(_first("grid h, w\norder tie = by h + w")) == (
        "error[S300]: two patches have the same keys, so their order is not defined\n"
        " --> a.scan:2:13\n"
        "  |\n"
        "2 | order tie = by h + w\n"
        "  |             ^^^^^^^^\n"
        "  = counter-example: on a 2x2 grid, patches (0, 1) and (1, 0) share the key (1)\n"
        "  = help: add `h` as the last key: by h + w, h"
    )


def test_all_problems_are_reported_in_order_of_place() -> None:
    text = "grid h, w\norder a = by h,\norder b = by x, w\norder c = by h, w\norder c = row\norder d = by h ? w\n"
    module = read_module(Source(text.replace("?", "w")), library_templates)
    assert [(d.code, d.span.line if d.span else 0) for d in module.problems] == [
        ("S102", 2),
        ("S201", 3),
        ("S202", 5),
        ("S101", 6),
    ]
    assert [d.name for d in module.definitions] == ["c"]


def test_not_utf8() -> None:
    with pytest.raises(ScanlabError, match=r"S103.*byte 0xff at line 2, byte 3 of the line"):
        decode(b"grid h, w\nab\xff", "x.scan")


def test_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ScanlabError, match=r"S107.*it is a folder"):
        read_file(tmp_path)
    with pytest.raises(ScanlabError, match=r"S107.*no such file"):
        read_file(tmp_path / "missing.scan")


def test_long_lines_are_cut_around_the_place() -> None:
    found = str(_first("grid h, w\norder a = by " + "h + " * 100 + "x, w"))
    assert max(map(len, found.split("\n"))) < 200
    line, carets = found.split("\n")[3:5]
    assert line[carets.index("^")] == "x"
