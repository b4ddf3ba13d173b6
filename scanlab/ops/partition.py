"""Segments of sequences cut to what a kernel takes at once.

Chunks: for the selective scan, the unit at whose start a forward pass keeps its state for the backward. Tiles: for the
operators whose steps need not wait for each other, the convolution and the state space dual, with outputs kept by path.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from scanlab.kernels.columns import CARRY, FIRST, LAST, PATH, SEGMENT_COLUMNS, SEQUENCE
from scanlab.ops.modes import outside_modes

__all__ = ["CHUNK", "Chunks", "Tiles", "cut", "owners_of", "path_sums", "tiles_of"]

# States are recomputed within a chunk, so its length trades memory for work space: measured in docs/kernels.md.
CHUNK = 32


@dataclass(frozen=True, eq=False)
class Chunks:
    """What the kernels loop over.

    rows int32 [Q, 6], on the CPU: (sequence, path, first step, last step + 1, carry, checkpoint), in order of sequence
    and step. checkpoint: where the state before the chunk is kept, -1 where carry is 0 and there is nothing to keep.
    ranges int32 [T + 1]: the chunks of sequence t are rows[ranges[t]:ranges[t + 1]]; a sequence may have none.
    """

    rows: Tensor
    ranges: Tensor
    checkpoints: int

    @cached_property
    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """rows and ranges as NumPy's."""
        return self.rows.numpy(), self.ranges.numpy()


# Cutting is quick, but a scan of a small image takes a fifth of a millisecond. Keyed by the tensor itself, weakly.
_CUT: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def cut(segments: Tensor, sequences: int) -> Chunks:
    """Cut segments int32 [R, 5] (see PathTable) of T sequences into chunks of CHUNK steps at most; kept per tensor.

    And by their content, since a compiled graph makes the segments of an order that comes from data anew in every call.
    """
    chunks = _CUT.get(segments)
    if chunks is None:
        chunks = _CUT[segments] = _by_content(segments.numpy().tobytes(), sequences)
    return chunks


@lru_cache(maxsize=256)
def _by_content(segments: bytes, sequences: int) -> Chunks:
    with outside_modes():
        return _chunks_of(np.frombuffer(segments, dtype=np.int32).reshape(-1, SEGMENT_COLUMNS), sequences)


def _chunks_of(segments: np.ndarray, sequences: int) -> Chunks:
    rows, inside = _repeated(segments, CHUNK)
    rows[:, FIRST] += (CHUNK * inside).astype(np.int32)
    rows[:, LAST] = np.minimum(rows[:, LAST], rows[:, FIRST] + CHUNK)
    rows[:, CARRY] |= inside > 0
    checkpoints = np.where(rows[:, CARRY] > 0, np.cumsum(rows[:, CARRY]) - 1, -1)
    ranges = np.searchsorted(rows[:, SEQUENCE], np.arange(sequences + 1))
    return Chunks(
        torch.from_numpy(np.column_stack([rows, checkpoints]).astype(np.int32)),
        torch.from_numpy(ranges.astype(np.int32)),
        int(rows[:, CARRY].sum()),
    )


