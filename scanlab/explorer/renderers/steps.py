"""Which patch is visited at each step, and at which step each patch is visited."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scanlab.compiler.bind import Path
from scanlab.compiler.stages import labelled_paths
from scanlab.compiler.tracks import reset_steps
from scanlab.explorer.renderers.linked import scenes_of
from scanlab.explorer.renderers.markup import PatchCell, note, section, table
from scanlab.explorer.snapshot import Snapshot, Subject

__all__ = ["PAGE", "Range", "longest", "rank_rows", "step_rows", "steps_page"]

PAGE = 200
MOST_PATHS = 16


@dataclass(frozen=True)
class Range:
    """Which rows are shown: from `first` on, PAGE of them. by: "step", or "patch" for the ranks."""

    first: int = 0
    by: str = "step"


def steps_page(snapshot: Snapshot, shown: Range) -> str:
    """The tables of all strategies that are shown, cut to a range."""
    scenes = scenes_of(snapshot)
    return "".join(
        _table(subject, shown, [s.number for s in scenes if s.subject == at])
        for at, subject in enumerate(snapshot.subjects)
    )


def longest(snapshot: Snapshot, by: str) -> int:
    """How many rows the longest of the tables has."""
    sizes = [
        path.sequence.size if by == "step" else int(np.prod(path.grid))
        for subject in snapshot.subjects
        for scan in subject.scans
        for path in scan.paths
    ]
    return max(sizes, default=0)


def step_rows(paths: list[Path], shown: Range) -> list[list[object]]:
    """For each place of the sequence: the place, and for each path the flat patch with its coordinates, or a token.

    A path that restarts there says so; one that has ended has None. Tokens are not patches: `sequence` counts them.
    """
    stop = min(shown.first + PAGE, max(p.sequence.size for p in paths))
    cells = [_cells(path, shown.first, stop) for path in paths]
    return [[place, *(column[i] for column in cells)] for i, place in enumerate(range(shown.first, stop))]


def _cells(path: Path, first: int, stop: int) -> list[str | None]:
    tokens = {place: name for name, place in path.token_positions}
    resets = set(reset_steps(path).tolist())
    cells: list[str | None] = []
    for place in range(first, stop):
        if place in tokens or place >= path.sequence.size:
            cells.append(tokens.get(place))
            continue
        patch = int(path.sequence[place])
        cells.append(f"{patch}  {_point(patch, path.grid)}" + (", state reset" if place in resets else ""))
    return cells


def rank_rows(paths: list[Path], shown: Range) -> list[list[object]]:
    """For each patch: its flat index, its coordinates, and its rank in each path, None where a path leaves it out."""
    grid = paths[0].grid
    stop = min(shown.first + PAGE, int(np.prod(grid)))
    ranks = [[None if r < 0 else r for r in path.ranks[shown.first : stop].tolist()] for path in paths]
    return [
        [patch, _point(patch, grid), *(column[i] for column in ranks)]
        for i, patch in enumerate(range(shown.first, stop))
    ]


def _table(subject: Subject, shown: Range, scenes: list[int]) -> str:
    labelled = labelled_paths(subject.scans)
    paths = dict(list(labelled.items())[:MOST_PATHS])
    left = len(labelled) - len(paths)
    more = note(f"{left} more paths are left out here.") if left else ""
    if shown.by == "patch":
        axes = ", ".join(paths[next(iter(paths))].axes)
        head, about = ["patch", axes, *paths], "the step at which each patch is visited"
        rows = [
            [*row[:2], *(PatchCell(c, s, int(str(row[0]))) for c, s in zip(row[2:], scenes, strict=False))]
            for row in rank_rows(list(paths.values()), shown)
        ]
    else:
        head, about = ["step", *paths], "the patch at each step"
        rows = _linked_rows(list(paths.values()), shown, scenes)
    at = f'<p class="at" data-at-scenes="{" ".join(map(str, scenes))}"></p>'
    return section(subject.name, at, table(head, rows, words=0, kind="steps linked"), more, about=about)


def _linked_rows(paths: list[Path], shown: Range, scenes: list[int]) -> list[list[object]]:
    """Of `step_rows`, the cells that are patches know which."""
    rows = step_rows(paths, shown)
    for row in rows:
        place = int(str(row[0]))
        for column, (path, scene) in enumerate(zip(paths, scenes, strict=False), 1):
            if place < path.sequence.size and path.sequence[place] >= 0:
                row[column] = PatchCell(row[column], scene, int(path.sequence[place]))
    return rows


def _point(patch: int, grid: tuple[int, ...]) -> str:
    return "(" + ", ".join(str(int(v)) for v in np.unravel_index(patch, grid)) + ")"
