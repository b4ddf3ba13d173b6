"""Which patches the paths of a scan visit, and whether that fits the way their outputs merge.

One rule, over two kinds of regions: boolean arrays on one grid, and isl sets on all grids at once. What the parts of a
merge visit, its row says (`MergeRule.visits`); the whole scan visits every patch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from scanlab.compiler.lattice import Lattice
from scanlab.ir.diagnostics import CounterExample, ScanlabError
from scanlab.ir.values import Order, Scan

__all__ = ["Gap", "GridRegion", "Region", "find_gap", "gap_error"]

R = TypeVar("R", bound="Region")


class Region(Protocol):
    """A set of patches."""

    def union(self: R, other: R) -> R: ...
    def overlap(self: R, other: R) -> R: ...
    def minus(self: R, other: R) -> R: ...
    def witness(self, what: str) -> CounterExample | None:
        """One patch of the region, on the smallest grid that has one; None if it is empty. what: the region's name."""
        ...


@dataclass(frozen=True)
class Gap:
    """Why a scan's coverage is wrong: a patch that ``part`` misses, or that it visits although ``other`` does."""

    kind: str
    part: str
    other: str
    witness: CounterExample


@dataclass(frozen=True, eq=False)
class GridRegion:
    """The patches of a lattice (one grid, or many side by side), as booleans [P]."""

    mask: np.ndarray
    lattice: Lattice

    def union(self, other: GridRegion) -> GridRegion:
        return GridRegion(self.mask | other.mask, self.lattice)

    def overlap(self, other: GridRegion) -> GridRegion:
        return GridRegion(self.mask & other.mask, self.lattice)

    def minus(self, other: GridRegion) -> GridRegion:
        return GridRegion(self.mask & ~other.mask, self.lattice)

    def witness(self, what: str) -> CounterExample | None:
        return self.lattice.witness(int(self.mask.argmax())) if self.mask.any() else None


def find_gap(scan: Scan, region_of: Callable[[Order], R], everything: R) -> Gap | None:
    """The first way in which the scan's coverage breaks the rule, or None."""
    visited = _visit(scan, region_of)
    if isinstance(visited, Gap):
        return visited
    missing = everything.minus(visited).witness("patches that no path visits")
    return None if missing is None else Gap("missing", str(scan), "", missing)


def _visit(part: Order | Scan, region_of: Callable[[Order], R]) -> R | Gap:
    if isinstance(part, Order):
        return region_of(part)
    total: R | None = None
    for inner in part.parts:
        region = _visit(inner, region_of)
        if isinstance(region, Gap):
            return region
        gap = None if total is None else _clash(part, inner, total, region)
        if gap is not None:
            return gap
        total = region if total is None else total.union(region)
    assert total is not None, "a scan has at least one part"
    return total


def _clash(scan: Scan, part: Order | Scan, before: R, region: R) -> Gap | None:
    name, first = part.name or str(part), scan.parts[0].name or str(scan.parts[0])
    if scan.rule.visits == "any":
        return None
    if scan.rule.visits == "disjoint":
        shared = before.overlap(region).witness(f"patches that `{name}` and a path before it visit")
        return None if shared is None else Gap("overlap", name, "the paths before it", shared)
    missed = before.minus(region).witness(f"patches that `{first}` visits, and `{name}` does not")
    if missed is not None:
        return Gap("missing", name, first, missed)
    extra = region.minus(before).witness(f"patches that `{name}` visits, and `{first}` does not")
    return None if extra is None else Gap("missing", first, name, extra)


def gap_error(scan: Scan, gap: Gap) -> ScanlabError:
    """The gap as an error: S301 for a patch left out, S302 for one visited twice."""
    if gap.kind == "overlap":
        return ScanlabError.at(
            "S302",
            f"two paths of this scatter visit the same patch: `{gap.part}` and one before it",
            scan.span,
            counterexample=gap.witness,
            help="paths of a scatter share the grid out: make their `where` conditions exclude each other",
        )
    same = f", which `{gap.other}` visits" if gap.other else ""
    return ScanlabError.at(
        "S301",
        f"a patch is left out by `{gap.part}`{same}",
        scan.span,
        counterexample=gap.witness,
        help="paths that are summed must visit the same patches, and all of them; use scatter(…) to share a grid out",
    )
