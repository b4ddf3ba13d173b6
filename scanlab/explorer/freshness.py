"""Which text and grid something on the page is of: the browser compares it with what stands in the box by now."""

from __future__ import annotations

import zlib

from scanlab.ir.text import grid_text

__all__ = ["text_version", "version_of"]


def text_version(text: str) -> str:
    """The version of a text: its length in UTF-16 units and their CRC-32, as static/page.js makes it."""
    units = text.encode("utf-16-le", "surrogatepass")
    return f"{len(units) // 2}-{zlib.crc32(units):x}"


def version_of(text: str, grid: tuple[int, ...]) -> str:
    """The version of a text on a grid."""
    return f"{text_version(text)} {grid_text(grid)}"
