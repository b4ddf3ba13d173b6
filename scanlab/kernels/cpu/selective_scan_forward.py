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

__all__ = ["AHEAD", "Outputs", "effective_delta", "selective_scan_forward_kernel"]

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
    for n in range(sizes.states):
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


@kernel(parallel=True, error_model="numpy", nogil=True)
def selective_scan_forward_kernel(u, delta, B, C, parameters, sizes, table, y, out):
    """Fill y, Rows [B, T or 1, L, D], and `out`; see the module.

    Samples and strips of channels are shared out among the threads.
    """
    width = sizes.channels // sizes.groups
    strips = (width + out.strip - 1) // out.strip
    for item in prange(sizes.samples * sizes.groups * strips):
        sample, rest = item // (sizes.groups * strips), item % (sizes.groups * strips)
        group, first = rest // strips, (rest % strips) * out.strip
        channels = group * width + first, group * width + min(first + out.strip, width)
        inputs = Inputs(u, delta, B, C, parameters)
        _scan_strip(inputs, sizes, table, y, out, sample, group, channels)
