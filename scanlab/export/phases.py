"""Which tables of steps the groups of a stream follow, and after how many groups they come again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone
from scanlab.nn.frame_groups import LOOKED, LOOKED_AT, Groups
from scanlab.ops import PathTable

__all__ = ["MOST_PHASES", "Phases", "phases_of"]

# A snake over frames has two phases.
MOST_PHASES = 16


@dataclass(frozen=True)
class Phases:
    """The tables of a layer's groups, which come again in turn. keeps float32 [phases, T]: 0 where a path begins anew
    with a group; None where none ever does."""

    tables: tuple[PathTable, ...]
    keeps: np.ndarray | None


def phases_of(backbone: Backbone, grid: tuple[int, ...]) -> list[Phases]:
    """The phases of every layer, for groups of a grid (frames of a group first). Raises S781 where they do not come
    again, S716 as `scanlab.nn.stream`."""
    known: dict[object, Phases] = {}
    for block in backbone.blocks:
        value = block.mixer.paths.value
        if value not in known:
            known[value] = _phases(Groups(value, grid[0]), grid)
    return [known[block.mixer.paths.value] for block in backbone.blocks]


def _phases(groups: Groups, grid: tuple[int, ...]) -> Phases:
    groups.check(grid[1:])
    device = torch.device("cpu")

    def at(number: int) -> tuple[PathTable, tuple[bool, ...]]:
        return groups.table(number, grid[1:], device)

    # From the second group on: the first of all begins with no state in any case.
    numbers = [n for first in LOOKED_AT for n in range(first, first + LOOKED) if n]
    seen = {number: at(number) for number in numbers}
    for count in range(1, MOST_PHASES + 1):
        phases = [seen[n] if n else seen[count] for n in range(count)]
        if all(_same(seen[n], phases[n % count]) for n in numbers) and torch.equal(at(0)[0].steps, phases[0][0].steps):
            fresh = np.array([flags or (False,) * phases[0][0].sequences for _, flags in phases])
            keeps = None if not fresh.any() else 1 - fresh.astype(np.float32)
            return Phases(tuple(table for table, _ in phases), keeps)
    raise ScanlabError.at(
        "S781",
        f"`{groups.value}` follows the groups of frames in more than {MOST_PHASES} ways, the most that a file holds",
        help="let the keys treat all frames alike, or every other one",
    )


def _same(one: tuple[PathTable, tuple[bool, ...]], other: tuple[PathTable, tuple[bool, ...]]) -> bool:
    equal = torch.equal(one[0].steps, other[0].steps) and torch.equal(one[0].segments, other[0].segments)
    return equal and one[1] == other[1]
