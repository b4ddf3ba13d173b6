"""Strategies that are equivalent: the same paths under the same merges, as they are, reversed or transposed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import permutations
from typing import Any

from scanlab.compiler.bind import CompiledPlan, CompiledScan, Path, bind
from scanlab.compiler.proof import Proof
from scanlab.compiler.relations import prove_same, structure_of
from scanlab.ir.assumptions import nearest_grid, shared_assumptions
from scanlab.ir.coordinates import substitute_axes
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Axis, Expr
from scanlab.ir.values import Order, Scan, Value, layers_of, map_orders

__all__ = ["Equivalence", "Fingerprint", "find_equivalences", "fingerprint", "images"]

_EXCHANGED = "with axes "

Fingerprint = tuple[Any, ...] | None
"""A strategy's structure with its sequences on two grids: equal for strategies that look the same there."""


@dataclass(frozen=True)
class Equivalence:
    """A strategy is ``name``, seen ``how``: as it is, reversed, with axes exchanged; as far as ``proof`` goes."""

    name: str
    how: str
    proof: Proof

    def __str__(self) -> str:
        return self._named("the same as")

    def _named(self, plainly: str, place: str = "") -> str:
        """``the same as NAME``, ``the reverse of NAME with axes w, t, h``; plainly: what is said of NAME as it is."""
        turned, _, axes = self.how.partition(_EXCHANGED)
        return f"{turned.strip() or plainly} {self.name}{place}{axes and f' {_EXCHANGED}{axes}'}".strip()

    def words(self, place: str = "") -> str:
        """What follows "this": that it is the other, where that is proved, else no more than what was seen.

        place: stands behind the name, such as " in the library".
        """
        if self.proof.verdict == "proved":
            return f"is {self._named('the same as', place)}"
        if self.proof.verdict == "proved for this grid":
            return f"is {self._named('the same as', place)} (proved for this grid)"
        return f"looks like {self._named('', place)} on small grids (not proved)"


def find_equivalences(
    value: Value, others: Mapping[str, Value], grid: tuple[int, ...] | None = None
) -> Iterator[Equivalence]:
    """The strategies that this one equals, reverses or transposes: tried on two grids, then proved order by order.

    Merges, tokens, channels and restarts must agree; a plan must use its scans in the same layers. grid: what cannot be
    proved for all sizes is proved for this one.

    >>> import scanlab
    >>> library = {name: scanlab.load(name) for name in ("row", "snake", "hilbert")}
    >>> for match in find_equivalences(scanlab.parse("by w, ~h"), library):
    ...     print(match, match.proof.verdict, sep=", ")
    the transpose of snake, proved
    """
    assume = shared_assumptions(value)
    own = fingerprint(value, assume)
    if own is None:
        return
    for name, other in others.items():
        if len(other.axes) != len(value.axes) or structure_of(other).merges != own[1]:
            continue
        for how, change in images(other.axes, value.axes):
            image = map_orders(other, change)
            if fingerprint(image, assume) == own:
                proof = prove_same(value, replace(image, name=name), grid)
                if proof.verdict != "refuted":
                    yield Equivalence(name, how, proof)
                break


def images(own: tuple[str, ...], axes: tuple[str, ...]) -> Iterator[tuple[str, Callable[[Order], Order]]]:
    """What turns an order over `own` axes into its images over `axes` under reversal and axis exchange.

    Each with a phrase for the image; the plainest first.
    """
    for permuted in permutations(axes):
        renamed = {a: Axis(b) for a, b in zip(own, permuted, strict=True)}
        exchanged = "the transpose of" if len(axes) == 2 else f"{_EXCHANGED}{', '.join(permuted)}"
        words = "" if permuted == axes else exchanged
        yield words, lambda order, to=renamed: substitute_axes(order, axes, to)
        yield f"the reverse of {words}".strip(), lambda order, to=renamed: -substitute_axes(order, axes, to)


# Comparing many strategies with each other asks for the same few again and again.
@lru_cache(maxsize=4096)
def fingerprint(value: Value, assume: tuple[Expr, ...] = ()) -> Fingerprint:
    """The strategy's structure and sequences on two grids without equal extents; None where it cannot be bound.

    Under assumptions: on the grids nearest to those two that satisfy them.
    """
    axes, structure = len(value.axes), structure_of(value)
    grids = [tuple(range(4, 4 + axes)), tuple(range(5 + axes, 5, -1))]
    if assume:
        grids = [nearest for g in grids if (nearest := nearest_grid(assume, value.axes, g)) is not None]
    try:
        bound = [bind(value, grid) for grid in grids]
    except ScanlabError:
        return None
    layers = layers_of(value)[: len(structure.merges)]
    return structure.kind, structure.merges, tuple(_sequences(b, layers) for b in bound)


def _sequences(bound: CompiledScan | CompiledPlan, layers: tuple[Order | Scan, ...]) -> Any:
    if isinstance(bound, CompiledScan):
        return tuple(map(_sequence, bound.paths))
    scans = {scan.scan: tuple(map(_sequence, scan.paths)) for scan in bound.scans}
    return tuple(scans[layer] for layer in layers if isinstance(layer, Scan))


def _sequence(path: Path) -> Any:
    return path.sequence.tobytes(), path.restarts.tobytes(), path.channels
