"""What a kernel is to the code that launches it.

Triton types `kernel[grid]` as the function under the decorator: every number and switch of a launch would have to be a
`tl.constexpr`, and `num_warps` would be unknown. A launch takes plain values, and options of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import triton

__all__ = ["kernel"]

kernel: Callable[[Callable[..., Any]], Any] = triton.jit
