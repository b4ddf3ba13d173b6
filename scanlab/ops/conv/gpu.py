"""Launches of the Triton convolution: grids, block sizes, and what is summed afterwards."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from scanlab.kernels.gpu.companion_variants import CHANNELS, convolution_steps
from scanlab.kernels.gpu.convolution import (
    convolution_backward_kernel,
    convolution_forward_kernel,
)
from scanlab.kernels.gpu.grid import folded
from scanlab.ops.conv.operator import ConvolutionArguments
from scanlab.ops.dispatch import path_function
from scanlab.ops.gpu_sums import merged
from scanlab.ops.partition import Pieces, path_sums, pieces_of

__all__ = ["backward", "forward"]

# Enough programs of four warps for the 132 processors of an H100 several times over: an estimate.
PROGRAMS = 1056


def forward(arguments: ConvolutionArguments) -> Tensor:
    """y [B, K, L, D] in the dtype of x; see ConvolutionArguments."""
    with torch.cuda.device_of(arguments.x):
        return _forward(arguments)


def backward(arguments: ConvolutionArguments, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of x, weight [K or 1, W, D] and bias [K or 1, D]; dy [B, K, L, D] is contiguous."""
    with torch.cuda.device_of(arguments.x):
        return _backward(arguments, dy)


def _forward(arguments: ConvolutionArguments) -> Tensor:
    pieces = _pieces(arguments)
    y = _output(arguments, pieces, arguments.x.dtype)
    for level in range(pieces.levels):
        convolution_forward_kernel[_grid(arguments, pieces)](
            *_tensors(arguments), y, **_sizes(arguments, pieces, level), **_constants(arguments, pieces)
        )
    return y.to(arguments.x.dtype)


def _backward(arguments: ConvolutionArguments, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    x, weight = arguments.x, arguments.weight
    pieces = _pieces(arguments)
    shared = x.shape[1] < arguments.table.paths
    dx = _output(arguments, pieces, torch.float32 if shared else x.dtype)
    partial = weight.new_empty(len(x), len(pieces.rows), weight.shape[1] + 1, x.shape[3])
    for level in range(pieces.levels):
        convolution_backward_kernel[_grid(arguments, pieces)](
            *_tensors(arguments), dy, dx, partial, **_sizes(arguments, pieces, level), **_constants(arguments, pieces)
        )
    dweight = path_sums(partial, pieces, len(weight))
    return merged(dx, x.dtype, x.shape[1]), dweight[:, :-1], dweight[:, -1]


def _pieces(arguments: ConvolutionArguments) -> Pieces:
    """The longest pieces, hence the fewest partial sums, that still make enough programs."""
    table, x = arguments.table, arguments.x
    walks = len(x) * table.tracks * _blocks(arguments)
    limit = 256
    while limit > 32 and walks * -(-table.steps.shape[2] // limit) < PROGRAMS:
        limit //= 2
    return pieces_of(table.steps, table.runs, table.paths, x.shape[2], limit, plain=table.permutations)


def _output(arguments: ConvolutionArguments, pieces: Pieces, dtype: torch.dtype) -> Tensor:
    """[B, K, L, D]: not initialised where every row is written exactly once, else zeros to add to in float32."""
    batch, _, length, channels = arguments.x.shape
    make = arguments.x.new_empty if pieces.complete and pieces.levels == 1 else arguments.x.new_zeros
    return make(batch, arguments.table.paths, length, channels, dtype=torch.float32 if pieces.levels > 1 else dtype)


def _grid(arguments: ConvolutionArguments, pieces: Pieces) -> tuple[int]:
    return folded(len(pieces.rows), _blocks(arguments), len(arguments.x))


def _blocks(arguments: ConvolutionArguments) -> int:
    return -(-arguments.x.shape[3] // CHANNELS)


def _tensors(arguments: ConvolutionArguments) -> tuple[Tensor, Tensor, Tensor]:
    # Without a bias the pointer is not read.
    return arguments.x, arguments.weight, arguments.weight if arguments.bias is None else arguments.bias


def _sizes(arguments: ConvolutionArguments, pieces: Pieces, level: int) -> dict[str, Any]:
    x, weight, steps = arguments.x, arguments.weight, arguments.table.steps
    own = len(weight) > 1
    return {
        "steps": steps,
        "pieces": pieces.on(x.device),
        "owners": pieces.owners,
        "visits": pieces.visits,
        "level": level,
        "number_of_pieces": len(pieces.rows),
        "blocks": _blocks(arguments),
        "width": x.shape[3],
        "x_sample": x.stride(0),
        "x_path": x.stride(1) if x.shape[1] > 1 else 0,
        "x_row": x.stride(2),
        "y_sample": arguments.table.paths * x.shape[2] * x.shape[3],
        "y_path": x.shape[2] * x.shape[3],
        "weight_path": weight.stride(0) if own else 0,
        "bias_path": x.shape[3] if own else 0,
        "steps_sample": steps.stride(0) if len(steps) > 1 else 0,
        "steps_track": steps.stride(1),
    }


def _constants(arguments: ConvolutionArguments, pieces: Pieces) -> dict[str, Any]:
    table = arguments.table
    chained = table.paths > table.tracks
    taps = arguments.weight.shape[1]
    return {
        "PATCH_AT": path_function(table.program),
        "TAPS": taps,
        "SILU": arguments.silu,
        "BIAS": arguments.bias is not None,
        "CHAINED": chained,
        "REVISITS": pieces.levels > 1,
        "STEPS": convolution_steps(taps, chained),
        "CHANNELS": CHANNELS,
        "num_warps": 4,
    }
