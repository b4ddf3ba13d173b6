"""Pictures from Python: `scanlab.draw`, and what a notebook shows of a value."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import replace
from html import escape
from typing import Any, cast

from numpy.typing import ArrayLike

from scanlab.compiler.bind import CompiledPlan, CompiledScan, Path
from scanlab.compiler.comparison import CAVEAT, OrderComparison, columns, figures
from scanlab.compiler.proof import Proof
from scanlab.decompiler.result import Decompiled
from scanlab.facade import bound
from scanlab.facade import compile as compiled
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import Extents
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import Order, Plan, Scan
from scanlab.view.drawing import Drawing, pixels_of
from scanlab.view.scene import PathScene, scene_of, scenes_of
from scanlab.view.svg import svg

__all__ = ["draw", "html_of"]

COLOURS = ("step", "path")
# What a notebook draws by itself: so many paths, of so many patches together.
MOST_PATHS, MOST_PATCHES = 8, 1 << 14
# The sides of a grid that nobody chose, by its number of axes; the first on which an order has a meaning is taken.
_SIDES = {1: (16, 9), 2: (8, 6, 9, 12, 16, 7), 3: (4, 6, 3, 8)}


def draw(
    paths: Any,
    grid: Extents | None = None,
    *,
    image: ArrayLike | None = None,
    colour: str = "step",
) -> Drawing:
    """Draw paths: a notebook shows the picture, `save` writes it, `figure` makes a matplotlib figure of it.

    paths: a name or a line, an order, scan or plan, one that is compiled, a path of it, or several of these, side by
    side. grid: as `scanlab.compile` takes it; needed for what is not compiled. image: [H, W], [H, W, 3] or [3, H, W],
    uint8 or from 0 to 1, or a Pillow image, below paths over two axes. colour: "step", from the first step to the last,
    or "path", one for each path. Raises S506 for another colour, what is no image, and paths without a grid; what
    `scanlab.compile` raises; the drawing, when it is used, S500 to S505.

    >>> import numpy as np, scanlab
    >>> drawing = scanlab.draw(["row", "hilbert"], (8, 8), image=np.zeros((32, 32)))
    >>> drawing, drawing.svg.count("<image")
    (<Drawing of row, hilbert>, 2)
    """
    if colour not in COLOURS:
        raise ScanlabError.at("S506", f"there is no colour {colour!r}", help=f"choose from {', '.join(COLOURS)}")
    several = isinstance(paths, Iterable) and not isinstance(paths, str)
    scenes = tuple(scene for each in (paths if several else [paths]) for scene in _scenes(each, grid))
    pixels = None if image is None or not scenes else pixels_of(image, scenes[0].grid)
    return Drawing(scenes, pixels, colour)


def _scenes(given: Any, grid: Extents | None) -> tuple[PathScene, ...]:
    if isinstance(given, Path):
        return (scene_of(cast(Any, given)),)
    if isinstance(given, CompiledScan):
        return scenes_of(given)
    if isinstance(given, CompiledPlan):
        return tuple(scene for scan in given.scans for scene in scenes_of(scan))
    if grid is None:
        raise ScanlabError.at("S506", f"{given!s} has no grid yet", help="name one: scanlab.draw(…, grid=(14, 14))")
    made = _scenes(compiled(given, grid), None)
    # What was given by name is called so, and a line as it was written.
    single = len(made) == 1 and isinstance(given, str)
    return (replace(made[0], label=given),) if single else made


def html_of(value: Any) -> str:
    """What a notebook shows: the words in a line, and a picture where there is one.

    The picture stands in an element of its own, so that its style is not the page's. Nothing raises: what cannot be
    drawn is shown as words.
    """
    if isinstance(value, OrderComparison):
        return _tables(value)
    try:
        note, picture = _picture(value)
    except ScanlabError as error:
        note, picture = str(error.diagnostics[0].message), ""
    shown = f"<pre style='white-space:pre-wrap'>{escape(str(value))}</pre>"
    below = f"<p><small>{escape(note)}</small></p>" if note else ""
    if not picture:
        return f"<div>{shown}{below}</div>"
    code = base64.b64encode(picture.encode()).decode()
    about = escape(str(value), quote=True)
    return f'<div>{shown}<img style="max-width:100%" alt="{about}" src="data:image/svg+xml;base64,{code}">{below}</div>'


def _tables(comparison: OrderComparison) -> str:
    """A table of the locality of every path for each grid, and what is provably the same."""
    parts = []
    for (axes, grid), rows in comparison.grids().items():
        head = "".join(f"<th>{escape(name)}</th>" for name in ("path", *columns(axes)))
        cells = ("".join(f"<td>{escape(text)}</td>" for text in (row.label, *figures(row))) for row in rows)
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        caption = f"<caption>rank gaps of neighbouring patches, and steps, on {grid_text(grid)}</caption>"
        parts.append(f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    parts += [f"<p>{escape(str(pair))}</p>" for pair in comparison.pairs]
    return f"<div>{''.join(parts)}<p><small>{escape(CAVEAT)}</small></p></div>"


def _picture(value: Any) -> tuple[str, str]:
    """A note, "" for none, and SVG text, "" for none."""
    if isinstance(value, Decompiled) and value.value is not None:
        value = bound(value.value, value.grids[0])
    if isinstance(value, ScanlabError | Proof | Decompiled):
        return "", ""
    chosen = ""
    if isinstance(value, Order | Scan | Plan):
        value = _on_a_grid(value)
        chosen = f"on a grid of {grid_text(value.grid)}, as an example"
    scenes = _scenes(value, None)
    shown = scenes[:MOST_PATHS]
    if sum(scene.length for scene in shown) > MOST_PATCHES:
        return f"{count_text(sum(s.length for s in scenes), 'step')}: scanlab.draw draws them", ""
    left = f"{len(shown)} of {count_text(len(scenes), 'path')} are shown" if len(shown) < len(scenes) else ""
    return "; ".join(filter(None, (chosen, left))), svg(shown)


def _on_a_grid(value: Order | Scan | Plan) -> CompiledScan | CompiledPlan:
    """On the first of some small grids on which it has a meaning. Raises what the last of them raises."""
    axes = len(value.axes)
    *others, last = _SIDES.get(axes, (3, 2, 4))
    for side in others:
        try:
            return bound(value, (side,) * axes)
        except ScanlabError:
            continue
    return bound(value, (last,) * axes)
