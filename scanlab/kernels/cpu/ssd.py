"""The state space dual along paths, forward, on the CPU: chunks of a sequence as products of small matrices.

The recurrence of one head, with a state h [N, P], x [P] and a decay that is one number a = 2^l (arXiv 2405.21060):

    h(s) = a(s) h(s - 1) + dt(s) B(s) x(s)^T;    y(s) = h(s)^T C(s) + D x(s)

Within a chunk, with c(s) = l(first) + ... + l(s) and the state H before it, all steps at once (section 6 there):

    M[s, t] = 2^(c(s) - c(t)) dt(t) C(s) . B(t) for t <= s, else 0
    Y = M X + diag(2^c) C H + D X;    H' = 2^c(last) H + (diag(2^(c(last) - c) dt) B)^T X

c is summed in float64 and split in two float32, so that differences of long sums stay exact. Rows of x, B and C are
gathered chunk by chunk and y is added to where it belongs; one thread takes some heads of a sample through all
sequences.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import prange

from scanlab.kernels.columns import FIRST, LAST, PATH, SEQUENCE, START

from .caching import kernel, part
from .elementary import exp2
from .lanes import WIDTH, fma, load, splat, store
from .products import add_product, add_scaled, clear, gather, padded, scale, transpose

__all__ = [
    "Inputs",
    "Sizes",
    "Space",
    "advance",
    "begin",
    "head_range",
    "keep_states",
    "read_decays",
    "read_group",
    "read_input",
    "rows_of",
    "space_of",
    "ssd_forward_kernel",
]

# 2^-10000 is 0 in float32 and far from the end of float64's digits: more decay makes no difference.
FARTHEST = -1e4


class Sizes(NamedTuple):
    """Numbers of samples, sequences T, rows L, paths K, heads H, groups G, states N and channels P; strides.

    sets: K or 1 sets of parameters. x_path, B_path and C_path are 0 where paths share. y_sample, y_sequence: strides of
    y, 0 where sequences are summed. splits: into how many parts the heads of a sample are cut.
    """

    samples: int
    sequences: int
    rows: int
    paths: int
    sets: int
    heads: int
    groups: int
    states: int
    width: int
    chunk: int
    splits: int
    x_sample: int
    x_path: int
    x_row: int
    x_head: int
    B_sample: int
    B_path: int
    B_row: int
    B_group: int
    C_sample: int
    C_path: int
    C_row: int
    C_group: int
    y_sample: int
    y_sequence: int


class Inputs(NamedTuple):
    """Flat arrays: x [B, K or 1, L, H, P], dt and decay [B, sets, L, H], B and C [B, sets, L, G, N], D and weights."""

    x: np.ndarray
    dt: np.ndarray
    decay: np.ndarray
    B: np.ndarray
    C: np.ndarray
    D: np.ndarray
    weights: np.ndarray


class Space(NamedTuple):
    """Work space of one thread, float32 and padded: what depends on the group, then on the head.

    L: 2^(c(s) - c(t)) for t <= s, else 0. from_start: 2^c. to_end: 2^(c(last) - c), and times dt.
    """

    B: np.ndarray
    C: np.ndarray
    BT: np.ndarray
    CB: np.ndarray
    X: np.ndarray
    Y: np.ndarray
    L: np.ndarray
    M: np.ndarray
    scaled: np.ndarray
    high: np.ndarray
    low: np.ndarray
    dt: np.ndarray
    from_start: np.ndarray
    to_end: np.ndarray
    to_end_dt: np.ndarray


@part()
def space_of(sizes):
    """Work space for chunks of the given size."""
    T, N, P = padded(sizes.chunk), padded(sizes.states), padded(sizes.width)
    f = np.float32
    return Space(
        np.zeros((T, N), f), np.zeros((T, N), f), np.zeros((N, T), f), np.zeros((T, T), f), np.zeros((T, P), f),
        np.zeros((T, P), f), np.zeros((T, T), f), np.zeros((T, T), f), np.zeros((T, N), f), np.zeros(T, f),
        np.zeros(T, f), np.zeros(T, f), np.zeros(T, f), np.zeros(T, f), np.zeros(T, f),
    )  # fmt: skip


@part()
def head_range(sizes, split):
    """The heads of one part."""
    return split * sizes.heads // sizes.splits, (split + 1) * sizes.heads // sizes.splits


@part()
def rows_of(rows, steps, sample, tile):
    """Fill in the rows that a tile visits; how many they are."""
    sequence, first, last = tile[SEQUENCE], tile[FIRST], tile[LAST]
    table = steps[min(sample, len(steps) - 1), sequence]
    for t in range(last - first):
        rows[t] = table[first + t]
    return last - first


@part()
def read_group(space, inputs, sizes, sample, path, group, rows, count):
    """B, C and C B^T of a group of heads."""
    base = sample * sizes.B_sample + path * sizes.B_path + group * sizes.B_group
    gather(space.B, inputs.B, base, sizes.B_row, rows, count, sizes.states)
    base = sample * sizes.C_sample + path * sizes.C_path + group * sizes.C_group
    gather(space.C, inputs.C, base, sizes.C_row, rows, count, sizes.states)
    transpose(space.BT, space.B)
    clear(space.CB)
    add_product(space.CB, space.C, space.BT)


@part()
def read_decays(space, inputs, sizes, sample, path, head, rows, count):
    """dt and the powers of 2 of a head; after the chunk's end c stays as it is and dt is 0."""
    own = path if sizes.sets > 1 else 0
    base = (sample * sizes.sets + own) * sizes.rows
    c = 0.0
    for t in range(len(space.dt)):
        inside = t < count
        place = (base + rows[t]) * sizes.heads + head
        space.dt[t] = inputs.dt[place] if inside else np.float32(0)
        c += max(np.float64(inputs.decay[place]), FARTHEST) if inside else 0.0
        space.high[t] = np.float32(c)
        space.low[t] = np.float32(c - np.float64(space.high[t]))
    T = len(space.dt)
    for t in range(0, T, WIDTH):
        h, r, dt = load(space.high, t, WIDTH), load(space.low, t, WIDTH), load(space.dt, t, WIDTH)
        store(space.from_start, t, WIDTH, exp2(h + r))
        to_end = exp2((splat(space.high[T - 1]) - h) + (splat(space.low[T - 1]) - r))
        store(space.to_end, t, WIDTH, to_end)
        store(space.to_end_dt, t, WIDTH, to_end * dt)
        for s in range(t, T):
            # Above the diagonal the power may overflow, and L stays 0.
            power = exp2((splat(space.high[s]) - h) + (splat(space.low[s]) - r))
            store(space.L, s * T + t, min(WIDTH, s + 1 - t), power)
            m = load(space.L, s * T + t, WIDTH) * load(space.CB, s * T + t, WIDTH) * dt
            store(space.M, s * T + t, WIDTH, m)


