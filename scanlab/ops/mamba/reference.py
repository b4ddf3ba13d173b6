"""The selective scan over paths, step by step in plain torch: what every faster operator must agree with."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.ops.path_tables import PathTable


def scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    delta_bias: Tensor | None,
    delta_softplus: bool,
    paths: PathTable,
    weights: Tensor | None = None,
    initial: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Scan every sequence, and add up per sequence at each patch what its visits put out.

    At a step that visits patch i with the parameters of path k (Mamba, arXiv 2312.00752, equation 2 with A
    discretised by zero-order hold and B by Euler, as in mamba_ssm's `selective_scan_ref`):

        h = exp(delta[k, i] A[k]) h + delta[k, i] B[k, i] u[k, i];    y[i] += C[k, i] . h + D[k] u[k, i]

    u: [B, Ku, L, D]; delta: [B, Kp, L, D]; Ku and Kp are K, or 1 where the paths share. A: [Kp, D, N]. B, C: [B, Kp, G,
    L, N] with G groups of channels, or [Kp, D, N]. D, delta_bias: [Kp, D]. weights [K, D]: factors of y. initial [B, T,
    D, N]: the states before the first steps, where not zero. Any floating dtype, computed in that dtype. Returns y [B,
    T, L, D], 0 where a sequence visits nothing, and the last states [B, T, D, N].
    """
    own, resets = (paths if initial is None else paths.continued()).by_step()
    steps = paths.steps.long().expand(u.shape[0], -1, -1)
    inside = (steps >= 0)[..., None]
    if delta_bias is not None:
        delta = delta + delta_bias[:, None]
    delta = F.softplus(delta) if delta_softplus else delta
    inputs = _visited(u, own, steps)
    step = torch.where(inside, _visited(delta, own, steps), 0)
    of_path = own if A.shape[0] > 1 else torch.zeros_like(own)
    decay = torch.where(resets[..., None, None], 0, torch.exp(step[..., None] * A[of_path]))
    drive = (step * inputs)[..., None] * _coefficients(B, of_path, steps, u.shape[-1])
    states, last = _states(decay, drive, torch.zeros_like(drive[:, :, 0]) if initial is None else initial)
    y = (states * _coefficients(C, of_path, steps, u.shape[-1])).sum(-1)
    if D is not None:
        y = y + D[of_path] * inputs
    if weights is not None:
        y = y * weights[own]
    return _collected(torch.where(inside, y, 0), steps, u.shape[2]), last


def _states(decay: Tensor, drive: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """h[s] = decay[s] h[s - 1] + drive[s] along axis 2, from a state: all states [B, T, S, D, N], and the last."""
    states = []
    # unbind rather than indexing: each index would send back a gradient as large as the whole table.
    for keep, add in zip(decay.unbind(2), drive.unbind(2), strict=True):
        state = keep * state + add
        states.append(state)
    return torch.stack(states, 2), state


def _visited(values: Tensor, own: Tensor, steps: Tensor) -> Tensor:
    """values [B, K or 1, ..., L, X] at path [T, S] and row [B, T, S] (-1 reads any row): [B, T, S, ..., X]."""
    own = own if values.shape[1] > 1 else torch.zeros_like(own)
    sample = torch.arange(values.shape[0], device=values.device)[:, None, None]
    return values.movedim(-2, 2)[sample, own[None], steps.clamp(min=0)]


def _coefficients(values: Tensor, own: Tensor, steps: Tensor, channels: int) -> Tensor:
    """B or C for each step and channel: [B, T, S, D, N], or [T, S, D, N] where they are constant in time."""
    if values.ndim == 3:
        return values[own]
    per_group = _visited(values, own, steps)
    return per_group.repeat_interleave(channels // per_group.shape[3], 3)


def _collected(y: Tensor, steps: Tensor, length: int) -> Tensor:
    """Add y [B, T, S, D] up by row: [B, T, L, D]."""
    rows = steps.clamp(min=0)[..., None].expand_as(y)
    return y.new_zeros(*y.shape[:2], length, y.shape[-1]).scatter_add(2, rows, y)
