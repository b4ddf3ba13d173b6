"""The selective scan, in Triton: a program goes through its chunks with the states in registers.

At a step of path k that visits row i:

    x = w[k] u[i];    d = softplus(delta[i] + bias[k])
    h[n] = exp2(d A[k, n]) h[n] + d x B[i, n];    y[i] += sum_n C[i, n] h[n] + D[k] x

A program takes one work item of consecutive chunks, one block of channels and one sample. One work item may hold a
sequence, some sequences (then y is added up by the lanes that wrote it: ADD), or a part of a sequence whose state
before is known (CARRIED). Sequences begin with given states (INITIAL), else from zero. Grid: groups x blocks of
channels, work items, samples, one warp each; nothing is shared, nobody waits.
"""

# Triton reads no starred expressions, and gives static_range no iterator for Python.
# ruff: noqa: RUF005
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

import triton
import triton.language as tl

from .grid import place
from .launching import kernel
from .scan_primitives import (
    advanced,
    carried_on,
    channels_of,
    chunk_at,
    coefficients,
    copy_of,
    gathered,
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


@triton.jit
def _output(h, c, y, N: tl.constexpr):
    """y + sum_n C[n] h[n]."""
    for n in tl.static_range(N):
        y += c[n] * h[n]
    return y


@kernel
def selective_scan_forward_kernel(
    u, delta, A, B, C, D, bias, weights, y, checkpoints, initial, last_state, carried, steps, chunks, work_items,
    width, group_width, programs, blocks, count, checkpoint_count, sequences, together, fresh, u_sample, u_path, u_row,
    delta_sample, delta_path, delta_row, B_sample, B_path, B_group, B_row, C_sample, C_path, C_group, C_row,
    y_sample, y_sequence, A_path, bias_path, steps_sample, steps_sequence,
    PATCH_AT: tl.constexpr, N: tl.constexpr, BLOCK: tl.constexpr, GROUP: tl.constexpr, SOFTPLUS: tl.constexpr,
    SKIP: tl.constexpr, BIAS: tl.constexpr, WEIGHTS: tl.constexpr, B_CONSTANT: tl.constexpr, C_CONSTANT: tl.constexpr,
    KEEP: tl.constexpr, INITIAL: tl.constexpr, LAST: tl.constexpr, CARRIED: tl.constexpr, ADD: tl.constexpr,
    REVISITS: tl.constexpr, WORDS: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """y, checkpoints (KEEP) and last states (LAST) of one work item: `together` sequences, or a part of one.

    y [B, T / together, L, D]; with ADD, the sequences of a work item from its `fresh`th on add to what those before
    them left.
    """
    number, item, sample = place(programs, count)
    group, _, channel, exists = channels_of(number, group_width, blocks, BLOCK)
    B += channel if B_CONSTANT else sample * B_sample + group * B_group
    C += channel if C_CONSTANT else sample * C_sample + group * C_group
    h = zeros(N, BLOCK)
    if CARRIED:
        h = per_state(carried + (sample * count + item) * N * width + channel, width, exists, N)
    item_first, item_end = work_item_at(work_items, item)
    for index in range(item_first, item_end):
        sequence, path, first, last, carry, checkpoint, final, _ = chunk_at(chunks, index)
        h = carried_on(h, carry, N)
        end = (sample * sequences + sequence) * N * width + channel
        if INITIAL:  # noqa: SIM102  one is a constant, the other is not
            if first == 0:
                h = per_state(initial + end, width, exists, N)
        if KEEP:
            checkpoint_of = checkpoints + (sample * checkpoint_count + checkpoint) * N * width + channel
            keep_states(checkpoint_of, width, h, where(carry > 0, exists), N)
        a, skip, offset, weight = parameters_of(
            A, D, bias, weights, path, A_path, bias_path, width, channel, exists, N, SKIP, BIAS, WEIGHTS
        )
        own_steps = steps + sample * steps_sample + sequence * steps_sequence
        sequence_u = u + sample * u_sample + path * u_path
        sequence_delta = delta + sample * delta_sample + path * delta_path
        copy, earlier = copy_of(sequence, together)
        sequence_y = y + sample * y_sample + copy * y_sequence
        for start in range(first, last, GROUP):
            rows = rows_of(own_steps, sequence, start, last, GROUP, PATCH_AT)
            x = gathered(sequence_u, u_row, rows, channel, exists, GROUP)
            raw = gathered(sequence_delta, delta_row, rows, channel, exists, GROUP)
            d = step_sizes(raw, offset, start, last, GROUP, SOFTPLUS, ASM)
            sums = ()
            for j in tl.static_range(GROUP):
                b = coefficients(B + path * B_path + rows[j] * B_row, width, exists, N, B_CONSTANT, WORDS)
                c = coefficients(C + path * C_path + rows[j] * C_row, width, exists, N, C_CONSTANT, WORDS)
                weighted = weight * x[j]
                h = advanced(h, d[j], d[j] * weighted, a, b, N, ASM)
                sums = sums + (_output(h, c, skip * weighted, N),)
            put_rows(
                sequence_y, width, rows, sums, start, last, channel, exists, earlier >= fresh, GROUP, ADD, REVISITS
            )
        if LAST:
            keep_states(last_state + end, width, h, where(final > 0, exists), N)
