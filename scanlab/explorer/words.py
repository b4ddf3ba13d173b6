"""How the text box colours the language, and the words it offers; both from the grammar and the library."""

from __future__ import annotations

import re

from scanlab.ir.functions import ARITHMETIC, CURVES, LOCAL
from scanlab.language.parse import terminals
from scanlab.language.scope import COMBINATORS
from scanlab.library_index import read_index

__all__ = ["highlighting", "words"]

_PATTERNS = ("NAME", "INT", "STRING", "COLON", "COMMENT", "WHITESPACE")


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


def words() -> list[tuple[str, str]]:
    """What can be completed: keywords, functions and the library's names, each with what it is."""
    patterns = terminals()
    keywords = [p for name, p in patterns.items() if name not in _PATTERNS and p.isalpha()]
    functions = sorted({*COMBINATORS, *CURVES, *ARITHMETIC, *LOCAL, "visit"})
    library = [(entry["name"], f"{entry['kind']}: {entry['doc']}") for entry in read_index()["definitions"]]
    return [*((k, "keyword") for k in sorted(keywords)), *((f, "function") for f in functions), *library]
