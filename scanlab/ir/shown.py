"""How values look where they are shown: in one line as text, and as a picture in a notebook."""

from __future__ import annotations

from importlib import import_module

__all__ = ["Shown"]

# By name: a value knows nothing of pictures, which stand floors above it.
_DRAWN_BY = "scanlab.notebook"


class Shown:
    """What a notebook draws, and what prints itself as its class with a few words."""

    def _words(self) -> str:
        """The words, by default those of `str`."""
        return str(self)

    def _repr_html_(self) -> str:
        return import_module(_DRAWN_BY).html_of(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._words()}>"
