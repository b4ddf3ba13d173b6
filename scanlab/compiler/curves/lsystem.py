"""Curves by rewriting, on the enclosing square: the table of ``scanlab.ir.lsystems``, walked for all cells at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from scanlab.compiler.curves.limits import MAX_BITS, require_cells, too_many_bits
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.lsystems import START, Part, Rewriting, Rules, rewriting, turtle_walk

__all__ = ["lsystem_grid", "lsystem_ranks"]

# The turtle's own walk is compared with the table's up to this depth, as far as it has so many cells.
_DEEPEST_WALK, _MOST_WALKED = 3, 4096
# Hilbert's curve: what the function draws where it is given no rules, as a curve without options.
_HILBERT: Rules = (("L", "-RF+LFL+FR-"), ("R", "+LF-RFR-FL+"), (START, "L"))


@dataclass(frozen=True, eq=False)
class _Tables:
    """``ranks[state, row, column]`` of the cells of a block, ``states`` of what fills them, int64; so for the start."""

    side: int
    ranks: np.ndarray
    states: np.ndarray
    start_side: int
    start_ranks: np.ndarray
    start_states: np.ndarray

    def depth(self, box: tuple[int, ...]) -> int:
        """How often letters are rewritten until the square encloses a box. Raises S401 past 62 bits of rank."""
        depth, side, longest = 0, self.start_side, max(box)
        while side < longest:
            depth, side = depth + 1, side * self.side
        bits = (side ** len(box) - 1).bit_length()
        if bits > MAX_BITS:
            raise too_many_bits("lsystem", box, bits)
        return depth


@lru_cache(maxsize=256)
def _tables(rules: Rules) -> _Tables:
    rules = rules or _HILBERT
    made = rewriting(rules)
    _check_walks(rules, made)
    ranks, states = zip(*(_block(parts, made.side) for parts in made.parts), strict=True)
    return _Tables(made.side, np.stack(ranks), np.stack(states), made.start_side, *_block(made.start, made.start_side))


def _check_walks(rules: Rules, made: Rewriting) -> None:
    """The second road to the table: its walk is the turtle's, at the first depths. Raises S310 where it is not."""
    parts = list(made.start)
    for depth in range(_DEEPEST_WALK + 1):
        if depth and len(parts) * made.side**2 > _MOST_WALKED:
            return
        if depth:
            parts = [
                Part((part.cell[0] * made.side + inner.cell[0], part.cell[1] * made.side + inner.cell[1]), inner.state)
                for part in parts
                for inner in made.parts[part.state]
            ]
        if [part.cell for part in parts] != turtle_walk(rules, depth):
            raise ScanlabError.at(
                "S310",
                f"two ways of drawing a curve by rewriting disagree at depth {depth}, so neither is believed",
                note=str(dict(rules)),
                help="this is a mistake in ScanLab; please report it with this text",
            )


def _block(parts: tuple[Part, ...], side: int) -> tuple[np.ndarray, np.ndarray]:
    ranks, states = np.empty((2, side, side), dtype=np.int64)
    for rank, part in enumerate(parts):
        ranks[part.cell], states[part.cell] = rank, part.state
    return ranks, states


def lsystem_grid(box: tuple[int, ...], options: Mapping[str, int | str]) -> np.ndarray:
    """Rank of every cell of a box on a curve by rewriting, in the enclosing square of its sides.

    Args:
        box: extents of 2 axes, rows (downwards) and columns (to the right).
        options: the rules by letter, and ``start``; Hilbert's where there are none.

    Returns:
        int64 of shape ``box``. Dense only on the curve's own squares, of ``start's side * side**n``: elsewhere what
        lies outside the box is dropped.

    Raises:
        ScanlabError: S401 for a box too large to tabulate or to rank in 62 bits.
    """
    require_cells("lsystem", box)
    tables = _tables(_rules(options))
    depth = tables.depth(box)
    ranks, states = tables.start_ranks, tables.start_states
    for level in range(depth):
        # What lies outside the box is cut off at every level, so that a long strip costs no square.
        unit = tables.side ** (depth - level)
        inside = tuple(slice(-(-extent // unit)) for extent in box)
        ranks, states = _refined(ranks[inside], states[inside], tables)
    return np.ascontiguousarray(ranks[tuple(map(slice, box))])


def _refined(ranks: np.ndarray, states: np.ndarray, tables: _Tables) -> tuple[np.ndarray, np.ndarray]:
    """Every cell as the block that fills it."""
    (rows, columns), side = ranks.shape, tables.side
    shape = (rows * side, columns * side)
    fine = ranks[:, None, :, None] * side**2 + tables.ranks[states].transpose(0, 2, 1, 3)
    return fine.reshape(shape), tables.states[states].transpose(0, 2, 1, 3).reshape(shape)


def lsystem_ranks(
    coordinates: Sequence[np.ndarray], box: tuple[int, ...], options: Mapping[str, int | str]
) -> np.ndarray:
    """Ranks of given cells of a box.

    Args:
        coordinates: two int64 arrays, broadcastable, with values in ``[0, box[axis])``.
        box: extents, which fix the depth.
        options: as for ``lsystem_grid``.

    Returns:
        int64 of the broadcast shape, equal to ``lsystem_grid(box, options)`` at these cells.

    Raises:
        ScanlabError: S401 where the rank would need more than 62 bits.
    """
    tables = _tables(_rules(options))
    unit = tables.side ** tables.depth(box)
    rows, columns = np.broadcast_arrays(*coordinates)
    place = (rows // unit, columns // unit)
    ranks, states = tables.start_ranks[place], tables.start_states[place]
    while unit > 1:
        unit //= tables.side
        place = (states, rows // unit % tables.side, columns // unit % tables.side)
        ranks, states = ranks * tables.side**2 + tables.ranks[place], tables.states[place]
    return ranks


def _rules(options: Mapping[str, int | str]) -> Rules:
    return tuple(sorted((name, str(text)) for name, text in options.items()))
