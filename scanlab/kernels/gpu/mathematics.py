"""Elementary functions on float32 registers.

ASM chooses single instructions of NVIDIA's special function unit, which flush denormal numbers to zero. The relative
error of exp2 is 2^-22 at most, and its value at 0 is exactly 1; that of the reciprocal 2^-23 (PTX ISA, ex2 and rcp).
The interpreter and AMD GPUs take Triton's own functions.
"""

# pyright: reportOperatorIssue=false

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["LN_2", "exp2", "sigmoid", "softplus"]

LN_2 = tl.constexpr(0.6931471805599453)
LOG2_E = tl.constexpr(1.4426950408889634)


@triton.jit
def exp2(x, ASM: tl.constexpr):
    """2^x; 0 where x is very negative."""
    if ASM:
        return tl.inline_asm_elementwise(
            "ex2.approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1
        )
    else:
        return tl.exp2(x)


@triton.jit
def _divided(x, y, ASM: tl.constexpr):
    """x / y for y from 1 to 3: Triton's division looks for y whose reciprocal overflows."""
    if ASM:
        return x * tl.inline_asm_elementwise(
            "rcp.approx.ftz.f32 $0, $1;", "=f,f", [y], dtype=tl.float32, is_pure=True, pack=1
        )
    else:
        return x / y


@triton.jit
def softplus(x, ASM: tl.constexpr):
    """log(1 + e^x) = max(x, 0) + log1p(t), t = e^-|x|, without overflow.

    1 + t would lose the digits of a small t, and with them those of a small step: log1p(t) = s Q(s^2), s = t / (2 + t),
    with the minimax polynomial of the CPU kernels.
    """
    t = exp2(-tl.abs(x) * LOG2_E, ASM)
    s = _divided(t, 2.0 + t, ASM)
    square = s * s
    q = 0.2817833423614502 * square + 0.27960604429244995
    q = q * square + 0.40024909377098083
    q = q * square + 0.6666631698608398
    q = q * square + 2.0
    return tl.maximum(x, 0.0) + s * q


@triton.jit
def sigmoid(x, ASM: tl.constexpr):
    """1 / (1 + e^-x), the slope of softplus, without overflow."""
    t = exp2(-tl.abs(x) * LOG2_E, ASM)
    return _divided(tl.where(x >= 0, 1.0, t), 1.0 + t, ASM)
