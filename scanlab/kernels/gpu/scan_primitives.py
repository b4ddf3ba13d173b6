"""What the scan kernels share: which channels a program has, what a chunk is, and how rows come and go.

A program is one warp with BLOCK channels in its lanes. It takes GROUP steps at a time: first all rows of the group are
asked for, so that their latencies overlap; results are stored when the group is done. A number per state is a tuple of
N blocks, which the compiler keeps in registers.
"""

# Triton reads no starred expressions, and gives static_range no iterator for Python.
# ruff: noqa: RUF005
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

import triton
import triton.language as tl

from .columns import (
    ACCUMULATOR,
    CARRY,
    CHECKPOINT,
    ENDS_SEQUENCE,
    FIRST,
    ITEM_COLUMNS,
    ITEM_FIRST,
    ITEM_LAST,
    LAST,
    PATH,
    PLANNED_COLUMNS,
    SEQUENCE,
)
from .mathematics import exp2, softplus


@triton.jit
def channels_of(number, group_width, blocks, BLOCK: tl.constexpr):
    """Of the program for the block `number` of all: its group, its block of `blocks` within the group, its channels,
    and which of them exist. The group is int64: strides of groups may pass 2^31.
    """
    group, block = number // blocks, number % blocks
    inside = block * BLOCK + tl.arange(0, BLOCK)
    return group.to(tl.int64), block, group * group_width + inside, inside < group_width


@triton.jit
def chunk_at(chunks, index):
    """Sequence, path, first, last + 1, carry, checkpoint, whether it ends its sequence, accumulator: see Plan."""
    row = chunks + index * PLANNED_COLUMNS
    sequence, path = tl.load(row + SEQUENCE).to(tl.int64), tl.load(row + PATH).to(tl.int64)
    first, last, carry = tl.load(row + FIRST), tl.load(row + LAST), tl.load(row + CARRY)
    return (
        sequence,
        path,
        first,
        last,
        carry,
        tl.load(row + CHECKPOINT),
        tl.load(row + ENDS_SEQUENCE),
        tl.load(row + ACCUMULATOR),
    )


@triton.jit
def work_item_at(work_items, number):
    """The first chunk of a work item, and the one after its last."""
    row = work_items + number * ITEM_COLUMNS
    return tl.load(row + ITEM_FIRST), tl.load(row + ITEM_LAST)


