"""Whole strategies that are one another: the same paths under the same merges, as they are, reversed or transposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from scanlab.compiler.bind import CompiledPlan, CompiledScan, Path, bind
from scanlab.compiler.proof import Proof, together
from scanlab.compiler.relations import Relative, images, prove_same, sample_grids
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Order, Plan, Scan, Value, map_orders, orders_of

__all__ = ["Sample", "sample", "strategy_relatives"]

Sample = tuple[Any, ...] | None
"""A strategy's structure with its sequences on two grids: equal for strategies that look the same there."""


def strategy_relatives(
    value: Value, others: Mapping[str, Value], grid: tuple[int, ...] | None = None
) -> Iterator[Relative]:
    """The strategies that this one equals, reverses or transposes: tried on two grids, then proved order by order.

    Merges, tokens, channels and restarts must agree; a plan must use its scans in the same layers. grid: what cannot be
    proved for all sizes is proved for this one.
    """
    wanted = sample(value)
    if wanted is None:
        return
    for name, other in others.items():
        if len(other.axes) != len(value.axes):
            continue
        for how, change in images(other.axes, value.axes):
            image = map_orders(other, change)
            if sample(image) == wanted:
                proof = _proof(value, image, name, grid)
                if proof.verdict != "refuted":
                    yield Relative(name, how, proof)
                break


def sample(value: Value) -> Sample:
    """The strategy's structure and sequences on `sample_grids`; None where it cannot be bound to them."""
    try:
        bound = [bind(value, grid) for grid in sample_grids(len(value.axes))]
    except ScanlabError:
        return None
    return tuple(_structure(b) for b in bound)


def _structure(bound: CompiledScan | CompiledPlan) -> Any:
    if isinstance(bound, CompiledScan):
        return (_merges(bound.scan), tuple(_sequence(path) for path in bound.paths))
    scans = {scan.scan: _structure(scan) for scan in bound.scans}
    return (bound.plan.kind, tuple(scans[scan] for scan in _layers(bound.plan)))


def _merges(part: Order | Scan) -> Any:
    """The tree of merges; a merge of one part is that part."""
    if isinstance(part, Order):
        return ""
    parts = tuple(_merges(p) for p in part.parts)
    return parts[0] if len(parts) == 1 else (part.merge, parts)


def _sequence(path: Path) -> Any:
    return path.sequence.tobytes(), path.restarts.tobytes(), path.channels


def _proof(value: Value, image: Value, name: str, grid: tuple[int, ...] | None) -> Proof:
    """That every order of one is the order of the other in its place."""
    pairs = dict.fromkeys(zip(_orders(value), _orders(image), strict=True))
    claim = f"is the same as `{name}`"
    return together(claim, [prove_same(a, replace(b, name=name), grid) for a, b in pairs])


def _orders(value: Value) -> list[Order]:
    """The orders; of a plan, layer by layer."""
    scans = _layers(value) if isinstance(value, Plan) else [value]
    return [order for scan in scans for order in orders_of(scan)]


def _layers(plan: Plan) -> list[Scan]:
    return [entry.scan for entry in plan.entries for _ in range(entry.count)]
