"""Calls of the Numba state space dual: tensors as arrays, and what is summed afterwards."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from scanlab.kernels.columns import SEQUENCE
from scanlab.kernels.cpu.ssd import Inputs, Sizes, ssd_forward_kernel
from scanlab.kernels.cpu.ssd_backward import Ends, Outputs, ssd_backward_kernel
from scanlab.ops.mamba2.operator import SsdArguments, SsdForward, SsdGradients
from scanlab.ops.numba_runtime import flat, kernel_threads, zeros
from scanlab.ops.partition import tiles_of

__all__ = ["backward", "forward"]

# Parts of the heads enough for sixteen threads, whatever their number, so that sums do not depend on it.
PARTS = 16


def forward(arguments: SsdArguments, *, separate: bool, last: bool) -> SsdForward:
    """y and the last states; see SsdForward."""
    x, table = arguments.x, arguments.table
    batch, _, length, heads, width = x.shape
    shape = (batch, table.sequences, length, heads, width) if separate else (batch, length, heads, width)
    y = zeros(shape, _sum_dtype(arguments, separate))
    # A sequence without steps leaves its state as it is.
    none = zeros((batch, table.sequences, heads, arguments.B.shape[4], width))
    state = none if arguments.initial is None else arguments.initial.clone()
    with kernel_threads():
        ssd_forward_kernel(
            _inputs(arguments), flat(y), _given(arguments.initial), state.numpy(), *_plan(arguments, separate)
        )
    return SsdForward(y.to(x.dtype), state if last else None)


def backward(arguments: SsdArguments, dy: Tensor, dlast: Tensor | None, *, separate: bool) -> SsdGradients:
    """All gradients; dy is shaped like y and contiguous, dlast like the last states."""
    x, B, D, table = arguments.x, arguments.B, arguments.D, arguments.table
    batch, sets, length, heads, width = x.shape
    steps, tiles, sizes = _plan(arguments, separate)
    added_up = table.revisits or sets < table.paths
    dx = zeros(x.shape, torch.float32 if added_up else x.dtype)
    ddt, ddecay = torch.zeros_like(arguments.dt), torch.zeros_like(arguments.decay)
    partial = [ddt.new_zeros(batch, sizes.splits, *B.shape[1:]) for _ in "BC"]
    dD, dweights = (None if t is None else t.new_zeros(batch, *t.shape) for t in (D, arguments.weights))
    tensors, size = (dx, ddt, ddecay, *partial), length * heads * width
    outputs = Outputs(*map(flat, (*tensors, dD, dweights)), x_sample=sets * size, x_path=size if sets > 1 else 0)
    ranges = np.searchsorted(tiles[:, SEQUENCE], np.arange(table.sequences + 1)).astype(np.int32)
    dinitial = None
    if arguments.initial is not None:
        dinitial = torch.zeros_like(arguments.initial) if dlast is None else dlast.clone()
    ends = Ends(_given(arguments.initial), _given(dlast), _given(dinitial))
    with kernel_threads():
        ssd_backward_kernel(_inputs(arguments), outputs, flat(dy), ends, steps, tiles, ranges, sizes)
    dB, dC = (t.sum(1) for t in partial)
    dD, dweights = (None if t is None else t.sum(0) for t in (dD, dweights))
    return SsdGradients(dx.to(x.dtype), ddt, ddecay, dB, dC, dD, dweights, dinitial)


def _sum_dtype(arguments: SsdArguments, separate: bool) -> torch.dtype:
    """float32 where a row of the output may be a sum."""
    table = arguments.table
    return arguments.x.dtype if not table.revisits and (separate or table.sequences == 1) else torch.float32


def _given(states: Tensor | None) -> np.ndarray:
    return np.zeros((0, 0, 0, 0, 0), np.float32) if states is None else states.numpy()


def _inputs(arguments: SsdArguments) -> Inputs:
    a = arguments
    return Inputs(*map(flat, (a.x, a.dt, a.decay, a.B, a.C, a.D, a.weights)))


def _plan(arguments: SsdArguments, separate: bool) -> tuple[np.ndarray, np.ndarray, Sizes]:
    """Steps, tiles and sizes: what follows the tensors in the arguments of both kernels."""
    x, B, C, table = arguments.x, arguments.B, arguments.C, arguments.table
    batch, _, length, heads, width = x.shape
    tiles = tiles_of(table.steps, table.segments, table.paths, length, arguments.chunk, plain=True)
    sizes = Sizes(
        batch,
        table.sequences,
        length,
        table.paths,
        arguments.dt.shape[1],
        heads,
        B.shape[3],
        B.shape[4],
        width,
        arguments.chunk,
        min(heads, max(1, PARTS // max(1, batch))),
        *_strides(x),
        *_strides(B),
        *_strides(C),
        (table.sequences if separate else 1) * length * heads * width,
        length * heads * width if separate else 0,
    )
    return table.steps.contiguous().numpy(), tiles.rows.numpy(), sizes


def _strides(tensor: Tensor) -> tuple[int, int, int, int]:
    """Of sample, path (0 where shared), row, and head or group."""
    sample, path, row, head, _ = tensor.stride()
    return sample, path if tensor.shape[1] > 1 else 0, row, head
