"""Sets of patches over all grids, and the patches that show that one is not empty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import islpy as isl

from scanlab.compiler.trail import note_question
from scanlab.ir.diagnostics import CounterExample

if TYPE_CHECKING:
    from scanlab.compiler.polyhedra import Polyhedra

__all__ = ["SetRegion", "smallest_counterexample"]


@dataclass(frozen=True, eq=False)
class SetRegion:
    """The patches of all grids, as an isl set with the extents as parameters."""

    patches: isl.Set
    polyhedra: Polyhedra

    def union(self, other: SetRegion) -> SetRegion:
        return SetRegion(self.patches.union(other.patches).coalesce(), self.polyhedra)

    def overlap(self, other: SetRegion) -> SetRegion:
        return SetRegion(self.patches.intersect(other.patches), self.polyhedra)

    def minus(self, other: SetRegion) -> SetRegion:
        return SetRegion(self.patches.subtract(other.patches), self.polyhedra)

    def witness(self, what: str) -> CounterExample | None:
        note_question(what, self.patches)
        return smallest_counterexample(self.patches, len(self.polyhedra.axes))


def smallest_counterexample(patches: isl.Set | isl.Map, axes: int) -> CounterExample | None:
    """The grid with the smallest sum of extents for which the set has a patch, or the relation a pair, and the first.

    There are ``axes`` parameters, the extents. Ties go to the lexicographically smaller grid.
    """
    if patches.is_empty():
        return None
    points = patches.wrap().flatten() if isinstance(patches, isl.Map) else patches
    flat = points.move_dims(isl.dim_type.set, 0, isl.dim_type.param, 0, axes)
    total = isl.Map.from_domain(flat).add_dims(isl.dim_type.out, 1)
    equality = isl.Constraint.equality_alloc(isl.LocalSpace.from_space(total.get_space()))
    for i in range(axes):
        equality = equality.set_coefficient_val(isl.dim_type.in_, i, 1)
    total = total.add_constraint(equality.set_coefficient_val(isl.dim_type.out, 0, -1))
    first = total.reverse().wrap().flatten().lexmin().sample_point()
    values = [
        first.get_coordinate_val(isl.dim_type.set, i).to_python() for i in range(first.space.dim(isl.dim_type.set))
    ]
    grid, *points_there = (tuple(values[i : i + axes]) for i in range(1, len(values), axes))
    return CounterExample(grid, tuple(points_there))
