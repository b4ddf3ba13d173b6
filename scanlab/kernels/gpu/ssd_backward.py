"""The adjoint of the state space dual along paths, in Triton; the words are those of kernels/gpu/ssd.py.

With G, the gradient of the state after a tile (0 at the end of a traversal, else e(last) G + (diag(e) C)^T dY of the
tile that follows), H, the state before it, and products of matrices of equal shape taken element by element:

    S = L (dY X^T);    F = S diag(dt);    E = F (C B^T)
    dX = M^T dY + diag(f dt) B G + diag(D) dY
    dC = F B + diag(e) dY H^T;    dB = F^T C + diag(f dt) X G^T

and for dt and the decays, with r(t) = f(t) x(t) . (B G)(t) and q(s) = e(s) dy(s) . (C H)(s),

    ddt(t) = sum_s (C B^T)[s, t] S[s, t] + r(t)
    dl(t) = ln 2 (sum_{i < t <= s} E[s, i] + sum_{t <= s} q(s) + sum_{i < t} dt(i) r(i) + e(last) <G, H>)

which is what passes step t: within the tile, from the state before it, to the state after it, and from one to the
other. Sums of what passes, and no differences of larger ones, which would lose digits.

One kernel for dX, ddt and dl, one for dB and dC: together they would need more registers than there are. All gradients
are written by path, those of B and C by head; what is shared is summed afterwards.
"""

# Numbers stand for constexprs in calls between kernels.
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false

from __future__ import annotations

import triton
import triton.language as tl

from .grid import place
from .launching import kernel
from .ssd import decays_of, gathered, head_of, product, triangle, weighted
from .tiles import put, tile_at

__all__ = ["ssd_coefficient_backward_kernel", "ssd_input_backward_kernel"]

LN_2 = tl.constexpr(0.6931471805599453)


@triton.jit
def _state(states, number, size, width, STATES: tl.constexpr, WIDTH: tl.constexpr):
    n, p = tl.arange(0, STATES)[:, None], tl.arange(0, WIDTH)[None, :]
    return tl.load(states + (number * size + n) * width + p, mask=(n < size) & (p < width), other=0.0)


@triton.jit
def _within(b, c, x, dy, dt, high, low, PRECISION: tl.constexpr, STEPS: tl.constexpr):
    """M, and what S and E give to ddt and dl."""
    decay = triangle(high, low, STEPS)
    s = product(dy, tl.trans(x), PRECISION) * decay
    cb = product(c, tl.trans(b), PRECISION)
    t = tl.arange(0, STEPS)
    below = tl.cumsum(s * dt[None, :] * cb, 0, reverse=True)
    crossing = tl.sum(tl.where(t[:, None] > t[None, :], below, 0.0), 1)
    return cb * decay * dt[None, :], tl.sum(cb * s, 0), crossing


