"""Paths as one interactive HTML page that needs no network: everything is inside the file."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from importlib import resources
from string import Template

from scanlab.view.player import player_data, player_markup, player_script, player_style
from scanlab.view.scene import PathScene, check_drawable

PAGE_LIMIT = 2_000_000


def page(scenes: Iterable[PathScene], title: str = "") -> str:
    """Draw paths as a self-contained page with one linked clock, for 1 to 5 axes.

    title: the heading; the paths' names by default. Raises ScanlabError S503 for no scenes, S504 for more than
    PAGE_LIMIT patches.
    """
    drawable = check_drawable(scenes, PAGE_LIMIT, "an HTML page", "give a smaller --grid, or fewer paths")
    name = title or ", ".join(dict.fromkeys(scene.group or scene.label for scene in drawable))
    return Template(_part("page.html")).substitute(
        title=html.escape(name),
        # A path on its own has its name above it: the heading is for those who hear the page.
        heading=' class="named"' if [scene.label for scene in drawable] == [name] else "",
        style=player_style() + _part("page.css"),
        player=player_markup(),
        data=_safe_json(player_data(drawable)),
        script=player_script(),
    )


def _safe_json(data: object) -> str:
    """Write JSON that cannot end the script element it stands in, whatever its strings hold."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _part(name: str) -> str:
    return resources.files("scanlab.view").joinpath(name).read_text(encoding="utf-8")
