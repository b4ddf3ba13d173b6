"""The causal convolution along paths as a torch operator, whichever kernels run underneath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scanlab.ops.conv.ends import add_to_inputs, initial_gradient, last_inputs
from scanlab.ops.derivatives import Operator, apply, register
from scanlab.ops.dispatch import implementation
from scanlab.ops.path_tables import PATH_COUNT, TABLE, PathTable, packed, unpacked

__all__ = ["ConvolutionArguments", "fused_convolution"]

_ARGUMENTS = f"Tensor x, Tensor weight, Tensor? bias, Tensor? initial, {TABLE}, bool last, bool silu, str backend"
_TENSORS = 4
torch.library.define("scanlab::causal_conv1d", f"({_ARGUMENTS}) -> (Tensor, Tensor)")
torch.library.define(
    "scanlab::causal_conv1d_backward",
    f"(Tensor dy, Tensor? dlast, {_ARGUMENTS}) -> ({', '.join(['Tensor'] * _TENSORS)})",
)


@dataclass(frozen=True, eq=False)
class ConvolutionArguments:
    """What a kernel reads.

    x [B, K or 1, L, D], float32, bfloat16 or float16, with free strides but for the channels. weight float32 [K or 1,
    W, D] and bias float32 [K or 1, D], contiguous. initial [B, T, W - 1, D] in the dtype of x, contiguous: the rows
    before each sequence, where not zero. silu: whether the output passes through x sigmoid(x).
    """

    x: Tensor
    weight: Tensor
    bias: Tensor | None
    initial: Tensor | None
    silu: bool
    table: PathTable


def fused_convolution(
    tensors: tuple[Tensor, Tensor, Tensor | None, Tensor | None],
    table: PathTable,
    last: bool,
    silu: bool,
    backend: str,
) -> tuple[Tensor, Tensor]:
    """y [B, K, L, D] in the dtype of x, and the last inputs [B, T, W - 1, D], or nothing.

    tensors: x [B, K or 1, L, D], weight [K or 1, D, W], bias [K or 1, D], initial [B, T, W - 1, D].
    """
    return apply(_OPERATOR, *tensors, *packed(table, tensors[0]), last, silu, backend)


def _unpacked(arguments: tuple[Any, ...]) -> tuple[ConvolutionArguments, bool, Any]:
    """The kernels' form of the operator's arguments, whether the last inputs are wanted, and the module of kernels."""
    x, weight, bias, initial, *table, last, silu, backend = arguments
    taps = weight.float().transpose(1, 2).contiguous()
    offset = None if bias is None else bias.float().contiguous()
    before = None if initial is None else initial.contiguous()
    prepared = ConvolutionArguments(x, taps, offset, before, silu, unpacked((*table,), x.shape[2]))
    return prepared, last, implementation("conv", backend)


def _forward(*arguments: Any) -> tuple[Tensor, Tensor]:
    prepared, last, module = _unpacked(arguments)
    y, x = module.forward(prepared), prepared.x
    return y, last_inputs(x, prepared.initial, prepared.table, prepared.weight.shape[1]) if last else x.new_empty(0)


def _forward_fake(
    x: Tensor, weight: Tensor, bias: Tensor | None, initial: Tensor | None, *arguments: Any
) -> tuple[Tensor, Tensor]:
    batch, _, length, channels = x.shape
    steps, numbers, last = arguments[0], arguments[2], arguments[4]
    y = x.new_empty((batch, numbers[PATH_COUNT], length, channels))
    ends = x.new_empty((batch, steps.shape[1], weight.shape[2] - 1, channels))
    return y, ends if last else x.new_empty(0)


def _backward(dy: Tensor, dlast: Tensor | None, *arguments: Any) -> tuple[Tensor, ...]:
    a, _, module = _unpacked(arguments)
    weight, bias = arguments[1:3]
    rows = dy.contiguous()
    dx, taps, offset = module.backward(a, rows)
    empty, dinitial = weight.new_empty(0), None
    if a.initial is not None:
        dinitial = initial_gradient(a.x, a.weight, a.bias, a.initial, a.silu, rows, a.table)
    if dlast is not None:
        add_to_inputs(dx, dinitial, dlast, a.table)
    # Compiled graphs rely on the strides that the fake has.
    dweight = taps.transpose(1, 2).to(weight.dtype, memory_format=torch.contiguous_format, copy=True)
    dbias = empty if bias is None else offset.to(bias.dtype, copy=True)
    return dx, dweight, dbias, empty.clone() if dinitial is None else dinitial.to(a.x.dtype).contiguous()


def _backward_fake(dy: Tensor, dlast: Tensor | None, x: Tensor, weight: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    return tuple(weight.new_empty(0) if t is None else t.new_empty(t.shape) for t in (x, weight, *arguments[:2]))


for _device in ("cpu", "cuda"):
    torch.library.impl("scanlab::causal_conv1d", _device, _forward)
    torch.library.impl("scanlab::causal_conv1d_backward", _device, _backward)
torch.library.register_fake("scanlab::causal_conv1d", _forward_fake)
torch.library.register_fake("scanlab::causal_conv1d_backward", _backward_fake)
_OPERATOR = Operator(
    "causal_conv1d",
    _TENSORS,
    samples={0: 4, 3: 4},
    channels=({4: 3}, {3: 1}, {2: 1}, {4: 3}),
    outputs=(3, 3),
    kernels=(_forward, _backward),
    states=True,
)
register(_OPERATOR)
