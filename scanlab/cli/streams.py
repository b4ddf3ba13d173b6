"""Output on a console, or into a pipe, whose encoding lacks a sign: a similar one stands for it, and nothing fails.

So do pipes on Windows (cp1252) and ASCII terminals; and a file's name that is no text cannot be encoded anywhere.
"""

from __future__ import annotations

import codecs
import sys
import unicodedata
from types import MappingProxyType

__all__ = ["holds_all_text", "make_printable"]

# In pictures and tables one sign takes the place of one.
_SIMILAR = MappingProxyType(
    {
        **dict(zip("─━│┃╱╲╳┌┐└┘╴╵╶╷", "-=||/\\X++++-|-|", strict=True)),
        **dict(zip("▀▄●◆○•·×✕÷✗✓←↑↓‹›“”‘’–—", "##*+o*.xx/xv<^v<>\"\"''--", strict=True)),
        **dict(zip("▲▼≈", "^v~", strict=True)),
        "…": "...",
        "→": "->",
        "±": "+-",
        "ß": "ss",
    }
)
_HANDLER = "scanlab.similar"


def make_printable() -> None:
    """From now on stdout and stderr print whatever they are given."""
    codecs.register_error(_HANDLER, _replaced)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_HANDLER)


def holds_all_text(encoding: str | None) -> bool:
    """Whether an encoding has every sign."""
    return (encoding or "").lower().replace("-", "").startswith("utf")


def _replaced(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError), "streams for output encode"
    return "".join(map(_similar, error.object[error.start : error.end])), error.end


def _similar(sign: str) -> str:
    if sign in _SIMILAR:
        return _SIMILAR[sign]
    plain = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
    return plain or sign.encode("ascii", "backslashreplace").decode()
