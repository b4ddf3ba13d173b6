"""The directory of generated path functions: real files, because Triton and Numba read the source they compile.

A file's name is the hash of its content, so the same text is the same file for every process, and a file that was
changed is refused. The directory belongs to the user alone. Past a size, the files that were not used for the longest
time are removed.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scanlab.codegen.naming import PREFIX, matches
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import reason_of
from scanlab.places import (
    UnsafeFolder,
    configured_folder,
    private_folder,
    say_once,
    temporary_folder,
    user_caches,
    writable,
    write_whole,
)

__all__ = ["LARGEST", "Contents", "clear", "contents", "directory", "read", "store"]

LARGEST = 16 * 2**20


@dataclass(frozen=True)
class Contents:
    """What the cache holds: its directory, its path functions, and the bytes of all its files."""

    directory: Path
    functions: int
    size: int


def directory() -> Path:
    """The cache's directory: SCANLAB_CACHE_DIR, or `scanlab` in the platform's own place for caches. Raises S731."""
    chosen = os.environ.get("SCANLAB_CACHE_DIR")
    try:
        return (configured_folder(chosen) if chosen else user_caches()) / "paths"
    except OSError as error:
        raise _unusable(chosen or "of the platform", reason_of(error)) from error


def store(name: str, source: str) -> Path:
    """Write the file of a path function, whole or not at all; it may be there already.

    Raises S731 where the directory is not safe or cannot be written.
    """
    assert matches(name, source.encode()), "a name is made from the content"
    folder = _to_write()
    target = folder / f"{name}.py"
    try:
        if target.is_file() and matches(name, target.read_bytes()):
            os.utime(target)
            return target
        write_whole(target, source.encode())
    except OSError as error:
        raise _unusable(folder, f"it cannot be written: {reason_of(error)}") from error
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
        return private_folder(folder)
    except UnsafeFolder as why:
        raise _unusable(folder, str(why)) from None
    except OSError as error:
        raise _unusable(folder, f"it cannot be made: {reason_of(error)}") from error


def _to_write() -> Path:
    """The directory, or where it cannot be written one of this process and those it starts, which is said.

    Raises S731.
    """
    try:
        return writable(_own_directory())
    except (OSError, ScanlabError) as error:
        if isinstance(error.__cause__ or error, OSError):
            with suppress(OSError):
                os.environ["SCANLAB_CACHE_DIR"] = str(temporary_folder())
                say_once(
                    "generated code is not kept, for lack of a directory that can be written; "
                    "set SCANLAB_CACHE_DIR to one"
                )
        return _own_directory()


def _unusable(folder: Path | str, why: str) -> ScanlabError:
    mend = f"make it yours with: chmod 700 {folder}, or " if why.startswith("others") else ""
    return ScanlabError.at(
        "S731",
        f"the cache directory {folder} is not used: {why}",
        note="generated code is run only from a directory that nobody else can write to",
        help=f"{mend}set SCANLAB_CACHE_DIR to another directory",
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
