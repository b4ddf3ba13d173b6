"""The syntax tree as data and as text: everything that was written, each node with its line and column."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import fields
from typing import Any

from scanlab.ir.functions import CURVES
from scanlab.ir.merges import MERGES
from scanlab.ir.text import count_text
from scanlab.language import syntax as tree

__all__ = ["inventory_of", "left_out", "tree_data", "tree_lines"]


def tree_data(node: tree.Node) -> dict[str, Any]:
    """A node as data: kind, line and column (from 1), words by field, and the nodes below it, each with its field.

    >>> from scanlab.ir.diagnostics import Source
    >>> from scanlab.language.parse import parse_body
    >>> data = tree_data(parse_body(Source("by h, ~w")))
    >>> data["kind"], data["column"], [below["words"] for below in data["below"]]
    ('By', 1, [{'text': 'h'}, {'op': '~'}])
    """
    words: dict[str, Any] = {}
    below: list[dict[str, Any]] = []
    for field in fields(node):
        value = getattr(node, field.name)
        parts = _nodes(value)
        below += [{"field": field.name, **tree_data(part)} for part in parts]
        if (
            not parts
            and field.name not in ("span", "depth")
            and not (value is None or value is False or value in ("", ()))
        ):
            words[field.name] = value
    if isinstance(node, tree.Clause):
        words["written"] = " ".join(node.span.text.split())
    return {
        "kind": type(node).__name__,
        "line": node.span.line,
        "column": node.span.column,
        "words": words,
        "below": below,
    }


def tree_lines(data: Mapping[str, Any], indent: int = 0) -> Iterator[str]:
    """A tree as lines: place, then kind and words under the node that they belong to."""
    place = f"{data['line']}:{data['column']}"
    words = " ".join(f"{name}={word!r}" for name, word in data["words"].items())
    part = f"{data['field']}: " if "field" in data else ""
    yield f"{place:<8}{'  ' * indent}{part}{data['kind']} {words}".rstrip()
    for below in data["below"]:
        yield from tree_lines(below, indent + 1)


_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|#[^\n]*', re.DOTALL)


def left_out(node: tree.Node, text: str) -> dict[str, tuple[str, ...]]:
    """What of its text a tree does not hold: comments, parentheses that only group, spaces and line breaks.

    >>> from scanlab.ir.diagnostics import Source
    >>> from scanlab.language.parse import parse_body
    >>> text = "by ((h)), w # rows"
    >>> left_out(parse_body(Source(text)), text)
    {'comments': ('rows',), 'parentheses that only group': ('2 pairs',), 'spaces and line breaks': ('',)}
    """
    comments = [m[0] for m in _STRING_OR_COMMENT.finditer(text) if m[0].startswith("#")]
    plain = _STRING_OR_COMMENT.sub("", text)
    groups = plain.count("(") - _needed(node)
    lost = {
        "comments": tuple(c.removeprefix("#").strip() for c in comments),
        "parentheses that only group": (count_text(groups, "pair"),) if groups else (),
        "spaces and line breaks": ("",) if re.search(r"\s", plain) else (),
    }
    return {kind: items for kind, items in lost.items() if items}


def _needed(node: tree.Node) -> int:
    """The parentheses around arguments, formals and the groups of `within`, which the tree has as such."""
    match node:
        case tree.Apply():
            own = (node.arguments is not None) + bool(node.within)
        case tree.Definition():
            own = int(bool(node.formals))
        case _:
            own = int(isinstance(node, tree.Within))
    return own + sum(_needed(below) for field in fields(node) for below in _nodes(getattr(node, field.name)))


def _nodes(value: Any) -> list[tree.Node]:
    return [v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, tree.Node)]


_SUFFIXES = {"where": "where", "restart": "restarts", "with": "tokens", "assume": "assumptions"}


def inventory_of(data: Mapping[str, Any], definitions: Container[str]) -> dict[str, frozenset[str]]:
    """What a tree shows, as items by kind. definitions: the names in it that are defined somewhere.

    >>> from scanlab.ir.diagnostics import Source
    >>> from scanlab.language.parse import parse_body
    >>> inventory_of(tree_data(parse_body(Source("let b = h // 2 in by b, h, ~w"))), ())
    {'places': frozenset({''}), 'lets': frozenset({'b'}), 'keys': frozenset({''}), '`~`': frozenset({''})}
    """
    found: dict[str, set[str]] = {"places": {""}}
    for kind, item in _items(data, definitions):
        found.setdefault(kind, set()).add(item)
    return {kind: frozenset(items) for kind, items in found.items()}


def _items(node: Mapping[str, Any], definitions: Container[str]) -> Iterator[tuple[str, str]]:
    words, kind = node["words"], node["kind"]
    match kind:
        case "Definition":
            own = [(below["field"], below["words"]["text"]) for below in node["below"] if below["kind"] == "Word"]
            yield from (("helpers" if field == "formals" else "names", text) for field, text in own)
            if "doc" in words:
                yield "documentation", "doc"
        case "Parameter" | "Binding":
            yield "parameters" if kind == "Parameter" else "lets", node["below"][0]["words"]["text"]
        case "Clause":
            is_text = words["kind"] in ("source", "note")
            yield ("documentation", words["kind"]) if is_text else ("claims", words["written"])
        case "Suffix":
            yield _SUFFIXES[words["kind"]], ""
        case "By":
            yield "keys", ""
        case "Regroup":
            yield "regrouping", ""
        case "Unary" if words["op"] == "~":
            yield "`~`", ""
        case "Apply" | "Name":
            yield from _items_of_a_name(words.get("text") or words["name"], kind == "Apply", definitions)
    for below in node["below"]:
        yield from _items(below, definitions)


def _items_of_a_name(text: str, is_applied: bool, definitions: Container[str]) -> Iterator[tuple[str, str]]:
    if is_applied and text in MERGES:
        yield "merges", ""
    elif is_applied and text in ("cycle", "layers"):
        yield "layers", ""
    elif is_applied and text in CURVES:
        yield "curves", text
    if text in definitions:
        yield "names", text
