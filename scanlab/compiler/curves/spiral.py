"""Spirals on a rectangle: inwards ring by ring, and outwards on the square spiral around the centre."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scanlab.compiler.curves.limits import require_cells
from scanlab.compiler.curves.permutation import order_of, ranks_of

__all__ = ["spiral_in_grid", "spiral_out_grid"]


def spiral_in_grid(box: tuple[int, ...], options: Mapping[str, int]) -> np.ndarray:
    """Rank of every cell on the spiral from a corner inwards, ring by ring.

    Args:
        box: extents of 2 axes, rows (downwards) and columns (to the right).
        options: ``corner``, where it starts: 0 top left (default), 1 top right, 2 bottom right, 3 bottom left;
            ``turn``: 0 clockwise (default), 1 counter-clockwise.

    Returns:
        int64 of shape ``box``, dense; consecutive cells are neighbours on every box.

    Raises:
        ScanlabError: S401 for a box too large to tabulate.

    The S scan of MHS-VM (PixDeep/MHS-VM, scanutils.py) is ``corner=0, turn=0`` and ``corner=3, turn=1``.
    """
    require_cells("spiral_in", box)
    corner, counter = options.get("corner", 0), options.get("turn", 0)
    # A mirror image swaps the corners of a row and the handedness, so that only the clockwise spiral need be written.
    turned = (1, 0, 3, 2)[corner] if counter else corner
    rows, columns = box if turned % 2 == 0 else box[::-1]
    ranks = np.rot90(_inward(rows, columns), -turned)
    return np.ascontiguousarray(ranks[:, ::-1] if counter else ranks)


def spiral_out_grid(box: tuple[int, ...], options: Mapping[str, int]) -> np.ndarray:
    """Rank of every cell on the square spiral out of the cell ``(H // 2, W // 2)``.

    Args:
        box: extents ``(H, W)``, rows (downwards) and columns (to the right).
        options: ``heading``, the first step: 0 right (default), 1 down, 2 left, 3 up;
            ``turn``: 0 clockwise (default), 1 counter-clockwise.

    Returns:
        int64 of shape ``box``, dense: the spiral runs in the plane, and cells outside the box are dropped, so the
        path jumps where the spiral leaves the box.

    Raises:
        ScanlabError: S401 for a box too large to tabulate.

    DiffMa's eight spirals (wongzbb/DiffMa-Diffusion-Mamba, tools.py) are the eight combinations; VortexMamba's is the
    default.
    """
    require_cells("spiral_out", box)
    heading, counter = options.get("heading", 0), options.get("turn", 0)
    down = np.arange(box[0], dtype=np.int64)[:, None] - box[0] // 2
    right = np.arange(box[1], dtype=np.int64)[None, :] - box[1] // 2
    if counter:
        down, heading = -down, -heading % 4
    for _ in range(heading):
        down, right = -right, down
    return ranks_of(order_of(_outward(down, right)), box)


def _inward(rows: int, columns: int) -> np.ndarray:
    """Ranks of the clockwise spiral from the top left; a ring is one lap around what the rings before it left."""
    i = np.arange(rows, dtype=np.int64)[:, None]
    j = np.arange(columns, dtype=np.int64)[None, :]
    ring = np.minimum(np.minimum(i, rows - 1 - i), np.minimum(j, columns - 1 - j))
    height, width = rows - 2 * ring, columns - 2 * ring
    y, x = i - ring, j - ring
    lap = np.where(
        (y == 0) | (x == width - 1),
        y + x,
        np.where(y == height - 1, 2 * width + height - 3 - x, 2 * (width + height) - 4 - y),
    )
    return rows * columns - height * width + lap


def _outward(down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Rank of a displacement on the clockwise square spiral whose first step goes right.

    Lap m holds the cells at Chebyshev distance m, enters at ``(1 - m, m)`` and has four sides of 2m cells.
    """
    lap = np.maximum(np.abs(down), np.abs(right))
    along = np.where(
        (right == lap) & (down > -lap),
        down + lap - 1,
        np.where(
            (down == lap) & (right < lap),
            3 * lap - 1 - right,
            np.where((right == -lap) & (down < lap), 5 * lap - 1 - down, 7 * lap - 1 + right),
        ),
    )
    return np.where(lap == 0, 0, (2 * lap - 1) ** 2 + along)
