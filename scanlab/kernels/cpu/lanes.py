"""Lanes: a Numba type that is one vector register of float32, so that kernels read like formulas over channels.

Numba leaves vectors to LLVM's loop vectoriser, which gives up on exponentials and on sixteen states held at once. Here
a value of type Lanes is an LLVM vector; arithmetic on it is one instruction, and it lives in a register.

Rows of float32, float16 (as uint16) and bfloat16 (as int16) are read into float32 lanes; see halves.py.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel.models import PrimitiveModel
from numba.core.datamodel.registry import register_default
from numba.extending import intrinsic, overload

from .halves import from_bfloat16, from_float16, to_bfloat16, to_float16
from .target import TARGET

__all__ = ["WIDTH", "Lanes", "fma", "lanes", "load", "prefetch", "splat", "spread", "store", "total"]


# How many float32 fill a vector register.
WIDTH = TARGET.width
FLOAT, INT16, INT32 = ir.FloatType(), ir.IntType(16), ir.IntType(32)
FLOATS, INTS = ir.VectorType(FLOAT, WIDTH), ir.VectorType(INT32, WIDTH)
# How the elements of an array lie in memory, and become float32 lanes and come from them.
_BITS = {types.float32: FLOAT, types.uint16: INT16, types.int16: INT16}
_WIDENED = {types.uint16: from_float16, types.int16: from_bfloat16}
_NARROWED = {types.uint16: to_float16, types.int16: to_bfloat16}


class Lanes(types.Type):
    """WIDTH float32 side by side."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes({WIDTH})")


@register_default(Lanes)
class _LanesModel(PrimitiveModel):
    def __init__(self, manager: Any, front: Any) -> None:
        super().__init__(manager, front, FLOATS)


lanes = Lanes()


def constant(value: float) -> ir.Constant:
    """The same float32 in every lane."""
    return ir.Constant(FLOATS, [value] * WIDTH)


def vector_call(builder: Any, name: str, *arguments: Any) -> Any:
    """Call an LLVM intrinsic that takes and gives float vectors."""
    kind = ir.FunctionType(FLOATS, [FLOATS] * len(arguments))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"{name}.v{WIDTH}f32"), arguments)


def instruction(define: Callable[..., Any]) -> Any:
    """A function of compiled kernels, from its types and LLVM instructions; its calls leave out the context."""
    return intrinsic(define)


def elementwise(emit: Callable[..., Any], arity: int) -> Any:
    """A function on lanes, from the instructions it stands for."""
    if arity == 1:

        @instruction
        def one(_context: Any, _x: Any) -> Any:
            return lanes(lanes), lambda _c, builder, _s, values: emit(builder, *values)

        return one

    @instruction
    def two(_context: Any, _x: Any, _y: Any) -> Any:
        return lanes(lanes, lanes), lambda _c, builder, _s, values: emit(builder, *values)

    return two


# Sums and products may fuse, as a C compiler's would; no other liberty is taken with them.
_CONTRACT = ("contract",)
_OPERATORS = {
    operator.add: elementwise(lambda b, x, y: b.fadd(x, y, flags=_CONTRACT), 2),
    operator.sub: elementwise(lambda b, x, y: b.fsub(x, y, flags=_CONTRACT), 2),
    operator.mul: elementwise(lambda b, x, y: b.fmul(x, y, flags=_CONTRACT), 2),
}


def _overload_operator(symbol: Any, function: Any) -> None:
    # Numba compares the two signatures, annotations included.
    @overload(symbol)
    def _(x, y):
        if isinstance(x, Lanes) and isinstance(y, Lanes):
            return lambda x, y: function(x, y)
        return None


for _symbol, _function in _OPERATORS.items():
    _overload_operator(_symbol, _function)


@instruction
def fma(_context: Any, _x: Any, _y: Any, _z: Any) -> Any:
    """x * y + z, rounded once."""
    return lanes(lanes, lanes, lanes), lambda _c, builder, _s, values: vector_call(builder, "llvm.fma", *values)


@instruction
def splat(_context: Any, _value: Any) -> Any:
    """The same float32 in every lane."""
    return lanes(types.float32), lambda _c, builder, _s, values: _splat(builder, values[0])


