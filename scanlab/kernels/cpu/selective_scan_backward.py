"""The selective scan, backward, on a CPU.

With g[n] the gradient of the loss with respect to the state h[n] after a step (see the forward kernel for the
recurrence), the steps of a sequence are traversed from the last to the first:

    g[n]  = e'[n] g'[n] + dy C[n]               e' and g' of the step after, e[n] = exp2(delta A[n])
    dC[n] = sum_d dy h[n];   dB[n] = sum_d g[n] delta x
    dx    = delta sum_n g[n] B[n] + D dy;       du = w dx;   dw = sum u dx;   dD = sum dy x
    ddelta = x sum_n g[n] B[n] + ln 2 sum_n g[n] e[n] h-[n] A[n]      h- before the step
    dA[n] = ln 2 sum g[n] e[n] h-[n] delta;     through the softplus: ddelta sigmoid(delta + bias);   dbias = sum ddelta

The forward pass kept the state before each chunk. Chunk by chunk, from the last: the states of a chunk are computed
again, one n at a time so that they stay in the L1 cache, then traversed backwards. dB and dC are sums over channels:
each thread adds up its blocks of channels lane by lane and folds the lanes once per chunk; sums over threads and
samples are left to the caller, whose order is fixed. No atomics, so two runs with as many threads give the same bits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange

from scanlab.kernels.columns import CARRY, CHECKPOINT, FIRST, LAST, PATH, SEQUENCE

from .caching import kernel, part
from .elementary import exp2, sigmoid
from .lanes import WIDTH, fma, load, prefetch, splat, store
from .layout import (
    Ends,
    Inputs,
    ask_for_coefficients,
    coefficient,
    first_coefficient,
    is_constant,
    row_at,
)
from .paths import patch_from_table
from .selective_scan_forward import INPUTS, effective_delta, inputs_at
from .sums import add_to, empty_sums, fold_block, fold_chunk, write_sums
from .words import ARRAY, COEFFICIENTS, ROWS, TABLE, array_at, gradient_at, rows_at, table_at

__all__ = ["RowGradients", "selective_scan_backward_kernel"]

# Where in the words of a call what follows the inputs stands.
KEPT = INPUTS + TABLE
ROW_GRADIENTS = KEPT + ARRAY
COEFFICIENT_GRADIENTS = ROW_GRADIENTS + 3 * ROWS
SUMS = COEFFICIENT_GRADIENTS + 2 * COEFFICIENTS
ENDS = SUMS + 4 * ARRAY
ADDS = ENDS + 2 * ARRAY
LN_2 = np.float32(0.6931471805599453)


class RowGradients(NamedTuple):
    """How the gradients by row are written: 1 where all visits add, 0 where the first one writes.

    u: of u; parameters: of delta, and of B and C where they vary. longest: steps in the longest chunk. parts: in how
    many parts the channels of a group are dealt out.
    """

    u: int
    parameters: int
    longest: int
    parts: int


class _Work(NamedTuple):
    """What one thread needs for a chunk, WIDTH lanes per step: rows read, and sums over states."""

    u: Any
    dy: Any
    delta: Any
    drive: Any
    slope: Any
    through_drive: Any
    through_decay: Any
    decay: Any
    state: Any
    first_b: Any
    first_c: Any


@part(forceinline=True)
def _lanes_for(count):
    return np.empty(count * WIDTH, np.float32)


@part(forceinline=True)
def _work_for(longest):
    u, dy, delta, drive = _lanes_for(longest), _lanes_for(longest), _lanes_for(longest), _lanes_for(longest)
    slope, through_drive, through_decay = _lanes_for(longest), _lanes_for(longest), _lanes_for(longest)
    decay, state = _lanes_for(longest), _lanes_for(longest + 1)
    first_b, first_c = np.empty(longest, np.int64), np.empty(longest, np.int64)
    return _Work(u, dy, delta, drive, slope, through_drive, through_decay, decay, state, first_b, first_c)


@part(forceinline=True)
def _ask_for(inputs, dy, sample, sequence, path, own, group, row, channel):
    """Ask for what another block of channels, or another chunk, reads at a row."""
    ask_for_coefficients(inputs.B, 0, sample, own, group, row)
    ask_for_coefficients(inputs.C, 0, sample, own, group, row)
    prefetch(inputs.u.values, row_at(inputs.u, sample, path, row) + channel)
    prefetch(inputs.delta.values, row_at(inputs.delta, sample, own, row) + channel)
    prefetch(dy.values, row_at(dy, sample, sequence, row) + channel)


@part(forceinline=True)
def _read_rows(work, inputs, sizes, steps, rows, back, chunk, sample, group, channel, following, live):
    """Gather what the steps of a chunk read, and what follows from it for all states.

    While they are read, the rows that come next are asked for: those `back` steps before, at the channel `following`.
    """
    dy, du, ddelta = rows
    sequence, path, first, count = chunk[SEQUENCE], chunk[PATH], chunk[FIRST], chunk[LAST] - chunk[FIRST]
    own = path * inputs.parameters.own
    bias = load(inputs.parameters.bias, own * sizes.channels + channel, live)
    weight = load(inputs.parameters.weights, path * sizes.channels + channel, live)
    for i in range(count):
        row = patch_from_table(steps, sequence, first + i)
        coming = patch_from_table(steps, sequence, max(first + i - back, 0))
        _ask_for(inputs, dy, sample, sequence, path, own, group, coming, following)
        prefetch(du.values, row_at(du, sample, path, row) + channel)
        prefetch(ddelta.values, row_at(ddelta, sample, own, row) + channel)
        u = load(inputs.u.values, row_at(inputs.u, sample, path, row) + channel, live)
        raw = load(inputs.delta.values, row_at(inputs.delta, sample, own, row) + channel, live)
        delta = effective_delta(raw, bias, inputs.parameters.softplus)
        slope = sigmoid(raw + bias) if inputs.parameters.softplus else splat(np.float32(1))
        lane = i * WIDTH
        store(work.u, lane, WIDTH, u)
        store(work.dy, lane, WIDTH, load(dy.values, row_at(dy, sample, sequence, row) + channel, live))
        store(work.delta, lane, WIDTH, delta)
        store(work.drive, lane, WIDTH, delta * (weight * u))
        store(work.slope, lane, WIDTH, slope)
        store(work.through_drive, lane, WIDTH, splat(np.float32(0)))
        store(work.through_decay, lane, WIDTH, splat(np.float32(0)))
        work.first_b[i] = first_coefficient(inputs.B, sample, own, group, row, channel)
        work.first_c[i] = first_coefficient(inputs.C, sample, own, group, row, channel)


@part(forceinline=True)
def _states_again(work, inputs, sizes, a, state, n, count, live):
    """The decays of a chunk and its states before and after each step, for one n."""
    store(work.state, 0, WIDTH, state)
    for i in range(count):
        lane = i * WIDTH
        decay = exp2(load(work.delta, lane, WIDTH) * a)
        b = coefficient(inputs.B, work.first_b[i], n, sizes.channels, live)
        state = fma(decay, state, load(work.drive, lane, WIDTH) * b)
        store(work.decay, lane, WIDTH, decay)
        store(work.state, lane + WIDTH, WIDTH, state)


@part(forceinline=True)
def _chunk_backwards(work, inputs, sizes, per_lane, a, gradient, n, count, fresh, live):
    """The steps of a chunk from the last to the first, for one n: the gradient of the state before it, and of A.

    per_lane: dB and dC of every step and state, lane by lane; `fresh` where this block of channels is the first to add.
    """
    d_a = splat(np.float32(0))
    after = load(work.state, count * WIDTH, WIDTH)
    for i in range(count - 1, -1, -1):
        lane, place = i * WIDTH, (i * sizes.states + n) * WIDTH
        dy, drive = load(work.dy, lane, WIDTH), load(work.drive, lane, WIDTH)
        before = load(work.state, lane, WIDTH)
        gradient = fma(dy, coefficient(inputs.C, work.first_c[i], n, sizes.channels, live), gradient)
        d_b, d_c = gradient * drive, dy * after
        if not fresh[0]:
            d_b = d_b + load(per_lane[0], place, WIDTH)
        if not fresh[1]:
            d_c = d_c + load(per_lane[1], place, WIDTH)
        store(per_lane[0], place, WIDTH, d_b)
        store(per_lane[1], place, WIDTH, d_c)
        b = coefficient(inputs.B, work.first_b[i], n, sizes.channels, live)
        store(work.through_drive, lane, WIDTH, fma(gradient, b, load(work.through_drive, lane, WIDTH)))
        gradient = gradient * load(work.decay, lane, WIDTH)
        of_decay = gradient * before
        store(work.through_decay, lane, WIDTH, fma(of_decay, a, load(work.through_decay, lane, WIDTH)))
        d_a = fma(of_decay, load(work.delta, lane, WIDTH), d_a)
        after = before
    return gradient, d_a


@part(forceinline=True)
def _add_or_write(rows, place, live, value, adds):
    if adds:
        value = value + load(rows.values, place, live)
    store(rows.values, place, live, value)


@part(forceinline=True)
def _write_rows(work, inputs, sizes, steps, du, ddelta, sums, adds, chunk, sample, channel, live):
    """The gradients of u and delta at the rows of a chunk, and what adds up over them."""
    sequence, path, first, count = chunk[SEQUENCE], chunk[PATH], chunk[FIRST], chunk[LAST] - chunk[FIRST]
    own = path * inputs.parameters.own
    skip = load(inputs.parameters.D, own * sizes.channels + channel, live)
    weight = load(inputs.parameters.weights, path * sizes.channels + channel, live)
    zero = splat(np.float32(0))
    d_skip, d_bias, d_weight = zero, zero, zero
    add_u = adds.u == 1 or (sequence > 0 and du.path == 0)
    add_delta = adds.parameters == 1 or (sequence > 0 and inputs.parameters.own == 0)
    for i in range(count):
        row, lane = patch_from_table(steps, sequence, first + i), i * WIDTH
        u, dy, through = load(work.u, lane, WIDTH), load(work.dy, lane, WIDTH), load(work.through_drive, lane, WIDTH)
        x = weight * u
        dx = fma(through, load(work.delta, lane, WIDTH), skip * dy)
        d_delta = fma(through, x, load(work.through_decay, lane, WIDTH) * splat(LN_2)) * load(work.slope, lane, WIDTH)
        _add_or_write(du, row_at(du, sample, path, row) + channel, live, weight * dx, add_u)
        _add_or_write(ddelta, row_at(ddelta, sample, own, row) + channel, live, d_delta, add_delta)
        d_skip, d_bias, d_weight = fma(dy, x, d_skip), d_bias + d_delta, fma(u, dx, d_weight)
    place = sample * sums.sample + channel
    add_to(sums.D, place + own * sizes.channels, live, d_skip)
    add_to(sums.bias, place + own * sizes.channels, live, d_bias)
    add_to(sums.weights, place + path * sizes.channels, live, d_weight)


@part(forceinline=True)
def _chunk_of_block(work, inputs, sizes, kept, per_lane, gradients, sums, chunk, sample, channel, fresh, live):
    """All states of one chunk and one block of channels."""
    own, count = chunk[PATH] * inputs.parameters.own, chunk[LAST] - chunk[FIRST]
    carry, checkpoint = chunk[CARRY], chunk[CHECKPOINT]
    checkpoint_count = len(kept) // max(sizes.states * sizes.channels, 1) // sizes.samples
    for n in range(sizes.states):
        a = load(inputs.parameters.A, (own * sizes.states + n) * sizes.channels + channel, live)
        state = splat(np.float32(0))
        if carry == 1:
            number = (sample * checkpoint_count + checkpoint) * sizes.states + n
            state = load(kept, number * sizes.channels + channel, live)
        _states_again(work, inputs, sizes, a, state, n, count, live)
        gradient = load(gradients, n * WIDTH, WIDTH)
        gradient, d_a = _chunk_backwards(work, inputs, sizes, per_lane, a, gradient, n, count, fresh, live)
        # Where the state begins at zero, no gradient goes further back.
        store(gradients, n * WIDTH, WIDTH, gradient if carry == 1 else splat(np.float32(0)))
        place = sample * sums.sample + (own * sizes.states + n) * sizes.channels + channel
        add_to(sums.A, place, live, d_a * splat(LN_2))


@part(forceinline=True)
def _ask_for_sums(gradient, steps, parts, sample, group, part, chunk, own):
    """Ask for the rows that `_fold_chunk` will write: a chunk's work lies between."""
    offset = part * (len(gradient.values) // parts)
    for step in range(chunk[FIRST], chunk[LAST]):
        row = patch_from_table(steps, chunk[SEQUENCE], step)
        ask_for_coefficients(gradient, offset, sample, own, group, row)


@part(forceinline=True)
def _chunk(work, inputs, sizes, steps, rows, kept, per_lane, gradients, sums, adds, chunk, sample, group, part, blocks):
    """One chunk, for the blocks of channels of one thread: rows are (dy, du, ddelta, dB, dC)."""
    dy, du, ddelta, d_b, d_c = rows
    width = sizes.channels // sizes.groups
    own, count = chunk[PATH] * inputs.parameters.own, chunk[LAST] - chunk[FIRST]
    for block in range(blocks[0], blocks[1]):
        channel, live = group * width + block * WIDTH, min(WIDTH, width - block * WIDTH)
        mine = gradients[(block - blocks[0]) * sizes.states * WIDTH : (block - blocks[0] + 1) * sizes.states * WIDTH]
        fresh_b = block == blocks[0] or is_constant(inputs.B)
        fresh_c = block == blocks[0] or is_constant(inputs.C)
        fresh = (fresh_b, fresh_c)
        # The next block of channels reads the same rows; after the last one comes the chunk before.
        last = block + 1 == blocks[1]
        following, back = (group * width + blocks[0] * WIDTH, adds.longest) if last else (channel + WIDTH, 0)
        _read_rows(work, inputs, sizes, steps, (dy, du, ddelta), back, chunk, sample, group, channel, following, live)
        if last:
            _ask_for_sums(d_b, steps, adds.parts, sample, group, part, chunk, own)
            _ask_for_sums(d_c, steps, adds.parts, sample, group, part, chunk, own)
        _chunk_of_block(work, inputs, sizes, kept, per_lane, mine, sums, chunk, sample, channel, fresh, live)
        fold_block(inputs.B, d_b, per_lane[0], sizes, sample, own, channel, count, live)
        fold_block(inputs.C, d_c, per_lane[1], sizes, sample, own, channel, count, live)
        _write_rows(work, inputs, sizes, steps, du, ddelta, sums, adds, chunk, sample, channel, live)
    adding = adds.parameters == 1 or (chunk[SEQUENCE] > 0 and inputs.parameters.own == 0)
    for i in range(count):
        row = patch_from_table(steps, chunk[SEQUENCE], chunk[FIRST] + i)
        fold_chunk(inputs.B, d_b, per_lane[0], sizes, adds.parts, adding, sample, own, group, part, row, i)
        fold_chunk(inputs.C, d_c, per_lane[1], sizes, adds.parts, adding, sample, own, group, part, row, i)


@part(forceinline=True)
def _begin(gradients, sizes, dlast, first, blocks, channel, width):
    """The gradients of the last states of a sequence, block by block of channels; zero where nothing reads them."""
    gradients[:] = 0
    if len(dlast):
        for block in range(blocks[0], blocks[1]):
            place, live = (block - blocks[0]) * sizes.states * WIDTH, min(WIDTH, width - block * WIDTH)
            for n in range(sizes.states):
                value = load(dlast, first + n * sizes.channels + channel + block * WIDTH, live)
                store(gradients, place + n * WIDTH, WIDTH, value)


@part(forceinline=True)
def _end(gradients, sizes, dinitial, first, blocks, channel, width):
    """Store what is left of them as the gradients of the states before the sequence, where there were any."""
    if len(dinitial):
        for block in range(blocks[0], blocks[1]):
            place, live = (block - blocks[0]) * sizes.states * WIDTH, min(WIDTH, width - block * WIDTH)
            for n in range(sizes.states):
                value = load(gradients, place + n * WIDTH, WIDTH)
                store(dinitial, first + n * sizes.channels + channel + block * WIDTH, live, value)


@part(forceinline=True)
def _all_sequences(inputs, sizes, table, rows, kept, ends, sums, adds, sample, group, part):
    """All sequences from their ends to their starts, for one part of the channels of a group of one sample."""
    width = sizes.channels // sizes.groups
    count = (width + WIDTH - 1) // WIDTH
    blocks = count * part // adds.parts, count * (part + 1) // adds.parts
    work = _work_for(adds.longest)
    per_lane = _lanes_for(adds.longest * sizes.states), _lanes_for(adds.longest * sizes.states)
    gradients = _lanes_for((blocks[1] - blocks[0]) * sizes.states)
    offset = sample * table.sample
    steps = table.steps[offset : offset + sizes.sequences * sizes.steps].reshape(sizes.sequences, sizes.steps)
    for sequence in range(sizes.sequences):
        first = (sample * sizes.sequences + sequence) * sizes.states * sizes.channels
        _begin(gradients, sizes, ends.last, first, blocks, group * width, width)
        for q in range(table.ranges[sequence + 1] - 1, table.ranges[sequence] - 1, -1):
            chunk = table.chunks[q]
            _chunk(
                work,
                inputs,
                sizes,
                steps,
                rows,
                kept,
                per_lane,
                gradients,
                sums,
                adds,
                chunk,
                sample,
                group,
                part,
                blocks,
            )
        _end(gradients, sizes, ends.initial, first, blocks, group * width, width)


@part(parallel=True, error_model="numpy")
def _scan_backwards(u, delta, B, C, parameters, sizes, table, kept, dy, ends, du, ddelta, d_b, d_c, sums, adds):
    """Samples, groups and parts of their channels are shared out among the threads."""
    for item in prange(sizes.samples * sizes.groups * adds.parts):
        sample, rest = item // (sizes.groups * adds.parts), item % (sizes.groups * adds.parts)
        group, part = rest // adds.parts, rest % adds.parts
        inputs = Inputs(u, delta, B, C, parameters)
        _all_sequences(inputs, sizes, table, (dy, du, ddelta, d_b, d_c), kept, ends, sums, adds, sample, group, part)


@kernel(error_model="numpy", nogil=True)
def selective_scan_backward_kernel(words, examples, floats, chunks, ranges):
    """Fill the gradients; see the module.

    words int64: u, delta, B, C, parameters, sizes, table; the checkpoints of the forward, float32 [B, checkpoint_count,
    N, D]; dy, du, ddelta, Rows; d_b, d_c: Varying, float32 [parts, B, Kp, G, L, N], or Constant, float32 [B, Kp, N, D]
    from zero; the sums' gradients, of A [Kp, D, N], D, bias and weights; the gradients of the last states, read, and of
    the initial ones, written; RowGradients. floats: any float32. chunks, ranges: see Chunks.
    """
    u, delta, B, C, parameters, sizes, _ = inputs_at(words, examples, floats)
    table = table_at(words, INPUTS, chunks, ranges)
    kept = array_at(words, KEPT, floats)
    dy = rows_at(words, ROW_GRADIENTS, examples.u)
    du = rows_at(words, ROW_GRADIENTS + ROWS, examples.y)
    ddelta = rows_at(words, ROW_GRADIENTS + 2 * ROWS, examples.delta)
    d_b = gradient_at(words, COEFFICIENT_GRADIENTS, examples.B, floats)
    d_c = gradient_at(words, COEFFICIENT_GRADIENTS + COEFFICIENTS, examples.C, floats)
    sums, by_sample = empty_sums(sizes, parameters)
    ends = Ends(array_at(words, ENDS, floats), array_at(words, ENDS + ARRAY, floats))
    adds = RowGradients(words[ADDS], words[ADDS + 1], words[ADDS + 2], words[ADDS + 3])
    _scan_backwards(u, delta, B, C, parameters, sizes, table, kept, dy, ends, du, ddelta, d_b, d_c, sums, adds)
    write_sums(by_sample, words, SUMS, sizes, parameters, floats)
