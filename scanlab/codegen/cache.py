"""The directory of generated path functions: real files, because Triton and Numba read the source they compile.

A file's name is the hash of its content, so the same text is the same file for every process, and a file that was
changed is refused. The directory belongs to the user alone. Files are written beside their place and moved into it, so
no reader sees half of one. Past a size, the files that were not used for the longest time are removed.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from scanlab.codegen.naming import PREFIX, matches
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["LARGEST", "Contents", "clear", "contents", "directory", "read", "store"]

LARGEST = 16 * 2**20


@dataclass(frozen=True)
class Contents:
    """What the cache holds: its directory, its path functions, and the bytes of all its files."""

    directory: Path
    functions: int
    size: int


def directory() -> Path:
    """The cache's directory: SCANLAB_CACHE_DIR, or `scanlab` in the platform's own place for caches."""
    if chosen := os.environ.get("SCANLAB_CACHE_DIR"):
        return Path(chosen).expanduser().absolute() / "paths"
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        named = os.environ.get("XDG_CACHE_HOME", "")
        # The XDG specification: a relative path is ignored.
        base = Path(named) if Path(named).is_absolute() else Path.home() / ".cache"
    return base / "scanlab" / "paths"


def store(name: str, source: str) -> Path:
    """Write the file of a path function, whole or not at all; it may be there already.

    Raises S731 where the directory is not safe or cannot be written.
    """
    assert matches(name, source.encode()), "a name is made from the content"
    folder = _own_directory()
    target = folder / f"{name}.py"
    try:
        if target.is_file() and matches(name, target.read_bytes()):
            os.utime(target)
            return target
        handle, fresh = tempfile.mkstemp(prefix=".new-", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(source.encode())
            Path(fresh).replace(target)
        except BaseException:
            Path(fresh).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unusable(folder, f"it cannot be written: {error.strerror}") from error
    _prune(folder, keep=target)
    return target


def read(name: str) -> tuple[Path, bytes]:
    """The file of a path function and its content, checked against the hash in its name.

    Raises S731 where the directory is not safe, S732 where the file is missing, S733 where its content was changed.
    """
    target = _own_directory() / f"{name}.py"
    try:
        source = target.read_bytes()
        os.utime(target)
    except OSError:
        raise ScanlabError.at(
            "S732",
            f"the path function {name} is not in the cache",
            note=f"the directory is {target.parent}; it was cleared, or another one is set now",
            help="compile the scan again",
        ) from None
    if not matches(name, source):
        raise ScanlabError.at(
            "S733",
            f"the file of the path function {name} was changed",
            note=f"the SHA-256 of {target} is not the one in its name, so it is not run",
            help="remove the cache with: scanlab cache --clear",
        )
    return target, source


def contents() -> Contents:
    """What the cache holds now. Raises S731 where the directory is not safe."""
    folder = directory()
    if not folder.exists():
        return Contents(folder, 0, 0)
    files = _files(_own_directory())
    return Contents(folder, sum(f.name.startswith(PREFIX) and f.suffix == ".py" for f in files), sum(map(_size, files)))


def clear() -> Contents:
    """Remove everything in the cache; returns what it held. Raises S731 where the directory is not safe."""
    before = contents()
    if before.directory.exists():
        for file in _files(before.directory):
            file.unlink(missing_ok=True)
    return before


def _own_directory() -> Path:
    """The directory, made if it is missing; only its owner may write to it. Raises S731."""
    folder = directory()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        state = folder.lstat()
    except OSError as error:
        raise _unusable(folder, f"it cannot be made: {error.strerror}") from error
    if not stat.S_ISDIR(state.st_mode):
        raise _unusable(folder, "it is not a directory of its own")
    if os.name == "posix":
        if state.st_uid != os.getuid():
            raise _unusable(folder, "it belongs to another user")
        if state.st_mode & 0o022:
            raise _unusable(folder, f"others may write to it (mode {stat.S_IMODE(state.st_mode):04o})")
    return folder


def _unusable(folder: Path, why: str) -> ScanlabError:
    return ScanlabError.at(
        "S731",
        f"the cache directory {folder} is not used: {why}",
        note="generated code is run only from a directory that nobody else can write to",
        help=f"make it yours with: chmod 700 {folder}, or set SCANLAB_CACHE_DIR to another directory",
    )


def _prune(folder: Path, keep: Path) -> None:
    """Remove the oldest files until three quarters of the limit are left, once it is passed."""
    files = [(f, _size(f)) for f in _files(folder)]
    total = sum(size for _, size in files)
    if total <= LARGEST:
        return
    for file, size in sorted(files, key=lambda f: _used(f[0])):
        if file != keep and total > LARGEST * 3 // 4:
            file.unlink(missing_ok=True)
            total -= size


def _files(folder: Path) -> list[Path]:
    """The path functions, and what Numba compiled from them."""
    return [f for place in (folder, folder / "__pycache__") if place.is_dir() for f in place.iterdir() if f.is_file()]


def _size(file: Path) -> int:
    # Another process may remove the file at any time.
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _used(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
