"""How the chunks of a scan are dealt out to the programs of a GPU.

A work item is what one program takes: a sequence, several one after the other, or a part of a path.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from scanlab.kernels.columns import PATH, SEQUENCE
from scanlab.ops.modes import outside_modes
from scanlab.ops.path_tables import CHUNK, PathTable

__all__ = ["KEPT", "PROGRAMS", "Division", "Plan", "division_for", "plan_for"]

# Sixteen warps for each of the 132 processors of an H100: fewer do not hide the latency of a row. Measured, backward
# with N = 16 over 14 x 14: two sequences in a program (23 programs a processor) 2.1 ms, four (12) 2.9 ms.
PROGRAMS = 2112
# Bytes of float32 rows, of all programs that run at once, from which on sequences are scanned apart. Measured on an
# H100, whose L2 cache has 50 MB: at 106 MB (14 x 14, N = 16, forward) two in a program take 1.7 times as long as apart,
# and 2.3 times at 850 MB (56 x 56). Below, apart has not been measured.
KEPT = 64 << 20
# Parts are scanned twice, so a sequence that is not cut costs less than one cut in three. Estimated.
FEWEST_PARTS = 3
# In chunks. A part keeps and passes on 2 N numbers per channel, as much as this many steps read. Estimated.
SHORTEST_PART = 2


@dataclass(frozen=True)
class Division:
    """What one program takes: `together` whole sequences, a divisor of their number; or, with chunks, a part of a path.

    chunks: how many a part has at most.
    """

    together: int = 1
    chunks: int = 0


@dataclass(frozen=True, eq=False)
class Plan:
    """The chunks and work items of a scan, on the device that reads them.

    chunks int32 [Q, 8]: (sequence, path, first step, last step + 1, carry, checkpoint, whether it ends its sequence,
    accumulator); accumulator: where a chunk's share of the parameters' gradients is added up. work items int32 [P, 2]:
    first chunk, last chunk + 1. ranges int32 [T + 1]: the work items of each sequence (of parts). owners: the path of
    each accumulator, on the CPU.
    """

    division: Division
    chunks: Tensor
    work_items: Tensor
    ranges: Tensor
    owners: np.ndarray

    @property
    def merged(self) -> bool:
        """Whether a program takes several sequences, and adds up what they share."""
        return self.division.together > 1

    @property
    def cut(self) -> bool:
        """Whether work items begin with states that others leave."""
        return self.division.chunks > 0


def division_for(table: PathTable, programs: int, channels: int, *, separate: bool) -> Division:
    """Which division makes enough programs for a GPU; programs: of one sequence, each for
    `channels` channels of a sample.

    Sequences that are scanned together leave fewer float32 copies to add up afterwards, and their sums are free as long
    as rows stay in the cache from one sequence to the next. Where sequences alone are too few, long ones are cut, at
    the price of scanning twice; not where a sequence visits rows twice, since then two parts may add to the same row.
    """
    if not separate and PROGRAMS * table.steps.shape[2] * 4 * channels <= KEPT:
        many = (n for n in range(table.sequences, 1, -1) if table.sequences % n == 0)
        together = next((n for n in many if programs * table.sequences // n >= PROGRAMS), 1)
        if together > 1:
            return Division(together)
    missing = PROGRAMS / (max(1, programs) * table.sequences)
    chunks = -(-table.steps.shape[2] // CHUNK)
    if table.revisits or min(missing, chunks / SHORTEST_PART) < FEWEST_PARTS:
        return Division()
    return Division(chunks=max(SHORTEST_PART, int(chunks / missing)))


# Planning takes longer than the scan of a small image. Keyed by the segments themselves, weakly.
_PLANS: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def plan_for(table: PathTable, division: Division, device: torch.device) -> Plan:
    """The plan of a division, on a device; remembered per table."""
    plans: Any = _PLANS.setdefault(table.segments, {})
    key = (division, device)
    if key not in plans:
        with outside_modes():
            plan = _plan(table, division)
            move = {name: getattr(plan, name).to(device) for name in ("chunks", "work_items", "ranges")}
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
    if division.chunks:
        accumulators = np.repeat(np.arange(len(starts)), lengths)
        owners = rows[starts, PATH]
    else:
        accumulators, owners = rows[:, PATH], np.arange(table.paths)
    return Plan(
        division,
        torch.from_numpy(np.column_stack([rows, ends, accumulators]).astype(np.int32)),
        torch.from_numpy(np.column_stack([starts, starts + lengths]).astype(np.int32)),
        torch.from_numpy(np.searchsorted(starts, ranges).astype(np.int32)),
        owners,
    )


def _starts(rows: np.ndarray, ranges: np.ndarray, division: Division) -> np.ndarray:
    """The first chunk of each work item, rising."""
    if not division.chunks:
        # The chunks of `together` sequences lie side by side; where none of them has any there is no work item.
        bounds = ranges[:: division.together]
        return bounds[:-1][np.diff(bounds) > 0].astype(np.int64)
    if not len(rows):
        return np.zeros(0, dtype=np.int64)
    owner = rows[:, [SEQUENCE, PATH]]
    new = np.append(True, (owner[1:] != owner[:-1]).any(1))
    begins = np.flatnonzero(new)
    place = np.arange(len(rows)) - begins[np.cumsum(new) - 1]
    return np.flatnonzero(place % division.chunks == 0)
