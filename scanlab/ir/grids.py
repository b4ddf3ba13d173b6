"""Grids as people write them."""

from __future__ import annotations

import re

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["parse_grid"]


def parse_grid(text: str) -> tuple[int, ...]:
    """``14x14`` as (14, 14). Raises S400."""
    parts = re.split(r"[x×,]", text.strip().lower())
    try:
        grid = tuple(int(p) for p in parts)
    except ValueError:
        raise ScanlabError.at(
            "S400", f"`{text}` is no grid", help="give extents joined by x, as in 14x14 or 4x14x14"
        ) from None
    if any(n < 1 for n in grid):
        raise ScanlabError.at("S400", f"the grid {text} has no patches", help="every extent must be at least 1")
    return grid
