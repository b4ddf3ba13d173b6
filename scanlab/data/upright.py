"""Photographs turned upright, as EXIF says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scanlab.data.file_facts import has_exif
from scanlab.data.layout import Layout
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["UPRIGHT", "orientation", "size_of", "turned"]

# How an upright picture is turned back, by what EXIF said: Pillow's numbers for flips and turns.
_BACK = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
# The tag of EXIF that says how a photograph is to be turned, and its value for upright ones.
ORIENTATION, UPRIGHT = 0x0112, 1


def orientation(image: Any) -> int:
    """How EXIF says that a picture is to be turned; 1 is upright. Raises S644 for a TIFF that is to be turned."""
    if image.format == "TIFF":
        # Pillow turns TIFF while it loads, and not always.
        if image.tag_v2.get(ORIENTATION, UPRIGHT) != UPRIGHT:
            name = Path(image.filename).name
            problem = f"{name} is a TIFF that says it is to be turned, which programs read in different ways"
            raise ScanlabError.at("S644", problem, help="save it upright")
        return UPRIGHT
    if image.format in ("GIF", "BMP", "PPM") and "exif" not in image.info:
        return UPRIGHT
    # To look for EXIF, Pillow decodes the whole of a PNG that has none at its head.
    if image.format == "PNG" and not has_exif(image):
        return UPRIGHT
    try:
        found = image.getexif().get(ORIENTATION, UPRIGHT)
    except Exception:  # Damaged tags raise errors of many kinds, and the picture may be whole.
        return UPRIGHT
    return found if found in range(1, 9) else UPRIGHT


def size_of(image: Any, layout: Layout) -> tuple[int, int]:
    """Height and width of a picture as it is read: upright, or as it is stored where `layout` says so."""
    turn = orientation(image)
    if turn == UPRIGHT:
        return image.height, image.width
    read = turned(image, layout)
    return read.height, read.width


def turned(image: Any, layout: Layout) -> Any:
    """Upright, or as it is stored where `layout` says so."""
    from PIL import Image, ImageOps

    turn = orientation(image)
    if turn == UPRIGHT:
        return image
    upright = ImageOps.exif_transpose(image)
    return upright.transpose(Image.Transpose(_BACK[turn])) if "as_stored" in layout else upright