def _repeated(segments: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Each segment as often as it has parts of at most `limit` steps, and which of its parts each is."""
    counts = -(-(segments[:, LAST] - segments[:, FIRST]) // limit)
    rows = np.repeat(segments, counts, axis=0)
    return rows, np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)


@dataclass(frozen=True, eq=False)
class Tiles:
    """What the kernels of the convolution and of the state space dual take one by one.

    rows int32 [Q, 6], on the CPU: (sequence, path, first, last, start, end), in order of sequence and step: steps first
    to last - 1 belong to one path; start to end - 1 are the traversal around them, from one reset of the state to the
    next. owners int32 [T, S]: the path of each step. visits int32 [Bt, T, S]: how often the path of a step visited the
    row of the step before. ranges int32 [T + 1]: the tiles of each sequence. rounds: one more than the highest number
    of visits. complete: every path visits every row. All but rows on the device of the steps.
    """

    rows: Tensor
    owners: Tensor
    visits: Tensor
    ranges: Tensor
    rounds: int
    complete: bool

    def on(self, device: torch.device) -> Tensor:
        """The rows on a device; the copy is kept with them."""
        copies: dict[torch.device, Tensor] = _COPIES.get(self.rows) or {}
        if device not in copies:
            with outside_modes():
                copies[device] = self.rows.to(device)
            _COPIES[self.rows] = copies
        return copies[device]


# Planning takes longer than scanning a small image. Keyed weakly by the tensors themselves.
_PLANS: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
_COPIES: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
_OWNERS: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def tiles_of(steps: Tensor, segments: Tensor, paths: int, length: int, limit: int, *, plain: bool) -> Tiles:
    """Cut the segments of a PathTable into tiles of at most `limit` steps; remembered per tensor of steps.

    plain: no path is known to visit a row twice and every path visits every row, so nothing has to be counted. Counting
    waits for a GPU, once per table.
    """
    plans: dict[tuple[int, bool], tuple[Tensor, Tiles]] = _PLANS.get(steps) or {}
    known = plans.get((limit, plain))
    if known is None or known[0] is not segments:
        with outside_modes():
            known = plans[limit, plain] = (segments, _tiles(steps, segments, paths, length, limit, plain))
        _PLANS[steps] = plans
    return known[1]


def _tiles(steps: Tensor, segments: Tensor, paths: int, length: int, limit: int, plain: bool) -> Tiles:
    owners = owners_of(segments, steps.shape[1:])
    rows = torch.from_numpy(_tile_rows(segments.numpy(), limit))
    if plain:
        visits, rounds, complete = torch.zeros((1, 1, 1), dtype=torch.int32, device=steps.device), 1, True
    else:
        visits, rounds, complete = _count(steps, owners.to(steps.device), paths, length)
    ranges = np.searchsorted(rows[:, SEQUENCE].numpy(), np.arange(steps.shape[1] + 1)).astype(np.int32)
    return Tiles(rows, owners.to(steps.device), visits, torch.from_numpy(ranges).to(steps.device), rounds, complete)


def _tile_rows(segments: np.ndarray, limit: int) -> np.ndarray:
    """int32 [Q, 6]: the rows of Tiles."""
    starts = segments[segments[:, CARRY] == 0, FIRST]
    # A traversal ends where its last segment does.
    ends = (
        segments[np.append(np.flatnonzero(segments[1:, CARRY] == 0), len(segments) - 1), LAST]
        if len(segments)
        else starts
    )
    rows, inside = _repeated(segments, limit)
    first = rows[:, FIRST] + limit * inside
    last = np.minimum(rows[:, LAST], first + limit)
    # Only the first part of a segment without carry begins a traversal.
    traversal = np.cumsum((rows[:, CARRY] == 0) & (inside == 0)) - 1
    columns = (rows[:, SEQUENCE], rows[:, PATH], first, last, starts[traversal], ends[traversal])
    return np.column_stack(columns).astype(np.int32)


def owners_of(segments: Tensor, shape: torch.Size) -> Tensor:
    """int32 [T, S], on the CPU: the path of each step, that of the sequence's last step after its end; remembered."""
    known = _OWNERS.get(segments)
    if known is None:
        owners = np.zeros(tuple(shape), dtype=np.int32)
        for sequence, path, first, _, _ in segments.tolist():
            owners[sequence, first:] = path
        with outside_modes():
            known = _OWNERS[segments] = torch.from_numpy(owners)
    return known


def _count(steps: Tensor, owners: Tensor, paths: int, length: int) -> tuple[Tensor, int, bool]:
    """The visits, the rounds and the completeness of Tiles."""
    inside = (steps >= 0).flatten(1)
    visited = torch.where(inside, (owners * length + steps).long().flatten(1), -1)
    ordered, places = visited.sort(dim=1, stable=True)
    position = torch.arange(ordered.shape[1], device=steps.device).expand_as(ordered)
    fresh = torch.ones_like(ordered, dtype=torch.bool)
    fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    earlier = position - torch.where(fresh, position, 0).cummax(dim=1).values
    visits = torch.empty_like(earlier).scatter_(1, places, earlier)
    rounds = int(torch.where(inside, visits, 0).max()) + 1
    complete = bool(((fresh & (ordered >= 0)).sum(1) == paths * length).all())
    return visits.to(torch.int32).reshape(steps.shape), rounds, complete


def path_sums(partial: Tensor, tiles: Tiles, sets: int) -> Tensor:
    """Add partial [B, Q, ...] up over samples and over the tiles of each set of parameters: [sets, ...], sets 1 or K.

    In a fixed order, so that every run gives the same bits.
    """
    by_tile = partial.sum(0)
    if sets == 1:
        return by_tile.sum(0, keepdim=True)
    # The tiles of a path lie side by side; a path without steps has none.
    path = tiles.rows[:, PATH].numpy()
    places = [np.flatnonzero(path == k) for k in range(sets)]
    return torch.stack([by_tile[p[0] : p[-1] + 1].sum(0) if len(p) else by_tile[:0].sum(0) for p in places])
