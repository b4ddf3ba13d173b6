"""A table of paths as arguments of a torch operator: tensors, numbers and a name, which torch can trace.

Few arguments: what torch spends on a call grows with the square of their number (fill_defaults, as of torch 2.13).
"""

from __future__ import annotations

from torch import Tensor

from scanlab.ops.paths import PathTable

__all__ = ["TABLE", "Packed", "packed", "unpacked"]

TABLE = "Tensor steps, Tensor runs, int[] facts, str program"
Packed = tuple[Tensor, Tensor, list[int], str]


def packed(table: PathTable) -> Packed:
    """The arguments that `TABLE` declares."""
    facts = [table.paths, table.slots, int(table.revisits), int(table.complete)]
    return table.steps, table.runs, facts, table.program


def unpacked(arguments: Packed, length: int) -> PathTable:
    """The table again, over rows without names: `length` of them, virtual tokens included."""
    steps, runs, (paths, slots, revisits, complete), program = arguments
    return PathTable(
        steps, runs, length, paths, slots, revisits=bool(revisits), complete=bool(complete), program=program
    )
