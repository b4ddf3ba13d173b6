"""Help that is followed to the letter works: what it says to write is read, and means what was meant."""

from __future__ import annotations

import inspect
import re
from string import Formatter

import numpy as np
import pytest

import scanlab
from scanlab.checking import check_module
from scanlab.ir.diagnostics import Diagnostic, ScanlabError, Source
from scanlab.language.habits import HABITS, LAST_RESORTS
from scanlab.language.habits_of_places import PLACE_HABITS
from scanlab.language.library import library_templates
from scanlab.language.module import read_module

_ABOVE = "grid h, w\n"


def _findings(text: str) -> list[Diagnostic]:
    module = read_module(Source(text, "a.scan"), library_templates)
    return [*module.problems, *(d for c in check_module(module, look_up=False) for d in c.diagnostics)]


# What is written; what of it is replaced; by what the help says; the help's own words around it are not.
FOLLOWED = [
    ("by h, ~w // 2, w", "~w // 2", "~(w // 2)"),
    ("by h, ~w % 7, w", "~w % 7", "~(w % 7)"),
    ("by h, ~w + 1", "~w + 1", "~(w + 1)"),
    ("by h, (~w + 1) * 2", "(~w + 1) * 2", "~((w + 1) * 2)"),
    ("by h, -~w", "-~w", "~(-w)"),
    ("by hilbert(h, ~w)", "~w", "flip(w)"),
    ("row(h, ~w)", "~w", "flip(w)"),
    ("by h, w where ~(h < 3)", "~", "not"),
    ("by h, (~w if h > 1 else w)", "~w", "-w"),
    ("by h, w\n  assert covers", "assert covers", "expect covers"),
    ("by h, ~w\n  assert continuous", "assert continuous", "expect continuous"),
    ("by h, ~w continuous", "continuous", "expect continuous"),
    ("flip(row)", "flip(row)", "row(w = flip(w))"),
    ("by h.flip(), w", "h.flip()", "flip(h)"),
    ("by h, w where h < H.size", "H.size", "H"),
    ("by p.h, w", "p.h", "h"),
    ("by np.abs(h - 3), h, w", "np.abs(", "abs("),
    ("by h, w when h < 3", "when h < 3", "where h < 3"),
    ("by h, w having h < 3", "having h < 3", "where h < 3"),
    ("by h, w unless h < 3", "unless h < 3", "where not (h < 3)"),
    ("by h, w where h in (1,2)", "h in (1,2)", "h == 1 or h == 2"),
    ("by h, w where h not in [1, 2]", "h not in [1, 2]", "h != 1 and h != 2"),
    ("by h, w where h in {1, 2}", "h in {1, 2}", "h == 1 or h == 2"),
    ("by h, w where h in range(3)", "h in range(3)", "0 <= h and h < 3"),
    ("by h, w where h in range(1, 3)", "h in range(1, 3)", "1 <= h and h < 3"),
    ("by h, w where h in 1:3", "h in 1:3", "1 <= h and h <= 3"),
    ("by h, w where h between 1 and 3", "h between 1 and 3", "1 <= h and h <= 3"),
    ("by h, w where h % 2 = 0", "h % 2 = 0", "h % 2 == 0"),
    ("by h, w where h is not 3", "h is not 3", "h != 3"),
    ("by h, w where h =< 3", "=<", "<="),
    ("by h, w where h ~= 3", "~=", "!="),
    ("by h & 1, h, w", "h & 1", "h % 2"),
    ("by h & 7, h, w", "h & 7", "h % 8"),
    ("by h ** 3, h, w", "h ** 3", "h * h * h"),
    ("by h³, h, w", "h³", "h * h * h"),
    ("by 2 ** 3 * h, w", "2 ** 3", "8"),
    ("by h << 2, w", "h << 2", "h * 4"),
    ("by h >> 3, h, w", "h >> 3", "h // 8"),
    ("by 1_000 * h, w", "1_000", "1000"),
    ("by 1_000_000 * h, w", "1_000_000", "1000000"),
    ("by h desc, w", "h desc", "-h"),
    ("by h % 2 DESC, h, w", "h % 2 DESC", "-(h % 2)"),
    ("by 2h, w", "2h", "2 * h"),
    ("sort h, w", "sort h, w", "by h, w"),
    ("select h, w", "select h, w", "by h, w"),
    ("row with cls at 0", "at 0", "at start"),
    ("row with cls at -1", "at -1", "at end"),
    ("row with cls at front", "at front", "at start"),
    ("row with cls at the end", "with cls at the end", "with cls at end"),
    ("row with cls at start and end", "with cls at start and end", "with cls at both"),
    ("row with cls at start, end", "with cls at start, end", "with cls at both"),
    ("row with cls at start, cls at end", "with cls at start, cls at end", "with cls at both"),
    ("row with cls", "with cls", "with cls at start"),
    ("by h, w reset by h", "reset by h", "restart by h"),
    ("by h, w restart at h", "restart at h", "restart by h"),
    ("by h, w reset", "reset", "restart by h"),
    ("by h, w expect bijective", "expect bijective", "expect covers"),
    ("by h, w expect same row", "expect same row", "expect same as row"),
    ("by h, w source paper", "source paper", 'source "paper"'),
    ("[h, w]", "[h, w]", "by h, w"),
    ("h, w", "h, w", "by h, w"),
    ("(h, w)", "(h, w)", "by h, w"),
    ("row'", "row'", "transpose(row)"),
    ("transpose row", "transpose row", "transpose(row)"),
    ("window k=4", "window k=4", "window[k=4]"),
    ("window<4>", "window<4>", "window[4]"),
    ("by h, w[0]", "w[0]", "w"),
    ("by abs(h, w), h, w", "abs(h, w)", "abs(w)"),
    ("by hilbert", "hilbert", "hilbert(h, w)"),
    ("by abs, h, w", "abs", "abs(w)"),
    ("by hilbret", "hilbret", "hilbert(h, w)"),
    ("by row", "by row", "by row(h, w)"),
    ("by snaek(h, w)", "snaek", "snake"),
    ("by h, w, where h < 3", ", where", " where"),
    ("by h， w", "，", ","),
]


