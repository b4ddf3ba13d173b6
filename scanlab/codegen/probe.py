"""A loop that does nothing but read one row per step: what a path function costs is what it adds to this loop."""

# Triton reads `tl.static_range`, which gives Python no iterator.
# pyright: reportGeneralTypeIssues=false

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import triton
import triton.language as tl

from scanlab.codegen.offline import compile_kernel
from scanlab.kernels.gpu.launching import kernel

__all__ = ["Variant", "rows_kernel", "step_cost", "variants"]

_GROUP = 8
_SIGNATURE = {
    "u": "*fp32",
    "y": "*fp32",
    "steps": "*i32",
    "chunks": "*i32",
    "length": "i32",
    "D": "constexpr",
    "GROUP": "constexpr",
    "PATCH_AT": "constexpr",
}


@kernel
def rows_kernel(u, y, steps, chunks, length, D: tl.constexpr, GROUP: tl.constexpr, PATCH_AT: tl.constexpr):
    """y[program] = the sum of the rows of u that a chunk visits, 32 channels; a chunk is (sequence, first, last)."""
    lanes = tl.arange(0, 32)
    chunk = chunks + tl.program_id(0) * 3
    sequence, first, last = tl.load(chunk), tl.load(chunk + 1), tl.load(chunk + 2)
    total = tl.zeros([32], tl.float32)
    for start in range(first, last, GROUP):
        for j in tl.static_range(GROUP):
            row = PATCH_AT(steps + sequence * length, sequence, start + j)
            total += tl.load(u + row * D + lanes)
    tl.store(y + tl.program_id(0) * 32 + lanes, total)


@dataclass(frozen=True)
class Variant:
    """A kernel and how it is compiled, as kernels/gpu/variants.py lists its own."""

    name: str
    kernel: Any
    signature: Mapping[str, str]
    constexprs: Mapping[str, Any]
    divisible: Collection[str]
    num_warps: int


def variants(
    state: int, dtype: str, patch_at: Callable[..., Any], *, lanes: int = 32, continued: bool = False
) -> list[Variant]:
    """The loop, with a path function plugged in; neither state size, dtype, lanes nor states matter to it."""
    pointers = [name for name, kind in _SIGNATURE.items() if kind.startswith("*")]
    return [Variant("rows", rows_kernel, _SIGNATURE, {"D": 384, "GROUP": _GROUP, "PATCH_AT": patch_at}, pointers, 1)]


@triton.jit
def _step(steps, sequence, step):
    return step


@triton.jit
def _look_up(steps, sequence, step):
    return tl.load(steps + step)


def step_cost(patch_at: Callable[..., Any] | None, target: str = "sm_90") -> float:
    """Instructions per step that a path function adds to the loop; None: a look-up in the table."""
    return (_loop(patch_at or _look_up, target) - _loop(_step, target)) / _GROUP


def _loop(patch_at: Callable[..., Any], target: str) -> int:
    [loop] = variants(1, "fp32", patch_at)
    given = (loop.name, loop.kernel, loop.signature, loop.constexprs, loop.divisible, loop.num_warps)
    return compile_kernel(*given, target).loop
