"""The scan on the CPU: tensors handed to the Numba kernels as they lie in memory."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scanlab.kernels.cpu.lanes import WIDTH
from scanlab.kernels.cpu.layout import Constant, Varying
from scanlab.kernels.cpu.selective_scan_backward import selective_scan_backward_kernel
from scanlab.kernels.cpu.selective_scan_forward import Examples, selective_scan_forward_kernel
from scanlab.ops.checks import not_finite
from scanlab.ops.mamba.operator import Forward, Gradients, ScanArguments
from scanlab.ops.modes import outside_modes
from scanlab.ops.numba_runtime import empty, kernel_threads, zeros
from scanlab.ops.partition import CHUNK
from scanlab.ops.path_tables import PathTable

__all__ = ["backward", "forward"]

FEW_STATES = 4
_EMPTY = {
    torch.float32: np.empty(0, np.float32),
    torch.bfloat16: np.empty(0, np.int16),
    torch.float16: np.empty(0, np.uint16),
}
_FLOATS = _EMPTY[torch.float32]
_VARYING = {dtype: Varying(array, 0, 0, 0, 0) for dtype, array in _EMPTY.items()}
_CONSTANT = Constant(_FLOATS, 0)


def forward(arguments: ScanArguments, table: PathTable, *, separate: bool, keep: bool, last: bool) -> Forward:
    """Scan all sequences; see `Forward`. keep: states for the backward; last: the states after each sequence."""
    u = arguments.u
    batch, _, length, channels = u.shape
    states, sequences = arguments.rates.shape[2], table.sequences
    shape = (batch, sequences, length, channels) if separate else (batch, length, channels)
    y, add = _outputs(u, shape, table, separate)
    checkpoints = empty((batch, table.checkpoints, states, channels)) if keep else None
    last_state = empty((batch, sequences, states, channels)) if last else None
    strip = WIDTH * (_shared_out(arguments)[0] if states <= FEW_STATES else 1)
    words = [*_inputs(arguments, table), *_rows(y, sequences if separate else 1), add, strip, *_array(checkpoints)]
    words += [table.checkpoints, *_array(last_state), *_array(arguments.initial)]
    if not _call(selective_scan_forward_kernel, words, arguments, table, y.dtype):
        raise not_finite()
    return Forward(y if y.dtype == u.dtype else y.to(u.dtype), checkpoints, last_state)


def backward(
    arguments: ScanArguments, table: PathTable, checkpoints: Tensor, dy: Tensor, dlast: Tensor | None, *, separate: bool
) -> Gradients:
    """The gradients of everything, from the checkpoints of the forward, dy, shaped and typed like y, and the gradients
    of the last states, float32 [B, T, N, D].
    """
    u, delta = arguments.u, arguments.delta
    samples, own = u.shape[0], arguments.rates.shape[0]
    du, add_u = _gradient_rows(u, table, shared=u.shape[1] == 1)
    ddelta, add_delta = _gradient_rows(delta, table, shared=own == 1)
    _, parts = _shared_out(arguments)
    d_b, d_c = (_gradient_coefficients(t, parts, samples, table, own) for t in (arguments.B, arguments.C))
    dA = empty(arguments.rates.shape)
    dD, dbias, dweights = (
        None if t is None else empty(t.shape) for t in (arguments.D, arguments.bias, arguments.weights)
    )
    dinitial = None if arguments.initial is None else torch.empty_like(arguments.initial)
    words = [*_inputs(arguments, table), *_array(checkpoints), *_rows(dy, table.sequences if separate else 1)]
    words += [*_rows(du, u.shape[1]), *_rows(ddelta, own), *_gradient(d_b), *_gradient(d_c)]
    words += [*_array(dA), *_array(dD), *_array(dbias), *_array(dweights), *_array(dlast), *_array(dinitial)]
    words += [add_u, add_delta, CHUNK, parts]
    _call(selective_scan_backward_kernel, words, arguments, table, du.dtype, ddelta.dtype)
    du, ddelta = (t if t.dtype == u.dtype else t.to(u.dtype) for t in (du, ddelta))
    return Gradients(du, ddelta, dA, _added(d_b), _added(d_c), dD, dbias, dweights, dinitial)


def _call(kernel: Any, words: list[int], a: ScanArguments, table: PathTable, *written: torch.dtype) -> Any:
    """Run a kernel on its words; written: the dtypes of y, or of the gradients of u and delta."""
    # A dtype of what is written may be that of what is read, or float32.
    y, delta = _EMPTY[written[0]], _EMPTY[written[-1]]
    B, C = (_CONSTANT if t.ndim == 3 else _VARYING[t.dtype] for t in (a.B, a.C))
    chunks, ranges = table.chunks.arrays
    with kernel_threads():
        return kernel(np.array(words, np.int64), Examples(_EMPTY[a.u.dtype], y, delta, B, C), _FLOATS, chunks, ranges)


def _added(parts: Tensor) -> Tensor:
    """The sum over the first axis."""
    return parts[0] if parts.shape[0] == 1 else parts.sum(0)


def _outputs(like: Tensor, shape: tuple[int, ...], table: PathTable, separate: bool) -> tuple[Tensor, int]:
    """Memory for outputs by row, and whether all visits must add to it.

    Where every sequence visits every row once, the first visit writes; else rows begin at 0. What is added up more than
    once is kept in float32.
    """
    once = not table.revisits and (separate or table.sequences == 1)
    dtype = like.dtype if once else torch.float32
    if table.visits_each_once:
        return empty(shape, dtype), 0
    return zeros(shape, dtype), 0 if once else 1


def _gradient_rows(like: Tensor, table: PathTable, *, shared: bool) -> tuple[Tensor, int]:
    """As `_outputs`, for a gradient by row of something that all paths share, or that each has its own of."""
    once = not table.revisits and (not shared or table.sequences == 1)
    dtype = like.dtype if once else torch.float32
    # The paths of a chain may each leave rows out.
    if table.visits_each_once if shared else table.permutations:
        return empty(like.shape, dtype), 0
    return zeros(like.shape, dtype), 0 if once else 1


def _gradient_coefficients(coefficients: Tensor, parts: int, samples: int, table: PathTable, own: int) -> Tensor:
    """float32 [parts, B, Kp, G, L, N] for what varies by row, [B, Kp, N, D] for what is constant in time."""
    if coefficients.ndim == 3:
        return zeros((samples, *coefficients.shape))
    written = table.visits_each_once if own == 1 else table.permutations
    make = empty if written else zeros
    return make((parts, *coefficients.shape))


def _shared_out(a: ScanArguments) -> tuple[int, int]:
    """See `_shares`."""
    return _shares(torch.get_num_threads(), a.u.shape[0] * a.groups, -(-a.u.shape[-1] // a.groups // WIDTH))


@lru_cache(maxsize=256)
def _shares(threads: int, items: int, blocks: int) -> tuple[int, int]:
    """How the channels of a group are shared out among threads that have equally much to do: how many registers of them
    one takes along forward where there are few states, and in how many parts they are dealt out backward.

    Six registers or fewer: few states make the rows' way from memory the larger part of the work, and a wide row comes
    from there as fast as a narrow one. As few parts as possible: each adds up B and C's gradients of its own.
    """
    fits = (n for n in (6, 4, 3, 2) if blocks % n == 0 and (items * blocks // n) % threads == 0)
    even = (p for p in range(1, blocks) if items * p % threads == 0 or items * p >= 4 * threads)
    return next(fits, 1), next(even, blocks)


# What follows are the words of a call, in the order in which kernels/cpu/words.py reads them. Whoever calls a kernel
# holds on to the tensors until it is done.
def _array(tensor: Tensor | None) -> tuple[int, int]:
    """Where a contiguous tensor begins, and how many values it has."""
    return (0, 0) if tensor is None else (tensor.data_ptr(), tensor.numel())


def _rows(tensor: Tensor, paths: int) -> tuple[int, ...]:
    """Of [B, K, L, D], or [B, L, D] where paths is 1."""
    # Kernels find rows by their strides, and need no length.
    sample, *path, row, _ = tensor.stride()
    return tensor.data_ptr(), 0, sample, path[0] if paths > 1 else 0, row


def _coefficients(tensor: Tensor) -> tuple[int, ...]:
    if tensor.ndim == 3:
        return tensor.data_ptr(), tensor.numel(), tensor.stride(0), 0, 0, 0
    sample, path, group, row, _ = tensor.stride()
    return tensor.data_ptr(), 0, sample, path if tensor.shape[1] > 1 else 0, group, row


def _gradient(parts: Tensor) -> tuple[int, ...]:
    """Of what `_gradient_coefficients` made."""
    if parts.ndim == 4:
        return parts.data_ptr(), parts.numel(), parts.stride(1), 0, 0, 0
    _, sample, path, group, row, _ = parts.stride()
    return parts.data_ptr(), parts.numel(), sample, path if parts.shape[2] > 1 else 0, group, row


@lru_cache(maxsize=64)
def _all(value: float, count: int) -> Tensor:
    """float32 [count] of one value, which kernels read where an argument is left out."""
    with outside_modes():
        return torch.full((count,), value)


def _inputs(a: ScanArguments, table: PathTable) -> list[int]:
    """The words that both kernels begin with: u, delta, B, C and the parameters; sizes and the table."""
    own, channels, states = a.rates.shape
    bias, skip = (_all(0.0, own * channels) if t is None else t for t in (a.bias, a.D))
    weights = _all(1.0, table.paths * channels) if a.weights is None else a.weights
    words = [*_rows(a.u, a.u.shape[1]), *_rows(a.delta, own), *_coefficients(a.B), *_coefficients(a.C)]
    words += [a.rates.data_ptr(), *a.rates.stride(), own, *_array(skip), *_array(bias), *_array(weights)]
    steps = table.steps
    words += [int(own > 1), int(a.softplus), a.u.shape[0], a.groups, channels, states, *steps.shape[1:]]
    return [*words, *_array(steps), steps.stride(0) if steps.shape[0] > 1 else 0]
