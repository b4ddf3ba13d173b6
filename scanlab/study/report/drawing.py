"""What the report's charts are drawn with: SVG text without scripts, and axes with round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from rich.cells import cell_len

__all__ = ["Axis", "circle", "line", "round_ticks", "svg", "text", "value_axis", "wrapped"]


@dataclass(frozen=True)
class Axis:
    """Values from low to high on a line of a picture that begins and ends at these places."""

    low: float
    high: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        """The place of a value; beyond the ends, the nearer end."""
        share = (value - self.low) / (self.high - self.low)
        return self.begin + (self.end - self.begin) * min(1.0, max(0.0, share))


def round_ticks(low: float, high: float, most: int = 6, whole: bool = False) -> list[float]:
    """The multiples of 1, 2 or 5 times a power of ten from low to high: as many as fit, at most so many.

    whole: none between two whole numbers.

    >>> round_ticks(0.426, 0.919, most=4)
    [0.6, 0.8]
    >>> round_ticks(1, 20, whole=True)
    [5.0, 10.0, 15.0, 20.0]
    """
    step = min((s for s in _steps(high - low) if s >= 1 or not whole), key=lambda s: (_count(low, high, s) > most, s))
    first = math.ceil(low / step - 1e-9)
    # Multiplied, not summed up, and rounded, so that 3 times 0.1 is 0.3.
    return [round((first + i) * step, 12) + 0.0 for i in range(_count(low, high, step))]


def _steps(reach: float) -> Iterator[float]:
    """Round steps from much smaller than a reach to larger than it."""
    power = math.floor(math.log10(reach)) if reach > 0 else 0
    for exponent in range(power - 2, max(power, 0) + 2):
        yield from (round(m * 10.0**exponent, 12) or m * 10.0**exponent for m in (1, 2, 5))


def _count(low: float, high: float, step: float) -> int:
    return math.floor(high / step + 1e-9) - math.ceil(low / step - 1e-9) + 1


def value_axis(metric: str, unit: str, y: Axis, left: float, right: float) -> list[str]:
    """The name of a metric, in percent where it has a unit, and a line from left to right at every round value."""
    scale, shown = (100, ", %") if unit else (1, "")
    parts = [text(0, 11, f"{metric.replace('_', ' ')}{shown}", kind="name")]
    for tick in round_ticks(scale * y.low, scale * y.high, 5):
        at = y.at(tick / scale)
        parts += [line(left, at, right, at, "grid"), text(left - 5, at + 4, f"{tick:g}", "end", "tick")]
    return parts


def wrapped(words: str, most: int) -> list[str]:
    """A text in lines of at most so many cells (a wide letter takes two): broken at blanks, else anywhere; never cut.

    >>> wrapped("window of four", 9)
    ['window of', 'four']
    """
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".lstrip()
        if cell_len(longer) <= most:
            lines[-1] = longer
            continue
        lines.append("")
        for letter in word:
            if cell_len(lines[-1] + letter) > most:
                lines.append("")
            lines[-1] += letter
    return [each for each in lines if each] or [""]


def svg(width: float, height: float, summary: str, parts: Sequence[str], kind: str = "") -> str:
    """A picture of this size; summary: what it shows, for who does not see it."""
    head = f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(summary)}" class="{kind}">'
    return "\n".join([head, f"<title>{escape(summary)}</title>", *parts, "</svg>"])


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def circle(x: float, y: float, radius: float, kind: str = "", about: str = "") -> str:
    """A dot; about: what one reads where the mouse rests on it."""
    head = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"' + (f' class="{kind}"' if kind else "")
    return f"{head}><title>{escape(about)}</title></circle>" if about else f"{head}/>"


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    """A line of text; anchor: which end of it stands at x."""
    more = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>'
