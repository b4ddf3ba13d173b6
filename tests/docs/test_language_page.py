"""docs/language.md: its examples hold, its generated parts are current, and it leaves no construct or code out."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from scanlab.checking import check_module
from scanlab.ir.codes import CODES
from scanlab.ir.diagnostics import Source
from scanlab.language.library import library_templates
from scanlab.language.module import read_module
from scanlab.language.parse import terminals

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "language.md"


def _problems(text: str) -> list[str]:
    module = read_module(Source(text), library_templates)
    found = list(module.problems) + [d for c in check_module(module, look_up=False) for d in c.diagnostics]
    return [d.code for d in found]


def _examples() -> list[str]:
    return re.findall(r"```scan\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize("example", _examples())
def test_examples_hold(example: str) -> None:
    text = example if example.startswith("grid") else f"grid h, w\n{example}"
    assert _problems(text) == []


def test_python_examples_run() -> None:
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(examples) == 3
    for example in examples:
        exec(compile(example, str(PAGE), "exec"), {})


def test_generated_parts_are_current() -> None:
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    page = PAGE.read_text(encoding="utf-8")
    assert generate["filled"](page) == page, "run: python docs/generate.py"


def test_every_word_of_the_language_is_shown() -> None:
    shown = " ".join(_examples()) + PAGE.read_text(encoding="utf-8").split("## The grammar")[0]
    words = [p for p in terminals().values() if p.isalpha()]
    assert [w for w in words if not re.search(rf"\b{w}\b", shown)] == []


@pytest.mark.parametrize("name", [n for n, c in CODES.items() if c.wrong])
def test_examples_of_codes(name: str) -> None:
    assert name in _problems(CODES[name].wrong)
    assert _problems(CODES[name].right) == []


def test_every_code_in_the_source_is_explained() -> None:
    raised = set()
    for file in (ROOT / "scanlab").rglob("*.py"):
        raised |= set(re.findall(r'"(S\d{3})"', file.read_text(encoding="utf-8")))
    assert raised == set(CODES)
