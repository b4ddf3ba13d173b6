"""Files that are written whole, and folders in which things are kept: whether they can be written, and whose they are.

That a folder exists says neither. What others can write to may hold their code, so nothing is run from there; and a
user may have no home at all, as in a container that runs under another number.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

__all__ = [
    "FOR_ALL",
    "PRIVATE",
    "UnsafeFolder",
    "configured_folder",
    "draft_of",
    "expand_home",
    "private_folder",
    "say_once",
    "temporary_folder",
    "user_caches",
    "writable",
    "write_whole",
]

# Permissions of a file: for its owner alone, or for all to read.
PRIVATE, FOR_ALL = 0o600, 0o644


class UnsafeFolder(Exception):
    """A folder that somebody else can write to; the message says how."""


def user_caches() -> Path:
    """`scanlab` in the platform's own place for caches, not made yet. Raises OSError for a user without a home."""
    if sys.platform == "win32":
        named = os.environ.get("LOCALAPPDATA")
        base = Path(named) if named else _home_folder() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = _home_folder() / "Library" / "Caches"
    else:
        named = os.environ.get("XDG_CACHE_HOME", "")
        # The XDG specification: a relative path is ignored.
        base = Path(named) if Path(named).is_absolute() else _home_folder() / ".cache"
    return base / "scanlab"


def configured_folder(folder: str) -> Path:
    """The folder that a setting names, as an absolute path. Raises OSError where there is no `~` or working folder."""
    path = Path(folder)
    path = _home_folder().joinpath(*path.parts[1:]) if path.parts[:1] == ("~",) else path
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise FileNotFoundError(2, "there is no such user", folder) from None


def _home_folder() -> Path:
    try:
        home = Path.home()
    except RuntimeError:
        home = Path()
    if not home.is_absolute():
        raise FileNotFoundError(2, "this user has no home folder", "~")
    return home


def expand_home(path: str) -> Path:
    """A path whose `~` is the home folder, where there is one."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def private_folder(folder: Path) -> Path:
    """The folder, made if it is missing, for the user alone.

    Raises UnsafeFolder where somebody else could write to it, and OSError where it cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        raise UnsafeFolder("it is not a directory of its own") from None
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode):
        raise UnsafeFolder("it is not a directory of its own")
    if os.name == "posix":
        if state.st_uid != os.getuid():
            raise UnsafeFolder("it belongs to another user")
        if state.st_mode & 0o022:
            raise UnsafeFolder(f"others may write to it (mode {stat.S_IMODE(state.st_mode):04o})")
    return folder


def writable(folder: Path) -> Path:
    """The folder, in which a file was written and removed. Raises OSError where that cannot be done."""
    tempfile.TemporaryFile(dir=folder).close()
    return folder


def write_whole(file: Path, content: bytes, mode: int | None = PRIVATE) -> None:
    """Write a file so that a reader sees the old content or all of the new one; mode as of `draft_of`.

    Raises OSError; the old file is then left as it was.
    """
    with draft_of(file, mode) as draft:
        draft.write_bytes(content)


@contextmanager
def draft_of(file: Path, mode: int | None = None) -> Iterator[Path]:
    """An empty file beside a file, whose place it takes where the block ends well; else it is removed.

    mode: its permissions; None for those of the file that is replaced, or of an ordinary new one. Raises OSError.

    >>> file = Path("table.csv")
    >>> with draft_of(file) as draft:
    ...     _ = draft.write_text("step,patch")
    >>> file.read_text()
    'step,patch'
    """
    handle, name = tempfile.mkstemp(prefix=".new-", dir=file.parent)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(_usual_mode(file) if mode is None else mode)
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _usual_mode(file: Path) -> int:
    if file.exists():
        return file.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@cache
def temporary_folder() -> Path:
    """A folder of this process alone, removed when it ends. Raises OSError where there is no place for one."""
    folder = Path(tempfile.mkdtemp(prefix="scanlab-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def say_once(words: str) -> None:
    """A line on stderr, but never twice the same."""
    print(f"ScanLab: {words}", file=sys.stderr, flush=True)
