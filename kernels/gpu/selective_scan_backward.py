"""The adjoint of the selective scan, in Triton: chunks from last to first, with the owed gradients in registers.

With g = dy[i] at the step that visits row i, and p[n] what later steps owe to h[n], each step does, going backwards:

    q[n] = p[n] + g C[i, n];    dC[i, n] = sum g h[n];    dB[i, n] = sum q[n] d x;    s = sum_n q[n] B[i, n]
    p[n] = exp2(d A[n]) q[n];   o[n] = p[n] h'[n], where h' is the state before;      dA[n] += ln2 d o[n]
    dx = s d + g D;   dd = s x + ln2 sum_n A[n] o[n];   dD += g x;   du = w dx;   dw += u dx
    ddelta = dd softplus'(delta + bias);   dbias += ddelta

(the sums without index run over channels; each block of channels leaves its own, to be added up afterwards).

States come from the checkpoint before each chunk in two rounds: one walk through the chunk leaves the state before
every group of GROUP steps in `marks`, then each group, last first, walks again with its GROUP + 1 states in registers.
Spans, ADD, REVISITS and CARRIED are those of the forward pass; carried is what is owed to a span's last state.
"""

# Triton reads no starred expressions, and gives static_range no iterator for Python.
# ruff: noqa: RUF005
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

import triton
import triton.language as tl

from .mathematics import LN_2, exp2, sigmoid
from .walks import (
    add_states,
    advanced,
    carried_on,
    channels_of,
    chunk_at,
    coefficients,
    gathered,
    gathered_within,
    keep_states,
    per_channel,
    per_state,
    put_rows,
    rows_of,
    step_sizes,
    where,
    zeros,
)


@triton.jit
def _owed(p, g, c, N: tl.constexpr):
    """q[n] = p[n] + g C[n]."""
    q = ()
    for n in tl.static_range(N):
        q = q + (p[n] + g * c[n],)
    return q


@triton.jit
def _decayed(q, d, a, N: tl.constexpr, ASM: tl.constexpr):
    """p[n] = exp2(d A[n]) q[n]."""
    p = ()
    for n in tl.static_range(N):
        p = p + (exp2(d * a[n], ASM) * q[n],)
    return p


@triton.jit
def _times(x, y, N: tl.constexpr):
    """x[n] y[n]."""
    product = ()
    for n in tl.static_range(N):
        product = product + (x[n] * y[n],)
    return product


@triton.jit
def _scaled_sum(total, factor, x, N: tl.constexpr):
    """total[n] + factor x[n]."""
    sums = ()
    for n in tl.static_range(N):
        sums = sums + (total[n] + factor * x[n],)
    return sums


@triton.jit
def _inner(x, y, N: tl.constexpr):
    """sum_n x[n] y[n]."""
    total = x[0] * y[0]
    for n in tl.static_range(1, N):
        total += x[n] * y[n]
    return total


@triton.jit
def _put_coefficients(place, factor, x, mask, old, N: tl.constexpr, ADD: tl.constexpr):
    """Store sum over the channels of factor x[n] as N numbers; with ADD onto what stands there, where `old`."""
    for n in tl.static_range(N):
        value = tl.sum(factor * x[n], 0)
        if ADD:
            value += tl.load(place + n, mask=mask & old, other=0.0)
        tl.store(place + n, value, mask=mask)


