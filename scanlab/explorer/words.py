"""How the text box colours the language, the words it offers, and what each of them means: from the grammar, the
glossary and the library."""

from __future__ import annotations

import re

from scanlab.explorer.catalogue import thumbnail_address
from scanlab.ir.functions import ARITHMETIC, CURVES, LOCAL
from scanlab.language.glossary import glossary
from scanlab.language.parse import terminals
from scanlab.language.scope import COMBINATORS
from scanlab.library_index import Entry, digest, read_index

__all__ = ["Word", "highlighting", "limits", "words"]

_PATTERNS = ("NAME", "INT", "STRING", "COLON", "COMMENT", "WHITESPACE")

Word = tuple[str, str, str, str, str]
"""A word, its kind, how it is written, what it means in Markdown, and the address of a picture or ""."""


def highlighting() -> list[tuple[str, str]]:
    """Patterns that JavaScript and Python read alike, in order, each with its kind of token."""
    patterns = terminals()
    literals = [p.replace("\\", "") for name, p in patterns.items() if name not in _PATTERNS]
    keywords = "|".join(sorted(t for t in literals if t.isalpha()))
    symbols = sorted((t for t in literals if not t.isalpha()), key=len, reverse=True)
    functions = "|".join(sorted({*COMBINATORS, *CURVES, *ARITHMETIC, *LOCAL, "visit"}))
    return [
        (patterns["COMMENT"], "comment"),
        (patterns["WHITESPACE"], "space"),
        (r'"(\\.|[^"\\])*"', "string"),
        (rf"\b({keywords})\b", "keyword"),
        (rf"\b({functions})\b(?=\s*[\[(])", "function"),
        (r"\b[A-Z][A-Z0-9_]*\b", "extent"),
        (patterns["NAME"], "name"),
        (patterns["INT"], "number"),
        (patterns["COLON"], "sign"),
        ("|".join(map(re.escape, symbols)), "sign"),
    ]


def words() -> list[Word]:
    """All that has a meaning: keywords, functions and signs of the language, then the library's names."""
    version = digest()[:12]
    language = [(word, entry.kind, entry.written, entry.means, "") for word, entry in glossary().items()]
    return [*language, *(_of_library(entry, version) for entry in read_index()["definitions"])]


def limits() -> dict[str, tuple[int, int]]:
    """The lowest and the highest value of every option of a key function, by its name."""
    return {option.name: (option.low, option.high) for curve in CURVES.values() for option in curve.options}


def _of_library(entry: Entry, version: str) -> Word:
    kind = f"{entry['kind']} of the library"
    picture = thumbnail_address(entry["name"], version) if entry["form"] else ""
    return entry["name"], kind, f"{entry['signature']} = {entry['body']}", entry["doc"], picture
