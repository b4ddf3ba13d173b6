"""What a strategy does, as a hash: equal for orders that visit the same patches at the same steps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

from scanlab.compiler.bind import CompiledPlan, CompiledScan
from scanlab.ir.values import Order, Scan
from scanlab.nn import BackboneConfig
from scanlab.nn.embed import halved
from scanlab.nn.layer_paths import compiled, layer_values
from scanlab.study.transfer import transfer_grid

__all__ = ["Compiled", "order_digest", "source_of"]

Compiled = CompiledScan | CompiledPlan


def source_of(plan: Compiled) -> str:
    """A strategy's own text."""
    return str(plan.value)


@lru_cache(maxsize=1024)
def order_digest(plan: Compiled, config: BackboneConfig, transfer: tuple[str, ...] = ()) -> str:
    """16 hexadecimal digits, from the steps, restarts, tokens and merges of every layer on every grid that it meets.

    Two strategies with one digest are the same function on these grids, whatever they are called and however written.
    """
    value = plan.value
    layers = layer_values(value, sum(config.depths))
    digest = hashlib.sha256()
    for grid in _grids(plan.grid, config, transfer):
        for layer, extents in zip(layers, _stages(grid, config), strict=True):
            scan = compiled(layer, extents)
            digest.update(f"{extents}{_shape(scan.scan)}".encode())
            for path in scan.paths:
                digest.update(path.sequence.tobytes() + b"|" + path.restarts.tobytes())
                digest.update(f"{path.order.reverse if path.order.tokens else ''}{path.channels}".encode())
    return digest.hexdigest()[:16]


def _grids(grid: Sequence[int], config: BackboneConfig, transfer: tuple[str, ...]) -> Iterator[tuple[int, ...]]:
    yield tuple(grid)
    sides = config.patch_sides(len(grid))
    for name in transfer:
        yield transfer_grid(name, tuple(grid), sides, config.stride)


def _stages(grid: tuple[int, ...], config: BackboneConfig) -> Iterator[tuple[int, ...]]:
    """The grid that each layer meets."""
    for depth in config.depths:
        yield from (grid for _ in range(depth))
        grid = tuple(halved(grid))


def _shape(part: Order | Scan) -> str:
    """How the outputs merge: `sum` of one part is that part."""
    if isinstance(part, Order):
        return "path"
    if len(part.parts) == 1 and part.merge in ("sum", "mean"):
        return _shape(part.parts[0])
    return f"{part.merge}({','.join(map(_shape, part.parts))})"