@kernel
def ssd_input_backward_kernel(
    x, dt, decay, B, C, D, weights, dy, states, gradients, dx, ddt, ddecay, dD, dweights,
    steps, tiles, visits, round_number, tile_count, paths, length, heads, group, size, width,
    x_sample, x_path, x_row, x_head, dt_sample, dt_path, B_sample, B_path, B_row, B_group,
    C_sample, C_path, C_row, C_group, D_path, dy_sample, dy_sequence, steps_sample, steps_sequence,
    PATCH_AT: tl.constexpr, SKIP: tl.constexpr, WEIGHTS: tl.constexpr, REVISITS: tl.constexpr,
    PRECISION: tl.constexpr, STEPS: tl.constexpr, STATES: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """dx [B, K, L, H, P], ddt, ddecay float32 [B, K, L, H], and dD, dweights float32 [B, tiles, H, P].

    states, gradients float32 [B, tiles, H, N, P]: H and G. Grid: tiles, H, samples.
    """
    tile, head, sample = place(tile_count, heads)
    head, group_of_head = head_of(head, group)
    sequence, path, first, last, _, _ = tile_at(tiles, tile)
    step = first + tl.arange(0, STEPS)
    inside = step < last
    step = tl.minimum(step, last - 1)
    rows = PATCH_AT(steps + sample * steps_sample + sequence * steps_sequence, sequence, step).to(tl.int64)
    at = sample * dt_sample + path * dt_path + rows * heads + head
    dt_t, high, low, end_high, end_low = decays_of(dt, decay, at, inside)
    plain = gathered(x + sample * x_sample + path * x_path + head * x_head, rows, x_row, inside, width, WIDTH)
    x_t = weighted(plain, weights + (path * heads + head) * width, width, WEIGHTS, WIDTH)
    dy += sample * dy_sample + sequence.to(tl.int64) * dy_sequence + head * width
    dy_t = gathered(dy, rows, heads * width, inside, width, WIDTH)
    b = gathered(B + sample * B_sample + path * B_path + group_of_head * B_group, rows, B_row, inside, size, STATES)
    c = gathered(C + sample * C_sample + path * C_path + group_of_head * C_group, rows, C_row, inside, size, STATES)
    m, dt_sum, crossing = _within(b, c, x_t, dy_t, dt_t, high, low, PRECISION, STEPS)
    d_x = product(tl.trans(m.to(dy_t.dtype)), dy_t, PRECISION)

    number = (sample * tile_count + tile) * heads + head
    gradient = _state(gradients, number, size, width, STATES, WIDTH)
    to_end = tl.exp2((end_high - high) + (end_low - low))
    passed = product(b, gradient.to(b.dtype), PRECISION)
    d_x += passed * (to_end * dt_t)[:, None]
    r = to_end * tl.sum(x_t.to(tl.float32) * passed, 1)
    state = _state(states, number, size, width, STATES, WIDTH)
    remembered = product(c, state.to(c.dtype), PRECISION)
    q = tl.exp2(high + low) * tl.sum(dy_t.to(tl.float32) * remembered, 1)
    through = tl.exp2(end_high + end_low) * tl.sum(tl.sum(gradient * state, 1))
    d_l = LN_2 * (crossing + tl.cumsum(q, 0, reverse=True) + (tl.cumsum(dt_t * r, 0) - dt_t * r) + through)

    p = tl.arange(0, WIDTH)[None, :]
    if SKIP:
        skip = tl.load(D + path * D_path + head * width + p, mask=p < width, other=0.0)
        d_x += skip * dy_t.to(tl.float32)
        total = tl.sum(dy_t.to(tl.float32) * x_t.to(tl.float32), 0, keep_dims=True)
        tl.store(dD + number * width + p, total, mask=p < width)
    if WEIGHTS:
        tl.store(dweights + number * width + p, tl.sum(d_x * plain.to(tl.float32), 0, keep_dims=True), mask=p < width)
        d_x *= tl.load(weights + (path * heads + head) * width + p, mask=p < width, other=0.0)
    seen = visits + sample * steps_sample + sequence * steps_sequence
    out = ((sample * paths + path) * length + rows) * heads + head
    put(dx + out[:, None] * width + p, d_x, seen, step, inside[:, None] & (p < width), round_number, REVISITS)
    put(ddt + out, dt_sum + r, seen, step, inside, round_number, REVISITS)
    put(ddecay + out, d_l, seen, step, inside, round_number, REVISITS)


@kernel
def ssd_coefficient_backward_kernel(
    x, dt, decay, B, C, weights, dy, states, gradients, dB, dC,
    steps, tiles, visits, round_number, tile_count, paths, length, heads, group, size, width,
    x_sample, x_path, x_row, x_head, dt_sample, dt_path, B_sample, B_path, B_row, B_group,
    C_sample, C_path, C_row, C_group, dy_sample, dy_sequence, steps_sample, steps_sequence,
    PATCH_AT: tl.constexpr, WEIGHTS: tl.constexpr, REVISITS: tl.constexpr,
    PRECISION: tl.constexpr, STEPS: tl.constexpr, STATES: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """dB and dC float32 [B, K, L, H, N] of a tile and head. Grid: tiles, H, samples."""
    tile, head, sample = place(tile_count, heads)
    head, group_of_head = head_of(head, group)
    sequence, path, first, last, _, _ = tile_at(tiles, tile)
    step = first + tl.arange(0, STEPS)
    inside = step < last
    step = tl.minimum(step, last - 1)
    rows = PATCH_AT(steps + sample * steps_sample + sequence * steps_sequence, sequence, step).to(tl.int64)
    at = sample * dt_sample + path * dt_path + rows * heads + head
    dt_t, high, low, end_high, end_low = decays_of(dt, decay, at, inside)
    x_t = gathered(x + sample * x_sample + path * x_path + head * x_head, rows, x_row, inside, width, WIDTH)
    x_t = weighted(x_t, weights + (path * heads + head) * width, width, WEIGHTS, WIDTH)
    dy += sample * dy_sample + sequence.to(tl.int64) * dy_sequence + head * width
    dy_t = gathered(dy, rows, heads * width, inside, width, WIDTH)
    f = product(dy_t, tl.trans(x_t), PRECISION) * triangle(high, low, STEPS) * dt_t[None, :]

    number = (sample * tile_count + tile) * heads + head
    n = tl.arange(0, STATES)[None, :]
    seen = visits + sample * steps_sample + sequence * steps_sequence
    out = (((sample * paths + path) * length + rows) * heads + head)[:, None] * size + n
    mask = inside[:, None] & (n < size)
    state = _state(states, number, size, width, STATES, WIDTH)
    d_c = product(dy_t, tl.trans(state.to(dy_t.dtype)), PRECISION) * tl.exp2(high + low)[:, None]
    b = gathered(B + sample * B_sample + path * B_path + group_of_head * B_group, rows, B_row, inside, size, STATES)
    put(dC + out, d_c + product(f.to(b.dtype), b, PRECISION), seen, step, mask, round_number, REVISITS)
    gradient = _state(gradients, number, size, width, STATES, WIDTH)
    to_end = tl.exp2((end_high - high) + (end_low - low))
    d_b = product(x_t, tl.trans(gradient.to(x_t.dtype)), PRECISION) * (to_end * dt_t)[:, None]
    c = gathered(C + sample * C_sample + path * C_path + group_of_head * C_group, rows, C_row, inside, size, STATES)
    put(dB + out, d_b + product(tl.trans(f.to(c.dtype)), c, PRECISION), seen, step, mask, round_number, REVISITS)