@triton.jit
def _mark_groups(
    marks, h, u, delta, B, steps, weight, offset, a, track, first, last, u_row, delta_row, B_row, width, channel,
    exists, PATCH_AT: tl.constexpr, N: tl.constexpr, BLOCK: tl.constexpr, GROUP: tl.constexpr, SOFTPLUS: tl.constexpr,
    B_CONSTANT: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """Walk a chunk from its state h, and store the state before each group."""
    everywhere = tl.full((BLOCK,), 1, tl.int1)
    keep_states(marks, BLOCK, h, everywhere, N)
    for start in range(first, last - GROUP, GROUP):
        rows = rows_of(steps, track, start, last, GROUP, PATCH_AT)
        x = gathered(u, u_row, rows, channel, exists, GROUP)
        raw = gathered(delta, delta_row, rows, channel, exists, GROUP)
        d = step_sizes(raw, offset, start, last, GROUP, SOFTPLUS, ASM)
        for j in tl.static_range(GROUP):
            b = coefficients(B + rows[j] * B_row, width, exists, N, B_CONSTANT)
            h = advanced(h, d[j], d[j] * weight * x[j], a, b, N, ASM)
        keep_states(marks + ((start - first) // GROUP + 1) * N * BLOCK, BLOCK, h, everywhere, N)


@triton.jit
def selective_scan_backward_kernel(
    u, delta, A, B, C, D, bias, weights, dy, du, ddelta, dB, dC, sums, checkpoints, marks, carried, steps, chunks,
    spans, width, group_width, blocks, slots, homes, fresh, group_marks, u_sample, u_path, u_row, delta_sample,
    delta_path, delta_row, B_sample, B_path, B_group, B_row, C_sample, C_path, C_group, C_row, dy_sample, dy_track,
    dy_row, du_sample, du_path, du_track, ddelta_sample, ddelta_path, ddelta_track, part_block, part_sample, part_path,
    part_track, part_group, A_path, bias_path, steps_sample, steps_track,
    PATCH_AT: tl.constexpr, N: tl.constexpr, BLOCK: tl.constexpr, GROUP: tl.constexpr, SOFTPLUS: tl.constexpr,
    SKIP: tl.constexpr, BIAS: tl.constexpr, WEIGHTS: tl.constexpr, B_CONSTANT: tl.constexpr, C_CONSTANT: tl.constexpr,
    CARRIED: tl.constexpr, ADD_U: tl.constexpr, ADD_PARAMETERS: tl.constexpr, REVISITS: tl.constexpr,
    ASM: tl.constexpr,
):  # fmt: skip
    """du, ddelta and the shares of dB, dC (float32 [blocks, B, K, T or 1, G, L, N]) and `sums` of one span.

    With ADD_U and ADD_PARAMETERS, tracks before `fresh`, the later ones here, add to what those behind them left.

    sums float32 [B, homes, R, D] begins as 0: N rows dA, then dD, dbias, dw, then N rows each of dB and dC where these
    are constant in time.
    """
    group, block, channel, exists = channels_of(group_width, blocks, BLOCK)
    span, sample = tl.program_id(1).to(tl.int64), tl.program_id(2).to(tl.int64)
    program = (sample * tl.num_programs(1) + span) * tl.num_programs(0) + tl.program_id(0)
    marks += program * group_marks * N * BLOCK + tl.arange(0, BLOCK)
    B += channel if B_CONSTANT else sample * B_sample + group * B_group
    C += channel if C_CONSTANT else sample * C_sample + group * C_group
    part = block.to(tl.int64) * part_block + sample * part_sample + group.to(tl.int64) * part_group
    ROWS: tl.constexpr = N + 3 + (N if B_CONSTANT else 0) + (N if C_CONSTANT else 0)
    ADD: tl.constexpr = ADD_PARAMETERS or REVISITS
    p = zeros(N, BLOCK)
    if CARRIED:
        p = per_state(carried + (sample * tl.num_programs(1) + span) * N * width + channel, width, exists, N)
    start_of_span, end_of_span = tl.load(spans + 2 * span), tl.load(spans + 2 * span + 1)
    for done in range(end_of_span - start_of_span):
        track, path, first, last, carry, slot, _, home = chunk_at(chunks, end_of_span - 1 - done)
        place = checkpoints + (sample * slots + slot) * N * width + channel
        h = per_state(place, width, where(carry > 0, exists), N)
        a = per_state(A + path * A_path + channel, width, exists, N)
        skip = per_channel(D + path * bias_path + channel, exists, SKIP, 0.0)
        offset = per_channel(bias + path * bias_path + channel, exists, BIAS, 0.0)
        weight = per_channel(weights + path * width + channel, exists, WEIGHTS, 1.0)
        walk = steps + sample * steps_sample + track * steps_track
        track_u = u + sample * u_sample + path * u_path
        track_delta = delta + sample * delta_sample + path * delta_path
        track_B, track_C = B + path * B_path, C + path * C_path
        track_dy = dy + sample * dy_sample + track * dy_track
        track_du = du + sample * du_sample + path * du_path + track * du_track
        track_ddelta = ddelta + sample * ddelta_sample + path * ddelta_path + track * ddelta_track
        track_part = part + path * part_path + track * part_track
        old = track < fresh
        _mark_groups(
            marks, h, track_u, track_delta, track_B, walk, weight, offset, a, track, first, last, u_row, delta_row,
            B_row, width, channel, exists, PATCH_AT, N, BLOCK, GROUP, SOFTPLUS, B_CONSTANT, ASM,
        )  # fmt: skip
        dA, constant_dB, constant_dC = zeros(N, BLOCK), zeros(N, BLOCK), zeros(N, BLOCK)
        dD, dbias, dweight = zeros(1, BLOCK)[0], zeros(1, BLOCK)[0], zeros(1, BLOCK)[0]
        groups = tl.cdiv(last - first, GROUP)
        for later in range(groups):
            start = first + (groups - 1 - later) * GROUP
            rows = rows_of(walk, track, start, last, GROUP, PATCH_AT)
            x = gathered(track_u, u_row, rows, channel, exists, GROUP)
            raw = gathered(track_delta, delta_row, rows, channel, exists, GROUP)
            gs = gathered_within(track_dy, dy_row, rows, start, last, channel, exists, GROUP)
            d = step_sizes(raw, offset, start, last, GROUP, SOFTPLUS, ASM)
            h = per_state(marks + (groups - 1 - later) * N * BLOCK, BLOCK, exists, N)
            states = (h,)
            for j in tl.static_range(GROUP):
                b = coefficients(track_B + rows[j] * B_row, width, exists, N, B_CONSTANT)
                h = advanced(h, d[j], d[j] * weight * x[j], a, b, N, ASM)
                states = states + (h,)
            found_u, found_delta = (), ()
            for r in tl.static_range(GROUP):
                inside = start + (GROUP - 1 - r) < last
                row, size, g = rows[GROUP - 1 - r], d[GROUP - 1 - r], gs[GROUP - 1 - r]
                weighted = weight * x[GROUP - 1 - r]
                b = coefficients(track_B + row * B_row, width, exists, N, B_CONSTANT)
                c = coefficients(track_C + row * C_row, width, exists, N, C_CONSTANT)
                q = _owed(p, g, c, N)
                if C_CONSTANT:
                    constant_dC = _scaled_sum(constant_dC, g, states[GROUP - r], N)
                else:
                    _put_coefficients(dC + track_part + row * N, g, states[GROUP - r], inside, old, N, ADD)
                if B_CONSTANT:
                    constant_dB = _scaled_sum(constant_dB, size * weighted, q, N)
                else:
                    _put_coefficients(dB + track_part + row * N, size * weighted, q, inside, old, N, ADD)
                p = _decayed(q, size, a, N, ASM)
                o = _times(p, states[GROUP - 1 - r], N)
                dA = _scaled_sum(dA, LN_2 * size, o, N)
                s = _inner(q, b, N)
                dx = s * size + g * skip
                slope = s * weighted + LN_2 * _inner(o, a, N)
                if SOFTPLUS:
                    slope *= sigmoid(raw[GROUP - 1 - r] + offset, ASM)
                slope = tl.where(inside, slope, 0.0)
                dD += g * weighted
                dbias += slope
                dweight += x[GROUP - 1 - r] * dx
                found_u, found_delta = (weight * dx,) + found_u, (slope,) + found_delta
            put_rows(track_du, width, rows, found_u, start, last, channel, exists, old, GROUP, ADD_U, REVISITS)
            put_rows(
                track_ddelta,
                width,
                rows,
                found_delta,
                start,
                last,
                channel,
                exists,
                old,
                GROUP,
                ADD_PARAMETERS,
                REVISITS,
            )
        p = carried_on(p, carry, N)
        total = sums + (sample * homes + home) * ROWS * width + channel
        add_states(total, width, dA, exists, N)
        add_states(total + N * width, width, (dD, dbias, dweight), exists, 3)
        if B_CONSTANT:
            add_states(total + (N + 3) * width, width, constant_dB, exists, N)
        if C_CONSTANT:
            add_states(total + (ROWS - N) * width, width, constant_dC, exists, N)
