"""Compiled kernels that are kept on disk, and forgotten when any file of this folder changes.

Numba's own cache looks at the file of a function only, and looks for another folder where the one it was given cannot
be written; but a kernel also holds what it was given by its neighbours (lanes, elementary functions) and by the
processor. So each state of this folder, for each processor and each version of the compilers, has a folder of its own
for what was compiled from it. It is the user's alone, since what lies there is run. Where there is none, kernels are
compiled in every process, which is said once.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core import config
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from scanlab.places import Unsafe, named, own, say_once, user_caches, writable, write_whole

from .target import TARGET

__all__ = ["kernel", "not_kept", "part"]


def kernel(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function with Numba when it is first called, and keep the code; options are those of numba.njit.

    Below NUMBA_CACHE_DIR where it is set, else below __pycache__ or, where that cannot be written, in the user's cache.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher: Any = numba.njit(**options)(function)
        dispatcher._cache = _Kept(function)
        return dispatcher

    return decorate


def part(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A function that kernels call and Python never does: without the wrappers for that, kernels compile in two thirds
    of the time, and run as fast. Called from Python, it would end the process."""
    wrappers: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return numba.njit(**wrappers, **options)


def not_kept() -> str:
    """Why kernels are compiled in every process; "" where they are kept."""
    settings: Any = config
    place = _folder(settings.CACHE_DIR)
    return place if isinstance(place, str) else ""


class _Kept:
    """Numba's interface of a cache, for one kernel: each compiled form in a file of its own, where it can be kept.

    Numba's index of all forms would forget one, or mistake it, where two processes write to it at once.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        settings: Any = config
        self._place = _folder(settings.CACHE_DIR)
        self._kernel = f"{function.__module__}.{function.__qualname__}"

    @property
    def cache_path(self) -> str | None:
        return str(self._place) if isinstance(self._place, Path) else None

    def load_overload(self, sig: Any, target_context: Any) -> CompileResult | None:
        target_context.refresh()
        if not isinstance(self._place, Path):
            return None
        try:
            parts = pickle.loads(self._file(self._place, sig, target_context).read_bytes())
        except (OSError, EOFError, pickle.UnpicklingError):
            return None
        return CompileResult._rebuild(target_context, *parts)

    def save_overload(self, sig: Any, data: Any) -> None:
        assert not data.library.has_dynamic_globals, "a kernel holds no addresses of this process"
        if isinstance(self._place, Path):
            try:
                return write_whole(self._file(self._place, sig, data.target_context), dumps(data._reduce()))
            except OSError as error:
                self._place = f"{self._place} cannot be written: {error.strerror}"
        say_once(f"compiled kernels are not kept, every process compiles them anew: {self._place}")

    def _file(self, folder: Path, sig: Any, target_context: Any) -> Path:
        about = f"{self._kernel} {sig} {target_context.codegen().magic_tuple()} {sys.version}"
        return folder / f"{self._kernel.rpartition('.')[2]}-{sha256(about.encode()).hexdigest()[:16]}.nbc"

    def enable(self) -> None: ...

    def disable(self) -> None: ...

    def flush(self) -> None: ...


@cache
def _folder(chosen: str) -> Path | str:
    """The folder that holds what is compiled from the files as they are now, or why there is none."""
    here = Path(__file__).parent
    about = f"{TARGET} {numba.__version__} {llvmlite.__version__}".encode()
    digest = sha256(about + b"".join(file.read_bytes() for file in sorted(here.glob("*.py")))).hexdigest()[:16]
    problems = []
    for find in (lambda: named(chosen),) if chosen else (lambda: here / "__pycache__", user_caches):
        try:
            return writable(_of_this_user(find(), f"kernels-{digest}"))
        except (OSError, Unsafe) as error:
            problems.append(error.strerror if isinstance(error, OSError) else str(error))
    return f"{'; '.join(dict.fromkeys(map(str, problems)))}. Set NUMBA_CACHE_DIR to a folder that you can write to"


def _of_this_user(base: Path, name: str) -> Path:
    """The folder of that name, or one that carries the user's number where the first is somebody else's."""
    try:
        return own(base / name)
    except Unsafe:
        if os.name != "posix":
            raise
        return own(base / f"{name}-{os.getuid()}")
