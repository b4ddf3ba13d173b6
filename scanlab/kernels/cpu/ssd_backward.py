"""The adjoint of the state space dual along paths, on the CPU; the words are those of kernels/cpu/ssd.py.

Chunks are taken from the last to the first, with the states before them, computed again by a pass ahead, and G, the
gradient of the state after a chunk (0 at the end of a traversal). With L[s, t] = 2^(c(s) - c(t)) for t <= s, else 0,
e = 2^c, f = 2^(c(last) - c), and products of matrices of equal shape taken element by element:

    S = L (dY X^T);    F[s, t] = S[s, t] dt(t);    E = F (C B^T)
    dX = M^T dY + diag(f dt) B G + diag(D) dY;    G before = e(last) G + (diag(e) C)^T dY
    dC = F B + diag(e) dY H^T;    dB = F^T C + diag(f dt) X G^T

and for dt and the decays, with r(t) = f(t) x(t) . (B G)(t) and q(s) = e(s) C(s) . (dY H^T)(s),

    ddt(t) = sum_s (C B^T)[s, t] S[s, t] + r(t)
    dl(t) = ln 2 (sum_{i < t <= s} E[s, i] + sum_{t <= s} q(s) + sum_{i < t} dt(i) r(i) + e(last) <G, H>)

which is what passes step t: within the chunk, from the state before it, to the state after it, and from one to the
other. Sums of what passes, and no differences of larger ones, which would lose digits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import prange

from scanlab.kernels.columns import END, LAST, PATH, SEQUENCE

from .caching import kernel, part
from .lanes import WIDTH, fma, load, splat, store, total
from .products import add_product, add_scaled, clear, copy, gather, padded, row_dot, transpose
from .ssd import (
    advance,
    begin,
    head_range,
    keep_states,
    read_decays,
    read_group,
    read_input,
    rows_of,
    space_of,
)

__all__ = ["Outputs", "ssd_backward_kernel"]

LN_2 = math.log(2.0)


class Outputs(NamedTuple):
    """Gradients, flat, that are added to.

    x [B, K or 1, L, H, P] (dx_path: its stride of paths, or 0); dt, decay float32 [B, sets, L, H]; B, C float32 [B,
    splits, sets, L, G, N]; D float32 [B, sets, H, P] and weights float32 [B, K, H, P], or empty.
    """

    x: np.ndarray
    dt: np.ndarray
    decay: np.ndarray
    B: np.ndarray
    C: np.ndarray
    D: np.ndarray
    weights: np.ndarray
    x_sample: int
    x_path: int


class Ends(NamedTuple):
    """States at the ends of sequences, float32 [B, T, H, N, P], each without samples where there are none.

    initial: those before the first steps. dlast: the gradients of those after the last. dinitial: to be filled.
    """

    initial: np.ndarray
    dlast: np.ndarray
    dinitial: np.ndarray


class Adjoint(NamedTuple):
    """Work space of one thread, float32 and padded."""

    DY: np.ndarray
    DX: np.ndarray
    BG: np.ndarray
    S: np.ndarray
    E: np.ndarray
    XT: np.ndarray
    HT: np.ndarray
    GT: np.ndarray
    DYH: np.ndarray
    XG: np.ndarray
    DB: np.ndarray
    DC: np.ndarray
    ddt: np.ndarray
    dl: np.ndarray
    q: np.ndarray
    columns: np.ndarray


@part()
def _adjoint_of(sizes):
    T, N, P = padded(sizes.chunk), padded(sizes.states), padded(sizes.width)
    f = np.float32
    return Adjoint(
        np.zeros((T, P), f), np.zeros((T, P), f), np.zeros((T, P), f), np.zeros((T, T), f), np.zeros((T, T), f),
        np.zeros((P, T), f), np.zeros((P, N), f), np.zeros((P, N), f), np.zeros((T, N), f), np.zeros((T, N), f),
        np.zeros((T, N), f), np.zeros((T, N), f), np.zeros(T, f), np.zeros(T, f),
        np.zeros(T, f), np.zeros(T, f),
    )  # fmt: skip


@part()
def _within(adjoint, space):
    """F into S, E, and what they give to ddt and dc."""
    T = len(space.dt)
    transpose(adjoint.XT, space.X)
    clear(adjoint.S)
    add_product(adjoint.S, adjoint.DY, adjoint.XT)
    clear(adjoint.ddt)
    for s in range(T):
        for t in range(0, s + 1, WIDTH):
            at = s * T + t
            coefficient = load(space.CB, at, WIDTH)
            local = load(space.L, at, WIDTH) * load(adjoint.S, at, WIDTH)
            weighted = local * load(space.dt, t, WIDTH)
            store(adjoint.ddt, t, WIDTH, fma(coefficient, local, load(adjoint.ddt, t, WIDTH)))
            store(adjoint.E, at, WIDTH, coefficient * weighted)
            store(adjoint.S, at, WIDTH, weighted)
        for t in range((s // WIDTH + 1) * WIDTH, T, WIDTH):
            store(adjoint.S, s * T + t, WIDTH, splat(np.float32(0)))


@part()
def _inner(a, b):
    """<a, b>."""
    sums = splat(np.float32(0))
    for i in range(0, a.size, WIDTH):
        sums = fma(load(a, i, WIDTH), load(b, i, WIDTH), sums)
    return total(sums)


@part()
def _across(adjoint, s):
    """The sum over i < s <= s' of E[s', i], from columns, which hold the sums over s' > s and take in row s."""
    T = len(adjoint.columns)
    sums = np.float32(0)
    for t in range(0, s + 1, WIDTH):
        column = load(adjoint.columns, t, WIDTH) + load(adjoint.E, s * T + t, WIDTH)
        store(adjoint.columns, t, WIDTH, column)
        sums += total(load(adjoint.columns, t, min(WIDTH, s - t)))
    return sums


