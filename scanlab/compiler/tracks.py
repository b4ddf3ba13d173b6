"""The tracks of a compiled scan: which paths walk one after the other with one state, and the rows they visit.

A row is a row of the activations: patches first, in row-major order, then one row per virtual token name, sorted. Every
path is a track of its own, except that the paths of a `chain` share one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scanlab.compiler.bind import CLASS_TOKEN, MEAN_TOKEN, CompiledScan
from scanlab.ir.values import sequences_of

__all__ = ["Track", "token_rows", "tracks"]


@dataclass(frozen=True, eq=False)
class Track:
    """One walk: the numbers of its paths, and int32 [S] the row visited at each step."""

    paths: tuple[int, ...]
    rows: np.ndarray


def tracks(scan: CompiledScan) -> tuple[Track, ...]:
    """The tracks of a scan, in the order of their first paths."""
    rows = token_rows(scan)
    members = sequences_of(scan.scan)
    return tuple(Track(paths, np.concatenate([_visited(scan, k, rows) for k in paths])) for paths in members)


def token_rows(scan: CompiledScan) -> dict[int, int]:
    """The row of each virtual token that the scan places, by its mark in `Path.sequence`."""
    names = sorted({name for path in scan.paths for name, _ in path.token_positions})
    first = int(np.prod(scan.grid))
    marks = {"cls": CLASS_TOKEN, "mean": MEAN_TOKEN}
    return {marks[name]: first + i for i, name in enumerate(names)}


def _visited(scan: CompiledScan, k: int, rows: dict[int, int]) -> np.ndarray:
    visited = scan.paths[k].sequence.astype(np.int32)
    for mark, row in rows.items():
        visited[visited == mark] = row
    return visited
