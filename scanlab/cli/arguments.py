"""Command-line words to values: grids, and strategies from names, files or lines."""

from __future__ import annotations

from dataclasses import replace

from scanlab.facade import as_value, load_file
from scanlab.ir.grids import grid_of
from scanlab.ir.values import Value
from scanlab.library_index import USUAL_GRIDS

__all__ = ["grid_for", "strategies"]


def grid_for(value: Value, text: str) -> tuple[int, ...]:
    """The grid that was asked for, or a usual one with the value's number of axes."""
    return grid_of(text) if text else USUAL_GRIDS[len(value.axes)]


def strategies(names: list[str], grid: str = "") -> list[tuple[str, Value]]:
    """Each strategy with the name it is shown under; a file stands for all its definitions that stand alone."""
    extents = grid_of(grid) if grid else None
    found = []
    for name in names:
        if name.endswith(".scan"):
            definitions = load_file(name).raise_problems().definitions
            found += [(d.name, d.value) for d in definitions if d.value is not None]
            continue
        value = as_value(name, extents)
        label = value.name or name
        found.append((label, value if value.name else replace(value, name=name)))
    return found
