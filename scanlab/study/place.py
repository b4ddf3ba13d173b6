"""Where a study's database is; nothing here needs torch, as watching a study does not either."""

from __future__ import annotations

from pathlib import Path

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["DATABASE", "database_of", "require_folder"]

DATABASE = "study.sqlite"


def database_of(place: Path) -> Path:
    """The database file of a study's folder; a file is itself."""
    return place / DATABASE if place.is_dir() else place


def require_folder(folder: Path) -> None:
    """Raise S681 where a folder to write to, or one that it shall lie in, is a file."""
    for place in (folder, *folder.parents):
        if place.is_dir():
            return
        if place.exists():
            inside = f" and {folder} cannot lie in it" if place != folder else ""
            own = place.parent if place.name == DATABASE else place.with_name(f"{place.name}-study")
            raise ScanlabError.at("S681", f"{place} is a file{inside}", help=f"give a folder, such as {own}")
