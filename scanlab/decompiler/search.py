"""Which keys sort patches into a given sequence: best-first, shortest text first.

A key can be the first of an order where its values never fall along the path, and the next one where they never fall
inside a group: a run of steps with equal earlier keys. A key with ~ must do so with its sign changed in the groups
whose earlier keys have an odd sum. A line is complete where every group is one step; it then gives the path by
construction. Several grids are searched at once: their paths stand one after the other, each a group of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

import numpy as np

from scanlab.decompiler.pool import Pool
from scanlab.ir.values import Key

__all__ = ["Budget", "complete_lines"]

# A path of more steps is tried on so many of them first, and whole only where that does not refuse a key.
SAMPLED_STEPS = 8192
# Lines that are the same on the grids shown: so many are kept apart, since they may be no longer on others.
ALIKE = 6


@dataclass(frozen=True)
class Budget:
    """What a search may cost: keys per line, and lines that are looked at."""

    depth: int = 6
    states: int = 500


def complete_lines(
    pool: Pool, paths: Sequence[np.ndarray], starts: Sequence[int], budget: Budget
) -> Iterator[tuple[Key, ...]]:
    """Lines that give all paths, shortest first. paths: int64 [L] of flat indices, one per grid; starts: where each
    grid's patches begin in the pool's values."""
    steps = np.concatenate([path + start for path, start in zip(paths, starts, strict=True)])
    first = np.repeat(np.arange(len(paths)), [len(path) for path in paths])
    along = _Along(pool, steps)
    number = count()
    queue: list[tuple[int, int, tuple[Key, ...], np.ndarray, np.ndarray]] = []
    heappush(queue, (0, next(number), (), first, np.zeros(len(steps), np.int64)))
    alike: dict[bytes, int] = {}
    for _ in range(budget.states):
        if not queue:
            return
        cost, _, keys, group, parity = heappop(queue)
        if len(group) == 0 or group[-1] == len(steps) - 1:
            yield keys
            continue
        if len(keys) == budget.depth:
            continue
        for row, alternate in along.fitting(group, parity, bool(keys)):
            if any(pool.exprs[row] == key.expr for key in keys):
                continue
            value = along.values(row)
            parted = (np.diff(value) != 0) | (np.diff(group) != 0)
            new = np.concatenate([[0], np.cumsum(parted)])
            odd = (parity + value) & 1
            same = new.tobytes() + odd.astype(np.uint8).tobytes()
            if alike.get(same, 0) >= ALIKE:
                continue
            alike[same] = alike.get(same, 0) + 1
            line = (*keys, Key(pool.exprs[row], alternate))
            price = cost + pool.lengths[row] + 2 + 2 * alternate
            heappush(queue, (price, next(number), line, new, odd))


class _Along:
    """The pool's values along the steps of all paths."""

    def __init__(self, pool: Pool, steps: np.ndarray) -> None:
        self._pool, self._steps = pool, steps
        last = len(steps) - 1
        if last <= SAMPLED_STEPS:
            self._some = np.arange(last)
        else:
            spread = np.random.default_rng(0).choice(last, SAMPLED_STEPS // 2, replace=False)
            self._some = np.unique(np.concatenate([np.arange(SAMPLED_STEPS // 2), spread]))
        before, after = steps[self._some], steps[self._some + 1]
        rises = np.empty((len(pool.exprs), len(before)), np.int64)
        for row in range(len(rises)):
            values = pool.values(row)
            rises[row] = values[after] - values[before]
        self._rises = rises

    def values(self, row: int) -> np.ndarray:
        """A key's values, step by step."""
        return self._pool.values(row)[self._steps]

    def fitting(self, group: np.ndarray, parity: np.ndarray, alternate: bool) -> Iterator[tuple[int, bool]]:
        """The keys that never fall inside a group and rise in one, plain and with ~."""
        inside = group[self._some + 1] == group[self._some]
        rises = self._rises[:, inside]
        yield from ((row, False) for row in self._rising(rises, group, None))
        if alternate and (odd := (parity & 1).astype(bool)).any():
            sign = np.where(odd[self._some][inside], -1, 1)
            yield from ((row, True) for row in self._rising(rises * sign, group, odd))

    def _rising(self, rises: np.ndarray, group: np.ndarray, odd: np.ndarray | None) -> Iterator[int]:
        if len(self._some) == len(self._steps) - 1:
            if rises.shape[1]:
                yield from np.flatnonzero((rises >= 0).all(1) & (rises > 0).any(1)).tolist()
            return
        inside = group[1:] == group[:-1]
        for row in np.flatnonzero((rises >= 0).all(1)).tolist():
            whole = np.diff(self.values(row))
            if odd is not None:
                whole = np.where(odd[1:], -whole, whole)
            whole = whole[inside]
            if (whole >= 0).all() and (whole > 0).any():
                yield row
