"""The forest plot: every strategy's difference from the baseline, with its interval and every seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scanlab.study.cells import interval
from scanlab.study.findings import Comparison, ProblemFindings, StrategyFindings
from scanlab.study.kinds import Kind, kind_of
from scanlab.study.report.drawing import Axis, circle, line, round_ticks, svg, text, wrapped
from scanlab.study.statistics import format_difference
from scanlab.study.wording import margin_amount

__all__ = ["forest", "forest_note"]

WIDTH, SIDE, TOP = 600, 16, 22
# Below the rows: the ticks' numbers, then so much for every line of the axis's name.
TICKS, NAME_LINE = 22, 16
# A row: its label, then its interval and, below that, its seeds.
LABEL_LINE, STRIP, GAP = 15, 22, 10
# So many cells of a label fit beside the figures.
LABEL_CELLS, NAME_CELLS = 52, 60
# Intervals may take so many times the room of what was measured; beyond, arrows say that they go on.
MOST_STRETCH = 4.0


@dataclass(frozen=True)
class _Row:
    row: StrategyFindings
    comparison: Comparison
    kind: Kind
    seeds: tuple[int, ...]
    lines: list[str]

    @property
    def height(self) -> float:
        return LABEL_LINE * len(self.lines) + STRIP


def forest(problem: ProblemFindings, baseline: str) -> str:
    """Two lines per row: label and figures over the interval, the mean and, as small dots, every seed's difference.

    The margin is a band that is named; the axis has round numbers and a name with a unit.
    """
    rows = [
        _Row(row, row.comparison, kind_of(row, problem, baseline), _pairs(row, problem, baseline), _label(row))
        for row in problem.rows
        if row.comparison is not None
    ]
    axis = _axis(problem, rows)
    unit = f", {problem.unit}" if problem.unit else ""
    name = wrapped(f"{problem.metric.replace('_', ' ')} minus that of {baseline}{unit}", NAME_CELLS)
    bottom = TOP + sum(each.height for each in rows) + GAP
    parts = [*_margin(problem, axis, bottom), *_scale(problem, axis, bottom, name)]
    y, was_control = float(TOP), False
    for each in rows:
        if each.row.control and not was_control:
            y, was_control = y + GAP, True
        parts += _drawn(each, y, axis, problem)
        y += each.height
    height = bottom + TICKS + NAME_LINE * len(name)
    return svg(WIDTH, height, f"Differences from the baseline on {problem.name}, with intervals", parts, "forest")


def forest_note(problem: ProblemFindings, baseline: str) -> str:
    """How to read the plot."""
    points = " in points" if problem.unit else ""
    band = " In the band a difference counts as none." if problem.margin else ""
    return (
        f"Differences from {baseline}{points}: large dots are means, small ones single seeds, lines intervals (dashed: "
        f"of controls; with an arrow where they go on).{band}"
    )


def _pairs(row: StrategyFindings, problem: ProblemFindings, baseline: str) -> tuple[int, ...]:
    base = problem.row_or_none(baseline)
    return tuple(seed for seed in row.seeds if base and seed in base.seeds)


def _label(row: StrategyFindings) -> list[str]:
    return wrapped(row.label, LABEL_CELLS)


def _axis(problem: ProblemFindings, rows: Sequence[_Row]) -> Axis:
    """Around everything that was measured, the margin and zero; around the intervals too, where they are no wider than
    MOST_STRETCH times that."""
    differences = [row.comparison.difference for row in rows]
    measured = [v for row in rows for v in row.comparison.differences] + [d.mean for d in differences]
    low, high = min(0.0, -problem.margin, *measured), max(0.0, problem.margin, *measured)
    reach = (high - low) or 1e-9
    ends = [v for d in differences for v in (d.low, d.high) if v is not None]
    furthest = reach * (MOST_STRETCH - 1) / 2
    low, high = max(min(low, *ends, low), low - furthest), min(max(high, *ends, high), high + furthest)
    edge = 0.03 * ((high - low) or 1e-9)
    return Axis(low - edge, high + edge, SIDE, WIDTH - SIDE)


def _margin(problem: ProblemFindings, axis: Axis, bottom: float) -> list[str]:
    if not problem.margin:
        return []
    left, right = axis.at(-problem.margin), axis.at(problem.margin)
    words = f"margin ±{margin_amount(problem.margin, problem.unit)}"
    half = 3.4 * len(words)
    middle = min(max((left + right) / 2, half), WIDTH - half)
    band = f'<rect x="{left:.1f}" y="{TOP - 4}" width="{right - left:.1f}" height="{bottom - TOP + 4:.1f}"'
    return [f'{band} class="margin"/>', text(middle, TOP - 9, words, "middle", "name")]


def _scale(problem: ProblemFindings, axis: Axis, bottom: float, name: Sequence[str]) -> list[str]:
    scale = 100 if problem.unit else 1
    parts = []
    for tick in round_ticks(scale * axis.low, scale * axis.high, 8):
        x = axis.at(tick / scale)
        parts.append(line(x, TOP - 4, x, bottom, "grid" if tick else "zero"))
        parts.append(text(x, bottom + 14, f"{tick:+g}" if tick else "0", "middle", "tick"))
    lower, higher = ("worse", "better") if problem.higher else ("better", "worse")
    y = bottom + TICKS + 10
    parts += [text(SIDE, y, f"← {lower}", "start", "name"), text(WIDTH - SIDE, y, f"{higher} →", "end", "name")]
    return [*parts, *(text(WIDTH / 2, y + NAME_LINE * i, words, "middle", "name") for i, words in enumerate(name))]


def _drawn(each: _Row, top: float, axis: Axis, problem: ProblemFindings) -> list[str]:
    d, unit = each.comparison.difference, problem.unit
    kind = f"{each.kind.css} {'control' if each.row.control else 'strategy'}"
    reach = interval(d, unit)
    figures = format_difference(d.mean, unit) + (f" ({reach})" if reach else "")
    first, *more = each.lines
    parts = [text(SIDE, top + 11, f"{each.kind.glyph} {first}"), text(WIDTH - SIDE, top + 11, figures, "end", "figure")]
    parts += [text(SIDE + 14, top + 11 + LABEL_LINE * i, words) for i, words in enumerate(more, 1)]
    y = top + LABEL_LINE * len(each.lines) + 6
    if d.low is not None and d.high is not None:
        parts.append(line(axis.at(d.low), y, axis.at(d.high), y, f"interval {kind}"))
        parts += [_arrow(axis.begin, y, 1, kind)] if d.low < axis.low else []
        parts += [_arrow(axis.end, y, -1, kind)] if d.high > axis.high else []
    parts.append(circle(axis.at(d.mean), y, 4.5, kind))
    dots = [
        circle(axis.at(value), y + 8, 2.4, about=f"seed {seed}: {format_difference(value, unit)}")
        for seed, value in zip(each.seeds, each.comparison.differences, strict=False)
    ]
    return [*parts, f'<g class="seeds {kind}">{"".join(dots)}</g>']


def _arrow(x: float, y: float, inwards: int, kind: str) -> str:
    """An arrowhead at an edge: the interval goes on beyond it."""
    back = x + 7 * inwards
    return f'<path d="M{back:.1f} {y - 4:.1f}L{x:.1f} {y:.1f}L{back:.1f} {y + 4:.1f}" class="beyond {kind}"/>'
