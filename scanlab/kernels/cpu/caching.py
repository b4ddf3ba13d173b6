"""Compiled kernels that are kept on disk, and forgotten when any file of this folder changes.

Numba's cache looks at the file of a function only; a kernel also holds what it was given by its neighbours (lanes,
elementary functions). So each state of the folder has a folder of its own for what was compiled from it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
from numba.core import config

__all__ = ["kernel", "part"]


def kernel(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function with Numba when it is first called, and keep the code; options are those of numba.njit.

    Below NUMBA_CACHE_DIR where it is set, else below __pycache__ or, where that cannot be written, in the user's cache.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        settings: Any = config
        before = settings.CACHE_DIR
        settings.CACHE_DIR = str(_folder(before))
        try:
            return numba.njit(cache=True, **options)(function)
        finally:
            settings.CACHE_DIR = before

    return decorate


def part(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A function that kernels call and Python never does: without the wrappers for that, kernels compile in two thirds
    of the time, and run as fast. Called from Python, it would end the process."""
    wrappers: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return numba.njit(**wrappers, **options)


@cache
def _folder(chosen: str) -> Path:
    here = Path(__file__).parent
    digest = sha256(b"".join(file.read_bytes() for file in sorted(here.glob("*.py")))).hexdigest()[:16]
    base = Path(chosen) if chosen else here / "__pycache__"
    try:
        folder = base / f"kernels-{digest}"
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path.home() / ".cache" / "scanlab" / f"kernels-{digest}"
    return folder
