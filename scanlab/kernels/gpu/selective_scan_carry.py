"""What carries a scan over work items that are scanned side by side: long sequences in three phases.

The recurrence is linear, so a work item turns the state h before it into decay h + end: 1. every work item is scanned
from zero, for its end and its decay (`selective_scan_local_kernel`); 2. states pass over the work items, a few hundred
at most (`selective_scan_pass_kernel`); 3. the kernels of the scan take every work item again, now from the state before
it.

    h[n] = exp2(d A[n]) h[n] + d x B[i, n];      decay[n] = exp2(A[n] sum d), or 0 where the work item holds a restart

The adjoint does the same from right to left (ADJOINT) with g = dy[i] in the place of u and C in the place of B:

    p[n] = exp2(d A[n]) (p[n] + g C[i, n]);      decay as above

A work item lies within one path.
"""

# Triton reads no starred expressions, and gives static_range no iterator for Python.
# ruff: noqa: RUF005
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

import triton
import triton.language as tl

from .grid import place
from .launching import kernel
from .mathematics import exp2
from .scan_primitives import (
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
    rows_of,
    step_sizes,
    where,
    work_item_at,
    zeros,
)


@triton.jit
def _retreated(p, d, g, a, c, N: tl.constexpr, ASM: tl.constexpr):
    """exp2(d A[n]) (p[n] + g C[n])."""
    adjoints = ()
    for n in tl.static_range(N):
        adjoints = adjoints + (exp2(d * a[n], ASM) * (p[n] + g * c[n]),)
    return adjoints


@triton.jit
def _decays(total, a, alive, N: tl.constexpr, ASM: tl.constexpr):
    """exp2(A[n] sum d), or 0 where nothing is carried through the work item."""
    decays = ()
    for n in tl.static_range(N):
        decays = decays + (tl.where(alive > 0, exp2(total * a[n], ASM), 0.0),)
    return decays


@kernel
def selective_scan_local_kernel(
    u, delta, A, B, bias, weights, ends, decays, steps, chunks, work_items, width, group_width, programs, blocks, count,
    u_sample, u_path, u_sequence, u_row, delta_sample, delta_path, delta_row, B_sample, B_path, B_group, B_row, A_path,
    bias_path, steps_sample, steps_sequence,
    PATCH_AT: tl.constexpr, N: tl.constexpr, BLOCK: tl.constexpr, GROUP: tl.constexpr, SOFTPLUS: tl.constexpr,
    BIAS: tl.constexpr, WEIGHTS: tl.constexpr, B_CONSTANT: tl.constexpr, ADJOINT: tl.constexpr, WORDS: tl.constexpr,
    ASM: tl.constexpr,
):  # fmt: skip
    """ends and decays float32 [B, P, N, D] of one of P work items and one block of channels. Grid as in the scan."""
    number, item, sample = place(programs, count)
    group, _, channel, exists = channels_of(number, group_width, blocks, BLOCK)
    B += channel if B_CONSTANT else sample * B_sample + group * B_group
    item_first, item_end = work_item_at(work_items, item)
    sequence, path, _, _, alive, _, _, _ = chunk_at(chunks, item_first)
    a = per_state(A + path * A_path + channel, width, exists, N)
    offset = per_channel(bias + path * bias_path + channel, exists, BIAS, 0.0)
    weight = per_channel(weights + path * width + channel, exists, WEIGHTS, 1.0)
    own_steps = steps + sample * steps_sample + sequence * steps_sequence
    u += sample * u_sample + path * u_path + sequence * u_sequence
    delta += sample * delta_sample + path * delta_path
    B += path * B_path
    h, total = zeros(N, BLOCK), tl.zeros((BLOCK,), tl.float32)
    for i in range(item_end - item_first):
        index = item_end - 1 - i if ADJOINT else item_first + i
        _, _, first, last, carry, _, _, _ = chunk_at(chunks, index)
        alive = tl.minimum(alive, carry)
        if not ADJOINT:
            h = carried_on(h, carry, N)
        groups = tl.cdiv(last - first, GROUP)
        for k in range(groups):
            start = first + (groups - 1 - k if ADJOINT else k) * GROUP
            rows = rows_of(own_steps, sequence, start, last, GROUP, PATCH_AT)
            raw = gathered(delta, delta_row, rows, channel, exists, GROUP)
            x = gathered_within(u, u_row, rows, start, last, channel, exists, GROUP)
            d = step_sizes(raw, offset, start, last, GROUP, SOFTPLUS, ASM)
            for j in tl.static_range(GROUP):
                if ADJOINT:
                    c = coefficients(B + rows[GROUP - 1 - j] * B_row, width, exists, N, B_CONSTANT, WORDS)
                    h = _retreated(h, d[GROUP - 1 - j], x[GROUP - 1 - j], a, c, N, ASM)
                else:
                    b = coefficients(B + rows[j] * B_row, width, exists, N, B_CONSTANT, WORDS)
                    h = advanced(h, d[j], d[j] * weight * x[j], a, b, N, ASM)
                total += d[j]
        if ADJOINT:
            h = carried_on(h, carry, N)
    first_of = (sample * count + item) * N * width + channel
    keep_states(ends + first_of, width, h, exists, N)
    keep_states(decays + first_of, width, _decays(total, a, alive, N, ASM), exists, N)


@kernel
def selective_scan_pass_kernel(
    ends, decays, given, ranges, blocks, sequences, count, size,
    BLOCK: tl.constexpr, GROUP: tl.constexpr, ADJOINT: tl.constexpr, GIVEN: tl.constexpr,
):  # fmt: skip
    """Replace the end of each work item by the state before it (ADJOINT: by the adjoint of that after it).

    ends, decays: float32 [B, count, size]; given: the states before the sequences (ADJOINT: the adjoints of those after
    them), float32 [B, T, size], zero if not GIVEN; ranges int32 [T + 1]: the work items of each sequence. Grid: blocks
    of size, T, B.
    """
    block, sequence, sample = place(blocks, sequences)
    number = block * BLOCK + tl.arange(0, BLOCK)
    exists = number < size
    first, last = tl.load(ranges + sequence), tl.load(ranges + sequence + 1)
    base = sample * count * size + number
    h = tl.zeros((BLOCK,), tl.float32)
    if GIVEN:
        h = tl.load(given + (sample * sequences + sequence) * size + number, mask=exists, other=0.0)
    for done in range(0, last - first, GROUP):
        places, added, kept = (), (), ()
        for j in tl.static_range(GROUP):
            item = last - 1 - done - j if ADJOINT else first + done + j
            places = places + (base + item.to(tl.int64) * size,)
            mask = where(done + j < last - first, exists)
            added = added + (tl.load(ends + places[j], mask=mask, other=0.0),)
            kept = kept + (tl.load(decays + places[j], mask=mask, other=0.0),)
        for j in tl.static_range(GROUP):
            tl.store(ends + places[j], h, mask=where(done + j < last - first, exists))
            h = kept[j] * h + added[j]
