"""Images and masks of another size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text

__all__ = ["check_size", "nearest", "resized", "resized_masks"]

CHUNK = 64


def resized(images: NDArray, size: tuple[int, ...], scale: float = 1.0) -> NDArray[np.float32]:
    """Images [M, C, *extents], of any dtype, times `scale`, as float32 [M, C, *size].

    Every pixel is the mean of those it covers where the image shrinks (so nothing is aliased), and linear between the
    nearest where it grows. Of the size that they have, they stay exactly as they are.
    """
    import torch
    import torch.nn.functional as F

    made = np.empty((*images.shape[:2], *size), np.float32)
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(size)]
    for start in range(0, len(images), CHUNK):
        some = np.multiply(images[start : start + CHUNK], np.float32(scale), dtype=np.float32, casting="unsafe")
        if some.shape[2:] != size:
            pooled = tuple(map(min, some.shape[2:], size))
            pool = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}[len(size)]
            smaller = pool(torch.from_numpy(some), pooled)
            some = F.interpolate(smaller, size, mode=mode, align_corners=False).numpy() if pooled != size else smaller
        made[start : start + CHUNK] = some
    return made


def nearest(masks: NDArray, size: tuple[int, ...]) -> NDArray:
    """Masks [M, *extents] as [M, *size], of their dtype: of every pixel the value at its middle."""
    if masks.shape[1:] != size:
        for axis, (have, want) in enumerate(zip(masks.shape[1:], size, strict=True), start=1):
            middles = ((np.arange(want) + 0.5) * have / want).astype(np.int64)
            masks = masks.take(middles, axis)
    return masks


def resized_masks(masks: NDArray, size: tuple[int, ...]) -> NDArray[np.uint8]:
    """Masks [M, *extents] as uint8 [M, *size]: of every pixel the class at its middle."""
    return nearest(masks, size).astype(np.uint8)


def check_size(size: tuple[int, ...], extents: tuple[int, ...], name: str) -> None:
    """Raise S646 for a size of other axes than the images'."""
    if len(size) != len(extents) or min(size) < 1:
        raise ScanlabError.at(
            "S646",
            f"{name} has images of {grid_text(extents)}, which cannot become {grid_text(size)}",
            help=f"give {count_text(len(extents), 'extent')} of at least 1",
        )
