"""A table of paths as arguments of a torch operator: tensors, numbers and a name, which torch can trace.

Few arguments: what torch spends on a call grows with the square of their number (fill_defaults, as of torch 2.13).
"""

from __future__ import annotations

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from scanlab.ops.modes import adopted
from scanlab.ops.path_tables import PathTable

__all__ = ["TABLE", "Packed", "packed", "unpacked"]

TABLE = "Tensor steps, Tensor runs, int[] facts, str program"
Packed = tuple[Tensor, Tensor, list[int], str]


def packed(table: PathTable, like: Tensor | None = None) -> Packed:
    """The arguments that `TABLE` declares, for a call beside a tensor `like` (given where that may be a fake one)."""
    facts = [table.paths, table.slots, int(table.revisits), int(table.complete), int(table.sound)]
    steps, runs = (t if like is None else adopted(t, like) for t in (table.steps, table.runs))
    return steps, runs, facts, table.program


def unpacked(arguments: Packed, length: int) -> PathTable:
    """The table again, over rows without names: `length` of them, virtual tokens included.

    Called by the operators themselves, so that a table that was not known to be sound while a graph was made is checked
    when it runs; once for the same tensors. Raises S713.
    """
    steps, runs, (paths, slots, revisits, complete, sound), program = arguments
    table = PathTable(
        steps, runs, length, paths, slots, revisits=bool(revisits), complete=bool(complete), program=program
    )
    if sound:
        return table
    known = _CHECKED.get(steps)
    # The table of the last call checks itself anew where its tensors were altered.
    if known is None or not _same(known, table):
        known = _CHECKED[steps] = table
    return known.checked()


# Keyed weakly by the steps.
_CHECKED: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def _same(known: PathTable, table: PathTable) -> bool:
    names = ("length", "paths", "slots", "revisits", "complete")
    return known.runs is table.runs and all(getattr(known, name) == getattr(table, name) for name in names)
