"""How tensors come to the kernels of the selective scan: addresses and numbers, side by side in one array of int64.

Numba looks at every array and tuple of a call, and takes as long for the two dozen of a scan as the scan of a small
image. So they come as words, which the kernels read here and `scanlab.ops.mamba.cpu` writes in the same order; what
decides how a kernel is compiled comes as examples of the same types.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types
from numba.extending import overload
from numba.np.arrayobj import populate_array

from .caching import part
from .lanes import instruction
from .layout import Constant, Parameters, Rows, Sizes, Table, Varying

__all__ = [
    "ARRAY",
    "COEFFICIENTS",
    "PARAMETERS",
    "ROWS",
    "SIZES",
    "TABLE",
    "array_at",
    "coefficients_at",
    "gradient_at",
    "parameters_at",
    "rows_at",
    "sizes_at",
    "table_at",
]

# How many words each of them takes. An array: address, length. Rows: an array, three strides. B or C: an array, four.
ARRAY, ROWS, COEFFICIENTS, PARAMETERS, SIZES, TABLE = 2, 5, 6, 13, 6, 3
LOG2_E = np.float32(1.4426950408889634)


@instruction
def _memory(_context: Any, like: Any, _address: Any, _length: Any) -> Any:
    """The array of a length that begins at an address, with the dtype of `like`; it owns nothing."""
    kind = types.Array(like.dtype, 1, "C")

    def emit(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        _, address, length = values
        array = context.make_array(kind)(context, builder)
        item = context.get_data_type(kind.dtype)
        size = context.get_constant(types.intp, context.get_abi_sizeof(item))
        data = builder.inttoptr(address, item.as_pointer())
        populate_array(array, data=data, shape=[length], strides=[size], itemsize=size, meminfo=None)
        return array._getvalue()

    return kind(like, types.int64, types.int64), emit


@part(forceinline=True)
def array_at(words, place, like):
    """The array at words[place], with the dtype of `like`."""
    return _memory(like, words[place], words[place + 1])


@part(forceinline=True)
def rows_at(words, place, like):
    """Rows."""
    return Rows(array_at(words, place, like), words[place + 2], words[place + 3], words[place + 4])


def coefficients_at(words, place, like):
    """B or C, of the type of `like`."""
    raise NotImplementedError("only inside compiled kernels")


@overload(coefficients_at)
def _coefficients_at(words, place, like):
    if like.instance_class is Varying:
        return lambda words, place, like: Varying(
            array_at(words, place, like.values),
            words[place + 2],
            words[place + 3],
            words[place + 4],
            words[place + 5],
        )
    return lambda words, place, like: Constant(array_at(words, place, like.values), words[place + 2])


def gradient_at(words, place, like, floats):
    """The float32 gradient of B or C, laid out as `like`."""
    raise NotImplementedError("only inside compiled kernels")


@overload(gradient_at)
def _gradient_at(words, place, like, floats):
    if like.instance_class is Varying:
        return lambda words, place, like, floats: coefficients_at(words, place, Varying(floats, 0, 0, 0, 0))
    return lambda words, place, like, floats: coefficients_at(words, place, Constant(floats, 0))


@part(forceinline=True)
def parameters_at(words, place, sizes, like):
    """Parameters, from A as it is given, float32 [Kp, D, N] with free strides, and whether all of A is finite.

    like: any float32.
    """
    sets, given = words[place + 4], array_at(words, place, like)
    A = np.empty(sets * sizes.states * sizes.channels, np.float32)
    to, finite = 0, True
    for k in range(sets):
        for n in range(sizes.states):
            first = k * words[place + 1] + n * words[place + 3]
            for d in range(sizes.channels):
                value = given[first + d * words[place + 2]]
                finite = finite and np.isfinite(value)
                A[to] = value * LOG2_E
                to += 1
    D, bias = array_at(words, place + 5, like), array_at(words, place + 7, like)
    weights = array_at(words, place + 9, like)
    return Parameters(A, D, bias, weights, words[place + 11], words[place + 12] != 0), finite


@part(forceinline=True)
def sizes_at(words, place):
    """Sizes."""
    return Sizes(words[place], words[place + 1], words[place + 2], words[place + 3], words[place + 4], words[place + 5])


@part(forceinline=True)
def table_at(words, place, chunks, ranges):
    """Table; chunks and ranges are those of it."""
    return Table(array_at(words, place, ranges), words[place + 2], chunks, ranges)