@part()
def _decay_gradients(adjoint, space, state, gradient):
    """ddt of what passes through the states, and dl."""
    T = len(space.dt)
    earlier = np.float64(space.from_start[-1]) * _inner(gradient, state)
    for t in range(T):
        r = space.to_end[t] * row_dot(space.X, adjoint.BG, t)
        adjoint.ddt[t] += r
        adjoint.dl[t] = earlier
        adjoint.q[t] = space.from_start[t] * row_dot(space.C, adjoint.DYH, t)
        earlier += space.dt[t] * r
    clear(adjoint.columns)
    later = 0.0
    for t in range(T - 1, -1, -1):
        later += adjoint.q[t]
        adjoint.dl[t] = LN_2 * (later + adjoint.dl[t] + _across(adjoint, t))


@part()
def _step_back(adjoint, space, state, gradient):
    """All gradients of a head in a chunk, but for D and the weights; G becomes that before the chunk."""
    _within(adjoint, space)
    clear(adjoint.BG)
    add_product(adjoint.BG, space.B, gradient)
    transpose(adjoint.HT, state)
    clear(adjoint.DYH)
    add_product(adjoint.DYH, adjoint.DY, adjoint.HT)
    _decay_gradients(adjoint, space, state, gradient)
    clear(adjoint.DX)
    add_product(adjoint.DX, space.M.T, adjoint.DY)
    add_scaled(adjoint.DX, adjoint.BG, space.to_end_dt)
    add_product(adjoint.DC, adjoint.S, space.B)
    add_scaled(adjoint.DC, adjoint.DYH, space.from_start)
    transpose(adjoint.GT, gradient)
    clear(adjoint.XG)
    add_product(adjoint.XG, space.X, adjoint.GT)
    add_product(adjoint.DB, adjoint.S.T, space.C)
    add_scaled(adjoint.DB, adjoint.XG, space.to_end_dt)
    last = space.from_start[-1]
    for i in range(0, gradient.size, WIDTH):
        store(gradient, i, WIDTH, load(gradient, i, WIDTH) * splat(last))
    clear(space.scaled)
    add_scaled(space.scaled, space.C, space.from_start)
    add_product(gradient, space.scaled.T, adjoint.DY)


