"""Paths as one SVG file without dependencies, light and dark by the reader's setting."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from itertools import pairwise
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from scanlab.view.captions import caption
from scanlab.view.geometry import Projection, Steps, project, steps_of
from scanlab.view.png_bytes import rgb_png
from scanlab.view.ramp import STOPS, hex_colour
from scanlab.view.scene import PathScene, check_drawable

SVG_LIMIT = 300_000
_COLOURS = 48
_PANEL = 300
_GAP = 28
_HEAD = 54
_FOOT = 26
_LARGEST_PATCH = 40.0
_DENSEST_LINES = 64

_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1c1b22; --soft: #5d5b6b; --line: #e3e1ea; --off: #f1eff5 }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15141b; --ink: #f0eef6; --soft: #a5a2b4; --line: #302e3a; --off: #1f1d27 }
}
.paper { fill: var(--paper) }
text { font-family: system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: var(--ink) }
.name { font-size: 15px; font-weight: 600 }
.source { font-size: 11.5px; font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace }
.source, .facts, .facts text, .axis { fill: var(--soft) }
.facts, .axis { font-size: 11px }
.axis { font-style: italic }
.plane { fill: var(--paper); stroke: var(--line); vector-effect: non-scaling-stroke }
.grid { fill: none; stroke: var(--line); stroke-width: .6; vector-effect: non-scaling-stroke }
.off { fill: var(--off) }
.path, .jump { fill: none; stroke-linecap: round; stroke-linejoin: round }
.jump { stroke-linecap: butt; vector-effect: non-scaling-stroke }
.mark { stroke: var(--ink); vector-effect: non-scaling-stroke }
.reset { fill: var(--paper); vector-effect: non-scaling-stroke }
"""


def svg(
    scenes: Iterable[PathScene], title: str = "", image: NDArray[np.uint8] | None = None, colour: str = "step"
) -> str:
    """Draw paths as small multiples in one SVG document.

    title: the document's accessible title; the paths' names by default. image: uint8 [H, W, 3] below every path, whose
    grid has two axes. colour: "step", from first to last, or "path", one for each. Raises ScanlabError S503 for no
    scenes, S504 for more than SVG_LIMIT patches.
    """
    drawable = check_drawable(scenes, SVG_LIMIT, "an SVG file", "write a .png or .html file, or give a smaller --grid")
    below = "" if image is None else base64.b64encode(rgb_png(image)).decode()
    columns = min(len(drawable), 4, max(1, math.ceil(math.sqrt(len(drawable)))))
    drawn = [(scene, steps_of(scene), project(scene)) for scene in drawable]
    rows = [drawn[start : start + columns] for start in range(0, len(drawn), columns)]
    heights = [max(_drawing_height(projection) for _, _, projection in row) for row in rows]
    width = columns * (_PANEL + _GAP) + _GAP
    body, top = [], float(_GAP)
    for row, height in zip(rows, heights, strict=True):
        for column, (scene, steps, projection) in enumerate(row):
            left = _GAP + column * (_PANEL + _GAP)
            body.append(f'<g transform="translate({left} {_number(top)})">')
            shade = drawable.index(scene) / max(1, len(drawable) - 1) if colour == "path" else None
            body += _panel(scene, steps, projection, height, below, shade)
            body.append("</g>")
        top += _HEAD + height + _FOOT + _GAP
    legend, room = _legend(drawn, width - 2 * _GAP, ramp=colour == "step")
    body += [f'<g transform="translate({_GAP} {_number(top)})">', *legend, "</g>"]
    name = title or ", ".join(scene.title for scene in drawable)
    how = "coloured from first to last" if colour == "step" else "each path in a colour of its own"
    return "\n".join([*_head(name, how, drawable, width, top + room + _GAP), *body, "</svg>", ""])


def thumbnail(scenes: Iterable[PathScene], side: int = 120) -> str:
    """Draw up to four paths as one small square picture without words, `side` pixels wide.

    Raises ScanlabError S503 for no scenes, S504 for more than SVG_LIMIT patches.
    """
    drawable = check_drawable(scenes, SVG_LIMIT, "an SVG file", "give a smaller grid")[:4]
    columns = 1 if len(drawable) == 1 else 2
    room, gap = side / columns, 8.0
    body = []
    for k, scene in enumerate(drawable):
        steps, projection = steps_of(scene), project(scene)
        scale = (room - 2 * gap) / max(projection.size)
        left = k % columns * room + (room - projection.size[0] * scale) / 2
        # Two paths stand in the middle of the square, not at its top.
        top = (k // columns + (0.5 if len(drawable) == 2 else 0)) * room + (room - projection.size[1] * scale) / 2
        body.append(f'<g transform="translate({_number(left)} {_number(top)}) scale({scale:.4f})">')
        body += [*_ground(scene, projection), *_lines(scene, steps, projection, scale)]
        body += [*_markers(scene, projection, scale * 1.6), "</g>"]
    size = f'viewBox="0 0 {side} {side}" width="{side}" height="{side}"'
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', f"<style>{_STYLE}</style>", *body, "</svg>", ""]
    )


