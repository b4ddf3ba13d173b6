"""A broken definition costs itself and what depends on it; nothing else, and one error."""

from __future__ import annotations

from pathlib import Path

import pytest

import scanlab
from scanlab.ir.diagnostics import ScanlabError, Source
from scanlab.language.library import library_templates
from scanlab.language.module import read_module

BROKEN = [
    "order bad = by h +, w",
    "order bad = by h; w",
    'order bad = by h, w note "never closed',
    "order bad = by h, x",
    "order bad = by ((((h",
    "order bad = by " + "(" * 70 + "h" + ")" * 70 + ", w",
    "order bad = by h // 0, w",
    "order bad = by 99999999999 * h, w",
    "order h = by h, w",
    "order bad[k=1, k=2] = by h, w",
]


@pytest.mark.parametrize("line", BROKEN)
def test_what_depends_on_a_broken_definition_adds_no_error(line: str) -> None:
    name = line.split()[1].split("[")[0]
    text = f"grid h, w\norder good = by h, ~w\n{line}\norder next = by w, h\nscan uses = sum(good, {name})\n"
    module = read_module(Source(text, "a.scan"), library_templates)
    assert len(module.problems) == 1, module.problems
    assert [d.name for d in module.definitions] == ["good", "next"]


@pytest.mark.parametrize("line", BROKEN)
def test_a_sound_definition_of_a_broken_file_can_be_used(line: str, tmp_path: Path) -> None:
    file = tmp_path / "a.scan"
    file.write_text(f"grid h, w\n{line}\norder good = by h, ~w\n", encoding="utf-8")
    assert scanlab.load(f"{file}:good") == scanlab.parse("by h, ~w")
    with pytest.raises(ScanlabError):
        scanlab.load(str(file))


@pytest.mark.parametrize("line", ["order bad = by h +, w", "order bad = by h, x"])
def test_what_depends_on_a_broken_definition_names_it(line: str, tmp_path: Path) -> None:
    file = tmp_path / "a.scan"
    file.write_text(f"grid h, w\n{line}\nscan far = sum(row, near)\norder near = -bad\n", encoding="utf-8")
    with pytest.raises(ScanlabError) as bad:
        scanlab.load(f"{file}:bad")
    assert "S217" not in [d.code for d in bad.value.diagnostics]
    for name in ("near", "far"):
        with pytest.raises(ScanlabError) as found:
            scanlab.load(f"{file}:{name}")
        by_code = {d.code: d for d in found.value.diagnostics}
        assert f"`{name}` cannot be used: it depends on `bad`" in by_code["S217"].message
        assert set(bad.value.diagnostics) < set(found.value.diagnostics)


def test_an_unknown_name_is_told_what_is_wrong_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.scan"
    file.write_text("grid h, w\norder bad = by h +, w\n", encoding="utf-8")
    with pytest.raises(ScanlabError) as found:
        scanlab.load(f"{file}:good")
    assert found.value.code == "S101"


def test_many_foreign_characters_do_not_take_long() -> None:
    module = read_module(Source("grid h, w\norder a = by h" + " ;" * 50_000, "a.scan"), library_templates)
    assert [d.code for d in module.problems] == ["S100"]
