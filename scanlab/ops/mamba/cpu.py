"""The scan on the CPU: tensors handed to the Numba kernels as they lie in memory."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from scanlab.kernels.cpu.lanes import WIDTH
from scanlab.kernels.cpu.layout import Constant, Ends, Parameters, Rows, Sizes, Sums, Table, Varying
from scanlab.kernels.cpu.selective_scan_backward import RowGradients, selective_scan_backward_kernel
from scanlab.kernels.cpu.selective_scan_forward import Outputs, selective_scan_forward_kernel
from scanlab.ops.mamba.operator import Forward, Gradients, ScanArguments
from scanlab.ops.numba_runtime import empty, flat, kernel_threads, zeros
from scanlab.ops.partition import CHUNK
from scanlab.ops.path_tables import PathTable

__all__ = ["backward", "forward"]

FEW_STATES = 4


def forward(arguments: ScanArguments, table: PathTable, *, separate: bool, keep: bool, last: bool) -> Forward:
    """Scan all sequences; see `Forward`. keep: states for the backward; last: the states after each sequence."""
    batch, _, length, channels = arguments.u.shape
    states, sequences = arguments.A.shape[1], table.sequences
    y, add = _outputs(arguments.u, (batch, sequences if separate else 1, length, channels), table, separate)
    checkpoints = empty((batch, table.checkpoints, states, channels)) if keep else None
    last_state = empty((batch, sequences, states, channels)) if last else None
    out = Outputs(
        add, _strip(arguments), flat(checkpoints), table.checkpoints, flat(last_state), flat(arguments.initial)
    )
    where = _rows(y, sequences if separate else 1)
    with kernel_threads():
        selective_scan_forward_kernel(
            *_inputs(arguments, table.paths), _sizes(arguments, table), _table(table), where, out
        )
    y = y.to(arguments.u.dtype)
    return Forward(y if separate else y[:, 0], checkpoints, last_state)


def backward(
    arguments: ScanArguments, table: PathTable, checkpoints: Tensor, dy: Tensor, dlast: Tensor | None, *, separate: bool
) -> Gradients:
    """The gradients of everything, from the checkpoints of the forward, dy, shaped and typed like y, and the gradients
    of the last states, float32 [B, T, N, D].
    """
    u, delta, A = arguments.u, arguments.delta, arguments.A
    samples, own = len(u), len(A)
    du, add_u = _gradient_rows(u, table, shared=u.shape[1] == 1)
    ddelta, add_delta = _gradient_rows(delta, table, shared=own == 1)
    parts = _parts(arguments)
    adds = RowGradients(add_u, add_delta, CHUNK, parts)
    d_b, d_c = (_gradient_coefficients(t, parts, samples, table, own) for t in (arguments.B, arguments.C))
    sums = [A.new_zeros(samples, *shape) for shape in (A.shape, (own, A.shape[2]), (own, A.shape[2]))]
    sums.append(A.new_zeros(samples, table.paths, A.shape[2]))
    dy = dy if dy.ndim == 4 else dy[:, None]
    dinitial = None if arguments.initial is None else torch.empty_like(arguments.initial)
    with kernel_threads():
        selective_scan_backward_kernel(
            *_inputs(arguments, table.paths),
            _sizes(arguments, table),
            _table(table),
            flat(checkpoints),
            _rows(dy, table.sequences if separate else 1),
            Ends(flat(dlast), flat(dinitial)),
            _rows(du, u.shape[1]),
            _rows(ddelta, own),
            _coefficients(d_b[0])._replace(values=flat(d_b)),
            _coefficients(d_c[0])._replace(values=flat(d_c)),
            Sums(*map(flat, sums)),
            adds,
        )
    dA, dD, dbias, dweights, dB, dC = (t[0] if len(t) == 1 else t.sum(0) for t in (*sums, d_b, d_c))
    return Gradients(du.to(u.dtype), ddelta.to(u.dtype), dA, dB, dC, dD, dbias, dweights, dinitial)


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


def _strip(a: ScanArguments) -> int:
    """How many channels one thread takes along: six registers or fewer where there are few states, else one.

    Few states make the rows' way from memory the larger part of the work, and a wide row comes from there as fast as a
    narrow one. Only where all threads still have equally much to do.
    """
    threads, items = torch.get_num_threads(), len(a.u) * a.groups
    blocks = -(-a.u.shape[-1] // a.groups // WIDTH)
    fits = (n for n in (6, 4, 3, 2) if blocks % n == 0 and (items * blocks // n) % threads == 0)
    return WIDTH * (next(fits, 1) if a.A.shape[1] <= FEW_STATES else 1)


def _parts(a: ScanArguments) -> int:
    """In how many parts the channels of a group are dealt out, so that all threads have equally much to do.

    As few as possible: each part adds up B and C's gradients of its own.
    """
    threads, items = torch.get_num_threads(), len(a.u) * a.groups
    blocks = -(-a.u.shape[-1] // a.groups // WIDTH)
    even = (p for p in range(1, blocks) if items * p % threads == 0 or items * p >= 4 * threads)
    return next(even, blocks)


def _rows(tensor: Tensor, paths: int) -> Rows:
    sample, path, row, _ = tensor.stride()
    return Rows(flat(tensor), sample, path if paths > 1 else 0, row)


def _coefficients(tensor: Tensor) -> Varying | Constant:
    if tensor.ndim == 3:
        return Constant(flat(tensor), tensor.stride(0))
    sample, path, group, row, _ = tensor.stride()
    return Varying(flat(tensor), sample, path if tensor.shape[1] > 1 else 0, group, row)


def _inputs(a: ScanArguments, paths: int) -> tuple[Rows, Rows, Varying | Constant, Varying | Constant, Parameters]:
    own, _, channels = a.A.shape
    bias, skip = (np.zeros(own * channels, np.float32) if t is None else flat(t) for t in (a.bias, a.D))
    weights = np.ones(paths * channels, np.float32) if a.weights is None else flat(a.weights)
    parameters = Parameters(flat(a.A), skip, bias, weights, int(own > 1), a.softplus)
    u, delta = _rows(a.u, a.u.shape[1]), _rows(a.delta, own)
    return u, delta, _coefficients(a.B), _coefficients(a.C), parameters


def _sizes(a: ScanArguments, table: PathTable) -> Sizes:
    _, states, channels = a.A.shape
    return Sizes(len(a.u), a.groups, channels, states, table.sequences, table.steps.shape[2])


def _table(table: PathTable) -> Table:
    chunks = table.chunks
    sample = table.steps.stride(0) if table.steps.shape[0] > 1 else 0
    return Table(flat(table.steps), sample, chunks.rows.numpy(), chunks.ranges.numpy())