def _head(name: str, how: str, scenes: tuple[PathScene, ...], width: float, height: float) -> list[str]:
    about = "; ".join(f"{scene.title}: {scene.source}" for scene in scenes)
    stops = "".join(
        f'<stop offset="{_number(k / (len(STOPS) - 1))}" stop-color="{hex_colour(k / (len(STOPS) - 1))}"/>'
        for k in range(len(STOPS))
    )
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_number(width)} {_number(height)}" '
        f'width="{_number(width)}" height="{_number(height)}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(name)}</title>',
        f'<desc id="desc">The order in which patches are visited, {how}. {escape(about)}</desc>',
        f"<style>{_STYLE}</style>",
        f'<defs><linearGradient id="ramp">{stops}</linearGradient></defs>',
        '<rect class="paper" width="100%" height="100%"/>',
    ]


def _scale(projection: Projection) -> float:
    return min(_PANEL / projection.size[0], 1.25 * _PANEL / projection.size[1], _LARGEST_PATCH)


def _drawing_height(projection: Projection) -> float:
    return projection.size[1] * _scale(projection)


def _panel(
    scene: PathScene, steps: Steps, projection: Projection, height: float, below: str, shade: float | None
) -> list[str]:
    scale = _scale(projection)
    left = (_PANEL - projection.size[0] * scale) / 2
    return [
        f'<text class="name" y="13">{escape(_cut(scene.title, 38))}</text>',
        f'<text class="source" y="31">{escape(_cut(scene.subtitle, 43))}<title>{escape(scene.source)}</title></text>',
        *_axis_names(scene, left),
        f'<g transform="translate({_number(left)} {_HEAD}) scale({scale:.4f})">',
        *_image(scene, below),
        *_ground(scene, projection),
        *_lines(scene, steps, projection, scale, shade),
        *_markers(scene, projection, scale),
        "</g>",
        f'<text class="facts" y="{_number(_HEAD + height + 18)}">{escape(_cut(caption(scene, steps), 58))}</text>',
    ]


def _axis_names(scene: PathScene, left: float) -> list[str]:
    place = f'class="axis" y="{_HEAD - 6}" x="{_number(left + 1)}"'
    side = f'class="axis" y="{_HEAD + 10}" x="{_number(left - 6)}" text-anchor="end"'
    match scene.axes:
        case (across,):
            return [f"<text {place}>{escape(across)} →   step ↓</text>"]
        case (down, across):
            return [f"<text {place}>{escape(across)} →</text>", f"<text {side}>{escape(down)} ↓</text>"]
        case _:
            return []


def _ground(scene: PathScene, projection: Projection) -> list[str]:
    """Draw each plane with its grid, and shade the patches that a partial path leaves out."""
    parts = []
    for plane in projection.planes:
        corners = [plane.at(0, 0), plane.at(0, plane.columns), plane.at(plane.rows, plane.columns)]
        corners.append(plane.at(plane.rows, 0))
        parts.append(f'<path class="plane" d="{_polyline(np.array(corners))}Z"/>')
        if max(plane.rows, plane.columns) <= _DENSEST_LINES:
            ends = [(plane.at(0, c), plane.at(plane.rows, c)) for c in range(1, plane.columns)]
            ends += [(plane.at(r, 0), plane.at(r, plane.columns)) for r in range(1, plane.rows)]
            if ends:
                parts.append(f'<path class="grid" d="{"".join(_polyline(np.array(pair)) for pair in ends)}"/>')
    left_out = np.flatnonzero(scene.ranks < 0)
    if len(left_out) and len(scene.grid) > 1:
        plane = projection.planes[0]
        shape = np.array([plane.at(0, 0), plane.at(0, 1), plane.at(1, 1), plane.at(1, 0)])
        shape = shape - shape.mean(axis=0)
        cells = "".join(_polyline(shape + projection.points[patch]) + "Z" for patch in left_out.tolist())
        parts.append(f'<path class="off" d="{cells}"/>')
    return parts


def _image(scene: PathScene, below: str) -> list[str]:
    """A picture that fills the grid's plane, whose patches then have no ground of their own."""
    if not below:
        return []
    rows, columns = scene.grid
    size = f'width="{columns}" height="{rows}" preserveAspectRatio="none"'
    return ["<style>.plane { fill: none }</style>", f'<image {size} href="data:image/png;base64,{below}"/>']


