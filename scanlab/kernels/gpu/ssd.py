"""The state space dual along paths, in Triton: chunks of a sequence as products of matrices.

The recurrence of one head, with a state h [N, P], x [P] and a decay that is one number a = 2^l (arXiv 2405.21060):

    h(s) = a(s) h(s - 1) + dt(s) B(s) x(s)^T;    y(s) = h(s)^T C(s) + D x(s)

A program takes all steps of one tile at once (section 6 there). With c(s) = l(first) + ... + l(s), the
state H before the tile, e = 2^c and f = 2^(c(last) - c), and products of matrices of equal shape taken element by
element:

    L[s, t] = 2^(c(s) - c(t)) for t <= s, else 0;    M = L (C B^T) diag(dt)
    Y = M X + diag(e) C H + diag(D) X;    H' = e(last) H + (diag(f dt) B)^T X

Three launches: what each tile adds to the state (`ssd_outer_kernel`), the states before the tiles, tile by tile
(`ssd_pass_kernel`), and Y (`ssd_forward_kernel`). Rows are gathered and scattered through PATCH_AT. c is summed in
float64 and split in two float32, so that differences of long sums stay exact. Half precision is multiplied as it is,
with sums in float32; M and H are rounded to it first, as in Mamba-2's own kernels.
"""

# Numbers stand for constexprs in calls between kernels.
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false

from __future__ import annotations

import triton
import triton.language as tl

from .grid import place
from .launching import kernel
from .tiles import put, tile_at

__all__ = [
    "decays_of",
    "gathered",
    "head_of",
    "product",
    "ssd_forward_kernel",
    "ssd_outer_kernel",
    "ssd_pass_kernel",
    "triangle",
    "weighted",
]

# 2^-10000 is 0 in float32 and far from the end of float64's digits: more decay makes no difference.
FARTHEST = tl.constexpr(-1e4)


@triton.jit
def product(a, b, PRECISION: tl.constexpr):
    """a b, summed in float32. PRECISION: "ieee" or "tf32x3", or "interpreted" in Triton's interpreter.

    The interpreter would multiply the bits of bfloat16 as whole numbers.
    """
    if PRECISION == "interpreted":
        return tl.dot(a.to(tl.float32), b.to(tl.float32))
    else:
        return tl.dot(a, b, input_precision=PRECISION)


