"""Writing the gallery and the lecture into a folder, as plain files that a browser opens from the disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import scanlab
from scanlab.explorer.static_site.cards import index_page, site_script, site_style
from scanlab.explorer.static_site.lecture import lecture_page
from scanlab.explorer.static_site.strategies import Strategy
from scanlab.explorer.static_site.work import Packed, packed_strategies
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import reason_of
from scanlab.places import write_whole

__all__ = ["MOST_BYTES", "Written", "require_gallery", "write_site"]

MOST_BYTES = 5_000_000
# Says that a folder is a gallery, which may be written anew, and by which version it was made.
_MARKER = "scanlab-gallery.json"


@dataclass(frozen=True)
class Written:
    """What was written: the first page, the number of strategies that have paths and of files, and the bytes of all."""

    page: Path
    strategies: int
    files: int
    size: int


def write_site(
    folder: Path, strategies: Sequence[Strategy], progress: Callable[[int, int], None] = lambda done, of: None
) -> Written:
    """Write a gallery of strategies, those of one system side by side, and the lecture.

    The files are made before the first is written, and a gallery that is there is replaced. progress: how many
    strategies of how many are done. Raises ScanlabError S868 for a folder of something else, S869 for more than
    MOST_BYTES, S502 where it cannot be written, and what the strategies raise.
    """
    require_gallery(folder)
    drawable = [s for s in strategies if s.entry["drawable"]]
    made: dict[str, Packed] = {}
    progress(0, len(drawable))
    for each in packed_strategies(drawable):
        made[each.strategy.key] = each
        progress(len(made), len(drawable))
    files = _files(strategies, made)
    size = sum(map(len, files.values()))
    if size > MOST_BYTES:
        raise ScanlabError.at(
            "S869",
            f"a gallery of {len(strategies)} strategies takes {size / 1e6:.1f} MB, and may have {MOST_BYTES / 1e6:g}",
            note=f"the largest: {_largest(made)}",
            help="choose fewer strategies besides the library",
        )
    _write(folder, files)
    return Written(folder / "index.html", len(made), len(files), size)


def require_gallery(folder: Path) -> None:
    """Raise ScanlabError S868 for a folder that holds something else than a gallery, or a file in its place."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARKER).is_file():
        help = "name a folder that is empty, or not there yet"
        raise ScanlabError.at("S868", f"{folder} holds other files, which a gallery would stand among", help=help)
    if folder.exists() and not folder.is_dir():
        raise ScanlabError.at("S868", f"{folder} is a file", help="name a folder, which need not be there yet")


def _files(strategies: Sequence[Strategy], made: dict[str, Packed]) -> dict[str, bytes]:
    texts = {
        "index.html": index_page(strategies, made),
        "site.js": site_script(),
        "site.css": site_style(),
        "lecture.html": lecture_page("Gallery", "index.html"),
        **{f"data/{key}.js": each.script for key, each in made.items()},
        **{f"pictures/{key}.svg": each.picture for key, each in made.items()},
        _MARKER: json.dumps({"scanlab": scanlab.__version__, "strategies": len(made)}) + "\n",
    }
    return {name: text.encode() for name, text in texts.items()}


def _largest(made: dict[str, Packed]) -> str:
    sizes = sorted(((len(each.script), each.strategy.name) for each in made.values()), reverse=True)
    return ", ".join(f"{name} {size / 1e3:.0f} kB" for size, name in sizes[:3])


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """The marker first: what is half written is known as a gallery by it; and what an older one left is gone."""
    try:
        for name in ("data", "pictures"):
            shutil.rmtree(folder / name, ignore_errors=True)
            (folder / name).mkdir(parents=True)
        for name in sorted(files, key=lambda n: n != _MARKER):
            write_whole(folder / name, files[name], mode=None)
    except OSError as error:
        help = "name a folder that you may write to"
        raise ScanlabError.at("S502", f"{folder} cannot be written: {reason_of(error)}", help=help) from None
