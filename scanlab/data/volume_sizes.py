"""Volumes of one size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.notes import Note
from scanlab.data.resize import check_size, nearest, resized
from scanlab.data.volume_files import Volume
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text

__all__ = ["fitted"]


def fitted(
    folder: Path, volumes: Sequence[Volume], size: tuple[int, ...] | None, framed: bool, notes: list[Note]
) -> tuple[NDArray[np.float32], list[NDArray]]:
    """All volumes [M, C, *size] and their masks [*size] with the same extents; none where they have no masks.

    framed: padded or cropped around the middle, where they were resampled already; else resampled. Raises S644, S646.
    """
    shapes = np.array([volume.extents for volume in volumes])
    usual = shapes.max(0) if framed else np.median(shapes, axis=0)
    chosen = size or tuple(int(n) for n in usual)
    check_size(chosen, tuple(shapes[0]), folder.name)
    channels = len(volumes[0].channels)
    if any(len(volume.channels) != channels for volume in volumes):
        raise ScanlabError.at("S644", f"the volumes of {folder} differ in their modalities", help="give all the same")
    pixels = np.empty((len(volumes), channels, *chosen), np.float32)
    masks, lost = [], 0
    for number, volume in enumerate(volumes):
        if framed:
            pixels[number] = [_framed(channel, chosen, float(channel.min())) for channel in volume.channels]
        else:
            pixels[number] = resized(volume.channels[None], chosen)[0]
        if volume.mask is not None:
            masks.append(_framed(volume.mask, chosen, 0) if framed else nearest(volume.mask[None], chosen)[0])
            lost += framed and bool(np.count_nonzero(masks[-1]) < np.count_nonzero(volume.mask))
    if framed:
        notes.append(
            Note("assumed", f"volumes are padded or cropped around their middle to {grid_text(chosen)} voxels")
        )
    elif len(np.unique(shapes, axis=0)) > 1 or chosen != tuple(shapes[0]):
        extents = [grid_text(f(axis=0)) for f in (shapes.min, shapes.max)]
        notes.append(
            Note("assumed", f"volumes of {extents[0]} to {extents[1]} voxels are resampled to {grid_text(chosen)}")
        )
    if lost:
        notes.append(
            Note("left out", f"labelled voxels of {count_text(lost, 'volume')}, outside of {grid_text(chosen)}")
        )
    return pixels, masks


def _framed(array: NDArray, size: tuple[int, ...], fill: float) -> NDArray:
    """The middle of an array, with `fill` around it where it is too small."""
    made = np.full(size, fill, array.dtype)
    cut = [max(0, (have - want) // 2) for have, want in zip(array.shape, size, strict=True)]
    put = [max(0, (want - have) // 2) for have, want in zip(array.shape, size, strict=True)]
    span = [min(have, want) for have, want in zip(array.shape, size, strict=True)]
    there = tuple(slice(p, p + s) for p, s in zip(put, span, strict=True))
    made[there] = array[tuple(slice(c, c + s) for c, s in zip(cut, span, strict=True))]
    return made
