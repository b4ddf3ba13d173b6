"""Which text and grid something on the page is of: the browser compares it with what stands in the box by now."""

from __future__ import annotations

import zlib

from scanlab.ir.text import grid_text

__all__ = ["of", "of_text"]


def of_text(text: str) -> str:
    """The mark of a text: its length in UTF-16 units and their CRC-32, as static/page.js makes it."""
    units = text.encode("utf-16-le", "surrogatepass")
    return f"{len(units) // 2}-{zlib.crc32(units):x}"


def of(text: str, grid: tuple[int, ...]) -> str:
    """The mark of a text on a grid."""
    return f"{of_text(text)} {grid_text(grid)}"