@pytest.mark.parametrize(("body", "wrong", "right"), FOLLOWED, ids=[f[0] for f in FOLLOWED])
def test_what_the_help_says_is_right(body: str, wrong: str, right: str) -> None:
    found = _findings(f"{_ABOVE}order a = {body}\n")
    assert len(found) == 1 and right.strip() in found[0].help.replace(" …", ""), [d.help for d in found]
    mended = body.replace(wrong, right, 1)
    assert not _findings(f"{_ABOVE}order a = {mended}\n")


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("order a = row, column", r"scan a = sum\(row, column\)"),
        ("order a = [row, column]", r"scan a = sum\(row, column\)"),
        ("scan a = sum([row, column])", r"sum\(row, column\)"),
        ("scan a = {row, column}", r"sum\(row, column\)"),
        ("scan a = [row; column]", r"sum\(row, column\)"),
        ("scan a = row | column", r"sum\(row, column\)"),
        ("order a = max(row, column)", r"sum\(row, column\)"),
        ("plan a = [cross, vim]", r"cycle\(cross, vim\)"),
        ("plan a = cross * 2", r"layers\(cross \* 2\)"),
        ("order a -> by h, w", "order a = by h, w"),
        ("order a := by h, w", "order a = by h, w"),
        ("order a => by h, w", "order a = by h, w"),
        ("orders a = by h, w", "order a = …"),
        ("order a(k=4) = by h // k, h, w", r"order a\[k=4\]"),
        ("order a = by x, y", "the axes here are h, w"),
        ("order a = by p[0], w", "the axes here are h, w"),
        ("order a = sorted(h, w)", "by h, w"),
        ("order a = by h ^ 1, w", r"product.*exclusive or"),
        ("order a = by h asc, w", "leave this word out"),
        ("order a = by row(h, w) + 1, h", "a key of its own"),
        ("order a = let q = ~w in by h, q", "~"),
    ],
)
def test_help_names_the_suggestion(text: str, help: str) -> None:
    [found] = _findings(_ABOVE + text)
    assert re.search(help, found.help), found.help


def test_a_helper_of_other_axes_names_what_is_missing() -> None:
    [found] = _findings("grid h, w\norder f = flip_t(row)")
    assert found.message == "`flip_t` names the axis t; the grid here has h, w"


