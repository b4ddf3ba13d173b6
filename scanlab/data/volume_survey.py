"""What one pass over a volume and its mask tells: by it windows are z-scored, and centred on labelled voxels."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.volume_blocks import StoredVoxels
from scanlab.data.volume_copies import copies_folder, file_state
from scanlab.data.volume_files import checked_classes
from scanlab.ir.diagnostics import ScanlabError
from scanlab.places import draft_of

__all__ = ["VOXELS", "Survey", "surveyed"]

# Of every value of a mask, so many voxels are held; nnU-Net's preprocessing holds 10,000 of each class.
VOXELS = 1000
# Of a kept survey: another form of it needs another number.
FORM = 1


@dataclass(frozen=True, eq=False)
class Survey:
    """A volume and its mask in numbers. mean, deviation: float64 [channels]. values: of the mask, int64 [V], ascending;
    counts: how many voxels have each, int64 [V]. voxels: of every value but 0 up to VOXELS of its voxels, spread over
    the volume, int32 [n, 3] over the canonical axes, one value after the other; held: how many of each, int64 [V]."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    values: NDArray[np.int64]
    counts: NDArray[np.int64]
    voxels: NDArray[np.int32]
    held: NDArray[np.int64]


def surveyed(images: Sequence[StoredVoxels], mask: StoredVoxels) -> Survey:
    """Look at all voxels of a volume's modalities and its mask, a few slices at a time; what was seen is kept beside
    the copies of volumes till one of the files changes.

    Raises S644 for files that cannot be read and masks of other values than whole numbers, S646 for voxels that are no
    numbers.
    """
    named = [each.named for each in (*images, mask)]
    # The header of the volume may stand for that of the mask.
    axes = None if mask.axes is None else mask.axes.tolist()
    kept = copies_folder() / f"{file_state(named, FORM, axes)}.npz"
    if (known := _read(kept)) is not None:
        return known
    moments = [_moments(image) for image in images]
    seen = Survey(
        np.concatenate([mean for mean, _ in moments]),
        np.concatenate([deviation for _, deviation in moments]),
        *_values(mask),
    )
    try:
        with draft_of(kept) as draft, draft.open("wb") as file:
            np.savez(file, **{field.name: getattr(seen, field.name) for field in fields(Survey)})
    except OSError:
        # It is made again the next time.
        pass
    return seen


def _read(kept: Path) -> Survey | None:
    try:
        with np.load(kept, allow_pickle=False) as arrays:
            return Survey(**{field.name: arrays[field.name] for field in fields(Survey)})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _moments(image: StoredVoxels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of every channel, block by block (Chan, Golub and LeVeque 1983)."""
    count, mean, squares = 0, np.zeros(image.channels), np.zeros(image.channels)
    for _, block in image.blocks():
        flat = block.reshape(len(block), -1)
        if not np.isfinite(flat).all():
            problem = f"{image.named} has voxels that are NaN or infinite"
            raise ScanlabError.at("S646", problem, help="repair it, or leave it out")
        own = flat.mean(1, dtype=np.float64)
        away = own - mean
        squares += flat.var(1, dtype=np.float64) * flat.shape[1] + away**2 * count * flat.shape[1] / (
            count + flat.shape[1]
        )
        count += flat.shape[1]
        mean += away * flat.shape[1] / count
    return mean, np.sqrt(squares / count)


def _values(
    mask: StoredVoxels,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """The values of a mask, how many voxels have each, and some of these."""
    if mask.channels != 1:
        problem = f"the mask {mask.named.name} has shape {list(mask.shape)}"
        raise ScanlabError.at("S644", problem, help="expected one class per voxel, not several")
    draw = np.random.RandomState(0)
    counts: dict[int, int] = {}
    some: dict[int, list[tuple[int, NDArray[np.int32]]]] = {}
    for start, block in mask.blocks():
        classes = checked_classes(block[0], mask.named)
        for value, count in zip(*(each.tolist() for each in np.unique(classes, return_counts=True)), strict=True):
            counts[value] = counts.get(value, 0) + count
            if value:
                places = np.flatnonzero(classes == value)
                places = places if count <= VOXELS else places[draw.randint(0, count, VOXELS)]
                voxels = np.stack(np.unravel_index(places, classes.shape), 1) + np.array(start)
                some.setdefault(value, []).append((count, voxels.astype(np.int32)))
    values = sorted(counts)
    held = [_spread(some.get(value, []), counts[value]) for value in values]
    return (
        np.array(values, np.int64),
        np.array([counts[value] for value in values], np.int64),
        np.concatenate([np.empty((0, 3), np.int32), *held]),
        np.array([len(each) for each in held], np.int64),
    )


def _spread(blocks: list[tuple[int, NDArray[np.int32]]], total: int) -> NDArray[np.int32]:
    """Up to VOXELS voxels of blocks that have so many each, of every block in proportion, one at least."""
    taken = [voxels[: max(1, round(VOXELS * count / max(total, VOXELS)))] for count, voxels in blocks]
    return np.concatenate([np.empty((0, 3), np.int32), *taken])
