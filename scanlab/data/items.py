"""Images as libraries and people's own code give them, one by one: Pillow's, arrays, tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.array_axes import MOST_CHANNELS
from scanlab.data.notes import Note
from scanlab.data.ragged import BRIGHTEST
from scanlab.data.resize import resized
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["as_image", "as_target", "guesses", "is_picture", "stored"]

# Of Pillow's modes, those whose images have one channel, and those that can be made to have three.
_GREY, _COLOURED = ("1", "L", "LA"), ("P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
_EXPECTED = "give one of Pillow's, or an array or tensor [C, H, W] or [H, W, C], of uint8 or floats"


def stored(item: Any) -> NDArray:
    """An image as it is stored, [C, *extents]: uint8 of Pillow's, grey with one channel, others with three.

    An array or tensor of two axes is a grey picture where it is of uint8, else a series [C, L]; one of more has its
    channels first, or last where that axis is at most four long and the first is longer. Raises S646 for a picture
    with more than eight bits, and S840 for what is no image.
    """
    if is_picture(item):
        if item.mode not in (*_GREY, *_COLOURED):
            help = "choose data with 8 bits a channel"
            raise ScanlabError.at("S646", f"there are images of mode {item.mode}", help=help)
        pixels = np.asarray(item.convert("L" if item.mode in _GREY else "RGB"))
        return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    array = _array(item)
    if array.dtype.kind not in "buif" or array.ndim == 0:
        raise ScanlabError.at("S840", f"an image is {_shown(item)}", help=_EXPECTED)
    if not 2 <= array.ndim <= 4 or not array.size:
        problem = f"an image is {array.dtype} of shape {list(array.shape)}"
        raise ScanlabError.at("S840", problem, help=_EXPECTED)
    if array.ndim == 2:
        return array[None] if array.dtype == np.uint8 else array
    return np.moveaxis(array, -1, 0) if array.shape[-1] <= MOST_CHANNELS < array.shape[0] else array


def guesses(item: Any) -> list[Note]:
    """What `stored` and `as_image` take for granted of an array."""
    if is_picture(item):
        return []
    array = _array(item)
    notes = []
    if array.ndim == 2 and array.dtype != np.uint8:
        notes.append(Note("assumed", f"items of shape {list(array.shape)} are series with {len(array)} channels"))
    elif array.ndim > 2 and array.shape[-1] <= MOST_CHANNELS < array.shape[0]:
        notes.append(Note("assumed", f"the last axis of images of shape {list(array.shape)} holds channels"))
    if array.dtype.kind in "iu" and array.dtype != np.uint8:
        notes.append(Note("assumed", f"images of {array.dtype} are taken as they are: only uint8 is divided by 255"))
    return notes


def as_image(pixels: NDArray, channels: int, size: tuple[int, ...]) -> NDArray[np.float32]:
    """A stored image as float32 [channels, *size]: uint8 in [0, 1], other numbers as they are.

    A grey image has its values in all channels. Raises S840 for other channels, and numbers that are NaN or infinite.
    """
    if len(pixels) != channels and len(pixels) > 1:
        problem = f"an image has {len(pixels)} channels, and others {channels}"
        raise ScanlabError.at("S840", problem, help="give images of one kind; or load with lazy = false")
    made = resized(pixels[None], size, 1 / BRIGHTEST if pixels.dtype == np.uint8 else 1.0)[0]
    if not np.isfinite(made).all():
        raise ScanlabError.at("S840", "an image has pixels that are NaN or infinite", help="repair or leave it out")
    return made if len(made) == channels else np.repeat(made, channels, axis=0)


def as_target(item: Any) -> NDArray:
    """A target as it is given: a number, numbers, or a mask, which may be one of Pillow's. Raises S840."""
    target = np.asarray(item) if is_picture(item) else _array(item)
    if target.dtype.kind not in "buif":
        help = "give a whole number from 0 up, a mask, 0 and 1 for every label, or boxes"
        raise ScanlabError.at("S840", f"a target is {_shown(item)}", help=help)
    return target


def is_picture(item: Any) -> bool:
    """Whether something is one of Pillow's images, which need not be installed."""
    return hasattr(item, "convert") and hasattr(item, "mode") and hasattr(item, "size")


def _array(item: Any) -> NDArray:
    if hasattr(item, "detach"):
        item = item.detach().cpu()
        item = item.float() if item.is_floating_point() else item
    try:
        return np.asarray(item)
    except (TypeError, ValueError):
        return np.asarray(None)


def _shown(item: Any) -> str:
    text = repr(item)
    return text if len(text) <= 40 else f"a {type(item).__name__}"