def _splat(builder: Any, value: Any) -> Any:
    nothing = ir.Constant(ir.VectorType(value.type, WIDTH), ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(INT32, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(INTS, [0] * WIDTH))


@instruction
def spread(_context: Any, array: Any, _index: Any) -> Any:
    """array[index] in every lane, whatever its dtype."""
    bits = _BITS[array.dtype]

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = builder.bitcast(_address(context, builder, signature.args[0], *values), bits.as_pointer())
        return _widened(builder, _splat(builder, builder.load(pointer)), array.dtype)

    return lanes(array, types.intp), emit


@instruction
def total(_context: Any, _x: Any) -> Any:
    """The sum of all lanes, float32, always added up in the same order."""

    def emit(_c: Any, builder: Any, _s: Any, values: Any) -> Any:
        kind = ir.FunctionType(FLOAT, [FLOAT, FLOATS])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.v{WIDTH}f32")
        return builder.call(function, [ir.Constant(FLOAT, 0.0), values[0]], fastmath=("reassoc",))

    return types.float32(lanes), emit


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [index], inbounds=True)


def _mask(builder: Any, live: Any) -> Any:
    numbers = ir.Constant(INTS, list(range(WIDTH)))
    return builder.icmp_signed("<", numbers, _splat(builder, builder.trunc(live, INT32)))


@instruction
def load(_context: Any, array: Any, _index: Any, _live: Any) -> Any:
    """Lanes from array[index:index + live]; what is beyond `live`, at most WIDTH, is 0."""
    bits = _BITS[array.dtype]
    size = 4 if bits is FLOAT else 2

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = ir.VectorType(bits, WIDTH)
        raw = _address(context, builder, signature.args[0], *values[:2])
        pointer = builder.bitcast(raw, kind.as_pointer())
        full = builder.icmp_signed(">=", values[2], ir.Constant(values[2].type, WIDTH))
        result = cgutils.alloca_once(builder, kind)
        with builder.if_else(full, likely=True) as (whole, part):
            with whole:
                read = builder.load(pointer)
                read.align = size
                builder.store(read, result)
            with part:
                builder.store(_masked_load(builder, pointer, kind, size, values[2]), result)
        return _widened(builder, builder.load(result), array.dtype)

    return lanes(array, types.intp, types.intp), emit


def _suffix(kind: ir.VectorType) -> str:
    return f"v{WIDTH}{'i16' if kind.element == INT16 else 'f32'}"


def _masked_load(builder: Any, pointer: Any, kind: Any, size: int, live: Any) -> Any:
    mask = _mask(builder, live)
    signature = ir.FunctionType(kind, [pointer.type, INT32, mask.type, kind])
    function = cgutils.get_or_insert_function(builder.module, signature, f"llvm.masked.load.{_suffix(kind)}.p0")
    return builder.call(function, [pointer, ir.Constant(INT32, size), mask, ir.Constant(kind, None)])


def _widened(builder: Any, read: Any, dtype: Any) -> Any:
    return _WIDENED[dtype](builder, read) if dtype in _WIDENED else read


@instruction
def store(_context: Any, array: Any, _index: Any, _live: Any, _value: Any) -> Any:
    """array[index:index + live] = the first lanes, rounded to nearest even; live is at most WIDTH."""
    bits = _BITS[array.dtype]
    size = 4 if bits is FLOAT else 2

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = ir.VectorType(bits, WIDTH)
        raw = _address(context, builder, signature.args[0], *values[:2])
        pointer = builder.bitcast(raw, kind.as_pointer())
        value = _NARROWED[array.dtype](builder, values[3]) if array.dtype in _NARROWED else values[3]
        full = builder.icmp_signed(">=", values[2], ir.Constant(values[2].type, WIDTH))
        with builder.if_else(full, likely=True) as (whole, part):
            with whole:
                builder.store(value, pointer).align = size
            with part:
                _masked_store(builder, value, pointer, size, values[2])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, lanes), emit


def _masked_store(builder: Any, value: Any, pointer: Any, size: int, live: Any) -> None:
    mask = _mask(builder, live)
    signature = ir.FunctionType(ir.VoidType(), [value.type, pointer.type, INT32, mask.type])
    name = f"llvm.masked.store.{_suffix(value.type)}.p0"
    function = cgutils.get_or_insert_function(builder.module, signature, name)
    builder.call(function, [value, pointer, ir.Constant(INT32, size), mask])


@instruction
def prefetch(_context: Any, array: Any, _index: Any) -> Any:
    """Ask for the cache line of array[index]; an index outside the array does no harm."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = _address(context, builder, signature.args[0], *values)
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, INT32, INT32, INT32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        read, near, data = (ir.Constant(INT32, v) for v in (0, 3, 1))
        builder.call(function, [builder.bitcast(pointer, byte), read, near, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), emit
