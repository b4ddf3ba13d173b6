"""Launches of the Triton convolution: grids, block sizes, and what is summed afterwards."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from scanlab.kernels.gpu.convolution import (
    convolution_backward_kernel,
    convolution_forward_kernel,
)
from scanlab.kernels.gpu.convolution_ssd_variants import CHANNELS, convolution_steps
from scanlab.kernels.gpu.grid import folded
from scanlab.ops.conv.operator import ConvolutionArguments
from scanlab.ops.dispatch import path_function
from scanlab.ops.gpu_sums import merged
from scanlab.ops.partition import Tiles, path_sums, tiles_of

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
    tiles = _tiles(arguments)
    y = _output(arguments, tiles, arguments.x.dtype)
    for round_number in range(tiles.rounds):
        convolution_forward_kernel[_grid(arguments, tiles)](
            *_tensors(arguments), y, **_sizes(arguments, tiles, round_number), **_constants(arguments, tiles)
        )
    return y.to(arguments.x.dtype)


def _backward(arguments: ConvolutionArguments, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    x, weight = arguments.x, arguments.weight
    tiles = _tiles(arguments)
    shared = x.shape[1] < arguments.table.paths
    dx = _output(arguments, tiles, torch.float32 if shared else x.dtype)
    partial = weight.new_empty(len(x), len(tiles.rows), weight.shape[1] + 1, x.shape[3])
    for round_number in range(tiles.rounds):
        convolution_backward_kernel[_grid(arguments, tiles)](
            *_tensors(arguments),
            dy,
            dx,
            partial,
            **_sizes(arguments, tiles, round_number),
            **_constants(arguments, tiles),
        )
    dweight = path_sums(partial, tiles, len(weight))
    return merged(dx, x.dtype, x.shape[1]), dweight[:, :-1], dweight[:, -1]


def _tiles(arguments: ConvolutionArguments) -> Tiles:
    """The longest tiles, hence the fewest partial sums, that still make enough programs."""
    table, x = arguments.table, arguments.x
    programs = len(x) * table.sequences * _blocks(arguments)
    limit = 256
    while limit > 32 and programs * -(-table.steps.shape[2] // limit) < PROGRAMS:
        limit //= 2
    return tiles_of(table.steps, table.segments, table.paths, x.shape[2], limit, plain=table.permutations)


def _output(arguments: ConvolutionArguments, tiles: Tiles, dtype: torch.dtype) -> Tensor:
    """[B, K, L, D]: not initialised where every row is written exactly once, else zeros to add to in float32."""
    batch, _, length, channels = arguments.x.shape
    make = arguments.x.new_empty if tiles.complete and tiles.rounds == 1 else arguments.x.new_zeros
    return make(batch, arguments.table.paths, length, channels, dtype=torch.float32 if tiles.rounds > 1 else dtype)


def _grid(arguments: ConvolutionArguments, tiles: Tiles) -> tuple[int]:
    return folded(len(tiles.rows), _blocks(arguments), len(arguments.x))


def _blocks(arguments: ConvolutionArguments) -> int:
    return -(-arguments.x.shape[3] // CHANNELS)


def _tensors(arguments: ConvolutionArguments) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    # Pointers that stand for what is not given are not read.
    bias = arguments.weight if arguments.bias is None else arguments.bias
    return arguments.x, arguments.weight, bias, arguments.x if arguments.initial is None else arguments.initial


def _sizes(arguments: ConvolutionArguments, tiles: Tiles, round_number: int) -> dict[str, Any]:
    x, weight, steps = arguments.x, arguments.weight, arguments.table.steps
    own = len(weight) > 1
    return {
        "steps": steps,
        "tiles": tiles.on(x.device),
        "owners": tiles.owners,
        "visits": tiles.visits,
        "round_number": round_number,
        "tile_count": len(tiles.rows),
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
        "steps_sequence": steps.stride(1),
        "sequences": arguments.table.sequences,
    }


def _constants(arguments: ConvolutionArguments, tiles: Tiles) -> dict[str, Any]:
    table = arguments.table
    chained = table.paths > table.sequences
    taps = arguments.weight.shape[1]
    return {
        "PATCH_AT": path_function(table.program),
        "TAPS": taps,
        "SILU": arguments.silu,
        "BIAS": arguments.bias is not None,
        "CHAINED": chained,
        "INITIAL": arguments.initial is not None,
        "REVISITS": tiles.rounds > 1,
        "STEPS": convolution_steps(taps, chained),
        "CHANNELS": CHANNELS,
        "num_warps": 4,
    }
