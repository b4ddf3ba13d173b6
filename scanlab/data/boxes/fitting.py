"""Pictures of several sizes brought to one, in their own proportions, and their boxes with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.layout import Layout
from scanlab.data.notes import Note
from scanlab.data.pictures import read_pictures
from scanlab.data.resize import check_size
from scanlab.ir.text import grid_text

__all__ = ["fitted_boxes", "fitted_size", "read_fitted"]

Size = tuple[int, int]


def fitted_size(own: Sequence[int], size: Sequence[int]) -> Size:
    """The largest height and width of a picture's proportions that fit into a size.

    >>> fitted_size((480, 640), (100, 100))
    (75, 100)
    """
    scale = min(want / have for have, want in zip(own, size, strict=True))
    high, wide = (min(want, max(1, round(have * scale))) for have, want in zip(own, size, strict=True))
    return high, wide


def fitted_boxes(boxes: NDArray, own: Sequence[int], inner: Sequence[int]) -> NDArray:
    """Boxes [..., 5] of a picture that was scaled from one height and width to another."""
    down, right = (new / old for old, new in zip(own, inner, strict=True))
    return boxes * np.array([right, down, right, down, 1], boxes.dtype)


def read_fitted(
    files: Sequence[Path],
    sizes: Sequence[Size],
    boxes: Sequence[NDArray],
    size: tuple[int, ...] | None,
    layout: Layout,
    notes: list[Note],
) -> tuple[NDArray[np.float32], list[NDArray]]:
    """Pictures with these heights and widths as float32 [M, C, H, W], and their boxes [n, 5] where they lie now.

    Of one size they stay as they are unless a size is given; of several they all get the commonest. A picture keeps its
    proportions, and what is left to the right or below is filled up with zeros; a note says so. Raises what
    `read_pictures` raises.
    """
    counts = Counter(sizes)
    check_size(size or sizes[0], sizes[0], files[0].parent.name)
    most = max(counts.values())
    target = size or max(own for own, count in counts.items() if count == most)
    inner = [fitted_size(own, target) for own in sizes]
    images = read_pictures(files, target, layout, notes, inner).pixels
    notes += _notes(counts, target)  # pyright: ignore[reportArgumentType]
    return images, [fitted_boxes(some, own, new) for some, own, new in zip(boxes, sizes, inner, strict=True)]


def _notes(counts: Counter[Size], target: Size) -> list[Note]:
    if set(counts) == {target}:
        return []
    room = any(fitted_size(own, target) != target for own in counts)
    filled = ", and zeros are filled in to the right or below" if room else ""
    which = f"pictures of {len(counts)} sizes" if len(counts) > 1 else f"pictures of {grid_text(next(iter(counts)))}"
    what = f"{which} are scaled to fit {grid_text(target)} in their proportions"
    return [Note("assumed", f"{what}{filled}; their boxes move with them")]
