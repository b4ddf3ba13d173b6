"""Python's front door: what load, parse, prove and compile take, and what they say of anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

import scanlab
from scanlab.checking import check_definition
from scanlab.facade import load_file
from scanlab.ir.diagnostics import ScanlabError


def _error(call) -> ScanlabError:
    with pytest.raises(ScanlabError) as raised:
        call()
    return raised.value


@pytest.mark.parametrize("axes", ["h w", "h, w", " h  w ", ["h", "w"], ("h", "w"), None])
def test_parse_takes_names_of_axes(axes) -> None:
    assert scanlab.parse("by h, w", axes).axes == ("h", "w")


def test_the_older_name_of_axes_is_kept() -> None:
    with pytest.warns(DeprecationWarning, match=r"parse\(grid=\) is now parse\(axes=\)") as warned:
        assert scanlab.parse("by t, h", grid="t h") == scanlab.parse("by t, h", axes="t h")
    assert warned[0].filename == __file__
    assert _error(lambda: scanlab.parse("by h", axes="h", grid="h")).code == "S410"


@pytest.mark.parametrize("axes", [(14, 14), "14x14", 14, ("h", 14), "14 14", True, 1.5, (None,)], ids=repr)
def test_parse_says_that_extents_are_no_names(axes) -> None:
    error = _error(lambda: scanlab.parse("by h, w", axes))
    assert error.code == "S410"
    assert 'parse("by h, w", "h w")' in error.diagnostics[0].help


@pytest.mark.parametrize(
    ("axes", "code"), [("H w", "S212"), ("h h", "S212"), ("a b c d e f", "S212"), ("by w", "S101"), ("", "S102")]
)
def test_axes_obey_the_rules_of_a_grid_line(axes, code) -> None:
    assert _error(lambda: scanlab.parse("by h, w", axes)).code == code


@pytest.mark.parametrize(
    ("given", "help"),
    [
        (None, "by h, ~w"),
        (3, "by h, ~w"),
        ([1, 0], "by h, ~w"),
        (scanlab.axes("h")[0], "by(h, w)"),
        (scanlab.compile("row", (2, 2)), "its scan"),
        (scanlab.compile("row", (2, 2)).paths[0], "its order"),
    ],
)
def test_what_is_no_order_is_named(given, help) -> None:
    for call in (lambda: scanlab.compile(given, (2, 2)), lambda: scanlab.prove(given)):
        error = _error(call)
        assert error.code == "S410" and help in error.diagnostics[0].help


def test_names_and_texts() -> None:
    assert _error(lambda: scanlab.load(3)).code == "S410"
    assert _error(lambda: scanlab.parse(None)).code == "S410"


def test_a_path_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "a.scan"
    file.write_text("grid h, w\norder a = by w, h\n", encoding="utf-8")
    assert scanlab.load(file) == scanlab.load(str(file))
    assert scanlab.compile(file, "2x2").indices.tolist() == [[0, 2, 1, 3]]


@pytest.mark.parametrize(("text", "named"), [("", "nothing"), ("grid h, w\norder a = by h, w\n", "a")])
def test_a_name_that_a_file_does_not_define(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "a.scan"
    file.write_text(text, encoding="utf-8")
    assert _error(lambda: scanlab.load(f"{file}:b")).diagnostics[0].help == f"it defines {named}"


def test_a_file_without_definitions(tmp_path: Path) -> None:
    file = tmp_path / "a.scan"
    file.write_text("", encoding="utf-8")
    [found] = _error(lambda: scanlab.load(str(file))).diagnostics
    assert found.message == f"{file} defines nothing that stands alone"
    assert "order mine = by h, w" in found.help


@pytest.mark.parametrize(
    ("text", "grid", "message"),
    [
        ("by h, w", 14, "`by h, w` is over 2 axes (h, w), and the grid has 1 extent"),
        ("by h, w, t", (4, 4), "`by h, w, t` is over 3 axes (t, h, w), and the grid has 2 extents"),
    ],
)
def test_a_line_on_a_grid_of_other_axes(text, grid, message) -> None:
    [found] = _error(lambda: scanlab.compile(text, grid)).diagnostics
    assert found.code == "S400" and found.message == message


@pytest.mark.parametrize(
    "text", ["by h + w", "by h // 2, w // 2", "by h + w, h // 2", "by (h + w) % 2", "by morton(h // 2, w)", "by h % 3"]
)
def test_python_gives_the_key_that_check_gives(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.scan"
    file.write_text(f"grid h, w\norder a = {text}\n", encoding="utf-8")
    [definition] = load_file(file).definitions
    [checked] = check_definition(definition).diagnostics
    [found] = _error(lambda: scanlab.compile(scanlab.parse(text), grid=(6, 6))).diagnostics
    assert found.code == checked.code == "S300"
    assert found.help == checked.help
    assert found.edit is not None and checked.edit is not None and found.edit.replacement == checked.edit.replacement
    mended = scanlab.parse(found.edit.replacement)
    assert scanlab.compile(mended, (6, 6)).grid == (6, 6)


def test_the_key_is_for_the_order_that_ties() -> None:
    [found] = _error(lambda: scanlab.compile("sum(row, (by h + w), -row)", "4x4")).diagnostics
    assert found.help == "add `h` as the last key: by h + w, h"
    assert found.edit is not None and found.edit.span is not None and found.edit.span.text == "by h + w"
