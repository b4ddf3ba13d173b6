"""The selective scan, forward, on a CPU.

At a step of path k that visits row i, for every channel d and state n:

    x = w[k, d] u[i, d];  delta = softplus(delta[k, i, d] + bias[k, d])
    h[n] = exp2(delta A[k, n, d]) h[n] + (delta x) B[k, i, n]
    y[i, d] += sum_n C[k, i, n] h[n] + D[k, d] x

WIDTH channels lie in the lanes of a register; their N states stay in the L1 cache. One thread takes a block of
channels of one sample through all sequences, one after the other, so that outputs add up in a fixed order without
atomics. Rows are gathered where they lie; those that are visited AHEAD steps later are asked for in advance,
which is what makes a random order as fast as a raster.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange

from scanlab.kernels.columns import CARRY, CHECKPOINT, FIRST, LAST, PATH, SEQUENCE

from .caching import kernel, part
from .elementary import exp2, softplus
from .lanes import WIDTH, fma, load, prefetch, store
from .layout import Inputs, ask_for_coefficients, coefficient, first_coefficient, row_at
from .paths import patch_from_table
from .words import (
    COEFFICIENTS,
    PARAMETERS,
    ROWS,
    SIZES,
    TABLE,
    array_at,
    coefficients_at,
    parameters_at,
    rows_at,
    sizes_at,
    table_at,
)

__all__ = ["AHEAD", "INPUTS", "Examples", "Outputs", "effective_delta", "inputs_at", "selective_scan_forward_kernel"]

# In steps. Measured.
AHEAD = 12


class Outputs(NamedTuple):
    """What goes out besides y. add: 1 where all visits add to y, 0 where those of the first sequence write.

    checkpoints [B, checkpoint_count, N, D], last [B, T, N, D]: float32, flat, empty where not wanted. checkpoint_count:
    how many. strip: how many channels of a row one thread takes at a time, a multiple of WIDTH. initial, read and not
    written: the states before the first steps, shaped as the last, empty where they are zero.
    """

    add: int
    strip: int
    checkpoints: Any
    checkpoint_count: int
    last: Any
    initial: Any


@part(forceinline=True)
def effective_delta(raw, bias, use_softplus):
    """softplus(raw + bias), or raw + bias."""
    shifted = raw + bias
    return softplus(shifted) if use_softplus else shifted


@part(forceinline=True)
def _save(state, states, out, first, stride, channels):
    """The states of a strip of channels to out[first + n * stride + channel]."""
    for channel in range(channels[0], channels[1], WIDTH):
        place, live = (channel - channels[0]) * states, min(WIDTH, channels[1] - channel)
        for n in range(states):
            store(out, first + n * stride + channel, live, load(state, place + n * WIDTH, WIDTH))


@part(forceinline=True)
def _begin(state, states, initial, first, stride, channels):
    """The states of a strip of channels from initial[first + n * stride + channel], or zero where there are none."""
    if len(initial) == 0:
        state[:] = 0
        return
    for channel in range(channels[0], channels[1], WIDTH):
        place, live = (channel - channels[0]) * states, min(WIDTH, channels[1] - channel)
        for n in range(states):
            store(state, place + n * WIDTH, WIDTH, load(initial, first + n * stride + channel, live))


@part(forceinline=True)
def _load_decays(decay, inputs, sizes, path, channels):
    for channel in range(channels[0], channels[1], WIDTH):
        place, live = (channel - channels[0]) * sizes.states, min(WIDTH, channels[1] - channel)
        for n in range(sizes.states):
            a = load(inputs.parameters.A, (path * sizes.states + n) * sizes.channels + channel, live)
            store(decay, place + n * WIDTH, WIDTH, a)


@part(forceinline=True)
def _ask_for(inputs, y, sample, sequence, path, own, group, row, channel):
    ask_for_coefficients(inputs.B, 0, sample, own, group, row)
    ask_for_coefficients(inputs.C, 0, sample, own, group, row)
    prefetch(inputs.u.values, row_at(inputs.u, sample, path, row) + channel)
    prefetch(inputs.delta.values, row_at(inputs.delta, sample, own, row) + channel)
    prefetch(y.values, row_at(y, sample, sequence, row) + channel)


@part(forceinline=True)
def _step(inputs, sizes, state, decay, place, x, delta, skip, sample, own, group, row, channel, live):
    """Move the state on by one step; what the step puts out."""
    drive = delta * x
    y = skip * x
    first_b = first_coefficient(inputs.B, sample, own, group, row, channel)
    first_c = first_coefficient(inputs.C, sample, own, group, row, channel)
    # Four states at a time, whose exponentials do not wait for each other.
    whole = sizes.states - sizes.states % 4
    for n in range(0, whole, 4):
        at = place + n * WIDTH
        d0, d1 = delta * load(decay, at, WIDTH), delta * load(decay, at + WIDTH, WIDTH)
        d2, d3 = delta * load(decay, at + 2 * WIDTH, WIDTH), delta * load(decay, at + 3 * WIDTH, WIDTH)
        e0, e1, e2, e3 = exp2(d0), exp2(d1), exp2(d2), exp2(d3)
        h0 = fma(e0, load(state, at, WIDTH), drive * coefficient(inputs.B, first_b, n, sizes.channels, live))
        h1 = fma(
            e1, load(state, at + WIDTH, WIDTH), drive * coefficient(inputs.B, first_b, n + 1, sizes.channels, live)
        )
        h2 = fma(
            e2, load(state, at + 2 * WIDTH, WIDTH), drive * coefficient(inputs.B, first_b, n + 2, sizes.channels, live)
        )
        h3 = fma(
            e3, load(state, at + 3 * WIDTH, WIDTH), drive * coefficient(inputs.B, first_b, n + 3, sizes.channels, live)
        )
        store(state, at, WIDTH, h0)
        store(state, at + WIDTH, WIDTH, h1)
        store(state, at + 2 * WIDTH, WIDTH, h2)
        store(state, at + 3 * WIDTH, WIDTH, h3)
        y = fma(h0, coefficient(inputs.C, first_c, n, sizes.channels, live), y)
        y = fma(h1, coefficient(inputs.C, first_c, n + 1, sizes.channels, live), y)
        y = fma(h2, coefficient(inputs.C, first_c, n + 2, sizes.channels, live), y)
        y = fma(h3, coefficient(inputs.C, first_c, n + 3, sizes.channels, live), y)
    for n in range(whole, sizes.states):
        b = coefficient(inputs.B, first_b, n, sizes.channels, live)
        c = coefficient(inputs.C, first_c, n, sizes.channels, live)
        at = place + n * WIDTH
        h = fma(exp2(delta * load(decay, at, WIDTH)), load(state, at, WIDTH), drive * b)
        store(state, at, WIDTH, h)
        y = fma(h, c, y)
    return y


@part(forceinline=True)
def _scan_chunk(inputs, sizes, steps, final, y, add, chunk, state, decay, sample, group, channels):
    sequence, path, first, last = chunk[SEQUENCE], chunk[PATH], chunk[FIRST], chunk[LAST]
    own = path * inputs.parameters.own
    adds = add == 1 or (sequence > 0 and y.path == 0)
    for step in range(first, last):
        row = patch_from_table(steps, sequence, step)
        ahead = patch_from_table(steps, sequence, min(step + AHEAD, final))
        for channel in range(channels[0], channels[1], WIDTH):
            live = min(WIDTH, channels[1] - channel)
            _ask_for(inputs, y, sample, sequence, path, own, group, ahead, channel)
            skip = load(inputs.parameters.D, own * sizes.channels + channel, live)
            bias = load(inputs.parameters.bias, own * sizes.channels + channel, live)
            weight = load(inputs.parameters.weights, path * sizes.channels + channel, live)
            x = weight * load(inputs.u.values, row_at(inputs.u, sample, path, row) + channel, live)
            raw = load(inputs.delta.values, row_at(inputs.delta, sample, own, row) + channel, live)
            delta = effective_delta(raw, bias, inputs.parameters.softplus)
            place = (channel - channels[0]) * sizes.states
            value = _step(inputs, sizes, state, decay, place, x, delta, skip, sample, own, group, row, channel, live)
            target = row_at(y, sample, sequence, row) + channel
            if adds:
                value = value + load(y.values, target, live)
            store(y.values, target, live, value)


@part(forceinline=True)
def _scan_strip(inputs, sizes, table, y, out, sample, group, channels):
    """All sequences, one after the other, for the channels from channels[0] to channels[1] - 1 of one sample."""
    states, width = sizes.states, sizes.channels
    room = (channels[1] - channels[0] + WIDTH - 1) // WIDTH * WIDTH * states
    state, decay = np.empty(room, np.float32), np.empty(room, np.float32)
    offset = sample * table.sample
    steps = table.steps[offset : offset + sizes.sequences * sizes.steps].reshape(sizes.sequences, sizes.steps)
    for sequence in range(sizes.sequences):
        ends = (sample * sizes.sequences + sequence) * states * width
        _begin(state, states, out.initial, ends, width, channels)
        final = table.chunks[table.ranges[sequence + 1] - 1, LAST] - 1
        for q in range(table.ranges[sequence], table.ranges[sequence + 1]):
            chunk = table.chunks[q]
            if chunk[CARRY] == 0:
                state[:] = 0
            elif len(out.checkpoints):
                kept = (sample * out.checkpoint_count + chunk[CHECKPOINT]) * states * width
                _save(state, states, out.checkpoints, kept, width, channels)
            _load_decays(decay, inputs, sizes, chunk[PATH] * inputs.parameters.own, channels)
            _scan_chunk(inputs, sizes, steps, final, y, out.add, chunk, state, decay, sample, group, channels)
        if len(out.last):
            _save(state, states, out.last, ends, width, channels)


class Examples(NamedTuple):
    """Empty arrays and coefficients of the types that a call has: what a kernel is compiled for.

    u: the dtype of u and delta, and of dy. y: that of y, or of du, and delta that of ddelta. B, C: Varying or Constant.
    """

    u: Any
    y: Any
    delta: Any
    B: Any
    C: Any


@part(forceinline=True)
def inputs_at(words, examples, floats):
    """u, delta, B, C, the parameters and the sizes from the first words, and whether A is finite."""
    u, delta = rows_at(words, 0, examples.u), rows_at(words, ROWS, examples.u)
    B = coefficients_at(words, 2 * ROWS, examples.B)
    C = coefficients_at(words, 2 * ROWS + COEFFICIENTS, examples.C)
    place = 2 * ROWS + 2 * COEFFICIENTS
    sizes = sizes_at(words, place + PARAMETERS)
    parameters, finite = parameters_at(words, place, sizes, floats)
    return u, delta, B, C, parameters, sizes, finite


# How many words that takes.
INPUTS = 2 * ROWS + 2 * COEFFICIENTS + PARAMETERS + SIZES


@part(forceinline=True)
def _outputs_at(words, place, floats):
    return Outputs(
        words[place],
        words[place + 1],
        array_at(words, place + 2, floats),
        words[place + 4],
        array_at(words, place + 5, floats),
        array_at(words, place + 7, floats),
    )


@part(parallel=True, error_model="numpy")
def _scan(u, delta, B, C, parameters, sizes, table, y, out):
    """Samples and strips of channels are shared out among the threads."""
    width = sizes.channels // sizes.groups
    strips = (width + out.strip - 1) // out.strip
    for item in prange(sizes.samples * sizes.groups * strips):
        sample, rest = item // (sizes.groups * strips), item % (sizes.groups * strips)
        group, first = rest // strips, (rest % strips) * out.strip
        channels = group * width + first, group * width + min(first + out.strip, width)
        inputs = Inputs(u, delta, B, C, parameters)
        _scan_strip(inputs, sizes, table, y, out, sample, group, channels)


@kernel(error_model="numpy", nogil=True)
def selective_scan_forward_kernel(words, examples, floats, chunks, ranges):
    """Fill y, Rows [B, T or 1, L, D], and what `Outputs` names; see the module. Nothing, and False, if A is not finite.

    words int64: u, delta, B, C, parameters; sizes, table, y, outputs. floats: any float32. chunks, ranges: see Chunks.
    """
    u, delta, B, C, parameters, sizes, finite = inputs_at(words, examples, floats)
    if not finite:
        return False
    table = table_at(words, INPUTS, chunks, ranges)
    y = rows_at(words, INPUTS + TABLE, examples.y)
    out = _outputs_at(words, INPUTS + TABLE + ROWS, floats)
    _scan(u, delta, B, C, parameters, sizes, table, y, out)
    return True
