"""The state space dual over paths: Mamba-2's scan, whose decay is one number per head."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.checks import (
    Operands,
    Sizes,
    autocast,
    check_arguments,
    check_rows,
    check_states,
    forms,
    grouped,
    in_one_dtype,
    shape_error,
)
from scanlab.ops.dispatch import choose
from scanlab.ops.mamba2.operator import fused_ssd
from scanlab.ops.mamba2.reference import scan_heads
from scanlab.ops.merge_weights import weights_for
from scanlab.ops.resolve_paths import Paths, table_for

__all__ = ["ssd"]

LOG2_E = math.log2(math.e)
LONGEST_CHUNK = 128
GROUPED = "[{B}, {k}, {L}, N], or with groups before N"


def ssd(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    dt_bias: Tensor | None = None,
    dt_softplus: bool = False,
    *,
    paths: Paths,
    chunk: int = 64,
    merge: str | Tensor | None = None,
    initial_state: Tensor | None = None,
    return_last_state: bool = False,
    backend: str | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """Scan rows of heads along K paths at once, without a permuted copy of anything.

    At a step that visits row i with the parameters of path k, the state h [P, N] of each head and the output become

        h = exp(dt[k, i] A[k]) h + dt[k, i] x[i] B[k, i]^T;    y[i] += h C[k, i] + D[k] x[i]

    with dt replaced by softplus(dt + dt_bias) where asked for (Mamba-2, arXiv 2405.21060, `ssd_minimal_discrete`).
    Kernels take `chunk` steps (16 to 128) at once as products of matrices.

    x: [B, L, H, P], or [B, K, L, H, P] with an input per path. dt: [B, K, L, H]. A, dt_bias: [K, H]. B, C: [B, K, L,
    N], or [B, K, L, G, N] with group g for heads g H/G to (g + 1) H/G - 1. D: [K, H] or [K, H, P]. The K of all
    parameters may be 1: the paths share them. paths, merge and backend: as in `selective_scan`, with weights [K, H P]
    that multiply the inputs of the paths. initial_state: the states before the first steps, float32 (float64 where x
    is) [B, T, H, P, N], zero where None. Returns y [B, L, H, P] (merge "none": [B, T, L, H, P]) in the dtype of x; with
    return_last_state also the last states, shaped likewise. Both have gradients; what takes them is as in
    `selective_scan`. A sequence that is cut where a chunk ends gives the bits of the whole on a CPU, elsewhere the
    whole but for rounding. Under autocast x, B and C are cast; B and C may be float32 beside an x in half precision,
    and all is computed in float32 then. Raises S700 to S708, S711 to S713, S750 and S751.

    >>> x, dt, A, B = torch.ones(1, 4, 1, 2), torch.ones(1, 1, 4, 1), -torch.ones(1, 1), torch.ones(1, 1, 4, 3)
    >>> ssd(x, dt, A, B, B, paths=torch.tensor([[3, 2, 1, 0]]))[0, :, 0, 0]
    tensor([4.6590, 4.5096, 4.1036, 3.0000])
    """
    table = table_for(paths, "x", x, axis=-3)
    x, B, C = autocast(x), autocast(grouped(B, 3)), autocast(grouped(C, 3))
    dtype = x.dtype
    inputs = x if x.ndim == 5 else x[:, None]
    weights, scale = weights_for(paths, table, merge, x.new_empty(0, x.shape[-2] * x.shape[-1]))
    _check_chunk(chunk)
    named = {"x": inputs, "dt": dt, "A": A, "B": B, "C": C, "D": D, "dt_bias": dt_bias, "merge": weights}
    named["initial_state"] = initial_state
    check_arguments(OPERANDS, named, table, M=x.shape[-2] * x.shape[-1], T=table.sequences)
    if initial_state is not None or return_last_state:
        check_states(initial_state, x, weights)
    if initial_state is not None:
        # Refuses what does not go on from before.
        table.continued()
    inputs, B, C = in_one_dtype(inputs, B, C)
    weights = None if weights is None else weights.unflatten(-1, x.shape[-2:])
    dt, decay = _steps(dt, A, dt_bias, dt_softplus, x.dtype)
    D = D[..., None].expand(-1, -1, x.shape[-1]) if D is not None and D.ndim == 2 else D
    separate = isinstance(merge, str) and merge == "none"
    chosen = choose(backend, x.device, inputs.dtype)
    if chosen == "reference":
        y, last = scan_heads(inputs, dt, decay, B, C, D, table, weights, initial_state)
        y = y if separate else y.sum(1)
    else:
        check_rows(x=inputs, B=B, C=C)
        tensors = (inputs, dt, decay * LOG2_E, B, C, D, weights, initial_state)
        y, last = fused_ssd(tensors, table, chunk, separate, return_last_state, chosen)
    y = (y if scale == 1 else y * scale).to(dtype)
    return (y, last) if return_last_state else y


def _steps(dt: Tensor, A: Tensor, bias: Tensor | None, softplus: bool, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """dt as it multiplies the input, and dt A: one number per head, so that plain torch can make them."""
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    dt = dt.to(wide)
    if bias is not None:
        dt = dt + bias.to(wide)[:, None]
    dt = F.softplus(dt) if softplus else dt
    return dt, dt * A.to(wide)[:, None]


def _check_chunk(chunk: int) -> None:
    if not 16 <= chunk <= LONGEST_CHUNK:
        raise ScanlabError.at("S711", f"chunks of {chunk} steps", help=f"choose 16 to {LONGEST_CHUNK} steps")


def _check_groups(sizes: Sizes, present: Mapping[str, Tensor]) -> None:
    if sizes["H"] % max(1, sizes["G"]):
        raise shape_error("B", present["B"], GROUPED.format(**sizes))


OPERANDS = Operands(
    forms(
        x="BLHP BKLHP",
        A="kH",
        dt="BkLH",
        B="BkLGN",
        C="BkLGN",
        D="kH kHP",
        dt_bias="kH",
        merge="KM",
        initial_state="BTHPN",
    ),
    owner="A",
    shown={"A": "[{K} or 1, {H}]", "B": GROUPED},
    also={"B": _check_groups},
)
