"""What can be wrong with a study's database, in words that help."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["explanation", "other_settings"]


def other_settings(path: Path, who: str) -> ScanlabError:
    """Two runners may share a folder, but not two studies."""
    return ScanlabError.at(
        "S682",
        f"{path.parent} is of a study with other settings than this one: those of {who}",
        help="let that end, or give this study another folder; what is done is kept for either",
    )


def explanation(path: Path, error: Exception) -> ScanlabError:
    """What SQLite or the system says of a database, in words that help."""
    text = str(error)
    if "full" in text or "No space left" in text or "disk I/O" in text:
        return ScanlabError.at(
            "S656",
            f"the disk with {path} is full: {text}",
            help="make room and run the same command again: what is finished is kept",
        )
    if isinstance(error, sqlite3.OperationalError | OSError):
        return ScanlabError.at(
            "S657",
            f"the database {path} cannot be used: {text}",
            help="see that the folder is there, is writable, and lies on a disk of this machine",
        )
    return ScanlabError.at(
        "S655", f"{path} is no study's database, or is damaged: {text}", help="give another folder, or restore a copy"
    )
