"""What carries a scan over spans that are walked side by side: long walks in three phases.

The recurrence is linear, so a span turns the state h before it into decay h + end: 1. every span is walked from zero,
for its end and its decay (`selective_scan_span_kernel`); 2. states pass over the spans, a few hundred at most
(`selective_scan_pass_kernel`); 3. the kernels of the scan walk every span again, now from the state before it.

    h[n] = exp2(d A[n]) h[n] + d x B[i, n];      decay[n] = exp2(A[n] sum d), or 0 where the span holds a restart

The adjoint does the same from right to left (ADJOINT) with g = dy[i] in the place of u and C in the place of B:

    p[n] = exp2(d A[n]) (p[n] + g C[i, n]);      decay as above

A span lies within one path.
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
from .walks import (
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
    span_at,
    step_sizes,
    where,
    zeros,
)


@triton.jit
def _retreated(p, d, g, a, c, N: tl.constexpr, ASM: tl.constexpr):
    """exp2(d A[n]) (p[n] + g C[n])."""
    found = ()
    for n in tl.static_range(N):
        found = found + (exp2(d * a[n], ASM) * (p[n] + g * c[n]),)
    return found


@triton.jit
def _decays(total, a, alive, N: tl.constexpr, ASM: tl.constexpr):
    """exp2(A[n] sum d), or 0 where nothing is carried through the span."""
    found = ()
    for n in tl.static_range(N):
        found = found + (tl.where(alive > 0, exp2(total * a[n], ASM), 0.0),)
    return found


@kernel
def selective_scan_span_kernel(
    u, delta, A, B, bias, weights, ends, decays, steps, chunks, spans, width, group_width, programs, blocks, count,
    u_sample, u_path, u_track, u_row, delta_sample, delta_path, delta_row, B_sample, B_path, B_group, B_row, A_path,
    bias_path, steps_sample, steps_track,
    PATCH_AT: tl.constexpr, N: tl.constexpr, BLOCK: tl.constexpr, GROUP: tl.constexpr, SOFTPLUS: tl.constexpr,
    BIAS: tl.constexpr, WEIGHTS: tl.constexpr, B_CONSTANT: tl.constexpr, ADJOINT: tl.constexpr, WORDS: tl.constexpr,
    ASM: tl.constexpr,
):  # fmt: skip
    """ends and decays float32 [B, spans, N, D] of one span and one block of channels. Grid as in the scan."""
    number, span, sample = place(programs, count)
    group, _, channel, exists = channels_of(number, group_width, blocks, BLOCK)
    B += channel if B_CONSTANT else sample * B_sample + group * B_group
    start_of_span, end_of_span = span_at(spans, span)
    track, path, _, _, alive, _, _, _ = chunk_at(chunks, start_of_span)
    a = per_state(A + path * A_path + channel, width, exists, N)
    offset = per_channel(bias + path * bias_path + channel, exists, BIAS, 0.0)
    weight = per_channel(weights + path * width + channel, exists, WEIGHTS, 1.0)
    walk = steps + sample * steps_sample + track * steps_track
    u += sample * u_sample + path * u_path + track * u_track
    delta += sample * delta_sample + path * delta_path
    B += path * B_path
    h, total = zeros(N, BLOCK), tl.zeros((BLOCK,), tl.float32)
    for i in range(end_of_span - start_of_span):
        index = end_of_span - 1 - i if ADJOINT else start_of_span + i
        _, _, first, last, carry, _, _, _ = chunk_at(chunks, index)
        alive = tl.minimum(alive, carry)
        if not ADJOINT:
            h = carried_on(h, carry, N)
        groups = tl.cdiv(last - first, GROUP)
        for k in range(groups):
            start = first + (groups - 1 - k if ADJOINT else k) * GROUP
            rows = rows_of(walk, track, start, last, GROUP, PATCH_AT)
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
    first_of = (sample * count + span) * N * width + channel
    keep_states(ends + first_of, width, h, exists, N)
    keep_states(decays + first_of, width, _decays(total, a, alive, N, ASM), exists, N)


@kernel
def selective_scan_pass_kernel(
    ends, decays, ranges, blocks, tracks, count, size, BLOCK: tl.constexpr, GROUP: tl.constexpr, ADJOINT: tl.constexpr,
):  # fmt: skip
    """Replace the end of each span by the state before it (ADJOINT: by what is owed after it).

    ends, decays: float32 [B, count, size]; ranges int32 [T + 1]: the spans of each track. Grid: blocks of size, T, B.
    """
    block, track, sample = place(blocks, tracks)
    number = block * BLOCK + tl.arange(0, BLOCK)
    exists = number < size
    first, last = tl.load(ranges + track), tl.load(ranges + track + 1)
    base = sample * count * size + number
    h = tl.zeros((BLOCK,), tl.float32)
    for done in range(0, last - first, GROUP):
        places, found, kept = (), (), ()
        for j in tl.static_range(GROUP):
            span = last - 1 - done - j if ADJOINT else first + done + j
            places = places + (base + span.to(tl.int64) * size,)
            mask = where(done + j < last - first, exists)
            found = found + (tl.load(ends + places[j], mask=mask, other=0.0),)
            kept = kept + (tl.load(decays + places[j], mask=mask, other=0.0),)
        for j in tl.static_range(GROUP):
            tl.store(ends + places[j], h, mask=where(done + j < last - first, exists))
            h = kept[j] * h + found[j]
