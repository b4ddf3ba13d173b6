"""Depthwise causal convolution along paths: what stands before the scan in Mamba's block, without a permuted copy."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.checks import Operands, Sizes, autocast, check_arguments, check_rows, forms
from scanlab.ops.conv.ends import last_inputs
from scanlab.ops.conv.operator import fused_convolution
from scanlab.ops.conv.reference import convolve
from scanlab.ops.dispatch import choose
from scanlab.ops.path_tables import PathTable
from scanlab.ops.resolve_paths import Paths, table_for
from scanlab.renamed import renamed_names

__all__ = ["causal_conv1d"]

__getattr__ = renamed_names(__name__, {"causal_convolution": "causal_conv1d"})

MOST_TAPS = 8


def causal_conv1d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    paths: Paths,
    activation: str | None = "silu",
    initial_state: Tensor | None = None,
    return_last_state: bool = False,
    backend: str | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """Convolve the rows of x along every path, each result standing at its row: the `u` per path of `selective_scan`.

    At the step s of path k that visits row r(s), with W taps, the last for the current step (as in causal_conv1d):

        y[k, r(s)] += f(bias[k] + sum_j weight[k, :, j] x[r(s - W + 1 + j)])

    where x is 0 before the start of the sequence and before a restart. A chained path goes on from the last steps of
    the path before it, with its own weights. A row that a path visits twice (a class token at both ends) gets the sum
    of its visits, as in the scan; a row that it does not visit is 0.

    x: [B, L, D], or [B, K, L, D] with an input per path (a chained path then reads what the path before it read at that
    path's steps). weight: [K, D, W], 2 to 8 taps. bias: [K, D]. The K of both may be 1: the paths share them. paths: as
    in `selective_scan`. activation: "silu" or None. initial_state: what the W - 1 steps before each sequence have read,
    the oldest first, in the dtype of x [B, T, W - 1, D], zero where None; with return_last_state also what its own last
    W - 1 steps have is returned, likewise, for the next part of the sequence. Both have gradients. Returns [B, K, L, D]
    in the dtype of x. Sums are float32; float64 is computed by the reference. Under autocast x and
    initial_state are cast. Raises S700 to S705, S708 to S710, S712, S713, S750 and S751.

    >>> import torch
    >>> x, weight = torch.arange(4.0)[None, :, None], torch.tensor([[[1.0, 1.0]]])
    >>> causal_conv1d(x, weight, paths=torch.tensor([[3, 2, 1, 0]]), activation=None)[0, 0, :, 0]
    tensor([1., 3., 5., 3.])
    """
    table = table_for(paths, "x", x)
    x = autocast(x)
    if isinstance(initial_state, Tensor):
        initial_state = autocast(initial_state)
    inputs = x if x.ndim == 4 else x[:, None]
    _check(x, weight, bias, activation, table, initial_state)
    if initial_state is not None:
        # Refuses what does not go on from before.
        table.continued()
    chosen, silu = choose(backend, x.device, x.dtype), activation == "silu"
    if chosen == "reference":
        y = convolve(inputs, weight, bias, silu, table, initial_state).to(x.dtype)
        return (y, last_inputs(inputs, initial_state, table, weight.shape[-1])) if return_last_state else y
    check_rows(x=x)
    y, last = fused_convolution((inputs, weight, bias, initial_state), table, return_last_state, silu, chosen)
    return (y, last) if return_last_state else y


def _check(
    x: Tensor, weight: Tensor, bias: Tensor | None, activation: str | None, table: PathTable, initial: Tensor | None
) -> None:
    if activation not in ("silu", None):
        raise ScanlabError.at("S709", f"there is no activation {activation!r}", help='choose "silu" or None')
    before = {} if initial is None else {"V": weight.shape[-1] - 1, "T": table.sequences}
    check_arguments(OPERANDS, {"x": x, "weight": weight, "bias": bias, "initial_state": initial}, table, **before)
    if initial is not None and initial.dtype != x.dtype:
        raise ScanlabError.at("S701", f"initial_state is {initial.dtype}, but x is {x.dtype}", help="convert it")


def _check_taps(sizes: Sizes, _: Mapping[str, Tensor]) -> None:
    if not 2 <= sizes["W"] <= MOST_TAPS:
        raise ScanlabError.at("S710", f"a convolution of {sizes['W']} taps", help=f"choose 2 to {MOST_TAPS} taps")


OPERANDS = Operands(
    forms(x="BLD BKLD", weight="kDW", bias="kD", initial_state="BTVD"),
    owner="weight",
    shown={"weight": "[{K} or 1, {D}, W]"},
    also={"weight": _check_taps},
)
