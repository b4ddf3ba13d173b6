"""What picture files say of themselves and Pillow does not pass on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["COLOUR_BITS", "bits_of", "has_exif", "is_white_first", "lossy", "maxval_of"]

# Bits that Pillow keeps of each colour.
COLOUR_BITS = 8
_ALWAYS_LOSSY = ("JPEG", "MPO")
# They may keep every number or blur it, and files seldom tell which.
_PERHAPS_LOSSY = ("JPEG2000", "AVIF")
_LOSSY_IN_TIFF = ("tiff_jpeg", "jpeg", "webp", "tiff_sgilog", "tiff_sgilog24")
_PHOTOMETRIC, _BITS = 262, 258
# Texts that hold an orientation, too: as ImageMagick and Adobe's programs write it.
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_EXIF_TEXTS = ("Raw profile type exif", "XML:com.adobe.xmp")
_PGM = re.compile(rb"P[2356](?:\s+|#[^\n]*\n)+\d+(?:\s+|#[^\n]*\n)+\d+(?:\s+|#[^\n]*\n)+(?P<maxval>\d+)")


def lossy(image: Any, file: Path) -> str:
    """How a file was compressed, where that may have changed its numbers; "" for one that keeps them."""
    if image.format in _ALWAYS_LOSSY or image.format in _PERHAPS_LOSSY:
        return str(image.format)
    if image.format == "TIFF" and image.info.get("compression") in _LOSSY_IN_TIFF:
        return f"TIFF ({image.info['compression']})"
    if image.format == "WEBP" and b"VP8 " in _riff_chunks(file):
        return "WEBP"
    return ""


def bits_of(image: Any, file: Path) -> int:
    """Bits of each value: 1 to 16 of a PNG or a TIFF, 8 of formats that have no others."""
    if image.format == "PNG":
        return next(start[8] for name, start in _png_chunks(image.fp) if name == b"IHDR")
    if image.format == "TIFF":
        return int(image.tag_v2.get(_BITS, (1,))[0])
    return 2 * COLOUR_BITS if image.format == "PPM" and maxval_of(file) >= 1 << COLOUR_BITS else COLOUR_BITS


def maxval_of(file: Path) -> int:
    """The number that is white in a PGM or a PPM; 0 for a PBM, which names none."""
    match = _PGM.match(_head(file, 4096))
    return int(match["maxval"]) if match else 0


def is_white_first(image: Any) -> bool:
    """Whether 0 is white in a TIFF: Pillow turns such values around, but for those of 16 bits."""
    return image.format == "TIFF" and image.tag_v2.get(_PHOTOMETRIC) == 0


def has_exif(image: Any) -> bool:
    """Whether a PNG has EXIF, or texts that stand for it: behind its pixels, too, where Pillow sees them once it
    decoded the whole."""
    if "exif" in image.info or any(text in image.info for text in _EXIF_TEXTS):
        return True
    # Without a stream all was decoded.
    return image.fp is not None and any(
        name == b"eXIf" or (name in _TEXTS and start.split(b"\0")[0].decode("latin-1") in _EXIF_TEXTS)
        for name, start in _png_chunks(image.fp)
    )


def _head(file: Path, count: int) -> bytes:
    with file.open("rb") as stream:
        return stream.read(count)


def _png_chunks(stream: BinaryIO, most: int = 32) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG by name, and the first bytes of those that are no pixels; the stream stays where it is."""
    before, place = stream.tell(), 8
    try:
        while len(head := stream.read(8) if stream.seek(place) else b"") == 8:
            length, name = int.from_bytes(head[:4], "big"), head[4:]
            yield name, b"" if name == b"IDAT" else stream.read(min(length, most))
            place += 12 + length
    finally:
        stream.seek(before)


def _riff_chunks(file: Path) -> Iterator[bytes]:
    """The names of the chunks of a RIFF file, as WebP is one."""
    with file.open("rb") as stream:
        place, end = 12, file.stat().st_size
        while place + 8 <= end:
            stream.seek(place)
            head = stream.read(8)
            length = int.from_bytes(head[4:], "little")
            yield head[:4]
            place += 8 + length + length % 2
