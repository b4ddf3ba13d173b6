"""Depthwise causal convolution along paths, in Triton.

A sequence visits row r(s) at step s. With W taps, the last for the current step, with the weights w and the bias b of
the path that owns step s, and with x = 0 before a traversal's start (the sequence's own, or a restart), or what is
given as initial, [B, T, W - 1, D], before the start of a sequence (INITIAL):

    p(s) = b + sum_j w[j] x[r(s - W + 1 + j)];    y[r(s)] = f(p(s)),  f = silu or the identity

Its adjoint, with q(s) = f'(p(s)) dy[r(s)], which is 0 after the traversal's end:

    dx[r(s)] = sum_j w[W - 1 - j] q(s + j);    dw[j] = sum_s q(s) x[r(s - W + 1 + j)];    db = sum_s q(s)

No step waits for another, so a program takes one tile of steps (see Tiles), STEPS steps by CHANNELS channels at a
time. The backward pass holds the 2 W - 1 rows around each step in registers and works p out again from them.

x [B, K or 1, L, D] with free strides but for the channels; y, dy [B, K, L, D] and dx contiguous; weight float32 [K or
1, W, D] and bias float32 [K or 1, D] (path strides are 0 where shared). steps, owners and visits are int32: the row,
the path and the number of the path's earlier visits of the row, for each sequence and step.
"""

# Triton reads no starred expressions, and gives static_range no iterator for Python.
# ruff: noqa: RUF005
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

import triton
import triton.language as tl

from .grid import place
from .launching import kernel
from .tiles import put, tile_at


@triton.jit
def _owner(owners, path, step, CHAINED: tl.constexpr):
    """The path that owns each step: that of the tile, unless paths are chained."""
    return tl.load(owners + step).to(tl.int64)[:, None] if CHAINED else path


@triton.jit
def _loaded(source, inside, exists, initial, step, width, INITIAL: tl.constexpr):
    """The rows at `source` of the steps that lie inside; of those before the first, the initial ones."""
    value = tl.load(source, mask=inside[:, None] & exists, other=0.0).to(tl.float32)
    if INITIAL:
        before = (step < 0)[:, None] & exists
        value += tl.load(initial + step[:, None].to(tl.int64) * width, mask=before, other=0.0).to(tl.float32)
    return value


@triton.jit
def _taps(weight, bias, owner, weight_path, bias_path, width, exists, TAPS: tl.constexpr, BIAS: tl.constexpr):
    """w[0] to w[W - 1] of a path as a tuple, and its b."""
    taps = ()
    for j in tl.static_range(TAPS):
        taps = taps + (tl.load(weight + owner * weight_path + j * width, mask=exists, other=0.0),)
    offset = tl.load(bias + owner * bias_path, mask=exists, other=0.0) if BIAS else 0.0
    return taps, offset


@triton.jit
def _filtered(window, taps, offset, FIRST: tl.constexpr, TAPS: tl.constexpr):
    """b + sum_j w[j] window[FIRST + j]."""
    p = taps[0] * window[FIRST] + offset
    for j in tl.static_range(1, TAPS):
        p += taps[j] * window[FIRST + j]
    return p


@triton.jit
def _activated(p, SILU: tl.constexpr):
    return p * tl.sigmoid(p) if SILU else p


@triton.jit
def _slope(p, SILU: tl.constexpr):
    """f'(p)."""
    s = tl.sigmoid(p)
    return s * (1 + p * (1 - s)) if SILU else tl.full(p.shape, 1.0, tl.float32)


