"""Pictures by Pillow, read as training data are: a model sees of a file what it would have seen in training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scanlab.data.file_facts import COLOUR_BITS, bits_of, is_white_first
from scanlab.data.layout import NOTHING
from scanlab.data.pictures import BRIGHTEST, CLEAR, DEEPEST, is_deep, opened, require_one_frame, transparent, unreadable
from scanlab.data.scales import check_divisor
from scanlab.data.upright import turned
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import PictureRows

__all__ = ["picture_rows", "shown_values"]


def picture_rows(
    file: Path, channels: int, scale: float | None = None, notes: list[str] | None = None, pages: bool = False
) -> PictureRows:
    """A picture of one channel or three, in [0, 1], turned upright as its EXIF says.

    scale: what its values are divided by, None for what training data of bytes or of floats are. notes: where what was
    assumed of it is put down. pages: whether a file may hold other pictures behind the first. What has more than eight
    bits takes four times the memory of a picture of bytes at most, which stay bytes until they are read. Raises S644,
    S694 for a file of several frames, S724 for grey values of more than eight bits without a scale, and S726 for models
    of other channels, which no picture has.
    """
    if channels not in (1, 3):
        raise ScanlabError.at(
            "S726", f"the model reads {channels} channels, and a picture has 1 or 3", help="give a GeoTIFF of as many"
        )
    if scale is not None:
        check_divisor(scale)
    with opened(file) as image:
        try:
            if not pages:
                require_one_frame(image, file)
            pixels, divisor = shown_values(image, file, channels, scale, [] if notes is None else notes)
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise unreadable(file, error) from None

    def read(first: int, last: int) -> Tensor:
        rows = pixels[first:last].astype(np.float32) / np.float32(divisor)
        return torch.from_numpy(rows).movedim(-1, 0)

    return PictureRows((channels, *pixels.shape[:2]), read)


def shown_values(image: Any, file: Path, channels: int, scale: float | None, notes: list[str]) -> tuple[NDArray, float]:
    """The frame that an open file shows, [H, W, channels], upright, and what its values are divided by. Raises S644,
    S724."""
    # Before any pixel is read, which closes the file.
    shortened = not is_deep(image.mode) and image.fp is not None and bits_of(image, file) > COLOUR_BITS
    inverted = image.mode.startswith("I;16") and is_white_first(image)
    if transparent(image):
        notes.append(f"with transparent pixels: {CLEAR}")
    image = turned(image, NOTHING)
    if is_deep(image.mode):
        values = np.array(image)
        divisor = _divisor(values, image.mode, file, scale, notes)
        values = DEEPEST - values if inverted else values
        return np.broadcast_to(values[..., None], (*values.shape, channels)), divisor
    if shortened:
        if scale is not None:
            problem = (
                f"{file.name} has colours of 16 bits, of which the upper eight are read and divided by {BRIGHTEST}"
            )
            raise ScanlabError.at("S724", problem, help="leave --scale out, or save it as a TIFF file")
        notes.append("with colours of 16 bits: the upper eight bits are read")
    pixels = np.array(image.convert("RGB" if channels == 3 else "L"))
    return pixels if channels == 3 else pixels[..., None], BRIGHTEST if scale is None else scale


def _divisor(values: NDArray, mode: str, file: Path, scale: float | None, notes: list[str]) -> float:
    """Of grey values of more than eight bits. Raises S644, S724."""
    floats = values.dtype.kind == "f"
    if floats and not np.isfinite(values).all():
        raise ScanlabError.at("S644", f"{file.name} has values that are no finite numbers", help="repair it")
    if scale is not None:
        return scale
    if floats:
        notes.append(f"the values of {file.name} are floats, and are taken as they are; --scale divides them")
        return 1.0
    raise ScanlabError.at(
        "S724",
        f"{file.name} has grey values of more than eight bits, up to {int(values.max(initial=0)):,} here, and nothing "
        "says what they were divided by in training",
        help="give the divisor, as in --scale 4095 for twelve bits or --scale 65535 for sixteen",
    )
