"""The steps of a layer as numpy arrays: what each sequence visits, and which of its steps each row is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import PathTable

__all__ = ["Layout", "layout_of", "places_of"]

# Sequences are cut where they restart, if that makes the steps no more than so many times as many.
MOST_PADDING = 1.5


@dataclass(frozen=True, eq=False)
class Layout:
    """What sequences visit, in one or several phases of a stream.

    rows int64 [phases, T, S]: the row of each step, -1 after a sequence's end. owners int64 [T, S]: the path of each
    step; resets bool [T, S]: whether the state is zeroed before it. members int64 [T]: the sequence of the table that
    each is, or a part of. paths: K. length: L.
    """

    rows: np.ndarray
    owners: np.ndarray
    resets: np.ndarray
    members: np.ndarray
    paths: int
    length: int

    @property
    def sequences(self) -> int:
        """T."""
        return self.rows.shape[1]

    @property
    def steps(self) -> int:
        """S, of the longest sequence."""
        return self.rows.shape[2]

    @property
    def inside(self) -> np.ndarray:
        """bool [T, S]: whether a sequence has the step. The same in all phases."""
        return self.rows[0] >= 0

    def owner(self) -> np.ndarray | None:
        """int64 [T], the path of each sequence; None where some sequence has several, as in a chain."""
        first = self.owners[:, 0]
        same = (self.owners == first[:, None]) | ~self.inside
        return first if same.all() else None

    def index(self, sets: int, at: np.ndarray | None = None) -> np.ndarray:
        """int64 [phases, P]: which row of K x L, or of L where sets is 1, the steps at [P] = t S + s read.

        A step after a sequence's end reads its path's first row: what comes of it goes nowhere.
        """
        rows = np.maximum(self.rows, 0) + (self.owners * self.length if sets > 1 else 0)
        flat = rows.reshape(len(rows), -1)
        return flat if at is None else flat[:, at]

    def visits(self, positions: np.ndarray, blank: int, by_path: bool = False) -> np.ndarray:
        """int64 [phases, M, L], or over K x L rows: the positions of the steps that visit each row.

        positions int64 [T, S]: where the steps lie. M: how often a row is visited at most; rows that are visited less
        often read the position `blank`, which is to hold zeros.
        """
        count = self.length * (self.paths if by_path else 1)
        targets = np.where(self.rows < 0, -1, self.rows + (self.owners * self.length if by_path else 0))
        places = [places_of(t.ravel(), positions.ravel(), count, blank) for t in targets]
        most = max(len(p) for p in places)
        return np.stack([np.pad(p, ((0, most - len(p)), (0, 0)), constant_values=blank) for p in places])

    def counts(self) -> np.ndarray:
        """int64 [K, L]: how often each path visits each row, in the first phase."""
        counts = np.zeros((self.paths, self.length), np.int64)
        inside = self.inside
        np.add.at(counts, (self.owners[inside], self.rows[0][inside]), 1)
        return counts

    def apart(self) -> Layout:
        """Sequences cut where they restart, so that all parts are scanned at once; itself where that costs more."""
        starts = self.resets & self.inside
        starts[:, 0] = True
        lengths = self.inside.sum(1)
        cuts = [np.append(np.flatnonzero(starts[t]), lengths[t]) for t in range(self.sequences)]
        runs = [(t, a, b) for t, own in enumerate(cuts) for a, b in pairwise(own) if b > a]
        longest = max(b - a for _, a, b in runs)
        if len(runs) == self.sequences or longest * len(runs) > MOST_PADDING * self.sequences * self.steps:
            return self
        rows = np.full((len(self.rows), len(runs), longest), -1)
        owners = np.zeros((len(runs), longest), np.int64)
        for i, (t, a, b) in enumerate(runs):
            rows[:, i, : b - a] = self.rows[:, t, a:b]
            owners[i] = self.owners[t, a]
            owners[i, : b - a] = self.owners[t, a:b]
        members = self.members[[t for t, _, _ in runs]]
        return replace(self, rows=rows, owners=owners, resets=np.zeros(owners.shape, bool), members=members)

    def only(self, first: int, last: int) -> Layout:
        """Sequences first to last - 1 alone, each of which is one path."""
        part = slice(first, last)
        owners, members = self.owners[part] - first, self.members[part] - first
        return replace(
            self, rows=self.rows[:, part], owners=owners, resets=self.resets[part], members=members, paths=last - first
        )


def places_of(targets: np.ndarray, positions: np.ndarray, count: int, blank: int) -> np.ndarray:
    """int64 [M, count]: the positions whose target is each number; blank where there are fewer. -1 is no target."""
    kept = targets >= 0
    targets, positions = targets[kept], positions[kept]
    order = np.argsort(targets, kind="stable")
    targets, positions = targets[order], positions[order]
    first = np.searchsorted(targets, np.arange(count))
    which = np.arange(len(targets)) - first[targets]
    places = np.full((int(which.max(initial=0)) + 1, count), blank)
    places[which, targets] = positions
    return places


def layout_of(tables: Sequence[PathTable]) -> Layout:
    """The layout of a table, or of one for each phase. Raises S781 for an order per sample, and for phases that differ
    in more than which patch comes when."""
    first = tables[0]
    if any(len(table.steps) > 1 for table in tables):
        raise ScanlabError.at(
            "S781", "the paths have an order for every sample, and a file holds one for all", help="choose one order"
        )
    owners, resets = (np.asarray(a.cpu()) for a in first.by_step())
    rows = np.stack([np.asarray(table.steps[0].cpu(), np.int64) for table in tables])
    for table in tables[1:]:
        own, reset = (np.asarray(a.cpu()) for a in table.by_step())
        if not ((own == owners).all() and (reset == resets).all()):
            raise ScanlabError.at("S781", "the groups of frames differ in where their paths restart")
    if ((rows < 0) != (rows[:1] < 0)).any():
        raise ScanlabError.at("S781", "the groups of frames differ in how many patches their paths visit")
    resets = resets & (np.arange(resets.shape[1]) > 0)
    return Layout(rows, owners.astype(np.int64), resets, np.arange(first.sequences), first.paths, first.length)
