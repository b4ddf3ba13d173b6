"""The parts that the pages are made of, as files: HTML, CSS and JavaScript."""

from __future__ import annotations

from importlib import resources

from scanlab.view.player import player_style

__all__ = ["page_part", "shared_style"]


def page_part(name: str) -> str:
    """A file of this folder."""
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def shared_style() -> str:
    """The explorer's colours and panes, and the player's style."""
    static = resources.files("scanlab.explorer").joinpath("static")
    colours, panes = (static.joinpath(name).read_text(encoding="utf-8") for name in ("colours.css", "panes.css"))
    return "\n".join([colours, player_style(), panes, page_part("shared.css")])
