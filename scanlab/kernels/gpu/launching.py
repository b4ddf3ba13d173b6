"""What a kernel is to the code that launches it, and where Triton keeps what it compiles.

Triton types `kernel[grid]` as the function under the decorator: every number and switch of a launch would have to be a
`tl.constexpr`, and `num_warps` would be unknown. A launch takes plain values, and options of its own.

Triton keeps compiled kernels below the user's home, and needs a folder to compile at all. Without a home it would make
one named `~` in the working folder; where none can be written, it gets one of this process alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import triton
from triton import knobs

from scanlab.places import say_once, temporary_folder, writable

__all__ = ["FREE", "kernel"]

# Counts, and strides by which nothing is aligned that is read or written in words. They change with the image and its
# paths, and Triton would compile a kernel anew for each that is 1, or a multiple of 16, where another was not.
FREE = frozenset(
    {
        "programs",
        "blocks",
        "checkpoint_count",
        "sequences",
        "together",
        "fresh",
        "accumulators",
        "groups_per_chunk",
        "count",
        "round_number",
        "paths",
    }
    | {"length", "outer_copies", "copies"}
    | {"tile_count", "steps_sample", "steps_sequence", "dt_sample", "dt_path"}
    | {"part_block", "part_sample", "part_path", "part_sequence", "part_group"}
)


def kernel(function: Callable[..., Any]) -> Any:
    """A kernel that may be launched: `kernel[grid](…, num_warps=…)`."""
    return triton.jit(do_not_specialize=[name for name in signature(function).parameters if name in FREE])(function)


def _find_a_folder() -> None:
    folder = Path(knobs.cache.dir)
    try:
        if not folder.is_absolute() and "TRITON_CACHE_DIR" not in os.environ:
            raise FileNotFoundError(2, "this user has no home folder")
        folder.mkdir(parents=True, exist_ok=True)
        writable(folder)
    except OSError as error:
        knobs.cache.dir = str(temporary_folder() / "triton")
        why = f"{folder} cannot be written ({error.strerror})"
        say_once(f"GPU kernels are not kept, every process compiles them anew: {why}. Set TRITON_CACHE_DIR to a folder")


if not knobs.runtime.interpret:
    _find_a_folder()
