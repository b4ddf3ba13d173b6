"""Scans that between them hold everything a table of steps can say, and a plain traversal of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from ops.handmade import hand_path, hand_scan

from scanlab.ops import PathTable, path_table
from scanlab.ops.resolve_paths import index_table


def _cases() -> dict[str, PathTable]:
    draw = torch.Generator().manual_seed(3)
    there, back = range(9), range(8, -1, -1)
    samples = torch.stack([torch.stack([torch.randperm(9, generator=draw) for _ in range(2)]) for _ in range(2)])
    both = [("cls", 0), ("cls", 10)]
    return {
        "one": path_table(hand_scan([hand_path(there)], (3, 3))),
        "two ways": path_table(hand_scan([hand_path(there), hand_path(back)], (3, 3))),
        "restarts": path_table(hand_scan([hand_path(there, (0, 3, 5)), hand_path(back, (0, 1))], (3, 3))),
        "chain": path_table(hand_scan([hand_path(there, (0, 4)), hand_path(back)], (3, 3), "chain")),
        "partial": path_table(hand_scan([hand_path([0, 2, 4, 6]), hand_path([8, 1])], (3, 3))),
        "token twice": path_table(hand_scan([hand_path(there, tokens=both), hand_path(back, tokens=both)], (3, 3))),
        "per sample": index_table(samples, 9),
        "any indices": index_table(torch.randint(0, 9, (2, 2, 12), generator=draw), 9),
        "one step": path_table(hand_scan([hand_path([0])], (1, 1))),
        "no memory": path_table(hand_scan([hand_path(range(4))], (2, 2))).without_memory(),
    }


CASES = _cases()


def long_table(length: int, paths: int = 2, seed: int = 0) -> PathTable:
    """Random orders of `length` rows."""
    draw = torch.Generator().manual_seed(seed)
    return index_table(torch.stack([torch.randperm(length, generator=draw) for _ in range(paths)]), length)


def traversal(table: PathTable, sample: int) -> Iterator[tuple[int, int, int, bool]]:
    """Sequence, path, row, and whether memory starts anew, step by step."""
    steps = table.steps[sample if len(table.steps) > 1 else 0].tolist()
    for sequence, path, first, last, carry in table.segments.tolist():
        for step in range(first, last):
            yield sequence, path, steps[sequence][step], step == first and not carry


def without_promises(table: PathTable) -> PathTable:
    """The same table with nothing promised, so that kernels must count for themselves."""
    return replace(table, revisits=True, complete=False)
