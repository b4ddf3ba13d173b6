"""What a kernel is to the code that launches it, and where Triton keeps what it compiles.

Triton types `kernel[grid]` as the function under the decorator: every number and switch of a launch would have to be a
`tl.constexpr`, and `num_warps` would be unknown. A launch takes plain values, and options of its own.

Triton keeps compiled kernels below the user's home, and needs a folder to compile at all. Without a home it would make
one named `~` in the working folder; where none can be written, it gets one of this process alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import triton
from triton import knobs

from scanlab.places import passing_folder, say_once, writable

__all__ = ["kernel"]

kernel: Callable[[Callable[..., Any]], Any] = triton.jit


def _find_a_folder() -> None:
    folder = Path(knobs.cache.dir)
    try:
        if not folder.is_absolute() and "TRITON_CACHE_DIR" not in os.environ:
            raise FileNotFoundError(2, "this user has no home folder")
        folder.mkdir(parents=True, exist_ok=True)
        writable(folder)
    except OSError as error:
        knobs.cache.dir = str(passing_folder() / "triton")
        why = f"{folder} cannot be written ({error.strerror})"
        say_once(f"GPU kernels are not kept, every process compiles them anew: {why}. Set TRITON_CACHE_DIR to a folder")


if not knobs.runtime.interpret:
    _find_a_folder()
