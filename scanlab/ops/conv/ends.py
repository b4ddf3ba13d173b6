"""The ends of a convolution's sequences: the inputs that the next part of a sequence reads, and gradients through them.

All of it is about W - 1 steps of a sequence, so plain torch makes it on every device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from scanlab.kernels.columns import CARRY, FIRST, LAST, SEQUENCE
from scanlab.ops.modes import outside_modes
from scanlab.ops.partition import owners_of
from scanlab.ops.path_tables import PathTable

__all__ = ["add_to_inputs", "initial_gradient", "last_inputs"]


@dataclass(frozen=True, eq=False)
class _Places:
    """Where the W - 1 steps before the end of each sequence, or the first ones, stand; all [T, W - 1], on a device.

    sequence [T, 1]: their numbers. step: clamped to those that there are. owner: the path of each. exists: whether
    there is such a step; where there is none, `other` is the initial row in its place.
    """

    sequence: Tensor
    step: Tensor
    owner: Tensor
    exists: Tensor
    other: Tensor


_PLACES: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def _places(table: PathTable, count: int, *, at_end: bool) -> _Places:
    """Remembered per table: finding them takes longer than reading a few rows."""
    known: Any = _PLACES.setdefault(table.segments, {})
    key = (count, at_end, table.steps.device)
    if key not in known:
        with outside_modes():
            known[key] = _find(table, count, at_end)
    return known[key]


def _find(table: PathTable, count: int, at_end: bool) -> _Places:
    lengths, starts = torch.zeros(2, table.sequences, dtype=torch.long)
    for segment in table.segments.tolist():
        lengths[segment[SEQUENCE]] = segment[LAST]
        if not segment[CARRY]:
            # The window is emptied where a path restarts: nothing before is read again.
            starts[segment[SEQUENCE]] = segment[FIRST]
    places = torch.arange(count).repeat(table.sequences, 1)
    step = lengths[:, None] - count + places if at_end else places
    exists = (step >= starts[:, None] * at_end) & (step < lengths[:, None])
    inside = torch.where(exists, step, 0)
    owner = owners_of(table.segments, table.steps.shape[1:]).long().gather(1, inside)
    other = (lengths[:, None] + places).clamp(max=count - 1)
    sequence = torch.arange(table.sequences)[:, None]
    return _Places(*(t.to(table.steps.device) for t in (sequence, inside, owner, exists, other)))


def _index(values: Tensor, table: PathTable, places: _Places) -> tuple[Tensor, Tensor, Tensor]:
    """Sample, path and row of each place in values [B, K or 1, L, D], which broadcast to [B, T, W - 1]."""
    sample = torch.arange(len(values), device=values.device)[:, None, None]
    path = places.owner if values.shape[1] > 1 else torch.zeros_like(places.owner)
    rows = table.steps[:, places.sequence, places.step].long().clamp(min=0)
    return sample, path, rows.expand(len(values), -1, -1)


def _read(values: Tensor, table: PathTable, places: _Places) -> Tensor:
    """values [B, K or 1, L, D] at the places, [B, T, W - 1, D]; 0 where there is no step."""
    return torch.where(places.exists[..., None], values[_index(values, table, places)], 0)


def last_inputs(x: Tensor, initial: Tensor | None, table: PathTable, taps: int) -> Tensor:
    """[B, T, W - 1, D]: what the last W - 1 steps of each sequence read, those before it included; 0 where nothing is.

    x: [B, K or 1, L, D]; initial: [B, T, W - 1, D].
    """
    places = _places(table, taps - 1, at_end=True)
    last = _read(x, table, places)
    if initial is None:
        return last
    return torch.where(places.exists[..., None], last, initial[:, places.sequence, places.other])


def add_to_inputs(dx: Tensor, dinitial: Tensor | None, dlast: Tensor, table: PathTable) -> None:
    """Add the gradient of `last_inputs` to those of x and of the initial rows, in place and in a fixed order."""
    places = _places(table, dlast.shape[2], at_end=True)
    index = _index(dx, table, places)
    values = torch.where(places.exists[..., None], dlast, 0).to(dx.dtype)
    dx.index_put_(index, values, accumulate=True)
    if dinitial is not None:
        values = torch.where(places.exists[..., None], 0, dlast).to(dinitial.dtype)
        dinitial.index_put_((index[0], places.sequence, places.other), values, accumulate=True)


def initial_gradient(
    x: Tensor, weight: Tensor, bias: Tensor | None, initial: Tensor, silu: bool, dy: Tensor, table: PathTable
) -> Tensor:
    """float32 [B, T, W - 1, D]: the gradient of the initial rows through the first W - 1 steps.

    weight: [K or 1, W, D]; bias: [K or 1, D]; dy: [B, K, L, D].
    """
    taps = weight.shape[1]
    places = _places(table, taps - 1, at_end=False)
    read = torch.cat([initial.float(), _read(x, table, places).float()], 2)
    own = places.owner if len(weight) > 1 else torch.zeros_like(places.owner)
    # [T, W - 1, W, D]: the weights of each of these steps.
    weights = weight[own]
    windows = read.unfold(2, taps, 1)[:, :, : taps - 1].transpose(-1, -2)
    filtered = (weights * windows).sum(3) + (0 if bias is None else bias[own])
    q = _read(dy, table, places).float()
    if silu:
        s = filtered.sigmoid()
        q = q * s * (1 + filtered * (1 - s))
    gradient = torch.zeros_like(read)
    for step in range(taps - 1):
        gradient[:, :, step : step + taps] += weights[:, step] * q[:, :, step, None]
    return gradient[:, :, : taps - 1]
