"""Compiled kernels that are kept on disk, and forgotten when any file that they are made from changes.

Numba's own cache looks at the file of a function only, and looks for another folder where the one it was given cannot
be written; but a kernel also holds what it was given by its neighbours (lanes, elementary functions) and by the
processor. So each state of this folder and of the columns beside it, for each processor and each version of the
compilers, has a folder of its own for what was compiled from it. It is the user's alone, since what lies there is run.
Where there is none, kernels are compiled in every process, which is said once. Of several processes that want the same
kernel, as those of torchrun or the workers of a study do, one compiles it and the others wait.
"""

from __future__ import annotations

import gc
import os
import pickle
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from hashlib import sha256
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows: every process compiles for itself
    fcntl = None

import llvmlite
import numba
from numba.core import config
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from scanlab.places import UnsafeFolder, configured_folder, private_folder, say_once, user_caches, writable, write_whole

from .target import TARGET

__all__ = ["kernel", "not_kept", "part"]

# A kernel takes half a minute at most; who takes longer has been stopped, and is not waited for.
PATIENCE_S = 90.0


def kernel(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function with Numba when it is first called, and keep the code; options are those of numba.njit.

    Below NUMBA_CACHE_DIR where it is set, else below __pycache__ or, where that cannot be written, in the user's cache.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher: Any = numba.njit(**options)(function)
        dispatcher._cache = _Kept(function)
        dispatcher.compile = _without_collecting(dispatcher.compile)
        return dispatcher

    return decorate


def _without_collecting(compile: Callable[..., Any]) -> Callable[..., Any]:
    """A compiler of Python objects that live until it is done: looking through them for rubbish took a seventh of its
    time."""

    @wraps(compile)
    def compiled(*words: Any) -> Any:
        collecting = gc.isenabled()
        gc.disable()
        try:
            return compile(*words)
        finally:
            if collecting:
                gc.enable()

    return compiled


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
        file = self._file(self._place, sig, target_context)
        compiled = _read(file, target_context)
        if compiled is None:
            _wait_for_others(file)
            compiled = _read(file, target_context)
            if compiled is not None:
                _let_others(file)
        return compiled

    def save_overload(self, sig: Any, data: Any) -> None:
        assert not data.library.has_dynamic_globals, "a kernel holds no addresses of this process"
        if isinstance(self._place, Path):
            file = self._file(self._place, sig, data.target_context)
            try:
                return write_whole(file, dumps(data._reduce()))
            except OSError as error:
                self._place = f"{self._place} cannot be written: {error.strerror}"
            finally:
                _let_others(file)
        say_once(f"compiled kernels are not kept, every process compiles them anew: {self._place}")

    def _file(self, folder: Path, sig: Any, target_context: Any) -> Path:
        about = f"{self._kernel} {sig} {target_context.codegen().magic_tuple()} {sys.version}"
        return folder / f"{self._kernel.rpartition('.')[2]}-{sha256(about.encode()).hexdigest()[:16]}.nbc"

    def enable(self) -> None: ...

    def disable(self) -> None: ...

    def flush(self) -> None: ...


def _read(file: Path, target_context: Any) -> CompileResult | None:
    try:
        parts = pickle.loads(file.read_bytes())
    except (OSError, EOFError, pickle.UnpicklingError):
        return None
    return CompileResult._rebuild(target_context, *parts)


def _wait_for_others(file: Path) -> None:
    """Wait until no other process compiles what belongs into a file; then none does before `_let_others`.

    At once where there are no locks. A lock is a byte of one open file, and goes with its process, however that ends.
    """
    deadline = time.monotonic() + PATIENCE_S
    locks = _locks(file.parent)
    while fcntl is not None and locks is not None and time.monotonic() < deadline:
        try:
            return fcntl.lockf(locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _byte(file))
        except (BlockingIOError, PermissionError):  # POSIX leaves it to the system which of them
            name = file.name.rpartition("-")[0].replace("_", " ")
            say_once(f"another process is compiling the {name}; this one waits for it")
            time.sleep(0.1)
        except OSError:  # this file system has none
            return


def _let_others(file: Path) -> None:
    locks = _locks(file.parent)
    if fcntl is not None and locks is not None:
        with suppress(OSError):
            fcntl.lockf(locks, fcntl.LOCK_UN, 1, _byte(file))


@cache
def _locks(folder: Path) -> int | None:
    """Open for the rest of the process, since closing it would give up all locks on it; None where it cannot be."""
    try:
        return os.open(folder / "locks", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


def _byte(file: Path) -> int:
    """A place in the file of locks; two kernels that share it wait for each other, and that is all."""
    return int(file.stem.rpartition("-")[2][:8], 16) // 2


@cache
def _folder(chosen: str) -> Path | str:
    """The folder that holds what is compiled from the files as they are now, or why there is none."""
    here = Path(__file__).parent
    about = f"{TARGET} {numba.__version__} {llvmlite.__version__}".encode()
    files = (here.parent / "columns.py", *sorted(here.glob("*.py")))
    digest = sha256(about + b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    problems = []
    for find in (lambda: configured_folder(chosen),) if chosen else (lambda: here / "__pycache__", user_caches):
        try:
            return writable(_of_this_user(find(), f"kernels-{digest}"))
        except (OSError, UnsafeFolder) as error:
            problems.append(error.strerror if isinstance(error, OSError) else str(error))
    return f"{'; '.join(dict.fromkeys(map(str, problems)))}. Set NUMBA_CACHE_DIR to a folder that you can write to"


def _of_this_user(base: Path, name: str) -> Path:
    """The folder of that name, or one that carries the user's number where the first is somebody else's."""
    try:
        return private_folder(base / name)
    except UnsafeFolder:
        if os.name != "posix":
            raise
        return private_folder(base / f"{name}-{os.getuid()}")
