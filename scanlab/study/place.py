"""Where a study's database is; nothing here needs torch, as watching a study does not either."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DATABASE", "database_of"]

DATABASE = "study.sqlite"


def database_of(place: Path) -> Path:
    """The database file of a study's folder; a file is itself."""
    return place / DATABASE if place.is_dir() else place
