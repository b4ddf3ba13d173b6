"""A drop-in for mamba_ssm's `selective_scan_fn`: its signature, its layout, our kernels."""

from __future__ import annotations

import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.mamba.api import selective_scan
from scanlab.ops.resolve_paths import kept_raster

__all__ = ["selective_scan_fn"]


def selective_scan_fn(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
    *,
    initial_state: Tensor | None = None,
    use_mambapy: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Scan along the last axis, as `mamba_ssm.ops.selective_scan_interface.selective_scan_fn` does.

    u, delta, z: [B, D, L]. A: [D, N], real. B, C: [B, N, L]; [B, G, N, L] with groups of channels; [D, N] constant in
    time. D, delta_bias: [D]. Half precision and float32 may be mixed as one likes; where u, delta, B and C differ, all
    is computed in float32. Returns y [B, D, L] in the dtype of u; with return_last_state also the last state, float32
    [B, D, N]. initial_state: the state before the first step, likewise; zero where None. Both have gradients, which
    mamba_ssm's last state has not. use_mambapy: a keyword of transformers, which chooses between other implementations;
    taken, and without effect. Sequences are turned to channel-last rows first, which copies them:
    `selective_scan` does not. Raises S700 for no steps, S701 for a complex A, and what `selective_scan` raises.

    >>> u, A, B = torch.ones(1, 2, 4), -torch.ones(2, 3), torch.ones(1, 3, 4)
    >>> selective_scan_fn(u, u, A, B, B)[0, 0]
    tensor([3.0000, 4.1036, 4.5096, 4.6590])
    """
    if A.is_complex():
        raise ScanlabError.at("S701", "A is complex", help="only real state spaces are scanned; Mamba's are real")
    if u.ndim != 3 or u.shape[2] == 0:
        raise ScanlabError.at("S700", f"u has shape {list(u.shape)}, not [B, D, L] with L from 1")
    if initial_state is not None and tuple(getattr(initial_state, "shape", ())) != (len(u), *A.shape):
        shape = list(getattr(initial_state, "shape", ())) or type(initial_state).__name__
        raise ScanlabError.at("S700", f"initial_state is {shape}, not [B, D, N] = {[len(u), *A.shape]}")
    dtype = u.dtype
    u, delta, B, C = _in_one_dtype(u, delta, B, C)
    result = selective_scan(
        _rows(u),
        _rows(delta)[:, None],
        A[None],
        _coefficients(B),
        _coefficients(C),
        None if D is None else D[None],
        None if z is None else _rows(z),
        None if delta_bias is None else delta_bias[None],
        delta_softplus,
        paths=kept_raster(u.shape[2], u.device),
        initial_state=None if initial_state is None else initial_state[:, None],
        return_last_state=return_last_state,
    )
    if isinstance(result, tuple):
        y, last = result
        return y.transpose(1, 2).to(dtype), last[:, 0]
    return result.transpose(1, 2).to(dtype)


def _in_one_dtype(*tensors: Tensor) -> tuple[Tensor, ...]:
    """What varies in time, in float32 where dtypes differ, as mamba_ssm's reference computes."""
    varying = {t.dtype for t in tensors if t.ndim > 2}
    if len(varying) == 1 or torch.float64 in varying or not all(t.is_floating_point for t in varying):
        return tensors
    return tuple(t.float() if t.ndim > 2 else t for t in tensors)


def _rows(sequence: Tensor) -> Tensor:
    """[..., X, L] -> [..., L, X], each row's elements side by side."""
    return sequence.transpose(-1, -2).contiguous()


def _coefficients(values: Tensor) -> Tensor:
    """B or C: [B, 1, L, N], [B, 1, G, L, N] with groups, or [1, D, N] constant in time."""
    return values[None] if values.ndim == 2 else _rows(values)[:, None]
