"""Exponential, softplus and its derivative on lanes.

exp2(x) = 2^r P(x - r), with r = x rounded to an integer and P a polynomial of degree 5 on [-1/2, 1/2]: relative error
at most 1e-7 before rounding, and exactly 1 at 0, since an error at 0 would add up over a long memory. softplus(x) =
max(x, 0) + log1p(e) with e = exp(-|x|) in (0, 1], and log1p(e) = 2 artanh(s) = s Q(s^2) with s = e / (2 + e): relative
error at most 4e-9 before rounding, also where e is tiny. Both polynomials were fitted by linear programming for the
least largest relative error at 4,001 points.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils

from .lanes import FLOATS, INT16, INT32, INTS, WIDTH, constant, elementwise, vector_call
from .target import TARGET

__all__ = ["exp2", "sigmoid", "softplus"]

LOG2_E = 1.4426950408889634
_EXP2 = (0.001326472731307149, 0.009671512991189957, 0.05550733581185341, 0.24022242426872253, 0.6931470036506653, 1.0)
_LOG1P = (0.2817833423614502, 0.27960604429244995, 0.40024909377098083, 0.6666631698608398, 2.0)
# Below, 2^x is not a normal float32; the states it multiplies are forgotten either way.
_LOWEST = -126.0
# From here on 2^x is infinite.
_HIGHEST = 128.0


def _polynomial(builder: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    result = constant(coefficients[0])
    for coefficient in coefficients[1:]:
        result = vector_call(builder, "llvm.fma", result, x, constant(coefficient))
    return result


def _larger(builder: Any, x: Any, least: float) -> Any:
    """max(x, least); a NaN stays one."""
    return builder.select(builder.fcmp_ordered("<", x, constant(least)), constant(least), x)


def _smaller(builder: Any, x: Any, most: float) -> Any:
    """min(x, most); a NaN stays one."""
    return builder.select(builder.fcmp_ordered(">", x, constant(most)), constant(most), x)


def _exp2(builder: Any, x: Any) -> Any:
    x = _larger(builder, x, _LOWEST)
    if not TARGET.scalef:
        x = _smaller(builder, x, _HIGHEST)
    whole = vector_call(builder, "llvm.rint", x)
    fraction = _polynomial(builder, builder.fsub(x, whole), _EXP2)
    return _scaled(builder, fraction, whole)


def _scaled(builder: Any, x: Any, exponent: Any) -> Any:
    """x 2^exponent, for x in [0.7, 1.42] and a whole exponent; without scalef it lies in -126 to 128."""
    if TARGET.scalef:  # AVX-512 has an instruction for any exponent
        kind = ir.FunctionType(FLOATS, [FLOATS, FLOATS, FLOATS, INT16, INT32])
        scalef = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.mask.scalef.ps.512")
        everywhere, rounding = ir.Constant(INT16, -1), ir.Constant(INT32, 4)
        return builder.call(scalef, [x, exponent, ir.Constant(FLOATS, ir.Undefined), everywhere, rounding])
    # Added to x's own exponent: 2^128 alone is no float32, but 0.71 2^128 is. 1 becomes infinity, a NaN stays one.
    bits = builder.shl(builder.fptosi(exponent, INTS), ir.Constant(INTS, [23] * WIDTH))
    return builder.bitcast(builder.add(builder.bitcast(x, INTS), bits), FLOATS)


def _exp_of_minus_size(builder: Any, x: Any) -> Any:
    """exp(-|x|)."""
    return _exp2(builder, builder.fmul(vector_call(builder, "llvm.fabs", x), constant(-LOG2_E)))


def _softplus(builder: Any, x: Any) -> Any:
    e = _exp_of_minus_size(builder, x)
    s = builder.fdiv(e, builder.fadd(e, constant(2.0)))
    log1p = builder.fmul(s, _polynomial(builder, builder.fmul(s, s), _LOG1P))
    return builder.fadd(_larger(builder, x, 0.0), log1p)


def _sigmoid(builder: Any, x: Any) -> Any:
    e = _exp_of_minus_size(builder, x)
    positive = builder.fcmp_unordered(">=", x, constant(0.0))
    return builder.fdiv(builder.select(positive, constant(1.0), e), builder.fadd(e, constant(1.0)))


exp2 = elementwise(_exp2, 1)
softplus = elementwise(_softplus, 1)
sigmoid = elementwise(_sigmoid, 1)