@pytest.mark.parametrize("text", ["by sierpinski(h, w)", "sorted(h, w)", "by hw", "by desc", "by extends"])
def test_guesses_are_slips_that_fit_where_they_stand(text: str) -> None:
    [found] = _findings(f"{_ABOVE}order a = {text}")
    assert found.edit is None and "did you mean" not in found.help


@pytest.mark.parametrize(
    "text", ["order a = snaek", "order a = by hilbret", "order a = row with cls at strat", "scan a = sun(row, column)"]
)
def test_a_suggested_edit_leaves_no_error(text: str) -> None:
    whole = _ABOVE + text
    [found] = _findings(whole)
    assert found.edit is not None and found.edit.span is not None
    span = found.edit.span
    assert not _findings(whole[: span.start] + found.edit.replacement + whole[span.end :])


def test_a_missing_grid_line_is_one_error() -> None:
    text = "order a = by h, w\norder b = by w, h\norder c = a\nscan d = sum(a, b)\n"
    [found] = _findings(text)
    assert found.code == "S200"
    assert not _findings(f"grid h, w\n{text}")


@pytest.mark.parametrize("file", ["a" * 5000 + ".scan", "a\0b"])
def test_a_path_that_no_file_can_have_is_an_unreadable_file(file: str) -> None:
    with pytest.raises(ScanlabError, match="S107") as caught:
        scanlab.load_file(file)
    assert len(caught.value.diagnostics[0].message) < 300


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("abc", "no list of indices"),
        (None, "no list of indices"),
        (5, "no list of indices"),
        ({0, 1}, "no list of indices"),
        ([[0, 1], [2, 3]], "no index of a patch"),
        (np.arange(4).reshape(2, 2), "an array of 2x2"),
        ([0.0, 1.0], "`0.0`, at step 0"),
        (np.array([0.5, 1.5]), "`0.5`, at step 0"),
        ([True, False], "`True`, at step 0"),
        ([0, None], "`None`, at step 1"),
        ([], "there are none"),
    ],
    ids=str,
)
def test_what_is_no_list_of_indices_is_named(given: object, message: str) -> None:
    with pytest.raises(ScanlabError, match="S214") as caught:
        scanlab.Order.from_indices(given)  # type: ignore[arg-type]
    assert message in caught.value.diagnostics[0].message


def test_indices_of_any_integer_type_are_read() -> None:
    expected = scanlab.Order.from_indices([2, 0, 1])
    assert scanlab.Order.from_indices(np.array([2, 0, 1], np.uint8)) == expected
    assert scanlab.Order.from_indices(iter([2, 0, 1]), axes=("h", "w")) == expected
    assert scanlab.Order.from_indices([2, 0, 1], "h, w") == expected
    with pytest.raises(ScanlabError, match="S212"):
        scanlab.Order.from_indices([0], "H")


@pytest.mark.parametrize(
    "given", [None, b"by h", 3, ["by h"], np.zeros((99, 99))], ids=["None", "bytes", "3", "[]", "array"]
)
def test_what_is_no_text_is_named_in_one_line(given: object) -> None:
    for call in (scanlab.parse, scanlab.prove, lambda x: scanlab.compile(x, (3, 3))):
        with pytest.raises(ScanlabError, match="S410") as caught:
            call(given)  # type: ignore[arg-type]
        assert "\n" not in caught.value.diagnostics[0].message


def test_axes_of_python_are_read_as_those_of_a_text() -> None:
    assert [str(s) for s in scanlab.axes("h, w")] == ["h", "w"]
    for wrong in (None, "14 14", b"h w"):
        with pytest.raises(ScanlabError, match="S410"):
            scanlab.axes(wrong)  # type: ignore[arg-type]


def test_every_cure_uses_what_its_habit_finds() -> None:
    for habit in (*PLACE_HABITS, *HABITS, *LAST_RESORTS):
        found = set(re.compile(habit.after).groupindex) | set(re.compile(habit.before).groupindex)
        if isinstance(habit.suggestion, str):
            assert {name for _, name, _, _ in Formatter().parse(habit.suggestion) if name} <= found, habit
        else:
            inspect.signature(habit.suggestion).bind(**dict.fromkeys(found, ""))
