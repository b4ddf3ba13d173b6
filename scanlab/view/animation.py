"""Paths as an animated GIF: every path is drawn from its first step to its last."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from typing import Any

import numpy as np

from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.extras import need
from scanlab.view.geometry import Steps, project, steps_of
from scanlab.view.ramp import table
from scanlab.view.scene import PathScene, check_drawable

GIF_LIMIT = 1_000_000
MOST_FRAMES = 120
# More would be a picture larger than films and memories take.
MOST_PANELS = 32
_PANEL = 300
_GAP = 18
_HEAD = 22
_SHADES = 125
LOOK_MS, HOLD_MS = 50, 1500
_PAPER, _INK, _LINE, _OFF = (255, 255, 255), (28, 27, 34), (227, 225, 234), (241, 239, 245)
_PALE = 0.55
_SAME = 255


class _Panel:
    """One path being drawn: where its steps lie on the image and how many of them are there already."""

    def __init__(self, scene: PathScene, left: float, top: float) -> None:
        projection = project(scene)
        self.scale = min(_PANEL / projection.size[0], _PANEL / projection.size[1], 40.0)
        self.scene, self.steps = scene, steps_of(scene)
        self.left, self.top = left, top
        self.middles = np.rint(projection.points * self.scale + (left, top + _HEAD)).astype(int)
        self.points = self.middles[scene.indices]
        self.planes = projection.planes
        self.done = 0


def gif(scenes: Iterable[PathScene]) -> bytes:
    """Draw paths side by side as a looping animation and return the GIF file's bytes.

    At most MOST_FRAMES frames whatever the grid; all paths start and end together. Raises ScanlabError S500 without
    Pillow, S503 for no scenes, S504 for more than GIF_LIMIT patches or MOST_PANELS paths.
    """
    return _encode(frames_of(check_drawable(scenes, GIF_LIMIT, "a GIF file", "give a smaller --grid"), "a GIF file"))


def frames_of(drawable: tuple[PathScene, ...], medium: str) -> Iterator[Any]:
    """The animation's pictures, Pillow images in the palette's colours; `medium` names what they are for.

    Raises ScanlabError S500 without Pillow, S504 for more than MOST_PANELS paths.
    """
    if len(drawable) > MOST_PANELS:
        note = f"{medium} shows at most {MOST_PANELS} paths side by side"
        help = "show fewer strategies, or write a .html file"
        raise ScanlabError.at("S504", f"{len(drawable)} paths are too many for {medium}", note=note, help=help)
    images, drawing = need("PIL.Image", medium), need("PIL.ImageDraw", medium)
    columns = min(len(drawable), 4, math.ceil(math.sqrt(len(drawable))))
    rows = -(-len(drawable) // columns)
    size = (columns * (_PANEL + _GAP) + _GAP, rows * (_PANEL + _HEAD + _GAP) + _GAP)
    image = images.new("P", size, 0)
    image.putpalette(_palette())
    canvas = drawing.Draw(image)
    panels = [
        _Panel(scene, _GAP + k % columns * (_PANEL + _GAP), _GAP + k // columns * (_PANEL + _HEAD + _GAP))
        for k, scene in enumerate(drawable)
    ]
    for panel in panels:
        _ground(canvas, panel)
    longest = max(scene.length for scene in drawable)
    for share in np.linspace(0, 1, min(MOST_FRAMES, max(longest, 1))):
        for panel in panels:
            _advance(canvas, panel, round(share * max(panel.scene.length - 1, 0)))
        yield image.copy()


def _encode(frames: Iterator[Any]) -> bytes:
    """Write the frames; in all but the first, a pixel that stays the same is transparent, which compresses well."""
    first = next(frames)
    changes = [_change(before, after) for before, after in pairwise(chain([first], frames))]
    buffer = io.BytesIO()
    lengths = [LOOK_MS] * len(changes) + [HOLD_MS]
    options: dict[str, Any] = {"duration": lengths, "loop": 0, "transparency": _SAME, "disposal": 1, "optimize": False}
    first.save(buffer, "GIF", save_all=True, append_images=changes, **options)
    return buffer.getvalue()


def _change(before: Any, after: Any) -> Any:
    pixels = np.asarray(after)
    change = need("PIL.Image", "a GIF file").fromarray(np.where(np.asarray(before) == pixels, np.uint8(_SAME), pixels))
    change.putpalette(_palette())
    return change


def _palette() -> list[int]:
    """List paper, ink, line and the patches left out, then the ramp, then the ramp mixed with paper for jumps."""
    ramp = table(_SHADES)
    pale = np.rint(ramp * (1 - _PALE) + 255 * _PALE).astype(np.uint8)
    return [*_PAPER, *_INK, *_LINE, *_OFF, *ramp.ravel().tolist(), *pale.ravel().tolist()]


def _shade(step: int, length: int, pale: bool) -> int:
    return 4 + round(step / max(length - 1, 1) * (_SHADES - 1)) + (_SHADES if pale else 0)


def _ground(canvas: Any, panel: _Panel) -> None:
    if len(panel.scene.grid) == 2:
        half = panel.scale / 2
        for x, y in panel.middles[panel.scene.ranks < 0].tolist():
            canvas.rectangle((x - half, y - half, x + half, y + half), fill=3)
    for plane in panel.planes:
        rows, columns = plane.rows, plane.columns
        every = (1, 1) if panel.scale >= 6 else (rows, columns)
        ends = [(plane.at(0, c), plane.at(rows, c)) for c in range(0, columns + 1, every[1])]
        ends += [(plane.at(r, 0), plane.at(r, columns)) for r in range(0, rows + 1, every[0])]
        for pair in ends:
            line = [(panel.left + x * panel.scale, panel.top + _HEAD + y * panel.scale) for x, y in pair]
            canvas.line(line, fill=2)
    canvas.text((panel.left, panel.top), _cut(panel.scene.title), fill=1, font_size=14)


def _advance(canvas: Any, panel: _Panel, step: int) -> None:
    """Add the steps up to `step`, and the end marker with the last one."""
    length, points, steps = panel.scene.length, panel.points, panel.steps
    if length == 0:
        return
    for at in range(panel.done, step):
        _line(canvas, points[at], points[at + 1], _shade(at, length, bool(steps.jump[at])), _width(panel, steps, at))
    panel.done = max(panel.done, step)
    reach = min(max(panel.scale * 0.28, 3.0), 8.0)
    if step == length - 1 and length > 1:
        x, y = points[-1].tolist()
        corners = [(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)]
        canvas.polygon(corners, fill=_shade(length - 1, length, False), outline=1)
    x, y = points[0].tolist()
    canvas.ellipse((x - reach, y - reach, x + reach, y + reach), fill=_shade(0, length, False), outline=1)


def _width(panel: _Panel, steps: Steps, at: int) -> int:
    if steps.restart[at]:
        return 0
    return 1 if steps.jump[at] else 2 * round(min(panel.scale * 0.09, 3) - 0.4) + 1


def _line(canvas: Any, start: np.ndarray, stop: np.ndarray, fill: int, width: int) -> None:
    """Draw one step with round ends; a width of 0 draws nothing."""
    if width == 0:
        return
    canvas.line((*start.tolist(), *stop.tolist()), fill=fill, width=width)
    if width > 2:
        x, y = stop.tolist()
        canvas.ellipse((x - width // 2, y - width // 2, x + width // 2, y + width // 2), fill=fill)


def _cut(text: str) -> str:
    return text if len(text) <= 36 else text[:35] + "…"
