"""The report's charts, as SVG text without scripts; colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from scanlab.study.findings import ProblemFindings
from scanlab.study.statistics import format_difference

__all__ = ["curves", "field_picture", "forest"]

WIDTH = 720
LABELS = 190
MARGIN = 24
LINE = 26
CURVES_HEIGHT = 300
SERIES = 10
LONGEST_LABEL = 28
CELL = 8


def forest(problem: ProblemFindings) -> str:
    """The differences from the baseline with their intervals, one line per row, and the margin as a band."""
    rows = [(row, row.comparison.difference) for row in problem.rows if row.comparison is not None]
    scale = 100 if problem.unit else 1
    known = [v for _, d in rows for v in (d.mean, d.low, d.high) if v is not None]
    reach = 1.1 * scale * max([1e-9, problem.margin, *map(abs, known)])
    height = LINE * len(rows) + 2 * MARGIN
    middle, per = (LABELS + WIDTH - MARGIN) / 2, (WIDTH - MARGIN - LABELS) / 2 / reach

    def x(value: float) -> float:
        return middle + scale * value * per

    parts = []
    if problem.margin:
        left, wide, high = x(-problem.margin), x(problem.margin) - x(-problem.margin), height - 1.5 * MARGIN
        parts.append(f'<rect x="{left:.1f}" y="{MARGIN / 2}" width="{wide:.1f}" height="{high}" class="margin"/>')
    parts.append(_line(middle, MARGIN / 2, middle, height - MARGIN, "zero"))
    for i, (row, d) in enumerate(rows):
        y = MARGIN + LINE * (i + 0.5)
        kind = "control" if row.control else "strategy"
        parts.append(_text(LABELS - 12, y + 4, row.label, "end"))
        if d.low is not None and d.high is not None:
            parts.append(_line(x(d.low), y, x(d.high), y, f"interval {kind}"))
        parts.append(f'<circle cx="{x(d.mean):.1f}" cy="{y:.1f}" r="4.5" class="{kind}"/>')
    for value in (-reach / 1.1, 0.0, reach / 1.1):
        words = format_difference(value / scale, problem.unit) if value else "0"
        parts.append(_text(middle + value * per, height - 6, words, "middle"))
    about = f"Differences from the baseline on {problem.name}, with intervals"
    return _svg(WIDTH, height, about, parts)


def curves(problem: ProblemFindings) -> str:
    """The mean of the primary metric after each epoch, one line per strategy; controls are dashed."""
    rows = [row for row in problem.rows if row.curves and not row.same_as]
    values = [mean for row in rows for mean, _, _ in row.curves]
    if not values:
        return ""
    low, high = min(values), max(values)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    left, right, top, bottom = 60, WIDTH - LABELS, MARGIN, CURVES_HEIGHT - MARGIN - 10
    epochs = max(len(row.curves) for row in rows)

    def x(epoch: int) -> float:
        return left + (right - left) * (epoch / max(1, epochs - 1))

    def y(value: float) -> float:
        return bottom - (bottom - top) * (value - low) / (high - low)

    parts = []
    for tick in (low, (low + high) / 2, high):
        words = f"{100 * tick:.1f} %" if problem.unit else f"{tick:.3g}"
        parts += [_line(left, y(tick), right, y(tick), "grid"), _text(left - 8, y(tick) + 4, words, "end")]
    parts += [_text(x(e), CURVES_HEIGHT - 12, str(e + 1), "middle") for e in sorted({0, epochs // 2, epochs - 1})]
    for i, row in enumerate(rows):
        line = " ".join(f"{x(e):.1f},{y(mean):.1f}" for e, (mean, _, _) in enumerate(row.curves))
        kind = f"series s{i % SERIES}" + (" dashed" if row.control else "")
        parts.append(f'<polyline points="{line}" class="{kind}"/>')
        parts.append(_line(right + 12, top + 18 * i, right + 30, top + 18 * i, kind))
        parts.append(_text(right + 36, top + 18 * i + 4, row.label, "start"))
    height = max(CURVES_HEIGHT, top + 18 * len(rows) + MARGIN)
    return _svg(WIDTH, height, f"{problem.metric} after each epoch on {problem.name}, means over seeds", parts)


def field_picture(values: Sequence[float], grid: tuple[int, ...], name: str) -> str:
    """A receptive field over a grid of 1 to 3 axes, stronger where a patch moves the centre more; of a volume its
    slices side by side. The square root of the values is shown: fields fall off quickly."""
    rows, columns = (1, *grid)[-2:]
    slices = math.prod(grid[:-2])
    cell = CELL if slices == 1 else max(2, CELL // 2)
    wide = slices * (columns + 1) * cell
    parts = []
    for number, value in enumerate(values):
        at, place = divmod(number, rows * columns)
        row, column = divmod(place, columns)
        strength = math.sqrt(max(0.0, min(1.0, value)))
        parts.append(
            f'<rect x="{(at * (columns + 1) + column) * cell}" y="{row * cell}" width="{cell}" height="{cell}" '
            f'fill-opacity="{strength:.2f}"/>'
        )
    return _svg(wide, rows * cell, f"The effective receptive field of {name}", parts, "field")


def _svg(width: float, height: float, summary: str, parts: Sequence[str], kind: str = "") -> str:
    head = f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(summary)}" class="{kind}">'
    return "\n".join([head, f"<title>{escape(summary)}</title>", *parts, "</svg>"])


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    short = text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(short)}</text>'
