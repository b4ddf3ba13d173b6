"""The selective scan over paths, step by step in plain torch: what every faster operator must agree with."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.ops.paths import PathTable


def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    *,
    paths: PathTable,
    merge: Tensor | None = None,
) -> Tensor:
    """Walk every track, and add up at each patch what its visits put out, weighted by path and channel.

    At a step that visits patch i with the parameters of path k (Mamba, arXiv 2312.00752, equation 2 with A
    discretised by zero-order hold and B by Euler, as in mamba_ssm's `selective_scan_ref`):

        h = exp(delta[k, i] A[k]) h + delta[k, i] B[k, i] u[i];    y[i] += merge[k] (C[k, i] . h + D[k] u[i])

    u, z: [B, L, D]. delta: [B, K, L, D]; B, C: [B, K, L, N]; all of them by patch, not by step. A: [K, D, N]. D,
    delta_bias, merge: [K, D]; without merge every path counts once. Where the K of all parameters is 1, the paths share
    them. Any floating dtype, computed in that dtype. Returns y * silu(z), [B, L, D]; a patch that no path visits is 0.
    """
    delta = _effective_delta(delta, delta_bias, delta_softplus)
    y = _put_out(u, delta, A, B, C, D, paths)
    if merge is not None:
        y = y * merge[paths.paths.T][:, None]
    y = _collect(y, paths.patches.T, u.shape[1])
    return y if z is None else y * F.silu(z)


def _put_out(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor | None, paths: PathTable) -> Tensor:
    """What every step of every track puts out, [S, B, T, D]; steps come first in all tensors here."""
    patches = paths.patches.T
    own = paths.paths.T if delta.shape[1] > 1 else torch.zeros_like(patches)
    inside = (patches >= 0)[:, None, :, None]
    inputs = _visit(u[:, None], torch.zeros_like(own), patches)
    steps = _visit(delta, own, patches)
    decay = torch.exp(steps[..., None] * A[own][:, None])
    decay = torch.where(paths.resets.T[:, None, :, None, None], 0, decay)
    drive = (steps * inputs)[..., None] * _visit(B, own, patches)[..., None, :]
    y = (_states(decay, drive) * _visit(C, own, patches)[..., None, :]).sum(-1)
    if D is not None:
        y = y + D[own][:, None] * inputs
    return torch.where(inside, y, 0)


def _states(decay: Tensor, drive: Tensor) -> Tensor:
    """h[s] = decay[s] h[s - 1] + drive[s] along the first axis, from zero."""
    states = []
    state = torch.zeros_like(drive[0])
    # unbind rather than indexing: each index would send back a gradient as large as the whole table.
    for keep, add in zip(decay.unbind(0), drive.unbind(0), strict=True):
        state = keep * state + add
        states.append(state)
    return torch.stack(states)


def _effective_delta(delta: Tensor, bias: Tensor | None, softplus: bool) -> Tensor:
    if bias is not None:
        delta = delta + bias[:, None]
    return F.softplus(delta) if softplus else delta


def _visit(values: Tensor, path: Tensor, patch: Tensor) -> Tensor:
    """values [B, K, L, X] at path [S, T] and patch [S, T] (-1 reads any row): [S, B, T, X]."""
    batch, _, length, width = values.shape
    rows = values.permute(1, 2, 0, 3).reshape(-1, batch, width)
    chosen = rows.index_select(0, (path * length + patch.clamp(min=0)).reshape(-1))
    return chosen.reshape(*patch.shape, batch, width).transpose(1, 2)


def _collect(y: Tensor, patch: Tensor, length: int) -> Tensor:
    """Add y [S, B, T, D] up by patch [S, T]: [B, L, D]."""
    _, batch, _, width = y.shape
    total = y.new_zeros(length, batch, width)
    return total.index_add(0, patch.clamp(min=0).reshape(-1), y.transpose(1, 2).reshape(-1, batch, width)).transpose(
        0, 1
    )
