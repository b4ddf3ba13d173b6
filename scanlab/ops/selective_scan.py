"""The selective scan over paths: arguments checked, a backend chosen, outputs merged and gated."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.compiler.bind import CompiledScan
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import reference
from scanlab.ops.backends import choose
from scanlab.ops.indices import index_table
from scanlab.ops.merges import fixed_weights, merges_above
from scanlab.ops.operator import ScanCall, fused_scan
from scanlab.ops.paths import PathTable, path_table
from scanlab.ops.programs import program_for
from scanlab.ops.validate import check_arguments, check_rows

__all__ = ["selective_scan"]

MERGES = ("sum", "mean", "scatter", "none")
Paths = CompiledScan | PathTable | Tensor


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
    paths: Paths,
    merge: str | Tensor | None = None,
    return_last_state: bool = False,
    backend: str | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """Scan the rows of u along K paths at once, without a permuted copy of anything.

    At a step that visits row i with the parameters of path k, the state h [D, N] and the output become

        h = exp(delta[k, i] A[k]) h + delta[k, i] B[k, i] u[i];    y[i] += C[k, i] . h + D[k] u[i]

    with delta replaced by softplus(delta + delta_bias) where asked for (Mamba, arXiv 2312.00752). Everything is indexed
    by row, not by step. u: [B, L, D], or [B, K, L, D] with an input per path. delta: [B, K, L, D]. A: [K, D, N]. B, C:
    [B, K, L, N]; with groups of channels [B, K, G, L, N]; constant in time [K, D, N]. D, delta_bias: [K, D]. The K of
    all parameters may be 1: the paths share them. z: [B, L, D], a gate: y silu(z). Strides are free but for the last
    axis.

    paths: a compiled scan, a PathTable, or row indices, int [K, L] or [B, K, L] (an order per sample). L counts
    patches, then virtual tokens. merge: "sum", "mean", "scatter" (paths share the rows out: checked), "none" (paths
    kept apart: y is [B, T, L, D], T = K but for chains), or weights [K, D]; None takes the merge of a compiled scan,
    and "sum" otherwise. Returns y [B, L, D] in the dtype of u, 0 where no path goes; with return_last_state also the
    last states, float32 [B, T, D, N], which pass no gradient back, as in mamba_ssm.

    float32, bfloat16 and float16 are computed with float32 states by the kernels of the device, "cpu" (Numba) or
    "triton"; float64 by the "reference". Under autocast, u, delta, B, C and z are cast. Raises S700 to S708, S750 and
    S751.
    """
    u, delta, B, C = _autocast(u), _autocast(delta), _autocast(B), _autocast(C)
    z = None if z is None else _autocast(z)
    table = _table(paths, u)
    weights, scale = _weights(paths, table, merge, u)
    named = {"u": u, "delta": delta, "A": A, "B": B, "C": C, "D": D, "z": z, "delta_bias": delta_bias, "merge": weights}
    check_arguments(named, table)
    _check_last_state(return_last_state, weights)
    separate = merge == "none" if isinstance(merge, str) else False
    call = ScanCall(
        u if u.ndim == 4 else u[:, None],
        delta,
        A,
        _grouped(B),
        _grouped(C),
        D,
        delta_bias,
        weights,
        delta_softplus,
        separate,
        return_last_state,
    )
    chosen = choose(backend, u.device, u.dtype)
    if chosen != "reference":
        check_rows(u=u, delta=delta, **{name: t for name, t in (("B", B), ("C", C)) if t.ndim > 3})
    y, last = reference_scan(call, table) if chosen == "reference" else fused_scan(call, table, chosen)
    y = y if scale == 1 else y * scale
    if z is not None:
        y = y * F.silu(z[:, None] if separate else z)
    return (y, last) if return_last_state else y


def _check_last_state(wanted: bool, weights: Tensor | None) -> None:
    if wanted and weights is not None:
        raise ScanlabError.at(
            "S707",
            "last states are those of paths that are not weighted",
            help='return them with merge "sum", "mean", "scatter" or "none"',
        )


def reference_scan(call: ScanCall, table: PathTable) -> tuple[Tensor, Tensor]:
    """As `fused_scan`, by the reference: the weights multiply the outputs, as they are defined."""
    y, last = reference.scan(
        call.u, call.delta, call.A, call.B, call.C, call.D, call.bias, call.softplus, table, call.weights
    )
    return y if call.separate else y.sum(1), last.detach()


def _table(paths: Paths, u: Tensor) -> PathTable:
    if isinstance(paths, CompiledScan):
        return _compiled_table(paths, u.device)
    return index_table(paths, u.shape[-2]) if isinstance(paths, Tensor) else paths


# A model scans the same few grids again and again.
@lru_cache(maxsize=256)
def _compiled_table(scan: CompiledScan, device: torch.device) -> PathTable:
    return path_table(scan, program_for(scan, device)).to(device)


def _weights(paths: Paths, table: PathTable, merge: str | Tensor | None, u: Tensor) -> tuple[Tensor | None, float]:
    """The weights of the paths, None where all count alike, and a common factor of the output."""
    if isinstance(merge, Tensor):
        return merge, 1.0
    if merge is None:
        return _tree_weights(paths, u.shape[-1], u.device) if isinstance(paths, CompiledScan) else (None, 1.0)
    if merge not in MERGES:
        raise ScanlabError.at(
            "S706", f"there is no merge {merge!r}", help=f"choose one of {', '.join(MERGES)}, or give weights [K, D]"
        )
    if merge == "scatter" and not table.disjoint:
        raise ScanlabError.at(
            "S706", "the paths do not share the rows out: some row is visited twice", help='merge them with "sum"'
        )
    return None, 1 / table.tracks if merge == "mean" else 1.0


@lru_cache(maxsize=256)
def _tree_weights(scan: CompiledScan, channels: int, device: torch.device) -> tuple[Tensor | None, float]:
    if any(node.merge == "gate" for above in merges_above(scan) for node, _ in above):
        raise ScanlabError.at(
            "S706",
            f"{scan.name or 'this scan'} has a gate, whose weights are learned",
            help="give the weights [K, D] as merge; scanlab.nn.Merge holds them",
        )
    weights = fixed_weights(scan, channels)
    common = float(weights[0, 0])
    return (None, common) if bool((weights == common).all()) else (weights.to(device), 1.0)


def _autocast(activation: Tensor) -> Tensor:
    """In the dtype of autocast, where it is on; A, D and the bias are left as they are, and states are float32."""
    device = activation.device.type
    if activation.dtype == torch.float64 or not torch.is_autocast_enabled(device):
        return activation
    return activation.to(torch.get_autocast_dtype(device))


def _grouped(coefficients: Tensor) -> Tensor:
    """[B, K, L, N] -> [B, K, 1, L, N]; other forms as they are."""
    return coefficients[:, :, None] if coefficients.ndim == 4 else coefficients
