"""What is shown, as files to keep: pictures, films, a page, numbers, and Python that makes the same."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from scanlab.compiler.stages import labelled_paths
from scanlab.explorer.renderers.python import as_python
from scanlab.explorer.snapshot import Snapshot
from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.export import MEDIA
from scanlab.view.film import ffmpeg

__all__ = ["EXPORTS", "Export", "File", "exported", "why_not"]


@dataclass(frozen=True)
class Export:
    """A kind of file. about: what it is good for."""

    suffix: str
    media_type: str
    about: str


@dataclass(frozen=True)
class File:
    """A file to download."""

    name: str
    media_type: str
    content: bytes


EXPORTS: Mapping[str, Export] = MappingProxyType(
    {
        "SVG": Export(".svg", "image/svg+xml", "a drawing without loss, for papers and pages"),
        "PNG": Export(".png", "image/png", "a picture for slides"),
        "GIF": Export(".gif", "image/gif", "the paths as they grow, for a README"),
        "MP4": Export(".mp4", "video/mp4", "the paths as they grow, for talks"),
        "HTML": Export(".html", "text/html", "this player in one file that works offline, on a phone too"),
        "NPZ": Export(".npz", "application/octet-stream", "indices and ranks as NumPy arrays"),
        "Python": Export(".py", "text/x-python", "a script that makes the same arrays"),
    }
)


def exported(snapshot: Snapshot, kind: str) -> File:
    """One of EXPORTS, of everything that is shown.

    Raises ScanlabError S503 for nothing, S504 for more than the medium holds, S500 and S505 for what is not installed.
    """
    export = EXPORTS[kind]
    scenes = [scene for subject in snapshot.subjects for scene in subject.scenes]
    if not scenes:
        raise ScanlabError.at("S503", "there is no path to draw", help="write an order, or choose one of the library")
    makers: Mapping[str, Callable[[], bytes]] = {
        "NPZ": lambda: _arrays(snapshot),
        "Python": lambda: as_python(snapshot).encode("utf-8"),
    }
    content = makers[kind]() if kind in makers else MEDIA[export.suffix](scenes, _title(snapshot))
    return File(_name(snapshot) + export.suffix, export.media_type, content)


def why_not(kind: str) -> str:
    """Why this machine cannot make a kind of file, "" where it can try."""
    return "ffmpeg is not installed" if kind == "MP4" and ffmpeg() is None else ""


def _title(snapshot: Snapshot) -> str:
    return snapshot.subjects[0].name if len(snapshot.subjects) == 1 else ""


def _name(snapshot: Snapshot) -> str:
    """A file name of letters, digits and hyphens that every system takes."""
    names = "-".join(subject.name for subject in snapshot.subjects)
    grid = "x".join(map(str, snapshot.subjects[0].grid))
    plain = re.sub(r"[^A-Za-z0-9]+", "-", names).strip("-")[:60].strip("-") or "paths"
    return f"{plain}-{grid}"


def _arrays(snapshot: Snapshot) -> bytes:
    """For every path "STRATEGY/PATH/indices" and ".../ranks", int64."""
    arrays = {}
    for subject in snapshot.subjects:
        for label, path in labelled_paths(subject.scans).items():
            # A slash would make folders inside the archive.
            place = f"{subject.name}/{label}".replace("//", "÷")
            arrays |= {f"{place}/indices": path.indices, f"{place}/ranks": path.ranks}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
