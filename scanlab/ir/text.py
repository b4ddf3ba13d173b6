"""How values are written in messages."""

from collections.abc import Iterable

__all__ = ["grid_text"]


def grid_text(extents: Iterable[int]) -> str:
    """The extents of a grid or of an image as a user writes them: 14x14."""
    return "x".join(map(str, extents))