@part()
def _skip(adjoint, space, inputs, outputs, sizes, sample, path, head, count):
    """D: to dX and dD."""
    own = path if sizes.sets > 1 else 0
    place = (own * sizes.heads + head) * sizes.width
    columns = space.X.shape[1]
    for p in range(0, sizes.width, WIDTH):
        live = min(WIDTH, sizes.width - p)
        D = load(inputs.D, place + p, live)
        at = sample * sizes.sets * sizes.heads * sizes.width + place + p
        sums = load(outputs.D, at, live)
        for t in range(count):
            dy = load(adjoint.DY, t * columns + p, WIDTH)
            store(adjoint.DX, t * columns + p, WIDTH, fma(D, dy, load(adjoint.DX, t * columns + p, WIDTH)))
            sums = fma(dy, load(space.X, t * columns + p, WIDTH), sums)
        store(outputs.D, at, live, sums)


@part()
def _weigh(adjoint, inputs, outputs, sizes, sample, path, head, rows, count):
    """Weights: to dX and to their own gradient."""
    place = (path * sizes.heads + head) * sizes.width
    base = sample * sizes.x_sample + path * sizes.x_path + head * sizes.x_head
    columns = adjoint.DX.shape[1]
    for p in range(0, sizes.width, WIDTH):
        live = min(WIDTH, sizes.width - p)
        weight = load(inputs.weights, place + p, live)
        at = sample * sizes.paths * sizes.heads * sizes.width + place + p
        sums = load(outputs.weights, at, live)
        for t in range(count):
            dx = load(adjoint.DX, t * columns + p, WIDTH)
            sums = fma(dx, load(inputs.x, base + rows[t] * sizes.x_row + p, live), sums)
            store(adjoint.DX, t * columns + p, WIDTH, dx * weight)
        store(outputs.weights, at, live, sums)


@part()
def _scatter(out, a, base, stride, rows, count, width):
    """out[base + rows[t] * stride ...] += a[t], for t < count."""
    columns = a.shape[1]
    for t in range(count):
        place = base + rows[t] * stride
        for c in range(0, width, WIDTH):
            live = min(WIDTH, width - c)
            store(out, place + c, live, load(out, place + c, live) + load(a, t * columns + c, WIDTH))


@part()
def _put_head(adjoint, outputs, sizes, sample, path, head, rows, count):
    """Add dX, ddt and dl to the rows where they belong."""
    own = path if sizes.sets > 1 else 0
    base = sample * outputs.x_sample + path * outputs.x_path + head * sizes.width
    _scatter(outputs.x, adjoint.DX, base, sizes.heads * sizes.width, rows, count, sizes.width)
    for t in range(count):
        place = ((sample * sizes.sets + own) * sizes.rows + rows[t]) * sizes.heads + head
        outputs.dt[place] += adjoint.ddt[t]
        outputs.decay[place] += adjoint.dl[t]


@part()
def _put_group(adjoint, outputs, sizes, sample, split, path, group, rows, count):
    """Add dB and dC to the rows where they belong, and begin them anew."""
    own = path if sizes.sets > 1 else 0
    stride = sizes.groups * sizes.states
    base = ((sample * sizes.splits + split) * sizes.sets + own) * sizes.rows * stride + group * sizes.states
    _scatter(outputs.B, adjoint.DB, base, stride, rows, count, sizes.states)
    _scatter(outputs.C, adjoint.DC, base, stride, rows, count, sizes.states)
    clear(adjoint.DB)
    clear(adjoint.DC)


