"""The causal convolution along paths in plain torch: what the kernels must agree with."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.ops.path_tables import PathTable

__all__ = ["convolve"]


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor | None, silu: bool, table: PathTable, initial: Tensor | None = None
) -> Tensor:
    """Shift, weight and add: y[r(s)] = f(b + sum_j w[j] x[r(s - W + 1 + j)]) along every path.

    x: [B, K or 1, L, D]; weight: [K or 1, D, W]; bias: [K or 1, D]; any floating dtype, computed in that dtype. Weights
    and bias are those of the path that owns step s; x before a traversal's start (the sequence's own, or a restart) is
    0, or initial [B, T, W - 1, D] before the start of a sequence. Returns [B, K, L, D], by path and row: rows visited
    several times add up, rows never visited are 0.
    """
    owners, resets = table.by_step()
    steps = table.steps.long().expand(x.shape[0], -1, -1)
    own = owners if weight.shape[0] > 1 else torch.zeros_like(owners)
    inputs = _read(x, owners, steps)
    position = torch.arange(steps.shape[2], device=x.device).expand_as(owners)
    start = torch.where(resets, position, 0).cummax(dim=1).values
    total = torch.zeros_like(inputs) if bias is None else bias[own].expand_as(inputs)
    taps = weight.shape[2]
    for back in range(taps if initial is not None else min(taps, steps.shape[2])):
        shifted = _later(inputs, initial, back)
        shifted = torch.where((position - back >= start)[..., None], shifted, 0) if initial is None else shifted
        total = total + weight[own][..., taps - 1 - back] * shifted
    return _write(F.silu(total) if silu else total, owners, steps, table.paths, x.shape[2])


def _later(inputs: Tensor, initial: Tensor | None, back: int) -> Tensor:
    """The inputs [B, T, S, D] `back` steps later, with the initial rows, or 0, before them."""
    if initial is None:
        return F.pad(inputs, (0, 0, back, 0))[:, :, : inputs.shape[2]]
    return torch.cat([initial[:, :, initial.shape[2] - back :], inputs], 2)[:, :, : inputs.shape[2]]


def _read(x: Tensor, owners: Tensor, steps: Tensor) -> Tensor:
    """What each step reads, [B, T, S, D]; 0 after a sequence's end."""
    sample = torch.arange(x.shape[0], device=x.device)[:, None, None]
    path = owners if x.shape[1] > 1 else torch.zeros_like(owners)
    return torch.where((steps >= 0)[..., None], x[sample, path, steps.clamp(min=0)], 0)


def _write(y: Tensor, owners: Tensor, steps: Tensor, paths: int, length: int) -> Tensor:
    """Add y [B, T, S, D] up by path and row: [B, K, L, D]."""
    y = torch.where((steps >= 0)[..., None], y, 0)
    place = (owners * length + steps.clamp(min=0)).flatten(1)[..., None].expand(-1, -1, y.shape[-1])
    total = y.new_zeros(y.shape[0], paths * length, y.shape[-1]).scatter_add(1, place, y.flatten(1, 2))
    return total.unflatten(1, (paths, length))
