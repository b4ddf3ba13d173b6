"""The selective scan over paths: arguments checked, a backend chosen, outputs merged and gated."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.checks import (
    Operands,
    Sizes,
    autocast,
    check_arguments,
    check_finite,
    check_rows,
    check_states,
    forms,
    grouped,
    in_one_dtype,
)
from scanlab.ops.dispatch import choose
from scanlab.ops.mamba import reference
from scanlab.ops.mamba.operator import ScanCall, fused_scan
from scanlab.ops.merge_weights import weights_for
from scanlab.ops.path_tables import PathTable
from scanlab.ops.resolve_paths import Paths, table_for

__all__ = ["selective_scan"]


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
    initial_state: Tensor | None = None,
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
    and "sum" otherwise. Returns y [B, L, D] in the dtype of u, 0 where no path goes.

    initial_state: the states before the first steps, float32 (float64 where u is) [B, T, D, N], zero where None; with
    return_last_state also the last states are returned, likewise. Both have gradients. A sequence that is cut anywhere,
    the last state of one part handed to the next, gives the values of the whole. Weighted paths, and those that restart
    or begin with a virtual token, take no state.

    float32, bfloat16 and float16 are computed with float32 states by the kernels of the device, "cpu" (Numba) or
    "triton"; float64 by the "reference". delta, B, C and z may be float32 beside a u in half precision: the scan is
    then computed in float32 throughout, from a copy of u. Under autocast, u, delta, B, C and z are cast. The kernels
    give first derivatives, backwards. Raises S700 to S708, S712, S713, S750 and S751.

    >>> import torch
    >>> u, delta, A, B = torch.ones(1, 4, 2), torch.ones(1, 1, 4, 2), -torch.ones(1, 2, 3), torch.ones(1, 1, 4, 3)
    >>> selective_scan(u, delta, A, B, B, paths=torch.tensor([[3, 2, 1, 0]]))[0, :, 0]
    tensor([4.6590, 4.5096, 4.1036, 3.0000])
    """
    if torch.compiler.is_compiling() or torch._C._is_any_autocast_enabled():
        u, delta, B, C = autocast(u), autocast(delta), autocast(B), autocast(C)
        z = None if z is None else autocast(z)
    table = table_for(paths, "u", u)
    weights, scale = weights_for(paths, table, merge, u)
    named = {"u": u, "delta": delta, "A": A, "B": B, "C": C, "D": D, "z": z, "delta_bias": delta_bias, "merge": weights}
    named["initial_state"] = initial_state
    check_arguments(OPERANDS, named, table, T=table.sequences)
    if initial_state is not None or return_last_state:
        check_states(initial_state, u, weights)
    separate = isinstance(merge, str) and merge == "none"
    dtype = u.dtype
    u, delta, B, C = in_one_dtype(u, delta, B, C)
    inputs = (
        u if u.ndim == 4 else u[:, None],
        delta,
        A,
        grouped(B, 2),
        grouped(C, 2),
        D,
        delta_bias,
        weights,
        initial_state,
    )
    call = ScanCall(*inputs, delta_softplus, separate, return_last_state)
    y, last = _scanned(call, table, choose(backend, u.device, u.dtype))
    y = y if scale == 1 else y * scale
    if z is not None:
        y = y * F.silu(z[:, None] if separate else z)
    y = y if y.dtype == dtype else y.to(dtype)
    return (y, last) if return_last_state else y


def _scanned(call: ScanCall, table: PathTable, backend: str) -> tuple[Tensor, Tensor]:
    if backend != "cpu":
        check_finite(call.A)
    if backend == "reference":
        return reference_scan(call, table)
    check_rows(u=call.u, delta=call.delta, **{n: t for n, t in (("B", call.B), ("C", call.C)) if t.ndim > 3})
    return fused_scan(call, table, backend)


def reference_scan(call: ScanCall, table: PathTable) -> tuple[Tensor, Tensor]:
    """As `fused_scan`, by the reference: the weights multiply the outputs, as they are defined."""
    y, last = reference.scan(
        call.u,
        call.delta,
        call.A,
        call.B,
        call.C,
        call.D,
        call.bias,
        call.softplus,
        table,
        call.weights,
        call.initial,
    )
    return y if call.separate else y.sum(1), last


def _check_groups(sizes: Sizes, present: Mapping[str, Tensor], name: str) -> None:
    if present["B"].ndim < 5 and present["C"].ndim < 5:
        return
    if present[name].ndim == 5 and sizes["D"] % (count := present[name].shape[2]):
        raise ScanlabError.at("S700", f"{sizes['D']} channels cannot be divided into the {count} groups of {name}")
    groups = {n: t.shape[2] if t.ndim == 5 else 1 for n in "BC" if (t := present[n]).ndim > 3}
    if name == "C" and len(set(groups.values())) > 1:
        raise ScanlabError.at(
            "S700",
            f"B has {groups['B']} groups of channels, and C has {groups['C']}",
            help="give both as many: expand the one with a single group, [B, K, 1, L, N], to the other's",
        )


OPERANDS = Operands(
    forms(
        u="BLD BKLD", delta="BkLD", A="kDN", z="BLD", B="kDN BkLN BkGLN", C="kDN BkLN BkgLN", D="kD", delta_bias="kD",
        merge="KD", initial_state="BTDN",
    ),
    owner="A",
    like_scan=True,
    also={name: partial(_check_groups, name=name) for name in "BC"},
    floats="give float32, bfloat16, float16, or float64 for the reference",
    convert="convert one of them, or run under autocast",
    table="the paths are",
    move="move them: paths.to(u.device)",
)  # fmt: skip
