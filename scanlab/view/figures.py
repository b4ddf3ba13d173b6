"""Paths as a PNG figure, drawn by matplotlib without its global state."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.view.captions import caption
from scanlab.view.extras import need
from scanlab.view.geometry import Projection, project, steps_of
from scanlab.view.ramp import colours
from scanlab.view.scene import PathScene, check_drawable

PNG_LIMIT = 1_000_000
WIDE, SLIDE = 1920, 16 / 9
_SLIDE_ROWS = 2
_SIDE = 3.4
_DENSEST_LINES = 64
_INK, _SOFT, _LINE, _OFF = "#1c1b22", "#5d5b6b", "#e3e1ea", "#f1eff5"


def png(
    scenes: Iterable[PathScene],
    title: str = "",
    image: NDArray[np.uint8] | None = None,
    colour: str = "step",
) -> bytes:
    """What `figure_of` draws, as the bytes of a PNG file for a slide: WIDE pixels wide, and of its proportions where
    the paths stand in one or two rows. Raises what `figure_of` raises.
    """
    figure = figure_of(scenes, title, image, colour)
    width, height = figure.get_size_inches()
    if height < _SLIDE_ROWS * (_SIDE + 0.5) + 0.5:
        width = max(width, height * SLIDE)
        figure.set_size_inches(width, height)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=WIDE / width, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def figure_of(
    scenes: Iterable[PathScene], title: str = "", image: NDArray[np.uint8] | None = None, colour: str = "step"
) -> Any:
    """Draw paths as small multiples into a matplotlib Figure.

    image: uint8 [H, W, 3] below every path, whose grid has two axes. colour: "step", from first to last, or "path", one
    for each. Raises ScanlabError S500 without matplotlib, S503 for no scenes, S504 for more than PNG_LIMIT patches.
    """
    drawable = check_drawable(scenes, PNG_LIMIT, "a PNG file", "give a smaller --grid")
    # A path on its own has its name above it.
    title = "" if [scene.title for scene in drawable] == [title] else title
    figures = need("matplotlib.figure", "a PNG file")
    columns = min(len(drawable), 4)
    rows = -(-len(drawable) // columns)
    figure = figures.Figure(figsize=(columns * _SIDE, rows * (_SIDE + 0.5) + 0.4 * bool(title)), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.16)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels:
        panel.set_axis_off()
    for number, (panel, scene) in enumerate(zip(panels, drawable, strict=False)):
        if image is not None:
            rows_of, columns_of = scene.grid
            panel.imshow(image, extent=(0, columns_of, rows_of, 0), interpolation="nearest", zorder=0)
        _draw(panel, scene, number / max(1, len(drawable) - 1) if colour == "path" else None)
    if title:
        figure.suptitle(_plain(title), color=_INK, fontweight="bold")
    return figure


def _draw(panel: Any, scene: PathScene, shade: float | None = None) -> None:
    projection, steps = project(scene), steps_of(scene)
    width, height = projection.size
    cell = _SIDE * 62 / max(width, height)
    rim = 6 / cell
    panel.set(xlim=(-rim, width + rim), ylim=(height + rim, -rim), aspect="equal", anchor="N")
    _ground(panel, scene, projection)
    points = projection.points[scene.indices]
    parts = np.stack([points[:-1], points[1:]], axis=1)
    places = np.linspace(0, 1, max(len(parts), 1))
    shades = colours(places if shade is None else np.full_like(places, shade)) / 255
    collections = need("matplotlib.collections", "a PNG file")
    for mask, style in (
        (steps.jump, {"linewidths": 0.7, "linestyles": (0, (3, 3)), "alpha": 0.5 if steps.jump.sum() < 200 else 0.3}),
        (steps.touching, {"linewidths": min(max(cell * 0.17, 0.8), 5), "capstyle": "round"}),
    ):
        if mask.any():
            panel.add_collection(collections.LineCollection(parts[mask], colors=shades[mask], **style))
    _marks(panel, scene, points, min(max(cell * 0.55, 4), 11))
    panel.set_title(_plain(scene.title), loc="left", fontsize=10, fontweight="bold", color=_INK, pad=20)
    note = {"transform": panel.transAxes, "color": _SOFT, "clip_on": False}
    panel.text(0, 1.02, _plain(_cut(scene.subtitle, 46)), fontsize=7, family="monospace", va="bottom", **note)
    panel.text(0, -0.02, _plain(caption(scene, steps)), fontsize=7, va="top", **note)


def _ground(panel: Any, scene: PathScene, projection: Projection) -> None:
    """Outline the planes, draw their grids where lines would not run together, and shade what is not visited."""
    patches = need("matplotlib.patches", "a PNG file")
    collections = need("matplotlib.collections", "a PNG file")
    lines = []
    for plane in projection.planes:
        rows, columns = plane.rows, plane.columns
        corners = [plane.at(0, 0), plane.at(0, columns), plane.at(rows, columns), plane.at(rows, 0)]
        panel.add_patch(patches.Polygon(corners, facecolor="none", edgecolor=_LINE, linewidth=0.8))
        if max(rows, columns) <= _DENSEST_LINES:
            lines += [[plane.at(0, c), plane.at(rows, c)] for c in range(1, columns)]
            lines += [[plane.at(r, 0), plane.at(r, columns)] for r in range(1, rows)]
    panel.add_collection(collections.LineCollection(lines, colors=_LINE, linewidths=0.4))
    left_out = projection.points[scene.ranks < 0]
    if len(left_out) and len(scene.grid) > 1:
        plane = projection.planes[0]
        shape = np.array([plane.at(0, 0), plane.at(0, 1), plane.at(1, 1), plane.at(1, 0)])
        cells = left_out[:, None, :] + (shape - shape.mean(axis=0))[None]
        panel.add_collection(collections.PolyCollection(cells, facecolors=_OFF, edgecolors="none", zorder=0.5))


def _marks(panel: Any, scene: PathScene, points: np.ndarray, size: float) -> None:
    style = {"markeredgecolor": _INK, "markeredgewidth": 0.8, "clip_on": False, "zorder": 4}
    later = scene.restarts[(scene.restarts > 0) & (scene.restarts < scene.length)]
    if len(later):
        panel.plot(*points[later].T, "o", markersize=size * 0.6, color="white", **style)
    if scene.length > 1:
        panel.plot(*points[-1], "D", markersize=size * 0.9, color=colours(np.array(1.0)) / 255, **style)
    if scene.length:
        panel.plot(*points[0], "o", markersize=size, color=colours(np.array(0.0)) / 255, **style)


def _plain(text: str) -> str:
    """Keep matplotlib from reading a dollar sign as mathematics."""
    return text.replace("$", r"\$")


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
