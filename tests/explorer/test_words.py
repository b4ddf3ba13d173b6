"""Highlighting and completion agree with the language."""

from __future__ import annotations

import re

import pytest

from scanlab.explorer.words import highlighting, words
from scanlab.language.library import library_definitions, library_sources
from scanlab.language.parse import terminals


def _tokens(text: str) -> list[tuple[str, str]]:
    """As paint.js does it: at each place the first pattern that fits."""
    patterns = [(re.compile(pattern), kind) for pattern, kind in highlighting()]
    found, at = [], 0
    while at < len(text):
        piece, kind = next(
            ((m[0], kind) for pattern, kind in patterns if (m := pattern.match(text, at)) and m[0]), (text[at], "error")
        )
        found.append((piece, kind))
        at += len(piece)
    return found


def test_a_definition_is_coloured() -> None:
    text = 'grid h, w\n"Doc." # why\norder a[k=7] = by h // k, ~w, hilbert(h, W - 1) where not h == 2'
    kinds = [(piece, kind) for piece, kind in _tokens(text) if kind != "space"]
    assert kinds[:5] == [("grid", "keyword"), ("h", "name"), (",", "sign"), ("w", "name"), ('"Doc."', "string")]
    assert ("# why", "comment") in kinds
    assert ("hilbert", "function") in kinds
    assert ("W", "extent") in kinds
    assert ("//", "sign") in kinds
    assert [piece for piece, kind in kinds if kind == "keyword"] == ["grid", "order", "by", "where", "not"]


@pytest.mark.parametrize("source", library_sources(), ids=lambda source: source.name)
def test_the_whole_library_is_coloured_without_a_stranger(source: object) -> None:
    text = source.text  # type: ignore[attr-defined]
    tokens = _tokens(text)
    assert "".join(piece for piece, _ in tokens) == text
    assert [piece for piece, kind in tokens if kind == "error"] == []


def test_a_character_without_meaning_is_an_error() -> None:
    assert ("§", "error") in _tokens("by h § w")


def test_a_name_that_begins_like_a_keyword_stays_a_name() -> None:
    assert _tokens("order_by byte hilberts(1)")[0] == ("order_by", "name")
    assert ("byte", "name") in _tokens("byte")
    assert ("hilberts", "name") in _tokens("hilberts(1)")


def test_everything_that_can_be_written_is_offered_with_its_meaning() -> None:
    offered = {word: (kind, written, means) for word, kind, written, means, _ in words()}
    assert set(library_definitions()) <= set(offered)
    assert {p for p in terminals().values() if p.isalpha()} <= set(offered)
    assert offered["expect"][0] == "keyword"
    assert offered["cross"][:2] == ("scan of the library", "cross = sum(row, column, -row, -column)")
    assert all(all(said) for said in offered.values())


def test_what_can_be_drawn_has_a_picture() -> None:
    pictures = {word: picture for word, kind, _, _, picture in words() if "library" in kind}
    assert pictures["cross"].startswith("/scanlab/thumbnail/cross.svg?") and pictures["transpose"] == ""
