"""Runs of steps cut into chunks: the unit at whose start a forward pass keeps its state for the backward."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from scanlab.ops.modes import outside_modes

__all__ = ["CHUNK", "Chunks", "cut"]

# States are recomputed within a chunk, so its length trades memory for work space: measured in docs/kernels.md.
CHUNK = 32


@dataclass(frozen=True, eq=False)
class Chunks:
    """What the kernels loop over.

    rows int32 [Q, 6], on the CPU: (track, path, first step, last step + 1, carry, slot), in order of track and step.
    slot: where the state before the chunk is kept, -1 where carry is 0 and there is nothing to keep. ranges int32
    [T + 1]: the chunks of track t are rows[ranges[t]:ranges[t + 1]]; a track may have none.
    """

    rows: Tensor
    ranges: Tensor
    slots: int


# Cutting is quick, but a scan of a small image takes a fifth of a millisecond. Keyed by the tensor itself, weakly.
_CUT: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def cut(runs: Tensor, tracks: int) -> Chunks:
    """Cut runs int32 [R, 5] (see PathTable) of T tracks into chunks of at most CHUNK steps; remembered per tensor.

    And by their content, since a compiled graph makes the runs of an order that comes from data anew in every call.
    """
    found = _CUT.get(runs)
    if found is None:
        found = _CUT[runs] = _by_content(runs.numpy().tobytes(), tracks)
    return found


@lru_cache(maxsize=256)
def _by_content(runs: bytes, tracks: int) -> Chunks:
    with outside_modes():
        return _cut(np.frombuffer(runs, dtype=np.int32).reshape(-1, 5), tracks)


def _cut(runs: np.ndarray, tracks: int) -> Chunks:
    counts = -(-(runs[:, 3] - runs[:, 2]) // CHUNK)
    rows = np.repeat(runs, counts, axis=0)
    inside = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    rows[:, 2] += (CHUNK * inside).astype(np.int32)
    rows[:, 3] = np.minimum(rows[:, 3], rows[:, 2] + CHUNK)
    rows[:, 4] |= inside > 0
    slots = np.where(rows[:, 4] > 0, np.cumsum(rows[:, 4]) - 1, -1)
    ranges = np.searchsorted(rows[:, 0], np.arange(tracks + 1))
    return Chunks(
        torch.from_numpy(np.column_stack([rows, slots]).astype(np.int32)),
        torch.from_numpy(ranges.astype(np.int32)),
        int(rows[:, 4].sum()),
    )
