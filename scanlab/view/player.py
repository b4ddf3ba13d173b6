"""The player of paths, for any page: its markup, its style, its script, and the data that it shows."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from importlib import resources
from typing import Any

from scanlab.view.captions import caption
from scanlab.view.geometry import steps_of
from scanlab.view.ramp import table
from scanlab.view.scene import PathScene

__all__ = ["player_data", "player_markup", "player_script", "player_style"]

_SCRIPTS = ("player_scene.js", "player_draw.js", "player_play.js")


def player_data(scenes: Iterable[PathScene]) -> dict[str, Any]:
    """What the player's `show` takes, in JSON's types; indices as base64 of little-endian uint32."""
    return {"ramp": table(256).tolist(), "scenes": [_scene_data(scene) for scene in scenes]}


def player_markup() -> str:
    """HTML that goes into an element of class `player`."""
    return _part("player.html")


def player_style() -> str:
    """CSS, all of it below `.player`."""
    return _part("player.css")


def player_script() -> str:
    """JavaScript that defines `mountPlayer(root)`.

    root: the element that holds the markup. It returns `show(data)`, `goTo(step)`, `setPlaying(flag)`,
    `colourBy("step" | "path" | "gap")` and `redraw()`, and for tests the clock and what is drawn.
    """
    body = "\n".join(_part(script) for script in _SCRIPTS)
    return f"function mountPlayer(root) {{\n{body}\n}}\n"


def _scene_data(scene: PathScene) -> dict[str, object]:
    return {
        "label": scene.label,
        "title": scene.title,
        "group": scene.group,
        "source": scene.source,
        "subtitle": scene.subtitle,
        "axes": list(scene.axes),
        "grid": list(scene.grid),
        "indices": base64.b64encode(scene.indices.astype("<u4").tobytes()).decode("ascii"),
        "restarts": scene.restarts.tolist(),
        "caption": caption(scene, steps_of(scene)),
    }


def _part(name: str) -> str:
    return resources.files("scanlab.view").joinpath(name).read_text(encoding="utf-8")