@part()
def _states_before(kept, initial, inputs, steps, tiles, sizes, sample, split, space, rows):
    """The state before each of the tiles of a sequence, for some heads."""
    low, high = head_range(sizes, split)
    clear(kept)
    if len(tiles):
        begin(kept[0], initial, sizes, sample, tiles[0, SEQUENCE], low)
    for number in range(len(tiles) - 1):
        tile = tiles[number]
        path = tile[PATH]
        if tile[LAST] == tile[END]:
            continue
        count = rows_of(rows, steps, sample, tile)
        group = -1
        for head in range(low, high):
            if head * sizes.groups // sizes.heads != group:
                group = head * sizes.groups // sizes.heads
                read_group(space, inputs, sizes, sample, path, group, rows, count)
            read_decays(space, inputs, sizes, sample, path, head, rows, count)
            read_input(space, inputs, sizes, sample, path, head, rows, count)
            copy(kept[number + 1, head - low], kept[number, head - low])
            advance(space, kept[number + 1, head - low])


@part()
def _backward_tile(inputs, outputs, dy, kept, gradient, rows, count, tile, sizes, sample, split, space, adjoint):
    """All gradients of some heads in one tile."""
    low, high = head_range(sizes, split)
    sequence, path = tile[SEQUENCE], tile[PATH]
    for head in range(low, high):
        group = head * sizes.groups // sizes.heads
        if head == low or (head - 1) * sizes.groups // sizes.heads != group:
            read_group(space, inputs, sizes, sample, path, group, rows, count)
        read_decays(space, inputs, sizes, sample, path, head, rows, count)
        read_input(space, inputs, sizes, sample, path, head, rows, count)
        base = sample * sizes.y_sample + sequence * sizes.y_sequence + head * sizes.width
        gather(adjoint.DY, dy, base, sizes.heads * sizes.width, rows, count, sizes.width)
        _step_back(adjoint, space, kept[head - low], gradient[head - low])
        if len(inputs.D):
            _skip(adjoint, space, inputs, outputs, sizes, sample, path, head, count)
        if len(inputs.weights):
            _weigh(adjoint, inputs, outputs, sizes, sample, path, head, rows, count)
        _put_head(adjoint, outputs, sizes, sample, path, head, rows, count)
        if head + 1 == high or (head + 1) * sizes.groups // sizes.heads != group:
            _put_group(adjoint, outputs, sizes, sample, split, path, group, rows, count)


@part()
def _backward_part(inputs, outputs, dy, ends, steps, tiles, ranges, sizes, sample, split):
    """Some heads of a sample, through all sequences from their ends."""
    low, high = head_range(sizes, split)
    space, adjoint = space_of(sizes), _adjoint_of(sizes)
    rows = np.zeros(padded(sizes.chunk), dtype=np.int64)
    most = max(1, (ranges[1:] - ranges[:-1]).max())
    kept = np.zeros((most, high - low, padded(sizes.states), padded(sizes.width)), dtype=np.float32)
    gradient = np.zeros(kept.shape[1:], dtype=np.float32)
    for sequence in range(sizes.sequences):
        own = tiles[ranges[sequence] : ranges[sequence + 1]]
        _states_before(kept, ends.initial, inputs, steps, own, sizes, sample, split, space, rows)
        for number in range(len(own) - 1, -1, -1):
            tile = own[number]
            if number + 1 == len(own):
                begin(gradient, ends.dlast, sizes, sample, sequence, low)
            elif tile[LAST] == tile[END]:
                clear(gradient)
            count = rows_of(rows, steps, sample, tile)
            _backward_tile(
                inputs, outputs, dy, kept[number], gradient, rows, count, tile, sizes, sample, split, space, adjoint
            )
        if len(ends.dinitial) and len(own):
            keep_states(ends.dinitial, gradient, sizes, sample, sequence, low)


@kernel(parallel=True)
def ssd_backward_kernel(inputs, outputs, dy, ends, steps, tiles, ranges, sizes):
    """Add to all gradients; ranges int32 [T + 1]: the tiles of each sequence."""
    for task in prange(sizes.samples * sizes.splits):
        _backward_part(
            inputs, outputs, dy, ends, steps, tiles, ranges, sizes, task // sizes.splits, task % sizes.splits
        )
