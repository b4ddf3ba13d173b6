"""The report's charts, as SVG text without scripts; colours come from the page's style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from scanlab.study.result import Row, StudyResult

WIDTH = 720
LABELS = 190
MARGIN = 24
LINE = 30
CURVES_HEIGHT = 300
SERIES = 8
LONGEST_LABEL = 26


def interval_plot(rows: Sequence[Row]) -> str:
    """The differences from the baseline with their intervals, one line per row, in points of accuracy."""
    compared = [(row, row.difference) for row in rows if row.difference is not None]
    reach = 100 * max([0.001, *(abs(v) for _, d in compared for v in (d.mean, d.low, d.high) if v is not None)]) * 1.1
    height = LINE * len(compared) + 2 * MARGIN
    middle, scale = (LABELS + WIDTH - MARGIN) / 2, (WIDTH - MARGIN - LABELS) / 2 / reach
    parts = [_line(middle, MARGIN / 2, middle, height - MARGIN, "zero")]
    for i, (row, d) in enumerate(compared):
        y = MARGIN + LINE * (i + 0.5)
        kind = "control" if row.strategy.control else "strategy"
        parts.append(_text(LABELS - 12, y + 4, row.strategy.name, "end"))
        if d.low is not None and d.high is not None:
            parts.append(_line(middle + 100 * d.low * scale, y, middle + 100 * d.high * scale, y, f"interval {kind}"))
        parts.append(f'<circle cx="{middle + 100 * d.mean * scale:.1f}" cy="{y:.1f}" r="5" class="{kind}"/>')
    for value in (-reach / 1.1, 0.0, reach / 1.1):
        parts.append(_text(middle + value * scale, height - 6, f"{value:+.1f}" if value else "0", "middle"))
    summary = "Differences from the baseline in points of accuracy, with 95 % intervals"
    return _svg(height, summary, parts)


def learning_curves(result: StudyResult) -> str:
    """Mean test accuracy after each epoch, one line per strategy, with the linear classifier as a dashed line."""
    means = {s.name: _mean_curve(result, s.name) for s in result.strategies}
    floor = max(0.0, min(result.linear, *(v for curve in means.values() for v in curve)) - 0.02)
    left, right, top, bottom = 56, WIDTH - LABELS, MARGIN, CURVES_HEIGHT - MARGIN - 10
    epochs = result.recipe.epochs

    def x(epoch: int) -> float:
        return left + (right - left) * (epoch / max(1, epochs - 1))

    def y(value: float) -> float:
        return bottom - (bottom - top) * (value - floor) / (1 - floor)

    parts = []
    for tick in (floor, (1 + floor) / 2, 1.0):
        parts += [
            _line(left, y(tick), right, y(tick), "grid"),
            _text(left - 8, y(tick) + 4, f"{100 * tick:.0f} %", "end"),
        ]
    parts.append(_line(left, y(result.linear), right, y(result.linear), "linear"))
    parts += [_text(x(e), CURVES_HEIGHT - 12, str(e + 1), "middle") for e in sorted({0, epochs // 2, epochs - 1})]
    for i, (name, curve) in enumerate(means.items()):
        points = " ".join(f"{x(e):.1f},{y(v):.1f}" for e, v in enumerate(curve))
        parts.append(f'<polyline points="{points}" class="series s{i % SERIES}"/>')
        parts.append(f'<rect x="{right + 14}" y="{top + 20 * i}" width="14" height="4" class="key s{i % SERIES}"/>')
        parts.append(_text(right + 34, top + 20 * i + 6, name, "start"))
    parts.append(_text(right + 14, top + 20 * len(means) + 12, "dashed: linear classifier", "start"))
    return _svg(max(CURVES_HEIGHT, top + 20 * len(means) + MARGIN), "Mean test accuracy after each epoch", parts)


def _mean_curve(result: StudyResult, strategy: str) -> list[float]:
    trials = result.of(strategy)
    return [sum(t.epochs[e].accuracy for t in trials) / len(trials) for e in range(result.recipe.epochs)]


def _svg(height: float, summary: str, parts: Sequence[str]) -> str:
    head = f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(summary)}">'
    return "\n".join([head, f"<title>{escape(summary)}</title>", *parts, "</svg>"])


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    short = text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(short)}</text>'
