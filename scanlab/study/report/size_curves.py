"""The metric against the number of training images, as a small picture for every strategy with the baseline behind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from scanlab.study.findings import SizeFindings, SizePoint, SizeRow
from scanlab.study.report.drawing import Axis, circle, line, svg, text, value_axis

__all__ = ["size_curves"]

WIDTH, HEIGHT = 240, 160
LEFT, RIGHT, TOP, BOTTOM = 40, 12, 20, 32


def size_curves(sizes: SizeFindings, baseline: str) -> str:
    """Means over seeds by the number of training images, whose axis is logarithmic, each with one standard deviation
    either way. HTML: one figure per strategy and control, all with the same axes; "" where nothing is measured yet."""
    rows = [row for row in sizes.rows if row.points]
    if not rows:
        return ""
    ends = [p.mean + sign * (p.spread or 0.0) for row in rows for p in row.points for sign in (-1, 1)]
    low, high = min(ends), max(ends)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    x = Axis(math.log(sizes.images[0]), math.log(sizes.images[-1]), LEFT, WIDTH - RIGHT)
    y = Axis(low, high, HEIGHT - BOTTOM, TOP)
    behind = next((row for row in rows if row.label == baseline), None)
    return f'<div class="panels">{"".join(_figure(row, behind, sizes, x, y) for row in rows)}</div>'


def _figure(row: SizeRow, behind: SizeRow | None, sizes: SizeFindings, x: Axis, y: Axis) -> str:
    parts = _frame(sizes, x, y)
    if behind is not None and behind is not row:
        parts.append(_line(behind.points, "behind", x, y))
    style = f"curve {'control' if row.control else 'strategy'}"
    parts.append(_line(row.points, style, x, y))
    for point in row.points:
        across, spread = x.at(math.log(point.images)), point.spread or 0.0
        parts.append(line(across, y.at(point.mean - spread), across, y.at(point.mean + spread), style))
        parts.append(circle(across, y.at(point.mean), 3, style, f"{point.images} images"))
    about = f"{sizes.metric} by the number of training images on {sizes.of}, mean over seeds of {row.label}"
    return f"<figure><figcaption>{escape(row.label)}</figcaption>{svg(WIDTH, HEIGHT, about, parts)}</figure>"


def _line(points: Sequence[SizePoint], kind: str, x: Axis, y: Axis) -> str:
    places = " ".join(f"{x.at(math.log(p.images)):.1f},{y.at(p.mean):.1f}" for p in points)
    return f'<polyline points="{places}" class="{kind}"/>'


def _frame(sizes: SizeFindings, x: Axis, y: Axis) -> list[str]:
    """Both axes with their names; across, the numbers of images that were trained on."""
    parts = value_axis(sizes.metric, sizes.unit, y, LEFT, WIDTH - RIGHT)
    last = -math.inf
    for images in sizes.images:
        at = x.at(math.log(images))
        if at - last > 8 * len(str(images)):
            parts.append(text(at, HEIGHT - BOTTOM + 14, str(images), "middle", "tick"))
            last = at
    return [*parts, text(WIDTH - RIGHT, HEIGHT - 4, "training images", "end", "name")]
