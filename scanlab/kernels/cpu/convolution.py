"""Depthwise causal convolution along paths, on the CPU: channels in the lanes, one sequence after the other.

A sequence visits row r(s) at step s. With W taps, the last for the current step, with the weights w and the bias b of
the path that owns step s, and with x = 0 before a traversal's start (the sequence's own, or a restart), or what is
given as initial, [B, T, W - 1, D], before the start of a sequence:

    p(s) = b + sum_j w[j] x[r(s - W + 1 + j)];    y[r(s)] += f(p(s)),  f = silu or the identity

The adjoint goes backwards. With q(s) = f'(p(s)) dy[r(s)], step s adds to the adjoints of the W steps up to it:

    g(s - W + 1 + j) += w[j] q(s);    dx[r(s)] += g(s);    dw[j] += q(s) x[r(s - W + 1 + j)];    db += q(s)

g(s) is complete when the traversal comes to s, so a ring of W of them is all that is kept.

Tensors come as flat arrays. steps int32 [Bt, T, S] and owners int32 [T, S]: the row and the path of each step.
segments: see PathTable. Outputs are added to, so they come as zeros. Samples and blocks of channels are shared out
among the threads; all sums are made in a fixed order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import prange

from scanlab.kernels.columns import CARRY, FIRST, LAST, PATH, SEQUENCE

from .caching import kernel, part
from .elementary import sigmoid
from .lanes import WIDTH, fma, load, prefetch, splat, store

__all__ = ["Sizes", "convolution_backward_kernel", "convolution_forward_kernel"]

# Channels that a thread takes through all sequences: whole cache lines of a row, weights that stay in the L1 cache.
BLOCK = 64
AHEAD = 8


class Sizes(NamedTuple):
    """Numbers of samples, channels D, rows L, paths K and taps W, and strides in elements; 0 where paths share."""

    samples: int
    channels: int
    rows: int
    paths: int
    taps: int
    x_sample: int
    x_path: int
    x_row: int
    dx_sample: int
    dx_path: int
    weight_path: int
    bias_path: int


@part()
def _place(sizes, sample, steps, owners, sequence, step):
    """Where in x the row of a step begins."""
    row = steps[min(sample, len(steps) - 1), sequence, step]
    return sample * sizes.x_sample + owners[sequence, step] * sizes.x_path + row * sizes.x_row


@part()
def _result(sizes, sample, steps, path, sequence, step):
    """Where in y the row of a step begins."""
    row = steps[min(sample, len(steps) - 1), sequence, step]
    return ((sample * sizes.paths + path) * sizes.rows + row) * sizes.channels


@part()
def _before(sizes, sample, sequence, sequences, step):
    """Where in the initial rows that one begins which the first tap of a step reads."""
    return ((sample * sequences + sequence) * (sizes.taps - 1) + step) * sizes.channels


@part()
def _filtered(x, places, initial, before, missing, weight, bias, sizes, path, c, live):
    """p: the bias and the weighted rows; the first `missing` of them lie before the traversal's start."""
    p = load(bias, path * sizes.bias_path + c, live)
    if len(initial):
        for j in range(missing):
            w = load(weight, path * sizes.weight_path + j * sizes.channels + c, live)
            p = fma(w, load(initial, before + j * sizes.channels + c, live), p)
    for j in range(missing, sizes.taps):
        w = load(weight, path * sizes.weight_path + j * sizes.channels + c, live)
        p = fma(w, load(x, places[j] + c, live), p)
    return p


@part()
def _add(array, place, live, value):
    store(array, place, live, load(array, place, live) + value)


@part()
def _start(segments, number):
    """The first step of the traversal that a segment belongs to."""
    while segments[number, CARRY]:
        number -= 1
    return segments[number, FIRST]


@part()
def _forward_sequences(x, weight, bias, initial, y, steps, owners, segments, sizes, silu, sample, low, high):
    """All sequences of one sample, for channels low to high - 1."""
    places = np.zeros(sizes.taps, dtype=np.int64)
    for number in range(len(segments)):
        segment = segments[number]
        sequence, path, first, last = segment[SEQUENCE], segment[PATH], segment[FIRST], segment[LAST]
        start = _start(segments, number)
        for step in range(first, last):
            for j in range(1, sizes.taps):  # an assignment of arrays would compile the words of its errors, too
                places[j - 1] = places[j]
            places[sizes.taps - 1] = _place(sizes, sample, steps, owners, sequence, step)
            prefetch(x, _place(sizes, sample, steps, owners, sequence, min(step + AHEAD, last - 1)) + low)
            row = _result(sizes, sample, steps, path, sequence, step)
            missing = max(0, sizes.taps - 1 - (step - start))
            before = _before(sizes, sample, sequence, len(owners), step)
            for c in range(low, high, WIDTH):
                live = min(WIDTH, high - c)
                p = _filtered(x, places, initial, before, missing, weight, bias, sizes, path, c, live)
                if silu:
                    p = p * sigmoid(p)
                _add(y, row + c, live, p)


