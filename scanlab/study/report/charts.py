"""The report's charts, as SVG text without scripts; colours come from the style sheet of `study.kinds`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scanlab.study.report.curves import curves
from scanlab.study.report.drawing import svg
from scanlab.study.report.forest import forest

__all__ = ["curves", "field_picture", "forest"]


def field_picture(values: Sequence[float], grid: tuple[int, ...], name: str) -> str:
    """A receptive field over a grid of 1 to 3 axes, stronger where a patch moves the centre more; of a volume its
    slices side by side. The square root of the values is shown: fields fall off quickly. What cannot be seen is left
    out, which is most of a trained field."""
    rows, columns = (1, *grid)[-2:]
    slices = math.prod(grid[:-2])
    parts = []
    for number, value in enumerate(values):
        at, place = divmod(number, rows * columns)
        row, column = divmod(place, columns)
        strength = math.sqrt(max(0.0, min(1.0, value)))
        x, shown = at * (columns + 1) + column, f"{strength:.2f}"
        if shown != "0.00":
            parts.append(f'<rect x="{x}" y="{row}" width="1" height="1" fill-opacity="{shown}"/>')
    return svg(slices * (columns + 1), rows, f"The effective receptive field of {name}", parts, "field")
