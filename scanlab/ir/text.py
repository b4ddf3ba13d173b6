"""How values are written in messages."""

from collections.abc import Iterable

__all__ = ["count_text", "grid_text"]

_PLURALS = {"axis": "axes", "patch": "patches", "class": "classes", "strategy": "strategies"}


def grid_text(extents: Iterable[int]) -> str:
    """The extents of a grid or of an image as a user writes them: 14x14."""
    return "x".join(map(str, extents))


def count_text(number: int, noun: str) -> str:
    """A number of things in words: 1 extent, 2 axes, 1,024 more patches."""
    before, space, last = noun.rpartition(" ")
    return f"{number:,} {before}{space}{last if number == 1 else _PLURALS.get(last, f'{last}s')}"