@kernel(parallel=True)
def convolution_forward_kernel(x, weight, bias, initial, y, steps, owners, segments, sizes, silu):
    """y [B, K, L, D] += the convolution of x [B, K or 1, L, D] with weight [K or 1, W, D] and bias [K or 1, D]."""
    blocks = -(-sizes.channels // BLOCK)
    for task in prange(sizes.samples * blocks):
        low = task % blocks * BLOCK
        high = min(low + BLOCK, sizes.channels)
        _forward_sequences(x, weight, bias, initial, y, steps, owners, segments, sizes, silu, task // blocks, low, high)


@part()
def _slope(p, silu):
    """f'(p)."""
    one = splat(np.float32(1))
    if silu:
        s = sigmoid(p)
        one = s * (one + p * (one - s))
    return one


@part()
def _add_adjoints(q, x, places, initial, before, missing, weight, sizes, path, step, ring, dweight, c, low, live):
    """Add what step `step` gives: to the adjoints of the steps it read, in the ring, and to dw and db, in dweight."""
    total = path * (sizes.taps + 1) * sizes.channels + c
    if len(initial):
        for j in range(missing):
            row = load(initial, before + j * sizes.channels + c, live)
            _add(dweight, total + j * sizes.channels, live, q * row)
    for j in range(missing, sizes.taps):
        w = load(weight, path * sizes.weight_path + j * sizes.channels + c, live)
        place_in_ring = (step + 1 + j) % sizes.taps * BLOCK + c - low
        store(ring, place_in_ring, live, fma(w, q, load(ring, place_in_ring, live)))
        _add(dweight, total + j * sizes.channels, live, q * load(x, places[j] + c, live))
    _add(dweight, total + sizes.taps * sizes.channels, live, q)


@part()
def _backward_sequences(
    x, weight, bias, initial, dy, dx, dweight, steps, owners, segments, sizes, silu, sample, low, high
):
    """All sequences of one sample from their ends, for channels low to high - 1."""
    places = np.zeros(sizes.taps, dtype=np.int64)
    ring = np.zeros(sizes.taps * BLOCK, dtype=np.float32)
    sums = dweight[sample * sizes.paths * (sizes.taps + 1) * sizes.channels :]
    for number in range(len(segments) - 1, -1, -1):
        segment = segments[number]
        sequence, path, first, last = segment[SEQUENCE], segment[PATH], segment[FIRST], segment[LAST]
        start = _start(segments, number)
        for step in range(last - 1, first - 1, -1):
            missing = max(0, sizes.taps - 1 - (step - start))
            for j in range(missing, sizes.taps):
                places[j] = _place(sizes, sample, steps, owners, sequence, step - sizes.taps + 1 + j)
            ahead = max(step - sizes.taps - AHEAD, first)
            prefetch(x, _place(sizes, sample, steps, owners, sequence, ahead) + low)
            prefetch(dy, _result(sizes, sample, steps, path, sequence, ahead) + low)
            row = _result(sizes, sample, steps, path, sequence, step)
            visited = steps[min(sample, len(steps) - 1), sequence, step]
            before = _before(sizes, sample, sequence, len(owners), step)
            back = sample * sizes.dx_sample + path * sizes.dx_path + visited * sizes.channels
            for c in range(low, high, WIDTH):
                live = min(WIDTH, high - c)
                p = _filtered(x, places, initial, before, missing, weight, bias, sizes, path, c, live)
                q = _slope(p, silu) * load(dy, row + c, live)
                _add_adjoints(
                    q, x, places, initial, before, missing, weight, sizes, path, step, ring, sums, c, low, live
                )
                place_in_ring = step % sizes.taps * BLOCK + c - low
                _add(dx, back + c, live, load(ring, place_in_ring, live))
                store(ring, place_in_ring, live, splat(np.float32(0)))


@kernel(parallel=True)
def convolution_backward_kernel(x, weight, bias, initial, dy, dx, dweight, steps, owners, segments, sizes, silu):
    """dx [B, K or 1, L, D] += its gradient; dweight float32 [B, K, W + 1, D] += dw, then db, by sample and path."""
    blocks = -(-sizes.channels // BLOCK)
    for task in prange(sizes.samples * blocks):
        low = task % blocks * BLOCK
        high = min(low + BLOCK, sizes.channels)
        sample = task // blocks
        _backward_sequences(
            x, weight, bias, initial, dy, dx, dweight, steps, owners, segments, sizes, silu, sample, low, high
        )
