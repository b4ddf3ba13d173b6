"""PNG files without a library: what SVG text holds inside."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["png_file", "rgb_png"]


def rgb_png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file of colours, uint8 [H, W, 3]."""
    rows, columns, _ = pixels.shape
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), pixels.reshape(rows, -1)], axis=1)
    return png_file(struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0), (), lines)


def png_file(header: bytes, tables: Iterable[tuple[bytes, bytes]], lines: NDArray[np.uint8]) -> bytes:
    """A PNG file. header: of its IHDR chunk; tables: chunks before the pixels; lines: each a filter byte and pixels."""
    chunks = ((b"IHDR", header), *tables, (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
