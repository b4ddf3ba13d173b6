"""The kernels as they are launched for a state size and dtype: types of arguments, constants and warps.

For compilers that run without a GPU and without tensors. Constants name what the models of the library use: softplus,
D and bias given, B and C varying by row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .launching import FREE
from .selective_scan_backward import selective_scan_backward_kernel
from .selective_scan_carry import selective_scan_local_kernel, selective_scan_pass_kernel
from .selective_scan_forward import selective_scan_forward_kernel

__all__ = ["PASS", "Blocks", "Variant", "argument_kinds", "blocks_for", "divisible", "variants"]


@dataclass(frozen=True)
class Variant:
    """A kernel with everything a compiler needs; signature: Triton's type per argument, "constexpr" for constants.

    divisible: the arguments that are multiples of 16, as Triton finds them at a launch.
    """

    name: str
    kernel: Any
    signature: dict[str, str]
    constexprs: dict[str, Any]
    divisible: frozenset[str]
    num_warps: int = 1


@dataclass(frozen=True)
class Blocks:
    """Channels of a program, and how many steps' rows it asks for at once."""

    channels: int
    steps: int


# Of the kernel that passes states over work items: numbers of a program, and how many work items it asks for at once.
PASS = Blocks(128, 8)


def blocks_for(states: int, width: int = 64, *, lanes: int = 32, backward: bool = False) -> Blocks:
    """Blocks that keep everything in registers, by state size, channels and lanes of a warp (32, or 64 on AMD).

    Forward, 2 N + 3 steps numbers per channel live at once; two channels per lane halve the loads of B and C per
    channel, where the `width` channels of a group leave no lane of the last block idle that one channel would fill.
    Backward, N (steps + 4) numbers live at once; beyond N = 16 some spill. AMD keeps the rows of B and C, 2 N steps
    numbers that all lanes share, in some 100 scalar registers.
    """
    two = 2 * lanes if -width % (2 * lanes) < lanes else lanes
    if backward:
        return Blocks(two, 4) if states <= 2 else Blocks(lanes, 4 if states <= 8 else 2 if states <= 16 else 1)
    steps = 8 if states <= 4 else 4 if states <= 32 else 2
    if lanes == 64:
        return Blocks(two if states <= 4 else lanes, min(steps, max(1, 32 // states)))
    if states == 1:
        # Measured on an H100: 64 x 8 takes 1.26 times as long over 14 x 14, and 32 x 8 as much over 56 x 56.
        return Blocks(two, 4 if two > lanes else 16)
    return Blocks(two if states <= 16 else lanes, steps)


_PASSED = {"BLOCK": PASS.channels, "GROUP": PASS.steps, "ADJOINT": False}


def variants(
    state: int, dtype: str, patch_at: Callable[..., Any], *, lanes: int = 32, continued: bool = False
) -> list[Variant]:
    """The kernels for N = state and activations of Triton's type `dtype` (fp32, bf16, fp16); patch_at gives the rows.

    Tensors lie as models have them: whole, with channels in multiples of 16. lanes: 32 on NVIDIA, 64 on AMD, where exp2
    is not written in PTX. continued: sequences begin with given states, and their last states are returned.
    """
    common = {
        "PATCH_AT": patch_at, "N": state, "SOFTPLUS": True, "SKIP": True, "BIAS": True, "WEIGHTS": False,
        "B_CONSTANT": False, "C_CONSTANT": False, "KEEP": True, "INITIAL": continued, "LAST": continued,
        "CARRIED": False, "ADD": False, "ADD_U": False, "ADJOINT": False, "ADD_PARAMETERS": False, "REVISITS": False,
        "ASM": lanes == 32, "WORDS": state * (4 if dtype == "fp32" else 2) % 8 == 0,
    }  # fmt: skip
    forward, backward = blocks_for(state, lanes=lanes), blocks_for(state, lanes=lanes, backward=True)
    return [
        _variant(selective_scan_forward_kernel, dtype, common | _shape(forward), state),
        _variant(selective_scan_backward_kernel, dtype, common | _shape(backward), state),
        _variant(selective_scan_local_kernel, dtype, common | _shape(forward), state),
        _variant(selective_scan_pass_kernel, dtype, _PASSED | {"GIVEN": continued}),
    ]


def _shape(blocks: Blocks) -> dict[str, int]:
    return {"BLOCK": blocks.channels, "GROUP": blocks.steps}


_ACTIVATIONS = frozenset({"u", "delta", "B", "C", "y", "dy", "du", "ddelta"})
_INTEGERS = frozenset({"steps", "chunks", "work_items", "ranges"})
_FLOATS = frozenset(
    {
        "A",
        "D",
        "bias",
        "weights",
        "checkpoints",
        "last_state",
        "carried",
        "initial",
        "given",
        "dlast",
        "dinitial",
        "dB",
        "dC",
        "sums",
        "scratch",
        "ends",
        "decays",
    }
)


def _variant(kernel: Any, dtype: str, constants: dict[str, Any], state: int = 16) -> Variant:
    # Rows of B and C are N numbers; a stride of 1 is a constant to Triton.
    constants = constants | ({"B_row": 1, "C_row": 1} if state == 1 else {})

    name = kernel.fn.__name__.removesuffix("_kernel")
    used = {a: constants[a] for a in kernel.arg_names if a in constants}
    odd = {f"{c}_{axis}" for c in "BC" for axis in ("sample", "path", "group", "row")} if state % 16 else set()
    kinds = argument_kinds(kernel, used, (f"*{dtype}", _ACTIVATIONS), ("*i32", _INTEGERS), ("*fp32", _FLOATS))
    return Variant(name, kernel, kinds, used, divisible(kernel, used, odd))


def argument_kinds(kernel: Any, constants: Mapping[str, Any], *pointers: tuple[str, Collection[str]]) -> dict[str, str]:
    """Triton's type of every argument of a kernel; pointers: a type, and those of it. What is none is an int32."""

    def kind(argument: str) -> str:
        of_type = (name for name, arguments in pointers if argument in arguments)
        return next(of_type, "constexpr" if argument in constants else "i32")

    return {argument: kind(argument) for argument in kernel.arg_names}


def divisible(kernel: Any, constants: dict[str, Any], odd: set[str]) -> frozenset[str]:
    """The arguments of a kernel that are multiples of 16 to Triton: pointers, and numbers but FREE and `odd` ones."""
    return frozenset(kernel.arg_names) - constants.keys() - FREE - odd
