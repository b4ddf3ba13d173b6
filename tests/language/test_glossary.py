"""Every word of the language has a meaning, and every line of its card can be written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scanlab.checking import check_definition
from scanlab.ir.diagnostics import Source
from scanlab.ir.functions import ARITHMETIC, CURVES, LOCAL
from scanlab.ir.merges import MERGES
from scanlab.ir.values import PLACES, TOKENS
from scanlab.language.card import CARD
from scanlab.language.glossary import KEYWORDS, glossary
from scanlab.language.library import library_templates
from scanlab.language.module import read_module
from scanlab.language.parse import terminals
from scanlab.language.scope import COMBINATORS

_BRACKETS = {"(", ")", "[", "]", ",", "=", ":"}


def test_every_word_and_sign_of_the_grammar_has_a_meaning():
    literals = {re.sub(r"\\", "", p) for p in terminals().values()}
    written = {p for p in literals if p.isalpha() or re.fullmatch(r"[^A-Za-z\[\"#]{1,2}", p)} - _BRACKETS
    assert written <= set(glossary())
    assert {p for p in literals if p.isalpha()} == set(KEYWORDS)


def test_every_name_of_the_language_has_a_meaning():
    names = {*CURVES, *ARITHMETIC, *LOCAL, *MERGES, *COMBINATORS, *TOKENS, *PLACES, "visit"}
    assert names <= set(glossary())
    assert set(glossary()) - names - set(KEYWORDS) == {word for word in glossary() if not word.isidentifier()}


@pytest.mark.parametrize("word", sorted(KEYWORDS))
def test_a_keyword_stands_in_what_shows_how_it_is_written(word):
    entry = KEYWORDS[word]
    assert re.search(rf"\b{word}\b", entry.written) and entry.means


@pytest.mark.parametrize("row", CARD, ids=lambda row: row.written)
def test_a_row_of_the_card_has_a_text_that_is_sound(row):
    module = read_module(Source(row.example, "card"), library_templates)
    assert not module.problems
    for definition in module.definitions:
        assert not check_definition(definition, look_up=False).diagnostics
    [first, *_] = re.findall(r"`([^`…]+)", row.written)
    assert first.split()[0].split("(")[0] in row.example


def test_the_page_of_the_language_has_the_card_and_the_keywords():
    page = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
    assert all(f"| {row.written} | {row.means} |" in page for row in CARD)
    assert all(f"| `{word}` | `{entry.written}` | {entry.means} |" in page for word, entry in KEYWORDS.items())
