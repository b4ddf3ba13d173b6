"""From order to ranks and back, without sorting where the ranks are nearly dense."""

from __future__ import annotations

import numpy as np

__all__ = ["order_of", "ranks_of"]

# Marking every possible rank costs their range; past this ratio to the number of cells, sorting is cheaper.
_WORTH_MARKING = 4


def order_of(ranks: np.ndarray) -> np.ndarray:
    """Cells in ascending order of rank.

    Args:
        ranks: int64, any shape, distinct and at least 0.

    Returns:
        int64 [ranks.size], flat row-major index of the cell at each step. Linear time where the largest rank is below
        four times the number of cells, a sort otherwise.
    """
    flat = ranks.ravel()
    limit = int(flat.max(initial=-1)) + 1
    if limit > _WORTH_MARKING * flat.size:
        return np.argsort(flat)
    cell = np.full(limit, -1, dtype=np.int64)
    cell[flat] = np.arange(flat.size)
    return cell if limit == flat.size else cell[cell >= 0]


def ranks_of(order: np.ndarray, box: tuple[int, ...]) -> np.ndarray:
    """Step at which each cell of a box is visited: the inverse of an order.

    Args:
        order: int64 [prod(box)], a permutation of the flat row-major cell indices.
        box: extents.

    Returns:
        int64 of shape ``box``.
    """
    ranks = np.empty(order.size, dtype=np.int64)
    ranks[order] = np.arange(order.size)
    return ranks.reshape(box)
