"""On which of some grids something holds, in words: a kind is named only where several show it, and no other fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from scanlab.ir.text import grid_text

__all__ = ["KINDS", "kind_of_sizes"]

Grid = tuple[int, ...]
MOST_LISTED, MOST_KINDS = 6, 4


def kind_of_sizes(good: Sequence[Grid], bad: Sequence[Grid]) -> str:
    """The grids on which something holds, in a word where one alone tells several from the others; else each of them.

    >>> kind_of_sizes([(4, 4), (7, 7)], [(5, 8)])
    'squares only'
    >>> kind_of_sizes([(3, 5), (4, 4)], [(7, 7)])
    '3x5 and 4x4 alone'
    >>> kind_of_sizes([(7, 7)], [(5, 8)])
    '7x7 alone'
    """
    # Of one grid alone, a kind would be a guess.
    kinds = [kind for kind, holds in KINDS if len(good) > 1 and all(map(holds, good)) and not any(map(holds, bad))]
    if len(kinds) == 1:
        return f"{kinds[0]} only"
    listed = (
        " and ".join(map(grid_text, good))
        if len(good) <= MOST_LISTED
        else f"{len(good)} of {len(good) + len(bad)} grids"
    )
    if not kinds:
        return f"{listed} alone"
    more = f", or {len(kinds) - MOST_KINDS} more" if len(kinds) > MOST_KINDS else ""
    return f"{listed} alone ({', or '.join(kinds[:MOST_KINDS])}{more}: what was shown does not tell)"


def _divided(k: int) -> Callable[[Grid], bool]:
    return lambda grid: all(n % k == 0 for n in grid)


def _parity(at: int, odd: int) -> Callable[[Grid], bool]:
    return lambda grid: len(grid) > 1 and grid[at] % 2 == odd


PARITIES, ENDS = ((0, "even"), (1, "odd")), ((0, "first"), (-1, "last"))
KINDS: tuple[tuple[str, Callable[[Grid], bool]], ...] = (
    ("squares", lambda grid: len(set(grid)) == 1),
    ("even sizes", _divided(2)),
    ("odd sizes", lambda grid: all(n % 2 for n in grid)),
    ("powers of two", lambda grid: all(n & (n - 1) == 0 for n in grid)),
    ("squares of a power of two", lambda grid: len(set(grid)) == 1 and all(n & (n - 1) == 0 for n in grid)),
    ("even squares", lambda grid: len(set(grid)) == 1 and grid[0] % 2 == 0),
    ("grids that are not higher than wide", lambda grid: len(grid) == 2 and grid[0] <= grid[1]),
    *((f"sizes that {k} divides", _divided(k)) for k in (3, 4, 5, 7, 8)),
    *((f"grids with an {parity} {place} extent", _parity(at, odd)) for odd, parity in PARITIES for at, place in ENDS),
)
