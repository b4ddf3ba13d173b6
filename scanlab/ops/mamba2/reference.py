"""Mamba-2's state space along paths, step by step in plain torch: what the kernels must agree with."""

from __future__ import annotations

import torch
from torch import Tensor

from scanlab.ops.path_tables import PathTable

__all__ = ["scan_heads"]


def scan_heads(
    x: Tensor,
    dt: Tensor,
    decay: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    table: PathTable,
    weights: Tensor | None,
    initial: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Scan every sequence with one state [P, N] per head, and add up per sequence at each row what its visits put out.

    At a step that visits row i with the parameters of path k (arXiv 2405.21060, section 3 and listing 1):

        h = exp(decay[k, i]) h + dt[k, i] w[k] x[k, i] B[k, i]^T;    y[i] += h C[k, i] + D[k] w[k] x[k, i]

    x: [B, K or 1, L, H, P]; dt, decay: [B, K or 1, L, H]; B, C: [B, K or 1, L, G, N], group g for heads g H/G to (g +
    1) H/G - 1; D: [K or 1, H, P]; weights: [K, H, P]; initial: the states before the first steps, [B, T, H, P, N].
    Any floating dtype, computed in that dtype. Returns y [B, T, L, H, P], 0 where a sequence visits nothing, and the
    last states [B, T, H, P, N].
    """
    owners, resets = (table if initial is None else table.continued()).by_step()
    steps = table.steps.long().expand(x.shape[0], -1, -1)
    inside = steps >= 0
    own = owners if dt.shape[1] > 1 else torch.zeros_like(owners)
    inputs = _read(x, owners, steps)
    inputs = inputs if weights is None else inputs * weights[owners]
    keep = torch.where(resets[..., None], 0, torch.exp(_read(decay, own, steps)))
    keep = torch.where(inside[..., None], keep, 1)
    add = torch.where(inside[..., None], _read(dt, own, steps), 0)[..., None] * inputs
    heads = x.shape[3] // B.shape[3]
    drive = add[..., None] * _read(B, own, steps).repeat_interleave(heads, 3)[..., None, :]
    before = torch.zeros_like(drive[:, :, 0]) if initial is None else initial
    states, last = _states(keep[..., None, None], drive, before)
    y = (states * _read(C, own, steps).repeat_interleave(heads, 3)[..., None, :]).sum(-1)
    y = y if D is None else y + D[own] * inputs
    return _collected(torch.where(inside[..., None, None], y, 0), steps, x.shape[2]), last


def _states(keep: Tensor, add: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """h[s] = keep[s] h[s - 1] + add[s] along axis 2, from a state: all states, and the last."""
    states = []
    # unbind rather than indexing: each index would send back a gradient as large as the whole table.
    for k, a in zip(keep.unbind(2), add.unbind(2), strict=True):
        state = k * state + a
        states.append(state)
    return torch.stack(states, 2), state


def _read(values: Tensor, path: Tensor, steps: Tensor) -> Tensor:
    """values [B, K or 1, L, ...] at path [T, S] and row [B, T, S] (-1 reads any row): [B, T, S, ...]."""
    path = path if values.shape[1] > 1 else torch.zeros_like(path)
    sample = torch.arange(values.shape[0], device=values.device)[:, None, None]
    return values[sample, path, steps.clamp(min=0)]


def _collected(y: Tensor, steps: Tensor, length: int) -> Tensor:
    """Add y [B, T, S, H, P] up by row: [B, T, L, H, P]."""
    rows = steps.clamp(min=0)[..., None, None].expand_as(y)
    return y.new_zeros(*y.shape[:2], length, *y.shape[3:]).scatter_add(2, rows, y)
