"""How values are written in messages."""

from collections.abc import Iterable

__all__ = ["balanced", "count_text", "grid_text", "reason_of", "shortened"]

_PLURALS = {"box": "boxes", "axis": "axes", "patch": "patches", "class": "classes", "strategy": "strategies"}


def grid_text(extents: Iterable[int]) -> str:
    """The extents of a grid or of an image as a user writes them: 14x14."""
    return "x".join(map(str, extents))


def shortened(text: str, most: int = 40) -> str:
    """A piece of a user's text on one line of a message: its end is cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def reason_of(error: Exception) -> str:
    """Why something failed: in the system's words, without its number and the file's name, where they are the system's.

    >>> reason_of(FileNotFoundError(2, "No such file or directory", "a.toml"))
    'No such file or directory'
    """
    return getattr(error, "strerror", None) or str(error)


def balanced(text: str) -> str:
    """A piece of a user's text with the parentheses that its ends have lost: `h + 1) // 2` is `(h + 1) // 2`."""
    depth = lowest = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        lowest = min(lowest, depth)
    return "(" * -lowest + text + ")" * (depth - lowest)


def count_text(number: int, noun: str) -> str:
    """A number of things in words: 1 extent, 2 axes, 1,024 more patches."""
    before, space, last = noun.rpartition(" ")
    return f"{number:,} {before}{space}{last if number == 1 else _PLURALS.get(last, f'{last}s')}"
