"""The player of paths, for any page: its markup, its style, its script, and the data that it shows."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from importlib import resources
from typing import Any

import numpy as np

from scanlab.view.captions import caption
from scanlab.view.geometry import steps_of
from scanlab.view.ramp import table
from scanlab.view.scene import PathScene

__all__ = ["player_data", "player_markup", "player_script", "player_style"]

# The parts of one function body, in the order in which their constants need each other.
_SCRIPTS = (
    "player_scene.js",
    "player_colour.js",
    "player_layout.js",
    "player_panel.js",
    "player_grid.js",
    "player_ground.js",
    "player_path.js",
    "player_overlay.js",
    "player_ribbon.js",
    "player_image.js",
    "player_memory.js",
    "player_counter.js",
    "player_tip.js",
    "player_mark.js",
    "player_legend.js",
    "player_clock.js",
    "player_view.js",
    "player_input.js",
    "player_mount.js",
)


def player_data(scenes: Iterable[PathScene]) -> dict[str, Any]:
    """What the player's `show` takes, in JSON's types.

    Indices and restarts are base64 of little-endian unsigned integers, of `bytes` bytes each: 2 where they fit, else 4.
    """
    return {"scenes": [_scene_data(scene) for scene in scenes]}


def player_markup() -> str:
    """HTML that goes into an element of class `player`."""
    return _part("player.html")


def player_style() -> str:
    """CSS, all of it below `.player`."""
    return _part("player.css")


def player_script() -> str:
    """JavaScript that defines `mountPlayer(root)`.

    root: the element that holds the markup; it gets the events "step" (detail: the clock's step), "colour" (detail:
    what the user chose), "view" (`view()` is another) and "mark" (detail: `marked()`, the patch that is pinned or under
    the pointer, as scene, label, group, part, patch, step, pinned; or null). Steps and marks bubble.

    Returned are `show(data, view)`, `view()` (step, speed, slice, layer, zoom, shift, rotation, together, pinned,
    memory, as plain values), `goTo(step)`, `setPlaying(flag)`, `autoplay()`, `colourBy("step" | "path" | "gap")`,
    `together(flag)`, `sliceAt(axis, layer)`, `rotate(yaw, pitch)`, `zoomBy(factor)`, `image(data URL | null)`,
    `picture(rows, columns)` (the image's middle as a PNG), `remember(steps)` (the state at one patch, of which half is
    left after so many; 0 ends it), `setRemembered([[path, base64], …])` (a model's own states in the place of that),
    `mark({scene, patch | step, pinned} | {scene, patches} | null)`, `unpin()`, `targetOf(panel)` (patch, step, and
    whether that is by the "pin", the "pointer" or the "clock"), `targets()` (scene, patch and step of every path),
    `counterexample({grid, patches, label})` (until `show` or `clearCounterexample()`), `redraw()` and `destroy()`, and
    for tests the clock, the camera and what is drawn.
    """
    ramp = f'const RAMP_TABLE = "{table(256).tobytes().hex()}";'
    body = "\n".join([ramp, *(_part(script) for script in _SCRIPTS)])
    return f"function mountPlayer(root) {{\n{body}\n}}\n"


def _scene_data(scene: PathScene) -> dict[str, object]:
    wide = 2 if scene.patches <= 1 << 16 else 4
    return {
        "label": scene.label,
        "title": scene.title,
        "group": scene.group,
        "part": scene.part,
        "source": scene.source,
        "subtitle": scene.subtitle,
        "axes": list(scene.axes),
        "grid": list(scene.grid),
        "bytes": wide,
        "indices": _packed(scene.indices, wide),
        "restarts": _packed(scene.restarts, wide),
        "tokens": [list(token) for token in scene.tokens],
        "caption": caption(scene, steps_of(scene)),
    }


def _packed(numbers: np.ndarray, wide: int) -> str:
    return base64.b64encode(numbers.astype(f"<u{wide}").tobytes()).decode("ascii")


def _part(name: str) -> str:
    return resources.files("scanlab.view").joinpath(name).read_text(encoding="utf-8")
