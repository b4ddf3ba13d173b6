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
from scanlab.ir.expr import Curve
from scanlab.ir.values import Key

__all__ = ["Budget", "complete_lines"]

# Of a path of more steps so many are looked at: a line that fits them is a guess, for the caller to compare.
SAMPLED_STEPS = 8192
# Lines that are the same on the grids shown: so many are kept apart, since they may be no longer on others.
ALIKE = 6
# So many characters longer a curve counts that is not the first key.
HIDDEN_CURVE = 6


@dataclass(frozen=True)
class Budget:
    """What a search may cost: keys per line, and lines that are looked at."""

    depth: int = 6
    states: int = 500

    def of(self, steps: int) -> int:
        """Lines to look at where each has so many steps: fewer where each takes longer."""
        return max(40, min(self.states, self.states * SAMPLED_STEPS // steps))


def complete_lines(
    pool: Pool, paths: Sequence[np.ndarray], starts: Sequence[int], budget: Budget
) -> Iterator[tuple[Key, ...]]:
    """Lines that give all paths, shortest first. paths: int64 [L] of flat indices, one per grid; starts: where each
    grid's patches begin in the pool's values."""
    steps = np.concatenate([path + start for path, start in zip(paths, starts, strict=True)])
    first = np.repeat(np.arange(len(paths)), [len(path) for path in paths])
    along = _Along(pool, steps, first)
    number = count()
    queue: list[tuple[int, int, tuple[tuple[int, bool], ...]]] = [(0, next(number), ())]
    alike: dict[bytes, int] = {}
    for _ in range(budget.of(len(steps))):
        if not queue:
            return
        cost, _, line = heappop(queue)
        group, odd = along.groups(line)
        if group[-1] == len(steps) - 1:
            yield tuple(Key(pool.exprs[row], alternate) for row, alternate in line)
            continue
        same = group.tobytes() + odd.tobytes() if len(steps) <= SAMPLED_STEPS else repr(line).encode()
        alike[same] = alike.get(same, 0) + 1
        if len(line) == budget.depth or alike[same] > ALIKE:
            continue
        for row, alternate in along.fitting(group, odd, bool(line)):
            if all(row != known for known, _ in line):
                # A curve behind other keys stands for plainer ones that say the same.
                hidden = HIDDEN_CURVE * (bool(line) and isinstance(pool.exprs[row], Curve))
                price = cost + pool.lengths[row] + 2 + 2 * alternate + hidden
                heappush(queue, (price, next(number), (*line, (row, alternate))))


class _Along:
    """The pool's values along the steps of all paths."""

    def __init__(self, pool: Pool, steps: np.ndarray, first: np.ndarray) -> None:
        self._pool, self._steps, self._first = pool, steps, first
        last = len(steps) - 1
        if last <= SAMPLED_STEPS:
            self._some = np.arange(last)
        else:
            spread = np.random.default_rng(0).choice(last, SAMPLED_STEPS // 2, replace=False)
            self._some = np.unique(np.concatenate([np.arange(SAMPLED_STEPS // 2), spread]))
        before, after = steps[self._some], steps[self._some + 1]
        # Where each key falls and rises, a bit per step: what holds in groups is then asked of all keys in one go.
        falls = np.empty((len(pool.exprs), len(before)), bool)
        rises = np.empty_like(falls)
        for row in range(len(falls)):
            values = pool.values(row)
            old, new = values[before], values[after]
            np.less(new, old, out=falls[row])
            np.greater(new, old, out=rises[row])
        self._falls, self._rises = _bits(falls), _bits(rises)

    def values(self, row: int) -> np.ndarray:
        """A key's values, step by step."""
        return self._pool.values(row)[self._steps]

    def groups(self, line: tuple[tuple[int, bool], ...]) -> tuple[np.ndarray, np.ndarray]:
        """For each step the number of its group, int64, and whether the sum of the keys there is odd."""
        parted = np.diff(self._first) != 0
        odd = np.zeros(len(self._steps), bool)
        for row, _ in line:
            value = self.values(row)
            parted |= np.diff(value) != 0
            odd ^= (value & 1).astype(bool)
        return np.concatenate([[0], np.cumsum(parted)]), odd

    def fitting(self, group: np.ndarray, odd: np.ndarray, alternate: bool) -> Iterator[tuple[int, bool]]:
        """The keys that never fall inside a group and rise in one, plain and with ~."""
        inside = group[self._some + 1] == group[self._some]
        turned = odd[self._some]
        plain, other = _bits(inside & ~turned), _bits(inside & turned)
        falls, rises = self._falls, self._rises
        yield from ((row, False) for row in _monotone(falls & (plain | other), rises & (plain | other)))
        if alternate and odd.any():
            turning = _monotone(falls & plain | rises & other, rises & plain | falls & other)
            yield from ((row, True) for row in turning)


def _bits(truths: np.ndarray) -> np.ndarray:
    """Booleans [..., S] as uint64 [..., S / 64], rounded up."""
    packed = np.zeros((*truths.shape[:-1], (truths.shape[-1] + 63) // 64 * 8), np.uint8)
    packed[..., : (truths.shape[-1] + 7) // 8] = np.packbits(truths, axis=-1)
    return packed.view(np.uint64)


def _monotone(falls: np.ndarray, rises: np.ndarray) -> list[int]:
    """The keys, of uint64 [K, W] each, that never fall and do rise."""
    return np.flatnonzero(~falls.any(1) & rises.any(1)).tolist()
