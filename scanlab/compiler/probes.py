"""Small grids to try a claim on where mathematics does not decide it; the first failure is a small one."""

from __future__ import annotations

from itertools import product

__all__ = ["describe_probes", "probe_grids"]

_LARGEST = {1: 24, 2: 7, 3: 4, 4: 3, 5: 2}


def probe_grids(axes: int) -> list[tuple[int, ...]]:
    """All grids up to a fixed extent per axis (1-D 24, 2-D 7, 3-D 4, 4-D 3, 5-D 2), smallest sum of extents first."""
    return sorted(product(range(1, _LARGEST[axes] + 1), repeat=axes), key=lambda g: (sum(g), g))


def describe_probes(axes: int) -> str:
    """What ``probe_grids`` covers, for messages."""
    return f"all grids up to {'x'.join([str(_LARGEST[axes])] * axes)}"
