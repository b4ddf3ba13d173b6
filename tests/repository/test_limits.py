"""Files and functions stay small enough to read; no file names a path of somebody's machine."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def _sources() -> list[Path]:
    return sorted((ROOT / "scanlab").rglob("*.py"))


def test_files_are_short() -> None:
    long = {
        str(f.relative_to(ROOT)): n for f in _sources() if (n := len(f.read_text("utf-8").splitlines())) > LONGEST_FILE
    }
    assert not long


def _code_lines(function: ast.FunctionDef) -> int:
    """How many lines a function has besides its docstring, whose examples are as long as they are."""
    first = function.body[0]
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    text = (first.end_lineno or 0) - first.lineno + 1 if is_text else 0
    return (function.end_lineno or 0) - function.lineno - text


def test_functions_are_short() -> None:
    long = {}
    for file in _sources():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and _code_lines(node) >= LONGEST_FUNCTION:
                long[f"{file.relative_to(ROOT)}:{node.lineno}"] = node.name
    assert not long


def test_public_functions_have_docstrings() -> None:
    bare = []
    for file in _sources():
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and any(isinstance(d, ast.Name) and d.id == "overload" for d in node.decorator_list):
                continue
            if public and not ast.get_docstring(node):
                bare.append(f"{file.relative_to(ROOT)}:{node.lineno}: {node.name}")
    assert not bare


def test_no_paths_of_a_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    named = re.compile(r"(?<![\w.])/(?:home|root|work|tmp|Users)/\w")
    texts = {".py", ".md", ".toml", ".scan", ".lark", ".json", ".html", ".js", ".css", ".txt"}
    found = []
    for name in listed.stdout.split("\n"):
        file = ROOT / name
        if file.suffix in texts and file.is_file():
            found += [f"{name}: {m[0]}" for m in [named.search(file.read_text(encoding="utf-8"))] if m]
    assert not found
