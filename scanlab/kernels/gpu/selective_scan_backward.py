"""The adjoint of the selective scan, in Triton: chunks from last to first, with the states' adjoints in registers.

With g = dy[i] at the step that visits row i, and p[n] the adjoint that later steps give h[n], each step, going
backwards, computes:

    q[n] = p[n] + g C[i, n];    dC[i, n] = sum g h[n];    dB[i, n] = sum q[n] d x;    s = sum_n q[n] B[i, n]
    p[n] = exp2(d A[n]) q[n];   o[n] = p[n] h'[n], where h' is the state before;      dA[n] += ln2 d o[n]
    dx = s d + g D;   dd = s x + ln2 sum_n A[n] o[n];   dD += g x;   du = w dx;   dw += u dx
    ddelta = dd softplus'(delta + bias);   dbias += ddelta

(the sums without index run over channels; each block of channels leaves its own, to be added up afterwards).

States come from the checkpoint before each chunk in two rounds: one pass through the chunk leaves the state before
every group of GROUP steps in `scratch`, then each group, last first, is computed again with its GROUP + 1 states in
registers. Work items, ADD, REVISITS, CARRIED and INITIAL are those of the forward pass; carried is the adjoint of a
work item's last state, dlast that of a sequence's, if one is given (LAST); dinitial is that of its first.
"""

# Triton reads no starred expressions, and gives static_range no iterator for Python.
# ruff: noqa: RUF005
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

import triton
import triton.language as tl

from .grid import place
from .launching import kernel
from .mathematics import LN_2, exp2, sigmoid
from .scan_primitives import (
    add_states,
    advanced,
    carried_on,
    channels_of,
    chunk_at,
    coefficients,
    copy_of,
    gathered,
    gathered_within,
    keep_states,
    parameters_of,
    per_state,
    put_rows,
    rows_of,
    step_sizes,
    where,
    work_item_at,
    zeros,
)
from .sums import put_both_sums, put_sums


@triton.jit
def _adjoint(p, g, c, N: tl.constexpr):
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
def _multiplied(factor, x, N: tl.constexpr):
    """factor x[n]."""
    product = ()
    for n in tl.static_range(N):
        product = product + (factor * x[n],)
    return product