@triton.jit
def head_of(head, group):
    """A head and its group of B and C, `group` heads in each; int64, since strides of both may pass 2^31."""
    return head.to(tl.int64), (head // group).to(tl.int64)


@triton.jit
def gathered(values, rows, stride, inside, width, BLOCK: tl.constexpr):
    """Rows of an array, [steps, BLOCK], 0 where there are none."""
    column = tl.arange(0, BLOCK)[None, :]
    return tl.load(values + rows[:, None] * stride + column, mask=inside[:, None] & (column < width), other=0.0)


@triton.jit
def decays_of(dt, decay, place, inside):
    """dt of each step; c of each step as the sum of two float32; c(last) likewise."""
    dt = tl.load(dt + place, mask=inside, other=0.0)
    one = tl.maximum(tl.load(decay + place, mask=inside, other=0.0), FARTHEST).to(tl.float64)
    c, end = tl.cumsum(one, 0), tl.sum(one, 0)
    high, end_high = c.to(tl.float32), end.to(tl.float32)
    low, end_low = (c - high.to(tl.float64)).to(tl.float32), (end - end_high.to(tl.float64)).to(tl.float32)
    return dt, high, low, end_high, end_low


@triton.jit
def triangle(high, low, STEPS: tl.constexpr):
    """L."""
    t = tl.arange(0, STEPS)
    difference = (high[:, None] - high[None, :]) + (low[:, None] - low[None, :])
    return tl.exp2(tl.where(t[:, None] >= t[None, :], difference, -float("inf")))


@triton.jit
def weighted(x, weights, width, WEIGHTS: tl.constexpr, WIDTH: tl.constexpr):
    """Rows of x with the factors of its path and head."""
    if WEIGHTS:
        p = tl.arange(0, WIDTH)
        factors = tl.load(weights + p, mask=p < width, other=0.0)
        return (x.to(tl.float32) * factors[None, :]).to(x.dtype)
    else:
        return x


@kernel
def ssd_outer_kernel(
    x, dt, decay, B, weights, states, decays, steps, tiles, tile_count, heads, group, size, width,
    x_sample, x_path, x_row, x_head, dt_sample, dt_path, B_sample, B_path, B_row, B_group, steps_sample, steps_sequence,
    PATCH_AT: tl.constexpr, ADJOINT: tl.constexpr, WEIGHTS: tl.constexpr, PRECISION: tl.constexpr,
    STEPS: tl.constexpr, STATES: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """What a tile adds to the state: states float32 [B, tiles, H, N, P] = (diag(f dt) B)^T X, decays = c(last).

    With ADJOINT, what it adds to the gradient of the state before it, (diag(e) C)^T dY: C and dY come as B and x, and
    x_path is the stride of sequences. Grid: tiles, H, samples.
    """
    tile, head, sample = place(tile_count, heads)
    head, group_of_head = head_of(head, group)
    sequence, path, first, last, _, _ = tile_at(tiles, tile)
    step = first + tl.arange(0, STEPS)
    inside = step < last
    rows = PATCH_AT(steps + sample * steps_sample + sequence * steps_sequence, sequence, tl.minimum(step, last - 1)).to(
        tl.int64
    )
    at = sample * dt_sample + path * dt_path + rows * heads + head
    dt_t, high, low, end_high, end_low = decays_of(dt, decay, at, inside)
    if ADJOINT:
        factor, owner = tl.exp2(high + low), sequence.to(tl.int64)
    else:
        factor, owner = tl.exp2((end_high - high) + (end_low - low)) * dt_t, path
    b = gathered(B + sample * B_sample + path * B_path + group_of_head * B_group, rows, B_row, inside, size, STATES)
    v = gathered(x + sample * x_sample + owner * x_path + head * x_head, rows, x_row, inside, width, WIDTH)
    v = weighted(v, weights + (path * heads + head) * width, width, WEIGHTS, WIDTH)
    b = (b.to(tl.float32) * factor[:, None]).to(v.dtype)
    total = product(tl.trans(b), v, PRECISION)
    n, p = tl.arange(0, STATES)[:, None], tl.arange(0, WIDTH)[None, :]
    number = (sample * tile_count + tile) * heads + head
    tl.store(states + (number * size + n) * width + p, total, mask=(n < size) & (p < width))
    tl.store(decays + number, end_high + end_low)


@kernel
def ssd_pass_kernel(
    states, decays, given, last_state, tiles, ranges, blocks, heads, sequences, area, tile_count,
    ADJOINT: tl.constexpr, GIVEN: tl.constexpr, LAST: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Turn what tiles add into the states before them, in place; with ADJOINT into the gradients after them.

    ranges int32 [T + 1]: the tiles of each sequence. given float32 [B, T, H, N, P]: the states before the sequences
    (ADJOINT: the gradients of those after them), zero if not GIVEN; last_state: those at the other end, set with LAST.
    area: N P. Grid: blocks of the state, T H, samples.
    """
    block, sequence_head, sample = place(blocks, sequences * heads)
    element = block * BLOCK + tl.arange(0, BLOCK)
    exists = element < area
    sequence, head = sequence_head // heads, sequence_head % heads
    begin, end = tl.load(ranges + sequence), tl.load(ranges + sequence + 1)
    at_end = ((sample * sequences + sequence) * heads + head) * area + element
    state = tl.zeros((BLOCK,), tl.float32)
    if GIVEN:
        state = tl.load(given + at_end, mask=exists, other=0.0)
    for i in range(begin, end):
        q = begin + end - 1 - i if ADJOINT else i
        _, _, first, last, traversal_start, traversal_end = tile_at(tiles, q)
        fresh = last == traversal_end if ADJOINT else first == traversal_start
        number = (sample * tile_count + q) * heads + head
        target = states + number * area + element
        added = tl.load(target, mask=exists, other=0.0)
        state = tl.where(fresh, tl.where(i == begin, state, 0.0), state)
        tl.store(target, state, mask=exists)
        state = tl.exp2(tl.load(decays + number)) * state + added
    if LAST:
        tl.store(last_state + at_end, state, mask=exists)


@kernel
def ssd_forward_kernel(
    x, dt, decay, B, C, D, weights, states, y, steps, tiles, visits, round_number, tile_count, heads, group, size,
    width, x_sample, x_path, x_row, x_head, dt_sample, dt_path, B_sample, B_path, B_row, B_group,
    C_sample, C_path, C_row, C_group, D_path, y_sample, y_path, steps_sample, steps_sequence,
    PATCH_AT: tl.constexpr, SKIP: tl.constexpr, WEIGHTS: tl.constexpr, REVISITS: tl.constexpr,
    PRECISION: tl.constexpr, STEPS: tl.constexpr, STATES: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """Y of a tile and head into y [B, K, L, H, P], by path. Grid: tiles, H, samples."""
    tile, head, sample = place(tile_count, heads)
    head, group_of_head = head_of(head, group)
    sequence, path, first, last, _, _ = tile_at(tiles, tile)
    step = first + tl.arange(0, STEPS)
    inside = step < last
    step = tl.minimum(step, last - 1)
    rows = PATCH_AT(steps + sample * steps_sample + sequence * steps_sequence, sequence, step).to(tl.int64)
    at = sample * dt_sample + path * dt_path + rows * heads + head
    dt_t, high, low, _, _ = decays_of(dt, decay, at, inside)
    b = gathered(B + sample * B_sample + path * B_path + group_of_head * B_group, rows, B_row, inside, size, STATES)
    c = gathered(C + sample * C_sample + path * C_path + group_of_head * C_group, rows, C_row, inside, size, STATES)
    x_t = gathered(x + sample * x_sample + path * x_path + head * x_head, rows, x_row, inside, width, WIDTH)
    x_t = weighted(x_t, weights + (path * heads + head) * width, width, WEIGHTS, WIDTH)
    n, p = tl.arange(0, STATES)[:, None], tl.arange(0, WIDTH)[None, :]
    number = (sample * tile_count + tile) * heads + head
    state = tl.load(states + (number * size + n) * width + p, mask=(n < size) & (p < width), other=0.0)
    m = product(c, tl.trans(b), PRECISION) * triangle(high, low, STEPS) * dt_t[None, :]
    value = product(c, state.to(c.dtype), PRECISION) * tl.exp2(high + low)[:, None]
    value += product(m.to(x_t.dtype), x_t, PRECISION)
    if SKIP:
        skip = tl.load(D + path * D_path + head * width + p, mask=p < width, other=0.0)
        value += skip * x_t.to(tl.float32)
    target = y + sample * y_sample + path * y_path + (rows[:, None] * heads + head) * width + p
    seen = visits + sample * steps_sample + sequence * steps_sequence
    put(target, value, seen, step, inside[:, None] & (p < width), round_number, REVISITS)