@part()
def read_input(space, inputs, sizes, sample, path, head, rows, count):
    """X of a head, weighted."""
    base = sample * sizes.x_sample + path * sizes.x_path + head * sizes.x_head
    gather(space.X, inputs.x, base, sizes.x_row, rows, count, sizes.width)
    if len(inputs.weights):
        place = (path * sizes.heads + head) * sizes.width
        columns = space.X.shape[1]
        for p in range(0, sizes.width, WIDTH):
            weight = load(inputs.weights, place + p, min(WIDTH, sizes.width - p))
            for t in range(count):
                store(space.X, t * columns + p, WIDTH, load(space.X, t * columns + p, WIDTH) * weight)


@part()
def advance(space, state):
    """H' from H."""
    last = space.from_start[-1]
    for i in range(0, state.size, WIDTH):
        store(state, i, WIDTH, load(state, i, WIDTH) * splat(last))
    clear(space.scaled)
    add_scaled(space.scaled, space.B, space.to_end_dt)
    add_product(state, space.scaled.T, space.X)


@part()
def begin(state, initial, sizes, sample, sequence, low):
    """The states of some heads before a sequence: those of initial [B, T, H, N, P], or zero where that is empty."""
    clear(state)
    if len(initial):
        for head in range(len(state)):
            for n in range(sizes.states):
                for p in range(sizes.width):
                    state[head, n, p] = initial[sample, sequence, low + head, n, p]


