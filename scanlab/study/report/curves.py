"""Learning curves, told apart by place: a small picture for every strategy, with the baseline's curve behind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import takewhile

from scanlab.study.findings import ProblemFindings, StrategyFindings
from scanlab.study.kinds import Kind, kind_of
from scanlab.study.report.drawing import Axis, circle, round_ticks, svg, text, value_axis

__all__ = ["curves", "curves_note"]

WIDTH, HEIGHT = 240, 150
LEFT, RIGHT, TOP, BOTTOM = 40, 8, 20, 30


def curves(problem: ProblemFindings, baseline: str) -> str:
    """The primary metric after each epoch: the mean over seeds in a band of one standard deviation either way.

    HTML: one figure per strategy and control, all with the same axes; "" where no epoch has a number. Those that share
    their trials with another have none, and a curve stops where its mean is no number.
    """
    rows = [row for row in problem.rows if _means(row) and not row.same_as]
    if not rows:
        return ""
    x, y = _axes(rows)
    behind = next((row for row in rows if row.label == baseline), None)
    figures = [_figure(row, behind, problem, kind_of(row, problem, baseline), x, y) for row in rows]
    return f'<div class="panels">{"".join(figures)}</div>'


def curves_note(baseline: str) -> str:
    """How to read the curves."""
    return (
        "The mean over seeds after each epoch, in a band of one standard deviation either way; dashed: controls; grey "
        f"behind: {baseline}. A curve ends where its mean is no number, or its first training ended."
    )


def _axes(rows: Sequence[StrategyFindings]) -> tuple[Axis, Axis]:
    """Epochs, from 1, and values around all curves and their bands."""
    low = min(mean - spread for row in rows for _, mean, spread in _means(row))
    high = max(mean + spread for row in rows for _, mean, spread in _means(row))
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    epochs = max(len(row.curves) for row in rows)
    across = Axis(1, epochs, LEFT, WIDTH - RIGHT) if epochs > 1 else Axis(0.5, 1.5, LEFT, WIDTH - RIGHT)
    return across, Axis(low, high, HEIGHT - BOTTOM, TOP)


def _figure(
    row: StrategyFindings, behind: StrategyFindings | None, problem: ProblemFindings, kind: Kind, x: Axis, y: Axis
) -> str:
    parts = _frame(problem, x, y)
    style = f"{kind.css} {'control' if row.control else 'strategy'}"
    if any(spread for _, _, spread in _means(row)):
        upper = [(n, mean + spread) for n, mean, spread in _means(row)]
        lower = [(n, mean - spread) for n, mean, spread in _means(row)]
        parts.append(f'<polygon points="{_points([*upper, *reversed(lower)], x, y)}" class="band {style}"/>')
    if behind is not None and behind is not row and _means(behind):
        parts.append(_curve(behind, "behind", x, y))
    parts.append(_curve(row, f"curve {style}", x, y))
    about = f"{problem.metric} after each epoch on {problem.name}, mean over seeds of {row.label}"
    caption = f'<figcaption class="{kind.css}"><b>{escape(kind.glyph)}</b> {escape(row.label)}</figcaption>'
    return f"<figure>{caption}{svg(WIDTH, HEIGHT, about, parts)}</figure>"


def _curve(row: StrategyFindings, kind: str, x: Axis, y: Axis) -> str:
    """A line through the means; one mean alone is a dot."""
    means = [(n, mean) for n, mean, _ in _means(row)]
    if len(means) == 1:
        return circle(x.at(means[0][0]), y.at(means[0][1]), 3, kind)
    return f'<polyline points="{_points(means, x, y)}" class="{kind}"/>'


def _means(row: StrategyFindings) -> list[tuple[int, float, float]]:
    """Epoch, mean and standard deviation, up to the first epoch without a number."""
    known = takewhile(lambda point: math.isfinite(point[0] + point[1]), row.curves)
    return [(number, mean, spread) for number, (mean, spread, _) in enumerate(known, 1)]


def _points(places: Sequence[tuple[float, float]], x: Axis, y: Axis) -> str:
    return " ".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in places)


def _frame(problem: ProblemFindings, x: Axis, y: Axis) -> list[str]:
    """Both axes with their names and round numbers."""
    parts = value_axis(problem.metric, problem.unit, y, LEFT, WIDTH - RIGHT)
    marks = sorted({1.0, *round_ticks(x.low, x.high, 5, whole=True)})
    parts += [text(x.at(n), HEIGHT - BOTTOM + 14, f"{n:g}", "middle", "tick") for n in marks]
    return [*parts, text(WIDTH - RIGHT, HEIGHT - 3, "epoch", "end", "name")]
