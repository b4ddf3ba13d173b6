"""Calls of the Numba convolution: tensors as arrays, and what is summed afterwards."""

from __future__ import annotations

import torch
from torch import Tensor

from scanlab.kernels.cpu.convolution import (
    Sizes,
    convolution_backward_kernel,
    convolution_forward_kernel,
)
from scanlab.ops.conv.operator import ConvolutionArguments
from scanlab.ops.numba_runtime import flat, kernel_threads, zeros
from scanlab.ops.partition import owners_of

__all__ = ["backward", "forward"]


def forward(arguments: ConvolutionArguments) -> Tensor:
    """y [B, K, L, D] in the dtype of x; see ConvolutionArguments."""
    x, table = arguments.x, arguments.table
    # Rows that a path visits again are added up, in float32.
    y = zeros((len(x), table.paths, x.shape[2], x.shape[3]), torch.float32 if table.revisits else x.dtype)
    with kernel_threads():
        convolution_forward_kernel(*_inputs(arguments), flat(y), *_plan(arguments))
    return y.to(x.dtype)


def backward(arguments: ConvolutionArguments, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of x, weight [K or 1, W, D] and bias [K or 1, D]; dy [B, K, L, D] is contiguous."""
    x, weight, table = arguments.x, arguments.weight, arguments.table
    added_up = table.revisits or x.shape[1] < table.paths
    dx = zeros(x.shape, torch.float32 if added_up else x.dtype)
    dweight = weight.new_zeros(len(x), table.paths, weight.shape[1] + 1, weight.shape[2])
    with kernel_threads():
        convolution_backward_kernel(*_inputs(arguments), flat(dy), flat(dx), flat(dweight), *_plan(arguments))
    dweight = dweight.sum(0)
    dweight = dweight if len(weight) > 1 else dweight.sum(0, keepdim=True)
    return dx.to(x.dtype), dweight[:, :-1], dweight[:, -1]


def _inputs(arguments: ConvolutionArguments) -> tuple:
    weight = arguments.weight
    bias = weight.new_zeros(len(weight), weight.shape[2]) if arguments.bias is None else arguments.bias
    initial = arguments.x.new_empty(0) if arguments.initial is None else arguments.initial
    return flat(arguments.x), flat(weight), flat(bias), flat(initial)


def _plan(arguments: ConvolutionArguments) -> tuple:
    """What follows the tensors in the arguments of both kernels."""
    x, weight, table = arguments.x, arguments.weight, arguments.table
    batch, sets, length, channels = x.shape
    own = len(weight) > 1
    sizes = Sizes(
        samples=batch,
        channels=channels,
        rows=length,
        paths=table.paths,
        taps=weight.shape[1],
        x_sample=x.stride(0),
        x_path=x.stride(1) if sets > 1 else 0,
        x_row=x.stride(2),
        dx_sample=sets * length * channels,
        dx_path=length * channels if sets > 1 else 0,
        weight_path=weight.stride(0) if own else 0,
        bias_path=channels if own else 0,
    )
    owners = owners_of(table.segments, table.steps.shape[1:])
    return table.steps.contiguous().numpy(), owners.numpy(), table.segments.numpy(), sizes, arguments.silu
