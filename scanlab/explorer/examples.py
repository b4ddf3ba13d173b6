"""What this is, in a line, and texts to begin with: the first thing on the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scanlab.explorer.html_elements import button, tag
from scanlab.explorer.lecture_service import LECTURE
from scanlab.explorer.state import START

__all__ = ["EXAMPLES", "WHAT_THIS_IS", "Example", "build_introduction"]

WHAT_THIS_IS = (
    "Write the order in which a state-space model reads the patches of an image: see it, prove it, compile it."
)


@dataclass(frozen=True)
class Example:
    """A text to begin with, on a grid that suits it. label: of its button; about: what there is to see."""

    label: str
    about: str
    text: str
    grid: tuple[int, ...] = (14, 14)


_HILBERT = """grid h, w

"What is near on the curve is near in the image."
order hilbert = by hilbert(h, w)
"""
_CROSS = """grid h, w

"Rows and columns, both ways, added: VMamba."
scan cross = sum(row, column, -row, -column)
"""
_TIE = """grid h, w

"Which patch of a diagonal is first?"
order diagonal = by h + w
"""
EXAMPLES = (
    Example("a snake", "Rows, every other one backwards", START),
    Example("Hilbert", "A curve that keeps neighbours together", _HILBERT, (16, 16)),
    Example("cross (four paths)", "Rows and columns, both ways, as in VMamba", _CROSS),
    Example("a tie to mend", "An error, drawn on the grid; one click makes it a proof", _TIE),
)


def build_introduction(picked: Callable[[Example], Any]) -> None:
    """Build the line and the examples, here; `picked` gets the one that is clicked."""
    with tag("div", "introduction"):
        tag("p", "", WHAT_THIS_IS)
        with tag("div", "examples", role="group", aria_labelledby="examples-label"):
            tag("span", "", "Try", id="examples-label")
            for example in EXAMPLES:
                button(example.label, lambda example=example: picked(example), title=example.about)
            tag("a", "", "or five scenes", href=LECTURE, target="_blank", title="A short lecture: why orders differ")
