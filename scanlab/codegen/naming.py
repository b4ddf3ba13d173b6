"""Names that carry the hash of what they name, so that the same content has one name and one file everywhere.

Triton tells functions in a tuple of constants apart by their names only, so two functions must never share one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

__all__ = ["PREFIX", "matches", "named"]

PREFIX = "patch_at_"
_NAME = re.compile(PREFIX + "[0-9a-f]{16}")


def named(text: Callable[[str], str]) -> tuple[str, str]:
    """The name of a function and its module's text, given the text for any name.

    The name ends in the first 16 digits of the SHA-256 of the text that has no hash in the name yet.
    """
    name = PREFIX + _digest(text(PREFIX).encode())
    return name, text(name)


def matches(name: str, source: bytes) -> bool:
    """Whether a module's text is the one that its function's name stands for."""
    return bool(_NAME.fullmatch(name)) and name == PREFIX + _digest(source.replace(name.encode(), PREFIX.encode()))


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]
