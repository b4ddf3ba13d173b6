"""What axes are called where nobody named them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["AXES_OF", "USUAL_AXES"]

# A line without a grid line is read over the first of these on which it means something.
USUAL_AXES: tuple[tuple[str, ...], ...] = (
    ("h", "w"),
    ("t", "h", "w"),
    ("d", "h", "w"),
    ("x", "y"),
    ("x", "y", "z"),
    ("w",),
    ("p",),
    ("t", "d", "h", "w"),
)
# For each number of axes, the first names.
AXES_OF: Mapping[int, tuple[str, ...]] = MappingProxyType({len(axes): axes for axes in reversed(USUAL_AXES)})
