"""Gradients that are sums over channels, rows and samples: each thread adds up its own samples' in float32, and what
they leave is added up in float64, sample by sample, so that the order is fixed."""

from __future__ import annotations

import numpy as np
from numba.extending import overload

from .caching import part
from .lanes import WIDTH, load, splat, store, total
from .layout import Constant, Sums, first_coefficient
from .words import ARRAY, LOG2_E, array_at

__all__ = ["add_to", "empty_sums", "fold_block", "fold_chunk", "write_sums"]


@part(forceinline=True)
def add_to(sums, place, live, value):
    """Add a vector of values to the sums from a place on, in its first `live` lanes."""
    store(sums, place, live, load(sums, place, live) + value)


def fold_block(coefficients, gradient, per_lane, sizes, sample, own, channel, count, live):
    """Where B or C is constant in time: add the steps up for each channel."""
    raise NotImplementedError("only inside compiled kernels")


@overload(fold_block)
def _fold_block_of(coefficients, gradient, per_lane, sizes, sample, own, channel, count, live):
    if coefficients.instance_class is not Constant:
        return lambda coefficients, gradient, per_lane, sizes, sample, own, channel, count, live: None

    def fold(coefficients, gradient, per_lane, sizes, sample, own, channel, count, live):
        sets = len(gradient.values) // (sizes.samples * sizes.states * sizes.channels)
        for n in range(sizes.states):
            sum_of_steps = splat(np.float32(0))
            for i in range(count):
                sum_of_steps = sum_of_steps + load(per_lane, (i * sizes.states + n) * WIDTH, WIDTH)
            place = ((sample * sets + own) * sizes.states + n) * sizes.channels + channel
            add_to(gradient.values, place, live, sum_of_steps)

    return fold


def fold_chunk(coefficients, gradient, per_lane, sizes, parts, adding, sample, own, group, part, row, step):
    """Where B or C varies: add up the lanes of one step, of all blocks of channels, at its row."""
    raise NotImplementedError("only inside compiled kernels")


@overload(fold_chunk)
def _fold_chunk_of(coefficients, gradient, per_lane, sizes, parts, adding, sample, own, group, part, row, step):
    if coefficients.instance_class is Constant:
        return lambda coefficients, gradient, per_lane, sizes, parts, adding, sample, own, group, part, row, step: None

    def fold(coefficients, gradient, per_lane, sizes, parts, adding, sample, own, group, part, row, step):
        first = part * (len(gradient.values) // parts) + first_coefficient(gradient, sample, own, group, row, 0)
        for n in range(sizes.states):
            value = total(load(per_lane, (step * sizes.states + n) * WIDTH, WIDTH))
            if adding:
                value += gradient.values[first + n]
            gradient.values[first + n] = value

    return fold


@part(forceinline=True)
def empty_sums(sizes, parameters):
    """Sums from zero, and how many there are for each sample."""
    sets, paths = len(parameters.D) // sizes.channels, len(parameters.weights) // sizes.channels
    of_a, of_d = sets * sizes.states * sizes.channels, sets * sizes.channels
    count = of_a + 2 * of_d + paths * sizes.channels
    whole = np.zeros(sizes.samples * count, np.float32)
    sums = Sums(whole, whole[of_a:], whole[of_a + of_d :], whole[of_a + 2 * of_d :], count)
    return sums, whole.reshape(sizes.samples, count)


@part(forceinline=True)
def write_sums(by_sample, words, place, sizes, parameters, floats):
    """The sums over the samples, in their order: gradients of A, [Kp, D, N], D, bias and weights; where they go is in
    words, 0 for what is not wanted."""
    samples, count = by_sample.shape
    total = np.zeros(count, np.float64)
    for sample in range(samples):
        row = by_sample[sample]
        for i in range(count):
            total[i] += row[i]
    states, channels = sizes.states, sizes.channels
    of_d = len(parameters.D)
    of_a = of_d * states
    if words[place]:
        out = array_at(words, place, floats)
        for k in range(of_d // channels):
            for n in range(states):
                for d in range(channels):
                    out[(k * channels + d) * states + n] = total[(k * states + n) * channels + d] * LOG2_E
    firsts = (of_a, of_a + of_d, of_a + 2 * of_d, count)
    for i in range(3):
        if words[place + ARRAY * (i + 1)]:
            out = array_at(words, place + ARRAY * (i + 1), floats)
            out[:] = total[firsts[i] : firsts[i + 1]]
