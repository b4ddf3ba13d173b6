"""The causal convolution along paths as a torch operator, whichever kernels run underneath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scanlab.ops.derivatives import Operator, apply, register
from scanlab.ops.dispatch import implementation
from scanlab.ops.path_tables import PATH_COUNT, TABLE, PathTable, packed, unpacked

__all__ = ["ConvolutionArguments", "fused_convolution"]

_ARGUMENTS = f"Tensor x, Tensor weight, Tensor? bias, {TABLE}, bool silu, str backend"
_OPERATOR = Operator("causal_conv1d", 3, {0: 4})
torch.library.define("scanlab::causal_conv1d", f"({_ARGUMENTS}) -> Tensor")
torch.library.define("scanlab::causal_conv1d_backward", f"(Tensor dy, {_ARGUMENTS}) -> (Tensor, Tensor, Tensor)")


@dataclass(frozen=True, eq=False)
class ConvolutionArguments:
    """What a kernel reads.

    x [B, K or 1, L, D], float32, bfloat16 or float16, with free strides but for the channels. weight float32 [K or 1,
    W, D] and bias float32 [K or 1, D], contiguous. silu: whether the output passes through x sigmoid(x).
    """

    x: Tensor
    weight: Tensor
    bias: Tensor | None
    silu: bool
    table: PathTable


def fused_convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None, silu: bool, table: PathTable, backend: str
) -> Tensor:
    """y [B, K, L, D] in the dtype of x; x [B, K or 1, L, D], weight [K or 1, D, W], bias [K or 1, D]."""
    return apply(_OPERATOR, x, weight, bias, *packed(table, x), silu, backend)


def _unpacked(arguments: tuple[Any, ...]) -> tuple[ConvolutionArguments, Any]:
    """The kernels' form of the operator's arguments, and the module that takes it."""
    x, weight, bias, *table, silu, backend = arguments
    taps = weight.float().transpose(1, 2).contiguous()
    offset = None if bias is None else bias.float().contiguous()
    return ConvolutionArguments(x, taps, offset, silu, unpacked((*table,), x.shape[2])), implementation("conv", backend)


def _forward(*arguments: Any) -> Tensor:
    prepared, module = _unpacked(arguments)
    return module.forward(prepared)


def _forward_fake(x: Tensor, weight: Tensor, bias: Tensor | None, *arguments: Any) -> Tensor:
    batch, _, length, channels = x.shape
    return x.new_empty((batch, arguments[2][PATH_COUNT], length, channels))


def _backward(dy: Tensor, *arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    prepared, module = _unpacked(arguments)
    _, weight, bias = arguments[:3]
    dx, taps, offset = module.backward(prepared, dy.contiguous())
    empty = weight.new_empty(0)
    # Compiled graphs rely on the strides that the fake has.
    dweight = taps.transpose(1, 2).to(weight.dtype, memory_format=torch.contiguous_format, copy=True)
    return dx, dweight, empty if bias is None else offset.to(bias.dtype, copy=True)


def _backward_fake(dy: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None, *arguments: Any) -> tuple[Tensor, ...]:
    empty = weight.new_empty(0)
    return x.new_empty(x.shape), weight.new_empty(weight.shape), empty if bias is None else bias.new_empty(bias.shape)


for _device in ("cpu", "cuda"):
    torch.library.impl("scanlab::causal_conv1d", _device, _forward)
    torch.library.impl("scanlab::causal_conv1d_backward", _device, _backward)
torch.library.register_fake("scanlab::causal_conv1d", _forward_fake)
torch.library.register_fake("scanlab::causal_conv1d_backward", _backward_fake)
register(_OPERATOR)
