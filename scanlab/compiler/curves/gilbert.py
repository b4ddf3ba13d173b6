"""Generalised Hilbert curve ("gilbert"): a Hilbert-like path through any rectangle or cuboid.

Source of the idea: J. Červený, github.com/jakubcerveny/gilbert (BSD-2-Clause; read at 9b080a7). A block is split in
halves and filled by smaller blocks, turned so that each begins beside the end of the one before; halves are made even
where possible, since an odd half next to an even side costs a diagonal step.

When is a diagonal step unavoidable? The path begins in a corner and ends in the neighbouring corner along the longer
side. In unit steps that is impossible when the longer side is odd and the shorter one even: such a box has equally
many cells of either colour of a chessboard, so the ends of a unit-step path differ in colour, and corners an even
distance apart do not. In two dimensions the path therefore takes exactly one diagonal step where the longer side is
odd and the shorter one even and at least 4 (a strip two cells wide ends one cell short of that corner instead), and
no other box costs any. In three dimensions a box of even sides costs none; an odd side may cost a few steps of up to
three cells, as in the source, whose author recommends even sides there. A side of one cell
counts as absent, so that 1x2x3 is filled as 2x3 is; the source takes a diagonal step there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from scanlab.compiler.curves.limits import require_cells
from scanlab.compiler.curves.permutation import ranks_of

__all__ = ["gilbert_grid", "gilbert_order"]


def gilbert_grid(box: tuple[int, ...], options: Mapping[str, int]) -> np.ndarray:
    """Rank of every cell of a box on the generalised Hilbert curve.

    Args:
        box: extents of 2 or 3 axes, of any size.
        options: none.

    Returns:
        int64 of shape ``box``, dense: 0 to ``prod(box) - 1``. On squares of a power of two it is a Hilbert curve.

    Raises:
        ScanlabError: S401 for a box too large to tabulate.
    """
    return ranks_of(gilbert_order(box), box)


def gilbert_order(box: tuple[int, ...]) -> np.ndarray:
    """Cells of a box in the order of the generalised Hilbert curve.

    Args:
        box: extents of 2 or 3 axes.

    Returns:
        int64 of shape ``[prod(box)]``: flat row-major index of the cell at each step, from cell 0 on.

    Raises:
        ScanlabError: S401 for a box too large to tabulate.
    """
    require_cells("gilbert", box)
    sides, step = [], 1
    for extent in reversed(box):
        if extent > 1:
            sides.append(_Side(step, extent))
        step *= extent
    if len(sides) < 2:
        return np.arange(step)
    longest = max(range(len(sides)), key=lambda i: sides[i].length)
    block = (sides[longest], *sides[:longest], *sides[longest + 1 :])
    return _path(block, {})


class _Side(NamedTuple):
    """One side of a block: what one step along it adds to the flat index, and how many cells it has."""

    step: int
    length: int

    @property
    def span(self) -> int:
        return self.step * self.length

    @property
    def last(self) -> int:
        return self.step * (self.length - 1)

    @property
    def back(self) -> _Side:
        return _Side(-self.step, self.length)

    def halves(self, *, even: bool) -> tuple[_Side, _Side]:
        """Near and far half; the odd cell falls to the side of the higher index, or where it makes near even."""
        near = self.length // 2 if self.step > 0 else (self.length + 1) // 2
        if even and near % 2 and self.length > 2:
            near += 1
        return _Side(self.step, near), _Side(self.step, self.length - near)


_Block = tuple[_Side, ...]
_Part = tuple[int, _Block]


def _path(block: _Block, known: dict[_Block, np.ndarray]) -> np.ndarray:
    """Flat offsets of the cells of a block along its path, from its first cell.

    The same few blocks occur all over the box, so each is laid out once and copied with an offset: the work is a few
    passes over the cells, whatever the depth.
    """
    lengths = [side.length for side in block]
    if 0 in lengths:
        return np.zeros(0, dtype=np.int64)
    long = [side for side in block if side.length > 1]
    if len(long) < 2:
        step, length = long[0] if long else (0, 1)
        return step * np.arange(length, dtype=np.int64)
    if block not in known:
        parts = _split_rectangle(*block) if len(block) == 2 else _split_cuboid(*block)
        known[block] = _join([(start, _path(part, known)) for start, part in parts])
    return known[block]


def _join(parts: list[tuple[int, np.ndarray]]) -> np.ndarray:
    joined = np.empty(sum(offsets.size for _, offsets in parts), dtype=np.int64)
    done = 0
    for start, offsets in parts:
        np.add(offsets, start, out=joined[done : done + offsets.size])
        done += offsets.size
    return joined


def _split_rectangle(a: _Side, b: _Side) -> list[_Part]:
    """Parts of a rectangle whose path runs from a corner to the other end of side ``a``."""
    if 2 * a.length > 3 * b.length:
        near, far = a.halves(even=True)
        return [(0, (near, b)), (near.span, (far, b))]
    a1, a2 = a.halves(even=False)
    b1, b2 = b.halves(even=True)
    return [
        (0, (b1, a1)),
        (b1.span, (a, b2)),
        (a.last + b1.last, (b1.back, a2.back)),
    ]


def _split_cuboid(a: _Side, b: _Side, c: _Side) -> list[_Part]:
    """Parts of a cuboid whose path runs from a corner to the other end of side ``a``."""
    a1, a2 = a.halves(even=True)
    if 2 * a.length > 3 * max(b.length, c.length):
        return [(0, (a1, b, c)), (a1.span, (a2, b, c))]
    b1, b2 = b.halves(even=True)
    if 3 * b.length > 4 * c.length:
        return [
            (0, (b1, c, a1)),
            (b1.span, (a, b2, c)),
            (a.last + b1.last, (b1.back, c, a2.back)),
        ]
    c1, c2 = c.halves(even=True)
    if 3 * c.length > 4 * b.length:
        return [
            (0, (c1, a1, b)),
            (c1.span, (a, b, c2)),
            (a.last + c1.last, (c1.back, a2.back, b)),
        ]
    return [
        (0, (b1, c1, a1)),
        (b1.span, (c, a1, b2)),
        (b1.last + c.last, (a, b1.back, c2.back)),
        (a.last + b1.span + c.last, (c.back, a2.back, b2)),
        (a.last + b1.last, (b1.back, c1, a2.back)),
    ]
