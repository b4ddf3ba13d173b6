"""One picture of text as readers are trained on it: grey bytes, of one height, ink bright on dark paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.layout import NOTHING
from scanlab.data.notes import Note
from scanlab.data.pictures import opened, require_one_frame, unreadable
from scanlab.data.ragged import BRIGHTEST
from scanlab.data.resize import resized
from scanlab.data.upright import turned

__all__ = [
    "DARK_INK",
    "LIGHT_INK",
    "height_notes",
    "ink_bright",
    "ink_by_mean",
    "of_height",
    "of_size",
    "read_grey",
    "size_at_height",
]

# Words of `layout`.
DARK_INK, LIGHT_INK = "dark_ink", "light_ink"
_DEEPEST_TO_BYTES = 257
# Paper or ink is bright: values of 16 bits that stay below are those of 8, 10 or 12.
_LEAST_BRIGHT = 4096


def read_grey(file: Path) -> tuple[NDArray[np.uint8], bool]:
    """A picture as grey bytes [1, H, W], upright, what is transparent as white; and whether it was grey. Raises S644
    for a file that cannot be read, or has grey values of more than eight bits that are not those of 16, and S694 for
    one of several frames."""
    from PIL import Image

    with opened(file) as image:
        try:
            require_one_frame(image, file)
            if image.mode.startswith(("I", "F")):
                deep = np.asarray(turned(image, NOTHING), np.float64)
                if not image.mode.startswith("I;16"):
                    raise ValueError(f"its grey values have more than eight bits ({image.mode})")
                if (most := int(deep.max(initial=0))) < _LEAST_BRIGHT:
                    raise ValueError(f"its grey values of 16 bits reach {most:,} of 65,535: save them with eight bits")
                return (deep / _DEEPEST_TO_BYTES).astype(np.uint8)[None], True
            upright: Any = turned(image, NOTHING)
            if "transparency" in upright.info or upright.mode in ("RGBA", "LA", "PA"):
                whole = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole)
            grey = upright.mode in ("1", "L", "LA")
            return np.asarray(upright.convert("L"), np.uint8)[None], grey
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise unreadable(file, error) from None


def of_size(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Bytes [1, H, W] of another height and width."""
    if image.shape[1:] == size:
        return image
    return np.rint(resized(image[None], size)[0]).astype(np.uint8)


def of_height(image: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    """Bytes [1, H, W] of another height, their aspect kept.

    >>> of_height(np.zeros((1, 24, 100), np.uint8), 48).shape
    (1, 48, 200)
    """
    return of_size(image, size_at_height(image.shape[1:], height))


def size_at_height(own: Sequence[int], height: int) -> tuple[int, int]:
    """The height and width of a line that is scaled to a height, its aspect kept; at least one pixel wide."""
    return height, max(1, round(own[1] * height / own[0]))


def height_notes(heights: Counter[int], height: int) -> list[Note]:
    """That lines of some heights were scaled to one; nothing where all had it."""
    if set(heights) == {height}:
        return []
    what = f"heights are {min(heights)} to {max(heights)} pixels" if len(heights) > 1 else f"all are {min(heights)}"
    return [Note("assumed", f"{what} high: lines are scaled to {height}, their aspect kept")]


def ink_by_mean(mean: float) -> str:
    """What ink seems to be by the mean value, in [0, 1], of pictures of text: it covers less than the paper does.

    >>> ink_by_mean(0.8), ink_by_mean(0.1)
    ('dark_ink', 'light_ink')
    """
    return DARK_INK if mean > 0.5 else LIGHT_INK


def ink_bright(pixels: NDArray[np.uint8], ink: str) -> NDArray[np.uint8]:
    """Bytes with ink bright on dark paper: what a shift or a patch beyond the edge fills in is paper then."""
    return BRIGHTEST - pixels if ink == DARK_INK else pixels
