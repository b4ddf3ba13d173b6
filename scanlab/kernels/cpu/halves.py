"""Sixteen bits to float32 lanes and back, rounded to nearest even: float16, and bfloat16.

Numba has no half-precision arrays on CPUs, so float16 comes as an array of uint16 with the same bits, bfloat16 as one
of int16. Where the processor has no instruction for float16, LLVM would call a function of a library that compiled
kernels cannot reach; there the bits are moved as integers.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from .target import TARGET

__all__ = ["from_bfloat16", "from_float16", "to_bfloat16", "to_float16"]

FLOATS, INTS, SHORTS, HALVES = (
    ir.VectorType(kind, TARGET.width) for kind in (ir.FloatType(), ir.IntType(32), ir.IntType(16), ir.HalfType())
)


def _ints(value: int) -> ir.Constant:
    return ir.Constant(INTS, [value] * TARGET.width)


def _floats(value: float) -> ir.Constant:
    return ir.Constant(FLOATS, [value] * TARGET.width)


def from_bfloat16(builder: Any, read: Any) -> Any:
    """float32 lanes from int16: the upper halves of their bits."""
    return builder.bitcast(builder.shl(builder.zext(read, INTS), _ints(16)), FLOATS)


def to_bfloat16(builder: Any, value: Any) -> Any:
    """int16 from float32 lanes: half a unit is added, and the odd bit breaks ties."""
    whole = builder.bitcast(value, INTS)
    odd = builder.and_(builder.lshr(whole, _ints(16)), _ints(1))
    rounded = builder.lshr(builder.add(whole, builder.add(odd, _ints(0x7FFF))), _ints(16))
    # Rounding must not carry a NaN into an infinity.
    number = builder.fcmp_ordered("ord", value, value)
    quiet = builder.or_(builder.lshr(whole, _ints(16)), _ints(0x40))
    return builder.trunc(builder.select(number, rounded, quiet), SHORTS)


def from_float16(builder: Any, read: Any) -> Any:
    """float32 lanes from the bits of float16 in int16."""
    if TARGET.halves:
        return builder.fpext(builder.bitcast(read, HALVES), FLOATS)
    bits = builder.zext(read, INTS)
    size = builder.and_(bits, _ints(0x7FFF))
    # The bias of the exponent is 127 in place of 15; an infinity or NaN keeps all its exponent's bits.
    special = builder.icmp_unsigned(">=", size, _ints(0x7C00))
    bias = builder.select(special, _ints(0xE0 << 23), _ints(0x70 << 23))
    normal = builder.add(builder.shl(size, _ints(13)), bias)
    # Below 2^-14 a float16 is a whole number of units of 2^-24.
    units = builder.fmul(builder.sitofp(size, FLOATS), _floats(2.0**-24))
    small = builder.icmp_unsigned("<", size, _ints(0x400))
    size = builder.select(small, builder.bitcast(units, INTS), normal)
    sign = builder.shl(builder.and_(bits, _ints(0x8000)), _ints(16))
    return builder.bitcast(builder.or_(size, sign), FLOATS)


def to_float16(builder: Any, value: Any) -> Any:
    """The bits of float16 in int16, from float32 lanes."""
    if TARGET.halves:
        return builder.bitcast(builder.fptrunc(value, HALVES), SHORTS)
    bits = builder.bitcast(value, INTS)
    size = builder.and_(bits, _ints(0x7FFFFFFF))
    odd = builder.and_(builder.lshr(size, _ints(13)), _ints(1))
    rounded = builder.add(size, builder.add(odd, _ints(0xFFF)))
    normal = builder.lshr(builder.sub(rounded, _ints(0x70 << 23)), _ints(13))
    normal = builder.select(builder.icmp_unsigned(">=", rounded, _ints(0x47800000)), _ints(0x7C00), normal)
    # Below 2^-14: added to 2^-1, whose last bit stands for a unit of 2^-24, the processor rounds it to whole units.
    units = builder.fadd(builder.bitcast(size, FLOATS), _floats(0.5))
    units = builder.sub(builder.bitcast(units, INTS), _ints(0x3F000000))
    result = builder.select(builder.icmp_unsigned("<", size, _ints(0x38800000)), units, normal)
    result = builder.select(builder.icmp_unsigned(">", size, _ints(0x7F800000)), _ints(0x7E00), result)
    sign = builder.and_(builder.lshr(bits, _ints(16)), _ints(0x8000))
    return builder.trunc(builder.or_(result, sign), SHORTS)