@triton.jit
def copy_of(sequence, together):
    """The copy of shared rows that a sequence writes, and how many sequences of its work item come before it."""
    number = sequence.to(tl.int32)
    return (number // together).to(tl.int64), number % together


@triton.jit
def rows_of(steps, sequence, start, last, GROUP: tl.constexpr, PATCH_AT: tl.constexpr):
    """The rows of a group of steps; after the last step its row again."""
    rows = ()
    for j in tl.static_range(GROUP):
        rows = rows + (PATCH_AT(steps, sequence, tl.minimum(start + j, last - 1)).to(tl.int64),)
    return rows


@triton.jit
def where(condition, exists):
    """The channels that exist, if a condition on the whole program holds.

    Not `exists & condition`, of which Triton's interpreter makes integers.
    """
    return tl.where(condition, exists, False)


@triton.jit
def gathered(values, stride, rows, channel, mask, GROUP: tl.constexpr):
    """The program's channels of the rows of a group, in float32."""
    blocks = ()
    for j in tl.static_range(GROUP):
        blocks = blocks + (tl.load(values + rows[j] * stride + channel, mask=mask, other=0.0).to(tl.float32),)
    return blocks


@triton.jit
def step_sizes(raw, bias, start, last, GROUP: tl.constexpr, SOFTPLUS: tl.constexpr, ASM: tl.constexpr):
    """d of each step of a group; 0 after the last step, which leaves the state alone."""
    sizes = ()
    for j in tl.static_range(GROUP):
        d = softplus(raw[j] + bias, ASM) if SOFTPLUS else raw[j] + bias
        sizes = sizes + (tl.where(start + j < last, d, 0.0),)
    return sizes


@triton.jit
def per_channel(values, exists, GIVEN: tl.constexpr, missing: tl.constexpr):
    """A parameter per channel, or what stands for it where it is not given."""
    if GIVEN:
        return tl.load(values, mask=exists, other=0.0)
    else:
        return tl.full(exists.shape, missing, tl.float32)


@triton.jit
def per_state(values, stride, exists, N: tl.constexpr):
    """N blocks of float32, `stride` apart."""
    blocks = ()
    for n in tl.static_range(N):
        blocks = blocks + (tl.load(values + n * stride, mask=exists, other=0.0),)
    return blocks


@triton.jit
def parameters_of(
    A, D, bias, weights, path, A_path, bias_path, width, channel, exists, N: tl.constexpr, SKIP: tl.constexpr,
    BIAS: tl.constexpr, WEIGHTS: tl.constexpr,
):  # fmt: skip
    """A (N blocks), D, bias and w of a path; D and bias are 0 and w is 1 where they are not given."""
    a = per_state(A + path * A_path + channel, width, exists, N)
    skip = per_channel(D + path * bias_path + channel, exists, SKIP, 0.0)
    offset = per_channel(bias + path * bias_path + channel, exists, BIAS, 0.0)
    return a, skip, offset, per_channel(weights + path * width + channel, exists, WEIGHTS, 1.0)


@triton.jit
def keep_states(values, stride, states, exists, N: tl.constexpr):
    """Store N blocks of float32, `stride` apart."""
    for n in tl.static_range(N):
        tl.store(values + n * stride, states[n], mask=exists)


@triton.jit
def zeros(N: tl.constexpr, BLOCK: tl.constexpr):
    """N blocks of 0."""
    blocks = ()
    for _ in tl.static_range(N):
        blocks = blocks + (tl.zeros((BLOCK,), tl.float32),)
    return blocks


@triton.jit
def carried_on(states, carry, N: tl.constexpr):
    """The states where they are carried into a chunk, else 0."""
    blocks = ()
    for n in tl.static_range(N):
        blocks = blocks + (tl.where(carry > 0, states[n], 0.0),)
    return blocks


@triton.jit
def coefficients(values, width, exists, N: tl.constexpr, CONSTANT: tl.constexpr, WORDS: tl.constexpr):
    """B or C of a row: N numbers that all channels share, or N blocks where it is constant in time.

    With WORDS the row is read eight bytes at a time: it begins and ends at a multiple of eight.
    """
    blocks = ()
    if CONSTANT:
        for n in tl.static_range(N):
            blocks = blocks + (tl.load(values + n * width, mask=exists, other=0.0),)
    elif WORDS:
        bits: tl.constexpr = values.dtype.element_ty.primitive_bitwidth
        words = values.to(tl.pointer_type(tl.uint64), bitcast=True)
        for n in tl.static_range(N * bits // 64):
            word = tl.load(words + n)
            for half in tl.static_range(2):
                blocks = blocks + _numbers((word >> (32 * half)).to(tl.uint32), values.dtype.element_ty)
    else:
        for n in tl.static_range(N):
            blocks = blocks + (tl.load(values + n).to(tl.float32),)
    return blocks


@triton.jit
def _numbers(word, dtype: tl.constexpr):
    """The numbers of one or two that 32 bits hold, in float32: one of float32, else two, the lower half first."""
    if dtype == tl.float32:
        return (word.to(tl.float32, bitcast=True),)
    elif dtype == tl.bfloat16:
        # The bits of a bfloat16 are the upper half of a float32.
        lower, upper = word << 16, word & 0xFFFF0000
        return lower.to(tl.float32, bitcast=True), upper.to(tl.float32, bitcast=True)
    else:
        lower, upper = (word & 0xFFFF).to(tl.uint16), (word >> 16).to(tl.uint16)
        return lower.to(dtype, bitcast=True).to(tl.float32), upper.to(dtype, bitcast=True).to(tl.float32)


@triton.jit
def advanced(h, d, drive, a, b, N: tl.constexpr, ASM: tl.constexpr):
    """h[n] = exp2(d A[n]) h[n] + drive B[n]."""
    blocks = ()
    for n in tl.static_range(N):
        blocks = blocks + (exp2(d * a[n], ASM) * h[n] + drive * b[n],)
    return blocks


@triton.jit
def gathered_within(values, stride, rows, start, last, channel, exists, GROUP: tl.constexpr):
    """As `gathered`, but 0 after the last step."""
    blocks = ()
    for j in tl.static_range(GROUP):
        mask = where(start + j < last, exists)
        blocks = blocks + (tl.load(values + rows[j] * stride + channel, mask=mask, other=0.0).to(tl.float32),)
    return blocks


@triton.jit
def put_rows(
    values, stride, rows, blocks, start, last, channel, exists, old, GROUP: tl.constexpr, ADD: tl.constexpr,
    REVISITS: tl.constexpr,
):  # fmt: skip
    """Store the rows of a group; with ADD onto what stands there, where `old`.

    What stands there is read for the whole group at once, but one step after the other where a row may come twice.
    """
    before = zeros(GROUP, exists.shape[0])
    if ADD and not REVISITS:
        before = gathered_within(values, stride, rows, start, last, channel, where(old, exists), GROUP)
    for j in tl.static_range(GROUP):
        place = values + rows[j] * stride + channel
        mask = where(start + j < last, exists)
        value = blocks[j] + before[j]
        if REVISITS:
            value += tl.load(place, mask=mask, other=0.0).to(tl.float32)
        tl.store(place, value.to(values.dtype.element_ty), mask=mask)


@triton.jit
def add_states(values, stride, states, exists, N: tl.constexpr):
    """Add N blocks of float32 onto memory that this program alone writes."""
    for n in tl.static_range(N):
        place = values + n * stride
        tl.store(place, tl.load(place, mask=exists, other=0.0) + states[n], mask=exists)
