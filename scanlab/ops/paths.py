"""From a compiled scan to the table of steps that an operator walks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from scanlab.compiler.bind import CompiledScan, Path
from scanlab.ir.values import Order, Scan

CLASS_MARK = -2
MEAN_MARK = -3


@dataclass(frozen=True, eq=False)
class PathTable:
    """What each track visits, step by step; a track is one path, or several chained ones.

    patches int64 [T, S]: the row of u that track t reads and writes at step s, -1 after the track's end. Rows below
    `grid_size` are patches; after them stand the virtual tokens, in the order of `tokens`.
    paths int64 [T, S]: whose delta, A, B, C and D are used there. resets bool [T, S]: whether the state is zeroed
    before the step.
    """

    patches: Tensor
    paths: Tensor
    resets: Tensor
    grid_size: int
    tokens: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        """L: patches and virtual tokens together."""
        return self.grid_size + len(self.tokens)

    def scrambled(self, seed: int) -> PathTable:
        """The same tracks over a grid whose patches were shuffled.

        Numbers of paths, reversals, restarts, tokens and merges stay; which patches are neighbours becomes random. The
        permutation depends on the seed and the grid's size only. Virtual tokens keep their places.
        """
        shuffled = np.random.RandomState(seed).permutation(self.grid_size)
        names = torch.from_numpy(np.concatenate([shuffled, np.arange(self.grid_size, self.length)]))
        return replace(self, patches=torch.where(self.patches < 0, self.patches, names[self.patches]))

    def without_memory(self) -> PathTable:
        """The same steps with the state zeroed before each of them, so that no patch hears of another."""
        return replace(self, resets=torch.ones_like(self.resets))


def path_table(scan: CompiledScan) -> PathTable:
    """Lay out the paths of a compiled scan as tracks.

    Every path is a track of its own, except that the paths of a `chain` follow one another in one track with the state
    carried over. Virtual tokens of the same name are one row of u, whoever visits them and however often.
    """
    grid_size = int(np.prod(scan.grid))
    tokens = _token_names(scan)
    marks = {CLASS_MARK: "cls", MEAN_MARK: "mean"}
    rows = {mark: grid_size + tokens.index(name) for mark, name in marks.items() if name in tokens}
    tracks = [_track(scan, members, rows) for members in _tracks(scan.scan, iter(range(len(scan.paths))))]
    return PathTable(
        patches=_padded([t[0] for t in tracks], -1),
        paths=_padded([t[1] for t in tracks], 0),
        resets=_padded([t[2] for t in tracks], False),
        grid_size=grid_size,
        tokens=tokens,
    )


def _token_names(scan: CompiledScan) -> tuple[str, ...]:
    names = {name for path in scan.paths for name, _ in path.token_positions}
    return tuple(sorted(names))


def _tracks(value: Order | Scan, numbers: Iterator[int]) -> list[list[int]]:
    """The paths of each track, by number; paths are numbered left to right through the tree."""
    if isinstance(value, Order):
        return [[next(numbers)]]
    parts = [track for part in value.parts for track in _tracks(part, numbers)]
    return [[k for track in parts for k in track]] if value.merge == "chain" else parts


def _track(scan: CompiledScan, members: list[int], rows: dict[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    patches = []
    for k in members:
        sequence = scan.paths[k].sequence.copy()
        for mark, row in rows.items():
            sequence[sequence == mark] = row
        patches.append(sequence)
    paths = [np.full(len(p), k, dtype=np.int64) for p, k in zip(patches, members, strict=True)]
    resets = [_resets(scan.paths[k], first=i == 0) for i, k in enumerate(members)]
    return np.concatenate(patches), np.concatenate(paths), np.concatenate(resets)


def _resets(path: Path, first: bool) -> np.ndarray:
    """Where the state is zeroed, by position in the sequence with its virtual tokens."""
    resets = np.zeros(len(path.sequence), dtype=bool)
    # The first reset belongs before a token that precedes the first patch, and nowhere in a chain's later paths.
    resets[np.flatnonzero(path.sequence >= 0)[path.restarts[path.restarts > 0]]] = True
    resets[:1] = first
    return resets


def _padded(rows: list[np.ndarray], filler: int | bool) -> Tensor:
    table = np.full((len(rows), max(map(len, rows))), filler, dtype=rows[0].dtype)
    for row, values in zip(table, rows, strict=True):
        row[: len(values)] = values
    return torch.from_numpy(table)
