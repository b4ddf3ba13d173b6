"""Sums over the channels of a program, many at once.

A sum over the 32 lanes of a warp takes five exchanges between lanes and ends in all of them alike. Of 32 sums, each
lane need end with one: at every exchange it keeps half of its values and hands the other half to a partner, which takes
31 exchanges instead of 160, and one store of 32 neighbours instead of 32 of one number.
"""

# Triton reads no starred expressions, and gives static_range no iterator for Python.
# ruff: noqa: RUF005
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

import triton
import triton.language as tl

from .scan_primitives import where

__all__ = ["put_both_sums", "put_sums"]


@triton.jit
def _sums_across(values, COUNT: tl.constexpr, BLOCK: tl.constexpr):
    """One block, whose place i holds the sum over all channels of values[i % COUNT].

    values: COUNT blocks of BLOCK channels; both are powers of two, COUNT at most BLOCK.
    """
    lane = tl.arange(0, BLOCK)
    for exchange in tl.static_range(16):
        if COUNT >> (exchange + 1) > 0:
            values = _halved(values, lane, COUNT >> (exchange + 1))
    total = values[0]
    for exchange in tl.static_range(16):
        if COUNT << exchange < BLOCK:
            total += tl.gather(total, lane ^ (COUNT << exchange), 0)
    return total


@triton.jit
def _halved(values, lane, HALF: tl.constexpr):
    """Of 2 HALF blocks HALF: where a lane has the bit HALF, the second half, with the partner's share added."""
    second = (lane & HALF) > 0
    sums = ()
    for i in tl.static_range(HALF):
        kept = tl.where(second, values[i + HALF], values[i])
        given = tl.where(second, values[i], values[i + HALF])
        sums = sums + (kept + tl.gather(given, lane ^ HALF, 0),)
    return sums


@triton.jit
def put_sums(place, values, mask, old, N: tl.constexpr, BLOCK: tl.constexpr, ADD: tl.constexpr):
    """Store the sum of each of N blocks over their channels; with ADD onto what stands there, where `old`."""
    if N >= 4 and N <= BLOCK and N & (N - 1) == 0:
        number = tl.arange(0, BLOCK)
        _put_numbers(place + number, _sums_across(values, N, BLOCK), where(mask, number < N), old, ADD)
    else:
        for n in tl.static_range(N):
            _put_numbers(place + n, tl.sum(values[n], 0), mask, old, ADD)


@triton.jit
def put_both_sums(
    dB, dC, to_B, to_C, mask, old, N: tl.constexpr, BLOCK: tl.constexpr, ADD: tl.constexpr
):  # fmt: skip
    """`put_sums` of dB and dC, in one go where a program has channels for all their numbers."""
    if N >= 4 and 2 * N <= BLOCK and N & (N - 1) == 0:
        number = tl.arange(0, BLOCK)
        place = tl.where(number < N, dB + number, dC + (number - N))
        _put_numbers(place, _sums_across(to_B + to_C, 2 * N, BLOCK), where(mask, number < 2 * N), old, ADD)
    else:
        put_sums(dB, to_B, mask, old, N, BLOCK, ADD)
        put_sums(dC, to_C, mask, old, N, BLOCK, ADD)


@triton.jit
def _put_numbers(place, values, mask, old, ADD: tl.constexpr):
    if ADD:
        values += tl.load(place, mask=where(old, mask), other=0.0)
    tl.store(place, values, mask=mask)
