"""The convolution, the state space dual and the merging of copies as they are launched.

Their blocks, and arguments for compilers that run without a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .convolution import convolution_backward_kernel, convolution_forward_kernel
from .merging import AT_ONCE, BLOCK, merge_kernel
from .ssd import ssd_forward_kernel, ssd_outer_kernel, ssd_pass_kernel
from .ssd_backward import ssd_coefficient_backward_kernel, ssd_input_backward_kernel
from .variants import Variant, argument_kinds, divisible

__all__ = ["CHANNELS", "PASS", "convolution_steps", "longest_chunk", "ssd_blocks", "variants"]

# Channels of a program of the convolution, which has four warps; numbers of a program that passes states on.
CHANNELS = 128
PASS = 1024


def convolution_steps(taps: int, chained: bool) -> int:
    """Steps at a time: 2 W - 1 rows of each are held at once, and with chained paths the weights of each step too."""
    return 4 if chained or taps > 4 else 8


def longest_chunk(half: bool) -> int:
    """Steps whose matrices fit into registers: those of float32 take twice the room, and more to be multiplied."""
    return 128 if half else 32


def ssd_blocks(chunk: int, states: int, width: int, half: bool) -> tuple[dict[str, int], int]:
    """STEPS, STATES and WIDTH, powers of two and at least the 16 that a product of matrices takes; and warps."""
    steps, size, channels = (max(16, 1 << (n - 1).bit_length()) for n in (chunk, states, width))
    warps = 4 if half and steps * max(size, channels) <= 2048 else 8
    return {"STEPS": steps, "STATES": size, "WIDTH": channels}, warps


_ACTIVATIONS = frozenset({"x", "initial", "B", "C", "y", "dy", "dx", "out"})
_INTEGERS = frozenset({"steps", "tiles", "owners", "visits", "ranges"})
_FLOATS = frozenset(
    {"weight", "bias", "dweight", "dt", "decay", "D", "weights", "states", "decays", "last_state", "gradients"}
    | {"given", "values", "ddt", "ddecay", "dB", "dC", "dD", "dweights"}
)


def variants(
    state: int, dtype: str, patch_at: Callable[..., Any], *, lanes: int = 32, continued: bool = False
) -> list[Variant]:
    """The kernels for 4 taps, N = state, heads of 64 channels and chunks of 64 steps, with rows given by patch_at.

    dtype: Triton's type of the activations (fp32, bf16, fp16). lanes: 32 on NVIDIA, 64 on AMD, which multiplies
    float32 as it is. continued: sequences begin with given states, and their last states are returned.
    """
    half = dtype != "fp32"
    blocks, warps = ssd_blocks(min(64, longest_chunk(half)), state, 64, half)
    common = {"PATCH_AT": patch_at, "SILU": True, "BIAS": True, "CHAINED": False, "REVISITS": False, "TAPS": 4}
    common |= {"INITIAL": continued, "GIVEN": continued}
    common |= {"STEPS": convolution_steps(4, False), "CHANNELS": CHANNELS}
    ssd = common | blocks | {"SKIP": True, "WEIGHTS": False, "ADJOINT": False, "LAST": continued, "BLOCK": PASS}
    ssd |= {"PRECISION": "tf32x3" if lanes == 32 else "ieee"}
    return [
        *(_variant(k, dtype, common, 4) for k in (convolution_forward_kernel, convolution_backward_kernel)),
        *(_variant(k, dtype, ssd, warps) for k in (ssd_outer_kernel, ssd_pass_kernel, ssd_forward_kernel)),
        *(_variant(k, dtype, ssd, warps) for k in (ssd_input_backward_kernel, ssd_coefficient_backward_kernel)),
        _variant(merge_kernel, dtype, {"BLOCK": BLOCK, "AT_ONCE": AT_ONCE}, 4),
    ]


def _variant(kernel: Any, dtype: str, constants: dict[str, Any], warps: int) -> Variant:
    used = {a: constants[a] for a in kernel.arg_names if a in constants}
    # Numbers of heads are what they are, such as 12 or 24.
    multiples = divisible(kernel, used, {"heads", "group"})
    name = kernel.fn.__name__.removesuffix("_kernel")
    kinds = argument_kinds(kernel, used, (f"*{dtype}", _ACTIVATIONS), ("*i32", _INTEGERS), ("*fp32", _FLOATS))
    return Variant(name, kernel, kinds, used, multiples, warps)
