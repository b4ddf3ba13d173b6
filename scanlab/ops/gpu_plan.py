"""How the chunks of a scan are dealt out to the programs of a GPU.

A span is what one program walks: all tracks, one track, or a part of a path. No GPU could be had when this was written:
the numbers below are estimates from instruction counts and published latencies, not measurements.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from scanlab.ops.modes import outside_modes
from scanlab.ops.paths import CHUNK, PathTable

__all__ = ["PROGRAMS", "Division", "Plan", "division_for", "plan_for"]

# Eight warps for each of the 132 processors of an H100, whose 64 Ki registers hold sixteen warps of 128 each: fewer do
# not hide the latency of a row. Estimated.
PROGRAMS = 1056
# Parts are walked twice, so a walk that is not cut costs less than one cut in three. Estimated.
FEWEST_PARTS = 3
# In chunks. A part keeps and passes on 2 N numbers per channel, as much as this many steps read. Estimated.
SHORTEST_PART = 2


@dataclass(frozen=True)
class Division:
    """What one program walks: "all" tracks, one of the "tracks", or "parts" of up to `chunks` chunks of one path."""

    kind: str
    chunks: int = 0


@dataclass(frozen=True, eq=False)
class Plan:
    """The chunks and spans of a scan, on the device that walks them.

    chunks int32 [Q, 8]: (track, path, first step, last step + 1, carry, slot, whether it ends its track, home); home:
    where a chunk's share of the parameters' gradients is added up. spans int32 [P, 2]: first chunk, last chunk + 1.
    ranges int32 [T + 1]: the spans of each track (not for "all"). owners: the path of each home, on the CPU.
    """

    division: Division
    chunks: Tensor
    spans: Tensor
    ranges: Tensor
    owners: np.ndarray

    @property
    def merged(self) -> bool:
        """Whether one program walks all tracks, and adds up what they share."""
        return self.division.kind == "all"

    @property
    def cut(self) -> bool:
        """Whether spans begin with states that others leave."""
        return self.division.kind == "parts"


def division_for(table: PathTable, walkers: int, *, separate: bool) -> Division:
    """Which division makes enough programs for a GPU; walkers: blocks of channels times samples.

    The fewer programs the less memory: all tracks in one program need no sums afterwards. Where tracks alone are too
    few, long ones are cut, at the price of walking twice; not where a track visits rows twice, since then two parts
    may add to the same row.
    """
    if walkers >= PROGRAMS and not separate and table.tracks > 1:
        return Division("all")
    missing = PROGRAMS / (walkers * table.tracks)
    chunks = -(-table.steps.shape[2] // CHUNK)
    if table.revisits or min(missing, chunks / SHORTEST_PART) < FEWEST_PARTS:
        return Division("tracks")
    return Division("parts", max(SHORTEST_PART, int(chunks / missing)))


# Planning takes longer than the scan of a small image. Keyed by the runs themselves, weakly.
_PLANS: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def plan_for(table: PathTable, division: Division, device: torch.device) -> Plan:
    """The plan of a division, on a device; remembered per table."""
    plans: Any = _PLANS.setdefault(table.runs, {})
    key = (division, device)
    if key not in plans:
        with outside_modes():
            plan = _plan(table, division)
            move = {name: getattr(plan, name).to(device) for name in ("chunks", "spans", "ranges")}
            plans[key] = replace(plan, **move)
    return plans[key]


def _plan(table: PathTable, division: Division) -> Plan:
    chunks = table.chunks
    rows = chunks.rows.numpy()
    ranges = chunks.ranges.numpy()
    starts = _starts(rows, ranges, division)
    lengths = np.diff(starts, append=len(rows))
    ends = np.zeros(len(rows))
    ends[ranges[1:][np.diff(ranges) > 0] - 1] = 1
    if division.kind == "parts":
        homes = np.repeat(np.arange(len(starts)), lengths)
        owners = rows[starts, 1]
    else:
        homes, owners = rows[:, 1], np.arange(table.paths)
    return Plan(
        division,
        torch.from_numpy(np.column_stack([rows, ends, homes]).astype(np.int32)),
        torch.from_numpy(np.column_stack([starts, starts + lengths]).astype(np.int32)),
        torch.from_numpy(np.searchsorted(starts, ranges).astype(np.int32)),
        owners,
    )


def _starts(rows: np.ndarray, ranges: np.ndarray, division: Division) -> np.ndarray:
    """The first chunk of each span, rising."""
    if division.kind == "all" or not len(rows):
        return np.zeros(min(1, len(rows)), dtype=np.int64)
    if division.kind == "tracks":
        return np.unique(ranges[:-1][np.diff(ranges) > 0])
    owner = rows[:, :2]
    new = np.append(True, (owner[1:] != owner[:-1]).any(1))
    begins = np.flatnonzero(new)
    place = np.arange(len(rows)) - begins[np.cumsum(new) - 1]
    return np.flatnonzero(place % division.chunks == 0)
