"""Names that mean one thing though they are written in different ways."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

__all__ = ["alike", "composed"]


def composed(text: str) -> str:
    """Accents as one character each: macOS and zip files write e and its accent as two.

    >>> len("e\\u0301"), len(composed("e\\u0301"))
    (2, 1)
    """
    return unicodedata.normalize("NFC", text)


def alike(names: Iterable[str]) -> list[str]:
    """Those of different names that differ by capitals, spaces or the writing of accents alone.

    >>> alike(["cat", "Cat ", "dog"])
    ['cat', 'Cat ']
    """
    names = list(names)
    keys = [" ".join(composed(name).casefold().split()) for name in names]
    return [name for name, key in zip(names, keys, strict=True) if keys.count(key) > 1]
