"""A track is one sequence of steps with one state: the tracks of a compiled scan, and the rows they visit.

A row is a row of the activations: patches first, in row-major order, then one row per virtual token name, sorted. Every
path is a track of its own, except that the paths of a merge that joins (`chain`) share one, one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scanlab.compiler.bind import TOKEN_SENTINELS, CompiledScan, Path
from scanlab.ir.values import sequences_of

__all__ = ["Track", "reset_steps", "token_names", "token_rows", "tracks"]


@dataclass(frozen=True, eq=False)
class Track:
    """One sequence of steps: the numbers of its paths, and int32 [S] the row visited at each step."""

    paths: tuple[int, ...]
    rows: np.ndarray


def tracks(scan: CompiledScan) -> tuple[Track, ...]:
    """The tracks of a scan, in the order of their first paths."""
    rows = token_rows(scan)
    members = sequences_of(scan.scan)
    return tuple(Track(paths, np.concatenate([_visited(scan, k, rows) for k in paths])) for paths in members)


def token_names(scan: CompiledScan) -> tuple[str, ...]:
    """The virtual tokens that the scan places, in the order of their rows."""
    return tuple(sorted({name for path in scan.paths for name, _ in path.token_positions}))


def token_rows(scan: CompiledScan) -> dict[int, int]:
    """The row of each virtual token that the scan places, by the sentinel that stands for it in `Path.sequence`."""
    first = int(np.prod(scan.grid))
    return {TOKEN_SENTINELS[name]: first + i for i, name in enumerate(token_names(scan))}


def reset_steps(path: Path) -> np.ndarray:
    """int64: the steps of `Path.sequence`, virtual tokens counted, before which the state is zeroed, after the first.

    What a path begins with belongs to its track: a state from zero, or that of the path before it.
    """
    return np.flatnonzero(path.sequence >= 0)[path.restarts[path.restarts > 0]]


def _visited(scan: CompiledScan, k: int, rows: dict[int, int]) -> np.ndarray:
    visited = scan.paths[k].sequence.astype(np.int32)
    for sentinel, row in rows.items():
        visited[visited == sentinel] = row
    return visited
