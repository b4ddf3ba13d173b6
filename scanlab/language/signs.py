"""Characters that look like the language's own signs."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["plain_form"]

_SIGNS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys("−–—‐‑", "-"),
        **dict.fromkeys("×·∙⋅✕✖∗", "*"),
        **dict.fromkeys("÷∕⁄", "//"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‘’′", '"'),
        **dict.fromkeys("∼˜～", "~"),
        **dict.fromkeys("、﹐", ","),
        "⩽": "<=",
        "⩾": ">=",
        "／": "//",
        "≤": "<=",
        "≥": ">=",
        "≠": "!=",
        "∧": "and",
        "∨": "or",
        "¬": "not",
    }
)


_PUNCTUATION = ',%*#"'


def plain_form(text: str) -> str | None:
    """What was meant by characters that the language does not have, such as a typographic minus; None if unknown."""
    if text[0] in _SIGNS:
        return _SIGNS[text[0]]
    if any(unicodedata.category(c) in ("Zs", "Cf", "Cc", "Zl", "Zp") for c in text):
        return " "
    plain = unicodedata.normalize("NFKC", text)
    if plain == text or not plain.isascii() or any(unicodedata.category(c) == "No" for c in text):
        return None
    # An ellipsis is three full stops, and a full stop is nothing of the language.
    punctuation = any(unicodedata.category(c) == "Po" for c in text)
    return plain if not punctuation or set(plain) <= set(_PUNCTUATION) else None
