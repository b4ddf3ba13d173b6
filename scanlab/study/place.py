"""Where a study's database is; nothing here needs torch, as watching a study does not either."""

from __future__ import annotations

import re
from pathlib import Path

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["CONFIG", "DATABASE", "KEPT", "database_of", "file_name", "model_folder", "require_folder"]

DATABASE = "study.sqlite"
# Beside weights: how the model is built that they are of, as `scanlab.zoo.pretrained` writes it.
CONFIG = "config.json"
# What can be kept of a training's weights.
KEPT = ("last", "best")


def file_name(text: str) -> str:
    """A name of a problem or a strategy as one of a file or folder.

    >>> file_name("digits / no positions"), file_name("window[k=4]")
    ('digits _ no positions', 'window[k=4]')
    """
    return re.sub(r"[^\w\[\]=,.~ -]", "_", text)


def model_folder(folder: Path, problem: str, strategy: str, seed: int, key: str) -> Path:
    """Where a study's folder has the weights of a trial, in a folder for "last" and one for "best"."""
    return folder.joinpath("models", *map(file_name, (problem, strategy, f"seed {seed} {key[:8]}")))


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