@triton.jit
def _step_back(
    p, totals, g, x, z, d, h, before, a, b, c, skip, weight, inside, N: tl.constexpr, SOFTPLUS: tl.constexpr,
    B_CONSTANT: tl.constexpr, C_CONSTANT: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """One step of the formulas above, with h after and `before` it, and z = delta + bias.

    totals: dA, then dB and dC where constant in time, each N blocks, then (dD, dbias, dw). Returns p, totals, q, du and
    ddelta.
    """
    dA, dB, dC, others = totals
    q = _adjoint(p, g, c, N)
    p = _decayed(q, d, a, N, ASM)
    o = _times(p, before, N)
    s = _inner(q, b, N)
    dx = s * d + g * skip
    slope = s * weight * x + LN_2 * _inner(o, a, N)
    if SOFTPLUS:
        slope *= sigmoid(z, ASM)
    slope = tl.where(inside, slope, 0.0)
    dA = _scaled_sum(dA, LN_2 * d, o, N)
    if B_CONSTANT:
        dB = _scaled_sum(dB, d * weight * x, q, N)
    if C_CONSTANT:
        dC = _scaled_sum(dC, g, h, N)
    others = (others[0] + g * weight * x, others[1] + slope, others[2] + x * dx)
    return p, (dA, dB, dC, others), q, weight * dx, slope


@triton.jit
def _states_of_group(h, x, d, rows, a, weight, B, B_row, width, exists, N: tl.constexpr, GROUP: tl.constexpr,
                     B_CONSTANT: tl.constexpr, WORDS: tl.constexpr, ASM: tl.constexpr):  # fmt: skip
    """The state before a group, and that after each of its steps."""
    states = (h,)
    for j in tl.static_range(GROUP):
        b = coefficients(B + rows[j] * B_row, width, exists, N, B_CONSTANT, WORDS)
        h = advanced(h, d[j], d[j] * weight * x[j], a, b, N, ASM)
        states = states + (h,)
    return states


@triton.jit
def _save_groups(
    scratch, h, inputs, strides, own_steps, sequence, first, last, parameters, channel, exists, PATCH_AT: tl.constexpr,
    N: tl.constexpr, BLOCK: tl.constexpr, GROUP: tl.constexpr, SOFTPLUS: tl.constexpr, B_CONSTANT: tl.constexpr,
    WORDS: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """Pass through a chunk from its state h, and store the state before each group."""
    u, delta, B, _, _ = inputs
    a, _, offset, weight = parameters
    everywhere = tl.full((BLOCK,), 1, tl.int1)
    keep_states(scratch, BLOCK, h, everywhere, N)
    for start in range(first, last - GROUP, GROUP):
        rows = rows_of(own_steps, sequence, start, last, GROUP, PATCH_AT)
        x = gathered(u, strides[0], rows, channel, exists, GROUP)
        raw = gathered(delta, strides[1], rows, channel, exists, GROUP)
        d = step_sizes(raw, offset, start, last, GROUP, SOFTPLUS, ASM)
        states = _states_of_group(
            h, x, d, rows, a, weight, B, strides[2], strides[5], exists, N, GROUP, B_CONSTANT, WORDS, ASM
        )  # fmt: skip
        h = states[GROUP]
        keep_states(scratch + ((start - first) // GROUP + 1) * N * BLOCK, BLOCK, h, everywhere, N)


@triton.jit
def _group_back(
    p, totals, h, inputs, outputs, strides, own_steps, sequence, start, last, old, parameters, channel, exists,
    PATCH_AT: tl.constexpr, N: tl.constexpr, BLOCK: tl.constexpr, GROUP: tl.constexpr, SOFTPLUS: tl.constexpr,
    B_CONSTANT: tl.constexpr, C_CONSTANT: tl.constexpr, ADD_U: tl.constexpr, ADD_PARAMETERS: tl.constexpr,
    REVISITS: tl.constexpr, WORDS: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """Go back through a group of steps from the state h before it; returns p and totals."""
    u, delta, B, C, dy = inputs
    du, ddelta, dB, dC = outputs
    u_row, delta_row, B_row, C_row, dy_row, width = strides
    a, skip, offset, weight = parameters
    rows = rows_of(own_steps, sequence, start, last, GROUP, PATCH_AT)
    x = gathered(u, u_row, rows, channel, exists, GROUP)
    raw = gathered(delta, delta_row, rows, channel, exists, GROUP)
    gs = gathered_within(dy, dy_row, rows, start, last, channel, exists, GROUP)
    d = step_sizes(raw, offset, start, last, GROUP, SOFTPLUS, ASM)
    states = _states_of_group(h, x, d, rows, a, weight, B, B_row, width, exists, N, GROUP, B_CONSTANT, WORDS, ASM)
    ADD: tl.constexpr = ADD_PARAMETERS or REVISITS
    du_rows, ddelta_rows = (), ()
    for r in tl.static_range(GROUP):
        inside = start + (GROUP - 1 - r) < last
        row, size, g, value = rows[GROUP - 1 - r], d[GROUP - 1 - r], gs[GROUP - 1 - r], x[GROUP - 1 - r]
        b = coefficients(B + row * B_row, width, exists, N, B_CONSTANT, WORDS)
        c = coefficients(C + row * C_row, width, exists, N, C_CONSTANT, WORDS)
        p, totals, q, to_u, to_delta = _step_back(
            p, totals, g, value, raw[GROUP - 1 - r] + offset, size, states[GROUP - r], states[GROUP - 1 - r], a, b, c,
            skip, weight, inside, N, SOFTPLUS, B_CONSTANT, C_CONSTANT, ASM,
        )  # fmt: skip
        if not (B_CONSTANT or C_CONSTANT):
            to_B, to_C = _multiplied(size * weight * value, q, N), _multiplied(g, states[GROUP - r], N)
            put_both_sums(dB + row * N, dC + row * N, to_B, to_C, inside, old, N, BLOCK, ADD)
        elif not C_CONSTANT:
            put_sums(dC + row * N, _multiplied(g, states[GROUP - r], N), inside, old, N, BLOCK, ADD)
        elif not B_CONSTANT:
            put_sums(dB + row * N, _multiplied(size * weight * value, q, N), inside, old, N, BLOCK, ADD)
        du_rows, ddelta_rows = (to_u,) + du_rows, (to_delta,) + ddelta_rows
    put_rows(du, width, rows, du_rows, start, last, channel, exists, old, GROUP, ADD_U, REVISITS)
    put_rows(ddelta, width, rows, ddelta_rows, start, last, channel, exists, old, GROUP, ADD_PARAMETERS, REVISITS)
    return p, totals


@triton.jit
def _chunk_back(
    p, h, scratch, inputs, outputs, strides, own_steps, sequence, first, last, old, parameters, channel, exists,
    PATCH_AT: tl.constexpr, N: tl.constexpr, BLOCK: tl.constexpr, GROUP: tl.constexpr, SOFTPLUS: tl.constexpr,
    B_CONSTANT: tl.constexpr, C_CONSTANT: tl.constexpr, ADD_U: tl.constexpr, ADD_PARAMETERS: tl.constexpr,
    REVISITS: tl.constexpr, WORDS: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """Go back through a chunk from the state h before it; returns p, and the totals of the chunk."""
    _save_groups(
        scratch, h, inputs, strides, own_steps, sequence, first, last, parameters, channel, exists, PATCH_AT, N, BLOCK,
        GROUP, SOFTPLUS, B_CONSTANT, WORDS, ASM,
    )  # fmt: skip
    totals = (zeros(N, BLOCK), zeros(N, BLOCK), zeros(N, BLOCK), zeros(3, BLOCK))
    groups = tl.cdiv(last - first, GROUP)
    for later in range(groups):
        index = groups - 1 - later
        p, totals = _group_back(
            p, totals, per_state(scratch + index * N * BLOCK, BLOCK, exists, N), inputs, outputs, strides, own_steps,
            sequence, first + index * GROUP, last, old, parameters, channel, exists, PATCH_AT, N, BLOCK, GROUP,
            SOFTPLUS, B_CONSTANT, C_CONSTANT, ADD_U, ADD_PARAMETERS, REVISITS, WORDS, ASM,
        )  # fmt: skip
    return p, totals


@triton.jit
def _add_totals(
    place, width, totals, exists, N: tl.constexpr, B_CONSTANT: tl.constexpr, C_CONSTANT: tl.constexpr
):  # fmt: skip
    """Add a chunk's totals to its accumulator."""
    dA, dB, dC, others = totals
    add_states(place, width, dA, exists, N)
    add_states(place + N * width, width, others, exists, 3)
    if B_CONSTANT:
        add_states(place + (N + 3) * width, width, dB, exists, N)
        place += N * width
    if C_CONSTANT:
        add_states(place + (N + 3) * width, width, dC, exists, N)


@kernel
def selective_scan_backward_kernel(
    u, delta, A, B, C, D, bias, weights, dy, du, ddelta, dB, dC, sums, checkpoints, scratch, carried, dlast,
    dinitial, steps, chunks, work_items, width, group_width, programs, blocks, count, checkpoint_count, accumulators,
    sequences, together, fresh, groups_per_chunk, u_sample, u_path, u_row, delta_sample, delta_path, delta_row,
    B_sample, B_path, B_group, B_row,
    C_sample, C_path, C_group, C_row,
    dy_sample, dy_sequence, dy_row, du_sample, du_path, du_sequence, ddelta_sample, ddelta_path, ddelta_sequence,
    part_block, part_sample, part_path, part_sequence, part_group, A_path, bias_path, steps_sample, steps_sequence,
    PATCH_AT: tl.constexpr, N: tl.constexpr, BLOCK: tl.constexpr, GROUP: tl.constexpr, SOFTPLUS: tl.constexpr,
    SKIP: tl.constexpr, BIAS: tl.constexpr, WEIGHTS: tl.constexpr, B_CONSTANT: tl.constexpr, C_CONSTANT: tl.constexpr,
    CARRIED: tl.constexpr, INITIAL: tl.constexpr, LAST: tl.constexpr, ADD_U: tl.constexpr,
    ADD_PARAMETERS: tl.constexpr, REVISITS: tl.constexpr, WORDS: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """du, ddelta and the shares of dB, dC (float32 [blocks, B, K, T or 1, G, L, N]) and `sums` of one work item.

    T is the number of copies, of `together` sequences each. With ADD_U and ADD_PARAMETERS, the sequences of a work
    item, last first, add from the `fresh`th on to what those behind them left.

    sums float32 [B, accumulators, R, D] begins as 0: N rows dA, then dD, dbias, dw, then N rows each of dB and dC where
    these are constant in time.
    """
    number, item, sample = place(programs, count)
    group, block, channel, exists = channels_of(number, group_width, blocks, BLOCK)
    scratch += ((sample * count + item) * programs + number) * groups_per_chunk * N * BLOCK + tl.arange(0, BLOCK)
    B += channel if B_CONSTANT else sample * B_sample + group * B_group
    C += channel if C_CONSTANT else sample * C_sample + group * C_group
    part = block.to(tl.int64) * part_block + sample * part_sample + group * part_group
    ROWS: tl.constexpr = N + 3 + (N if B_CONSTANT else 0) + (N if C_CONSTANT else 0)
    p = zeros(N, BLOCK)
    if CARRIED:
        p = per_state(carried + (sample * count + item) * N * width + channel, width, exists, N)
    item_first, item_end = work_item_at(work_items, item)
    for done in range(item_end - item_first):
        sequence, path, first, last, carry, checkpoint, final, accumulator = chunk_at(chunks, item_end - 1 - done)
        end = (sample * sequences + sequence) * N * width + channel
        if not CARRIED:
            if LAST:
                if final > 0:
                    p = per_state(dlast + end, width, exists, N)
            elif INITIAL:
                p = carried_on(p, final == 0, N)
        checkpoint_of = checkpoints + (sample * checkpoint_count + checkpoint) * N * width + channel
        h = per_state(checkpoint_of, width, where(carry > 0, exists), N)
        parameters = parameters_of(
            A, D, bias, weights, path, A_path, bias_path, width, channel, exists, N, SKIP, BIAS, WEIGHTS
        )
        inputs = (
            u + sample * u_sample + path * u_path, delta + sample * delta_sample + path * delta_path,
            B + path * B_path, C + path * C_path, dy + sample * dy_sample + sequence * dy_sequence,
        )  # fmt: skip
        copy, earlier = copy_of(sequence, together)
        sequence_part = part + path * part_path + copy * part_sequence
        outputs = (
            du + sample * du_sample + path * du_path + copy * du_sequence,
            ddelta + sample * ddelta_sample + path * ddelta_path + copy * ddelta_sequence,
            dB + sequence_part, dC + sequence_part,
        )  # fmt: skip
        p, totals = _chunk_back(
            p, h, scratch, inputs, outputs, (u_row, delta_row, B_row, C_row, dy_row, width),
            steps + sample * steps_sample + sequence * steps_sequence, sequence, first, last,
            together - 1 - earlier >= fresh, parameters, channel, exists, PATCH_AT, N, BLOCK, GROUP, SOFTPLUS,
            B_CONSTANT, C_CONSTANT, ADD_U, ADD_PARAMETERS, REVISITS, WORDS, ASM,
        )  # fmt: skip
        p = carried_on(p, carry, N)
        if INITIAL:
            keep_states(dinitial + end, width, p, where(first == 0, exists), N)
        share = sums + (sample * accumulators + accumulator) * ROWS * width + channel
        _add_totals(share, width, totals, exists, N, B_CONSTANT, C_CONSTANT)
