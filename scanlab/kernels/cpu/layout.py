"""How tensors come to the CPU kernels: flat arrays with their strides, so that any view is read where it lies.

One compiled kernel serves all shapes and strides. Half precision comes as integers of the same bits (see lanes).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba.extending import overload

from .caching import part
from .lanes import load, prefetch, spread

__all__ = [
    "Constant",
    "Ends",
    "Inputs",
    "Parameters",
    "Rows",
    "Sizes",
    "Sums",
    "Table",
    "Varying",
    "ask_for_coefficients",
    "coefficient",
    "first_coefficient",
    "is_constant",
    "row_at",
]


class Rows(NamedTuple):
    """[B, K or 1, L, D], channels contiguous: strides of the other axes, 0 where an axis is shared."""

    values: Any
    sample: int
    path: int
    row: int


class Varying(NamedTuple):
    """B or C by row, [B, K or 1, G, L, N], states contiguous."""

    values: Any
    sample: int
    path: int
    group: int
    row: int


class Constant(NamedTuple):
    """B or C constant in time, float32 [K or 1, N, D], contiguous."""

    values: Any
    path: int


class Parameters(NamedTuple):
    """A [Kp, N, D], D and bias [Kp, D], weights [K, D]: float32, flat, contiguous.

    own: 1 where every path has its own parameters, 0 where they share. softplus: of delta + bias.
    """

    A: Any
    D: Any
    bias: Any
    weights: Any
    own: int
    softplus: bool


class Inputs(NamedTuple):
    """The arguments of a scan. Numba's parallel loops take no nested tuples: kernels put this together inside."""

    u: Rows
    delta: Rows
    B: Any
    C: Any
    parameters: Parameters


class Sizes(NamedTuple):
    """B samples; G groups of D/G channels; N states; T sequences; S steps at most in a sequence."""

    samples: int
    groups: int
    channels: int
    states: int
    sequences: int
    steps: int


class Sums(NamedTuple):
    """Gradients that are sums over rows, one per sample, float32, flat, from zero.

    A [B, Kp, N, D]; D, bias [B, Kp, D]; weights [B, K, D]; sample: their stride over samples.
    """

    A: Any
    D: Any
    bias: Any
    weights: Any
    sample: int


class Ends(NamedTuple):
    """Gradients of the states at the ends of sequences, float32 [B, T, N, D], flat, each empty where there are none.

    last: of those after the last steps. initial: of those before the first steps, to be filled.
    """

    last: Any
    initial: Any


class Table(NamedTuple):
    """steps int32 [Bt, T, S], flat; sample: its stride over samples, 0 where all share; chunks, ranges: see Chunks."""

    steps: Any
    sample: int
    chunks: Any
    ranges: Any


@part(forceinline=True)
def row_at(rows, sample, path, row):
    """The index of the first channel of a row."""
    return sample * rows.sample + path * rows.path + row * rows.row


def first_coefficient(coefficients, sample, path, group, row, channel):
    """The index of B or C for state 0, at a row, in a block of channels that begins at `channel`."""
    raise NotImplementedError("only inside compiled kernels")


def coefficient(coefficients, first, state, channels, live):
    """B or C for one state: lanes, all alike where it varies by row, one per channel where it is constant."""
    raise NotImplementedError("only inside compiled kernels")


def ask_for_coefficients(coefficients, offset, sample, path, group, row):
    """Prefetch B or C of a row, `offset` values on; what is constant in time is in the cache anyway."""
    raise NotImplementedError("only inside compiled kernels")


@overload(ask_for_coefficients)
def _ask_for_coefficients(coefficients, offset, sample, path, group, row):
    if coefficients.instance_class is not Varying:
        return lambda coefficients, offset, sample, path, group, row: None
    return lambda coefficients, offset, sample, path, group, row: prefetch(
        coefficients.values, offset + first_coefficient(coefficients, sample, path, group, row, 0)
    )


def is_constant(coefficients):
    """Whether B or C is constant in time, known when a kernel is compiled."""
    raise NotImplementedError("only inside compiled kernels")


@overload(is_constant)
def _is_constant(coefficients):
    constant = coefficients.instance_class is Constant
    return lambda coefficients: constant


@overload(first_coefficient)
def _first_coefficient(coefficients, sample, path, group, row, channel):
    if coefficients.instance_class is Varying:
        return lambda coefficients, sample, path, group, row, channel: (
            sample * coefficients.sample
            + path * coefficients.path
            + group * coefficients.group
            + row * coefficients.row
        )
    return lambda coefficients, sample, path, group, row, channel: path * coefficients.path + channel


@overload(coefficient)
def _coefficient(coefficients, first, state, channels, live):
    if coefficients.instance_class is Varying:
        return lambda coefficients, first, state, channels, live: spread(coefficients.values, first + state)
    return lambda coefficients, first, state, channels, live: load(coefficients.values, first + state * channels, live)
