"""Pictures to files: the suffix chooses the medium, and a file is written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from scanlab import places
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import reason_of
from scanlab.view.animation import gif
from scanlab.view.figures import png
from scanlab.view.film import mp4
from scanlab.view.player_page import page
from scanlab.view.scene import PathScene
from scanlab.view.svg import svg

# What matplotlib draws.
FIGURES: Mapping[str, str] = MappingProxyType({".svg": "svg", ".png": "png"})
MEDIA: Mapping[str, Callable[[Sequence[PathScene], str], bytes]] = MappingProxyType(
    {
        ".svg": lambda scenes, title: svg(scenes, title).encode("utf-8"),
        ".png": lambda scenes, title: png(scenes, title),
        ".gif": lambda scenes, title: gif(scenes),
        ".mp4": lambda scenes, title: mp4(scenes),
        ".html": lambda scenes, title: page(scenes, title).encode("utf-8"),
    }
)


def write(scenes: Sequence[PathScene], target: Path, title: str = "") -> None:
    """Draw paths into a file whose suffix, .svg, .png, .gif, .mp4 or .html, names the medium.

    title: the picture's heading, where the medium has one. Raises ScanlabError S501 for another suffix, S502 where the
    file cannot be written (an older file is then left as it was), and what the medium raises: S500, S503, S504, S505.
    """
    draw = MEDIA.get(target.suffix.lower())
    if draw is None:
        given = f"“{target.suffix}”" if target.suffix else "a name without a suffix"
        raise ScanlabError.at(
            "S501",
            f"no picture is called {given}: {target}",
            help=f"end the file's name in one of {', '.join(MEDIA)}",
        )
    check_target(target)
    write_whole(target, draw(scenes, title))


def figure_medium(target: Path, what: str, help: str) -> str:
    """The medium of a matplotlib figure that a file's suffix names.

    what: what no file of another suffix is called. Raises ScanlabError S501 for another suffix than .svg and .png, S502
    where the file cannot be written.
    """
    medium = FIGURES.get(target.suffix.lower())
    if medium is None:
        given = f"“{target.suffix}”" if target.suffix else "a name without a suffix"
        raise ScanlabError.at("S501", f"no {what} is called {given}: {target}", help=help)
    check_target(target)
    return medium


def check_target(target: Path) -> None:
    """Raise ScanlabError S502 where `target` is a directory or lies in a folder that does not exist."""
    if target.is_dir():
        raise ScanlabError.at("S502", f"{target} is a directory", help="name a file inside it")
    if not target.parent.is_dir():
        raise ScanlabError.at("S502", f"the folder {target.parent} does not exist", help=f"mkdir -p {target.parent}")


def write_whole(target: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or all of the new one, never a part.

    Raises ScanlabError S502 where the folder or the disk refuses.
    """
    check_target(target)
    try:
        places.write_whole(target, content, mode=None)
    except OSError as error:
        raise ScanlabError.at(
            "S502", f"{target} cannot be written: {reason_of(error)}", help="choose another folder"
        ) from error
