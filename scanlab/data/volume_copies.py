"""Volumes whose voxels can be read in any place: those of .nii.gz are unpacked once into a folder of copies.

A compressed file is read from its start, so that a window at its end costs all that lies before it.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from scanlab.data.volume_files import unreadable_volume
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, reason_of
from scanlab.places import configured_folder, draft_of, say_once, user_caches

__all__ = ["COPIES", "check_room", "copies_folder", "file_state", "plain_file"]

# The variable that names the folder of copies.
COPIES = "SCANLAB_VOLUMES"
_CHUNK = 1 << 20
_GIGA = 1e9


def copies_folder() -> Path:
    """Where unpacked volumes are kept: the folder that SCANLAB_VOLUMES names, or `volumes` among the user's caches. It
    is made if it is missing. Raises S835."""
    try:
        named = os.environ.get(COPIES, "")
        folder = configured_folder(named) if named else user_caches() / "volumes"
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"there is no folder for unpacked volumes: {reason_of(error)}"
        raise ScanlabError.at("S835", problem, help=_HELP) from None
    return folder


def file_state(files: Sequence[Path], *more: object) -> str:
    """What files are known by until they change, in 32 hexadecimal digits: where they lie, their sizes and times, and
    what else matters."""
    states = [(str(file.absolute()), (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files]
    return hashlib.sha256(repr([states, *more]).encode()).hexdigest()[:32]


def plain_file(file: Path) -> Path:
    """The volume itself, or the copy of a compressed one, which is made where there is none of its present state.

    Raises S644 for a file that cannot be unpacked, and S835 for a copy that cannot be written.
    """
    if not _is_packed(file):
        return file
    copy = _copy_of(file)
    if copy.exists():
        return copy
    try:
        with draft_of(copy) as draft, draft.open("wb") as made:
            _unpack(file, made)
    except OSError as error:
        problem = f"the copy of {file} cannot be written to {copy.parent}: {reason_of(error)}"
        raise ScanlabError.at("S835", problem, help=_HELP) from None
    return copy


def check_room(sizes: Sequence[tuple[Path, int]]) -> None:
    """Raise S835 where the copies that are missing do not fit on the disk. sizes: of the files in bytes, unpacked."""
    missing = [size for file, size in sizes if _is_packed(file) and not _copy_of(file).exists()]
    if not missing:
        return
    folder, wanted = copies_folder(), sum(missing)
    free = shutil.disk_usage(folder).free
    if wanted > free:
        problem = f"{count_text(len(missing), 'volume')} take {wanted / _GIGA:.1f} GB unpacked, and {folder} has room"
        raise ScanlabError.at("S835", f"{problem} for {free / _GIGA:.1f} GB", help=_HELP)
    say_once(f"unpacks {count_text(len(missing), 'volume')} once, {wanted / _GIGA:.2g} GB, into {folder}")


_HELP = f"name a folder on a disk with room by the variable {COPIES}; or give files that are not compressed, .nii"


def _is_packed(file: Path) -> bool:
    return file.name.lower().endswith(".gz")


def _copy_of(file: Path) -> Path:
    return copies_folder() / f"{file_state([file])}.nii"


def _unpack(file: Path, made: object) -> None:
    """Copy what a compressed file holds. Raises S644 where it is damaged, OSError where it cannot be written."""
    with gzip.open(file) as packed:
        while True:
            try:
                part = packed.read(_CHUNK)
            except (OSError, EOFError, ValueError) as error:
                raise unreadable_volume(file, error) from None
            except Exception as error:  # zlib's own, which is no OSError.
                raise unreadable_volume(file, error) from None
            if not part:
                return
            made.write(part)  # pyright: ignore[reportAttributeAccessIssue]
