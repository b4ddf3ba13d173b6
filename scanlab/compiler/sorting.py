"""The patches of an order, sorted by its keys.

``sorted_patches`` is numpy's lexsort over the keys and is the oracle of every faster form; ``visited_patches`` gives
the same answer by placing each patch at its key directly where the keys are dense.
"""

from __future__ import annotations

import math

import numpy as np

from scanlab.compiler.lattice import Lattice, evaluate_on_grid
from scanlab.ir.diagnostics import CounterExample, ScanlabError
from scanlab.ir.values import Order, signed_keys

__all__ = ["kept_patches", "sorted_patches", "visited_patches"]

_DENSE = 16


def _keys(order: Order, lattice: Lattice) -> list[np.ndarray]:
    spans, kept = [k.span for k in order.keys], kept_patches(order, lattice)
    return [evaluate_on_grid(e, lattice, s, kept) for e, s in zip(signed_keys(order), spans, strict=True)]


def kept_patches(order: Order, lattice: Lattice) -> np.ndarray | None:
    """Booleans that broadcast to the grid: what ``where`` keeps, and keys are evaluated for; None for all."""
    return None if order.where is None else evaluate_on_grid(order.where, lattice, order.span) != 0


def _selected(order: Order, lattice: Lattice) -> np.ndarray | None:
    """The flat indices of the patches that ``where`` keeps; None for all."""
    kept = kept_patches(order, lattice)
    return None if kept is None else np.flatnonzero(np.broadcast_to(kept, lattice.grid))


def sorted_patches(order: Order, lattice: Lattice) -> np.ndarray:
    """int64 [L]: the patches in order, by numpy's lexsort over the keys. The oracle."""
    selected = _selected(order, lattice)
    flat = [np.broadcast_to(k, lattice.grid).reshape(-1) for k in _keys(order, lattice)]
    if selected is not None:
        flat = [k[selected] for k in flat]
    steps = np.lexsort(flat[::-1])
    ordered = np.stack([k[steps] for k in flat])
    same = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).all(axis=0))
    patches = steps if selected is None else selected[steps]
    if len(same):
        at = int(same[0])
        raise _tie(order, lattice, int(patches[at]), int(patches[at + 1]))
    return patches.astype(np.int64)


def visited_patches(order: Order, lattice: Lattice) -> np.ndarray:
    """As ``sorted_patches``, without sorting where the key values are dense enough to serve as addresses."""
    selected = _selected(order, lattice)
    composite, values = _composite(_keys(order, lattice))
    total = int(np.prod(lattice.grid))
    if composite is None or values > _DENSE * max(total, 64):
        return sorted_patches(order, lattice)
    addresses = np.broadcast_to(composite, lattice.grid).reshape(-1)
    patches = np.arange(total) if selected is None else selected
    if selected is not None:
        addresses = addresses[selected]
    table = np.full(values, -1, dtype=np.int64)
    table[addresses] = patches
    visited = table if values == len(patches) and (len(table) == 0 or table.min() >= 0) else table[table >= 0]
    # Two patches at one address: the oracle names the pair.
    return visited if len(visited) == len(patches) else sorted_patches(order, lattice)


def _composite(keys: list[np.ndarray]) -> tuple[np.ndarray | None, int]:
    """One number per patch that sorts like the tuple of keys, and how many values that can take; None past 2^62."""
    lows = [int(k.min()) for k in keys]
    counts = [int(k.max()) - low + 1 for k, low in zip(keys, lows, strict=True)]
    total = math.prod(counts)
    if total >= 2**62:
        return None, 0
    composite = keys[0] - lows[0]
    for key, low, count in zip(keys[1:], lows[1:], counts[1:], strict=True):
        composite = composite * count + (key - low)
    return composite, total


def _tie(order: Order, lattice: Lattice, first: int, second: int) -> ScanlabError:
    points = [tuple(int(v) for v in np.unravel_index(i, lattice.grid)) for i in sorted((first, second))]
    keys = _keys(order, lattice)
    shared = tuple(int(np.broadcast_to(k, lattice.grid)[points[0]]) for k in keys)
    return ScanlabError.at(
        "S300",
        "two patches have the same keys, so their order is not defined",
        order.span,
        counterexample=CounterExample(lattice.grid, tuple(points), shared),
        help="add a key that tells them apart",
    )
