"""What a dataclass says of its fields is about fields that it has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "scanlab").rglob("*.py"))


def _is_dataclass(node: ast.ClassDef) -> bool:
    names = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
    tuple_of_fields = any(isinstance(base, ast.Name) and base.id == "NamedTuple" for base in node.bases)
    return tuple_of_fields or any(isinstance(name, ast.Name) and name.id == "dataclass" for name in names)


def _members(node: ast.ClassDef) -> set[str]:
    """Fields, properties and methods of a class, as its own body has them."""
    fields = {n.target.id for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
    return fields | {n.name for n in node.body if isinstance(n, ast.FunctionDef)}


def described(text: str) -> set[str]:
    """The names that a docstring explains after its first sentence: "name: what it is" or "name float32 [B, L]".

    Only at the start of a sentence, where prose begins with a capital; several names may share what is said of them.
    What stands in a parenthesis as well is a column of a table, or another part of a field.
    """
    parts = {name for inside in re.findall(r"\(([^()]*)\)", text) for name in re.findall(r"\w+", inside)}
    flat = re.sub(r"\s+", " ", text).split(". ")
    opened = re.compile(r"([a-z_]\w*(?:(?:, | and )[a-z_]\w*)*)(?:: | (?:u?int|b?float)\d+ \[| \[[A-Z])")
    found = {name for part in flat[1:] for m in [opened.match(part)] if m for name in re.split(r", | and ", m[1])}
    return found - parts


def test_docstrings_describe_fields_that_there_are() -> None:
    foreign = []
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and _is_dataclass(node):
                names = described(ast.get_docstring(node) or "") - _members(node)
                foreign += [f"{file.relative_to(ROOT)}:{node.lineno}: {node.name} has no {name}" for name in names]
    assert not foreign


def test_a_field_that_is_not_there_is_found() -> None:
    text = "Left. y: the output. last float32 [B]: the end.\nstates float32 [B, Q]: gone. Prose: none. a, b: both."
    assert described(text) == {"y", "last", "states", "a", "b"}
    assert described("Rows. rows int32 [Q, 2]: (track, slot). slot: where.") == {"rows"}