def _lines(
    scene: PathScene, steps: Steps, projection: Projection, scale: float, shade: float | None = None
) -> list[str]:
    """Draw the steps in groups of one colour each: jumps first and below, then steps between touching patches. shade:
    of all of them, None for the ramp from first to last."""
    count = scene.length - 1
    if count < 1:
        return []
    points = projection.points[scene.indices]
    groups = min(_COLOURS, count)
    edges = np.linspace(0, count, groups + 1).round().astype(int)
    jumps, lines = [], []
    faint = 0.55 if steps.jump.sum() < 200 else 0.3
    for k in range(groups):
        colour = hex_colour((k + 0.5) / groups if shade is None else shade)
        span = range(int(edges[k]), int(edges[k + 1]))
        if d := _joined(points, steps.jump, span):
            jumps.append(f'<path class="jump" stroke="{colour}" d="{d}"/>')
        if d := _joined(points, steps.touching, span):
            lines.append(f'<path class="path" stroke="{colour}" d="{d}"/>')
    wide = max(0.16, 1.1 / scale)
    return [
        f'<g stroke-width="1" stroke-dasharray="3 3" opacity="{faint}">',
        *jumps,
        "</g>",
        f'<g stroke-width="{_number(wide)}">',
        *lines,
        "</g>",
    ]


def _joined(points: np.ndarray, mask: np.ndarray, span: range) -> str:
    """Write the steps of `span` that `mask` picks as path data; neighbouring steps share one line."""
    parts, begin = [], None
    for step in [*span, None]:
        if step is not None and mask[step]:
            begin = step if begin is None else begin
        elif begin is not None:
            end = span.stop if step is None else step
            parts.append(_polyline(points[begin : end + 1]))
            begin = None
    return "".join(parts)


def _polyline(points: np.ndarray) -> str:
    """Write points as absolute path data, straight runs as one line."""
    delta = np.diff(points, axis=0)
    turn = np.ones(len(points), dtype=bool)
    turn[1:-1] = (np.abs(np.diff(delta, axis=0)) > 1e-9).any(axis=1)
    corners = [(_number(x), _number(y)) for x, y in points[turn].tolist()]
    data = [f"M{corners[0][0]} {corners[0][1]}"]
    for (old_x, old_y), (x, y) in pairwise(corners):
        data.append(f"V{y}" if x == old_x else f"H{x}" if y == old_y else f"L{x} {y}")
    return "".join(data)


def _markers(scene: PathScene, projection: Projection, scale: float) -> list[str]:
    points = projection.points[scene.indices]
    size = min(max(0.3, 4 / scale), 9 / scale)
    parts = []
    for step in scene.restarts[(scene.restarts > 0) & (scene.restarts < scene.length)].tolist():
        x, y = (_number(value) for value in points[step])
        ring = hex_colour(step / max(scene.length - 1, 1))
        parts.append(f'<circle class="reset" cx="{x}" cy="{y}" r="{_number(size * 0.6)}" stroke="{ring}"/>')
    if scene.length > 1:
        parts.append(f'<path class="mark end" fill="{hex_colour(1)}" d="{_polyline(_diamond(points[-1], size))}Z"/>')
    if scene.length:
        x, y = (_number(value) for value in points[0])
        parts.append(f'<circle class="mark start" fill="{hex_colour(0)}" cx="{x}" cy="{y}" r="{_number(size)}"/>')
    return parts


def _diamond(middle: np.ndarray, size: float) -> np.ndarray:
    return middle + size * 1.2 * np.array([[0, -1], [1, 0], [0, 1], [-1, 0]])


def _legend(drawn: list[tuple[PathScene, Steps, Projection]], width: float, ramp: bool) -> tuple[list[str], float]:
    """Explain the colours and the symbols that occur, in lines at most `width` long; return them with their height."""
    first, middle, last = hex_colour(0), hex_colour(0.5), hex_colour(1)
    end = _polyline(_diamond(np.array([4.0, 6.5]), 4))
    shades = '<text y="10">first</text><rect x="30" y="3" width="120" height="7" rx="3.5" fill="url(#ramp)"/>'
    items = [
        (42, f'<circle class="mark" fill="{first}" cx="4" cy="6.5" r="4"/><text x="12" y="10">start</text>'),
        (36, f'<path class="mark" fill="{last}" d="{end}Z"/><text x="12" y="10">end</text>'),
    ]
    if ramp:
        items.insert(0, (182, f'{shades}<text x="156" y="10">last</text>'))
    if any(steps.jump.any() for _, steps, _ in drawn):
        line = f'<path class="jump" stroke="{middle}" stroke-dasharray="3 3" d="M0 6.5H22"/>'
        items.append((56, f'{line}<text x="27" y="10">jump</text>'))
    if any(steps.restart.any() for _, steps, _ in drawn):
        ring = f'<circle class="reset" stroke="{middle}" cx="4" cy="6.5" r="3"/>'
        items.append((70, f'{ring}<text x="12" y="10">state reset</text>'))
    parts, x, y = [], 0, 0
    for wide, item in items:
        if x and x + wide > width:
            x, y = 0, y + 18
        parts.append(f'<g class="facts" transform="translate({x} {y})">{item}</g>')
        x += wide + 12
    return parts, y + 16


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