@part()
def _put_out(space, state):
    """Y without the skip: from the state, then from within the chunk."""
    clear(space.Y)
    add_product(space.Y, space.C, state)
    scale(space.Y, space.from_start)
    add_product(space.Y, space.M, space.X)


@part()
def _scatter(y, space, inputs, sizes, sample, sequence, path, head, rows, count):
    """Add Y and the skip to the rows where they belong."""
    own = path if sizes.sets > 1 else 0
    skip = (own * sizes.heads + head) * sizes.width
    columns = space.Y.shape[1]
    base = sample * sizes.y_sample + sequence * sizes.y_sequence + head * sizes.width
    for t in range(count):
        place = base + rows[t] * sizes.heads * sizes.width
        for p in range(0, sizes.width, WIDTH):
            live = min(WIDTH, sizes.width - p)
            value = load(space.Y, t * columns + p, WIDTH)
            if len(inputs.D):
                value = fma(load(inputs.D, skip + p, live), load(space.X, t * columns + p, WIDTH), value)
            store(y, place + p, live, load(y, place + p, live) + value)


@part()
def keep_states(last_state, state, sizes, sample, sequence, low):
    """Without the padding. An assignment of arrays would compile the words of its errors into every kernel."""
    for head in range(len(state)):
        for n in range(sizes.states):
            for p in range(sizes.width):
                last_state[sample, sequence, low + head, n, p] = state[head, n, p]


@part()
def _forward_part(inputs, y, initial, last_state, steps, tiles, sizes, sample, split):
    """Some heads of a sample, through all sequences."""
    low, high = head_range(sizes, split)
    space = space_of(sizes)
    rows = np.zeros(padded(sizes.chunk), dtype=np.int64)
    state = np.zeros((high - low, padded(sizes.states), padded(sizes.width)), dtype=np.float32)
    for number in range(len(tiles)):
        tile = tiles[number]
        sequence, path = tile[SEQUENCE], tile[PATH]
        if tile[FIRST] == 0:
            begin(state, initial, sizes, sample, sequence, low)
        elif tile[FIRST] == tile[START]:
            clear(state)
        count = rows_of(rows, steps, sample, tile)
        group = -1
        for head in range(low, high):
            if head * sizes.groups // sizes.heads != group:
                group = head * sizes.groups // sizes.heads
                read_group(space, inputs, sizes, sample, path, group, rows, count)
            read_decays(space, inputs, sizes, sample, path, head, rows, count)
            read_input(space, inputs, sizes, sample, path, head, rows, count)
            _put_out(space, state[head - low])
            _scatter(y, space, inputs, sizes, sample, sequence, path, head, rows, count)
            advance(space, state[head - low])
        if number + 1 == len(tiles) or tiles[number + 1, SEQUENCE] != sequence:
            keep_states(last_state, state, sizes, sample, sequence, low)


@kernel(parallel=True)
def ssd_forward_kernel(inputs, y, initial, last_state, steps, tiles, sizes):
    """y [B, L, H, P] or [B, T, L, H, P] += what all sequences put out; last_state float32 [B, T, H, N, P] is set.

    initial: the states before the sequences, shaped likewise, or without samples where they are zero.
    """
    for task in prange(sizes.samples * sizes.splits):
        _forward_part(inputs, y, initial, last_state, steps, tiles, sizes, task // sizes.splits, task % sizes.splits)
