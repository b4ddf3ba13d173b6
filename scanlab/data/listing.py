"""What lies in a folder, asked of the system once while data are read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Listing", "listed_once", "listing_of"]


@dataclass(frozen=True)
class Listing:
    """Names in a folder, in order: of its folders and of its files, links to such among them; hidden ones are left
    out."""

    folders: tuple[str, ...]
    files: tuple[str, ...]


_known: ContextVar[dict[str, Listing] | None] = ContextVar("known", default=None)


@contextmanager
def listed_once() -> Iterator[None]:
    """Inside, a folder is asked for its content once: to tell kinds of data apart it is needed a dozen times, and of a
    million pictures each time takes seconds."""
    if _known.get() is not None:
        yield
        return
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def listing_of(folder: Path) -> Listing:
    """What lies in a folder. Raises what the system says of one that is none, or is not to be read."""
    known = _known.get()
    if known is None:
        return _scanned(folder)
    place = os.fspath(folder)
    if place not in known:
        known[place] = _scanned(folder)
    return known[place]


def _scanned(folder: Path) -> Listing:
    folders, files = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                # What a link leads to, if anywhere.
                place = Path(entry.path)
                kind = folders if place.is_dir() else files if place.is_file() else None
            else:
                kind = folders if entry.is_dir() else files if entry.is_file() else None
            if kind is not None:
                kind.append(entry.name)
    return Listing(tuple(sorted(folders)), tuple(sorted(files)))