@kernel
def convolution_forward_kernel(
    x, weight, bias, initial, y, steps, tiles, owners, visits, round_number, tile_count, blocks, width,
    x_sample, x_path, x_row, y_sample, y_path, weight_path, bias_path, steps_sample, steps_sequence, sequences,
    PATCH_AT: tl.constexpr, TAPS: tl.constexpr, SILU: tl.constexpr, BIAS: tl.constexpr, CHAINED: tl.constexpr,
    INITIAL: tl.constexpr, REVISITS: tl.constexpr, STEPS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    """y of one tile and one block of channels. Grid: tiles, blocks of channels, samples."""
    tile, block, sample = place(tile_count, blocks)
    sequence, path, first, last, start, _ = tile_at(tiles, tile)
    channel = (block * CHANNELS + tl.arange(0, CHANNELS))[None, :]
    exists = channel < width
    x += sample * x_sample + channel
    # At the row of the step before which there are no others.
    initial += ((sample * sequences + sequence) * (TAPS - 1) + TAPS - 1) * width + channel
    y += sample * y_sample + path * y_path + channel
    steps += sample * steps_sample + sequence * steps_sequence
    visits += sample * steps_sample + sequence * steps_sequence
    owners += sequence * steps_sequence
    taps, offset = _taps(weight + channel, bias + channel, path, weight_path, bias_path, width, exists, TAPS, BIAS)
    for base in range(first, last, STEPS):
        step = base + tl.arange(0, STEPS)
        window = ()
        for j in tl.static_range(TAPS):
            past = step - (TAPS - 1 - j)
            inside = (past >= start) & (past < last)
            there = tl.where(inside, past, first)
            row = PATCH_AT(steps, sequence, there).to(tl.int64)[:, None]
            source = x + _owner(owners, path, there, CHAINED) * x_path + row * x_row
            window = window + (_loaded(source, inside, exists, initial, past, width, INITIAL),)
        mine = tl.minimum(step, last - 1)
        row = PATCH_AT(steps, sequence, mine).to(tl.int64)[:, None]
        value = _activated(_filtered(window, taps, offset, 0, TAPS), SILU)
        put(y + row * width, value, visits, mine, (step < last)[:, None] & exists, round_number, REVISITS)


@kernel
def convolution_backward_kernel(
    x, weight, bias, initial, dy, dx, dweight, steps, tiles, owners, visits, round_number, tile_count, blocks, width,
    x_sample, x_path, x_row, y_sample, y_path, weight_path, bias_path, steps_sample, steps_sequence, sequences,
    PATCH_AT: tl.constexpr, TAPS: tl.constexpr, SILU: tl.constexpr, BIAS: tl.constexpr, CHAINED: tl.constexpr,
    INITIAL: tl.constexpr, REVISITS: tl.constexpr, STEPS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    """dx [B, K, L, D] of one tile and one block of channels, and the tile's share of dw and db.

    Grid as in the forward pass. dweight float32 [B, tiles, W + 1, D]: dw, then db; summed by path afterwards.
    """
    tile, block, sample = place(tile_count, blocks)
    sequence, path, first, last, start, end = tile_at(tiles, tile)
    channel = (block * CHANNELS + tl.arange(0, CHANNELS))[None, :]
    exists = channel < width
    x += sample * x_sample + channel
    # At the row of the step before which there are no others.
    initial += ((sample * sequences + sequence) * (TAPS - 1) + TAPS - 1) * width + channel
    dy += sample * y_sample + channel
    dx += sample * y_sample + path * y_path + channel
    dweight += (sample * tile_count + tile) * (TAPS + 1) * width + channel
    steps += sample * steps_sample + sequence * steps_sequence
    visits += sample * steps_sample + sequence * steps_sequence
    owners += sequence * steps_sequence
    totals = ()
    for _ in tl.static_range(TAPS + 1):
        totals = totals + (tl.zeros((1, CHANNELS), tl.float32),)
    for base in range(first, last, STEPS):
        step = base + tl.arange(0, STEPS)
        window = ()
        gradients = ()
        owner_of = ()
        for i in tl.static_range(2 * TAPS - 1):
            near = step + (i - TAPS + 1)
            inside = (near >= start) & (near < end) & (step < last)
            there = tl.where(inside, near, first)
            row = PATCH_AT(steps, sequence, there).to(tl.int64)[:, None]
            owner = _owner(owners, path, there, CHAINED)
            source = x + owner * x_path + row * x_row
            window = window + (_loaded(source, inside, exists, initial, near, width, INITIAL),)
            if i >= TAPS - 1:
                source = dy + owner * y_path + row * width
                mask = inside[:, None] & exists
                gradients = gradients + (tl.load(source, mask=mask, other=0.0).to(tl.float32),)
                owner_of = owner_of + (owner,)
        value = tl.zeros((STEPS, CHANNELS), tl.float32)
        for j in tl.static_range(TAPS):
            taps, offset = _taps(
                weight + channel, bias + channel, owner_of[j], weight_path, bias_path, width, exists, TAPS, BIAS
            )
            q = gradients[j] * _slope(_filtered(window, taps, offset, j, TAPS), SILU)
            value += taps[TAPS - 1 - j] * q
            if j == 0:
                totals = _added(totals, q, window, TAPS)
        mine = tl.minimum(step, last - 1)
        row = PATCH_AT(steps, sequence, mine).to(tl.int64)[:, None]
        put(dx + row * width, value, visits, mine, (step < last)[:, None] & exists, round_number, REVISITS)
    for j in tl.static_range(TAPS + 1):
        tl.store(dweight + j * width, totals[j], mask=exists)


@triton.jit
def _added(totals, q, window, TAPS: tl.constexpr):
    """The sums of dw and db with those of STEPS steps."""
    sums = ()
    for j in tl.static_range(TAPS):
        sums = sums + (totals[j] + tl.sum(q * window[j], 0, keep_dims=True),)
    return sums + (totals[TAPS] + tl.sum(q, 0, keep_dims=True),)
