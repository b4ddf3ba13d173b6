"""An order as loops over the whole grid, for every grid size: isl's code generation from the key map."""

from __future__ import annotations

import islpy as isl

from scanlab.compiler.polyhedra import NotAffine, Polyhedra, TooComplex, limited
from scanlab.ir.values import Order, signed_keys

__all__ = ["loops"]


def loops(order: Order) -> str:
    """C-like loops that call ``visit(h, w)`` once per patch, in order; or a sentence saying why there are none."""
    polyhedra = Polyhedra(order.axes)
    try:
        with limited(polyhedra.context):
            schedule = polyhedra.key_map(signed_keys(order), order.where)
            named = schedule.set_tuple_name(isl.dim_type.in_, "visit")
            build = isl.AstBuild.from_context(polyhedra.domain.params())
            return build.node_from_schedule_map(isl.UnionMap.from_map(named)).to_C_str().strip()
    except (NotAffine, TooComplex) as why:
        return f"no loops: {why}"
