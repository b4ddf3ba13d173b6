"""What all pages of a server share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scanlab.explorer.scan_files import Folders, folders_of
from scanlab.explorer.state import State
from scanlab.explorer.workers import Workers
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["Session", "session_of"]


@dataclass(frozen=True)
class Session:
    """The worker processes, the folders that are open, and what a page without an address of its own begins with."""

    workers: Workers
    folders: Folders
    start: State

    def fresh(self) -> State:
        """What a page begins with now: the file may be another than when the server began."""
        if not self.start.file:
            return self.start
        try:
            opened = self.folders.open(self.start.file)
        except ScanlabError:
            return self.start
        return replace(self.start, text=opened.text, base=opened.digest)


def session_of(files: Sequence[Path], workers: Workers) -> Session:
    """The session for files and folders; the first that is no folder is what pages begin with.

    Raises ScanlabError S512, S107, S103 or S104 where it cannot be opened.
    """
    folders = folders_of(files)
    named = next((file for file in files if not file.is_dir()), None)
    if named is None:
        return Session(workers, folders, State())
    opened = folders.open(named.resolve())
    return Session(workers, folders, State(text=opened.text, file=str(opened.path), base=opened.digest))
