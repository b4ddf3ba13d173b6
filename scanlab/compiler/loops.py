"""An order as loops over the whole grid, for every grid size: isl's code generation from the key map.

The loops are run on small grids and compared with the sorted order before they are handed out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import islpy as isl
import numpy as np

from scanlab.compiler.isl_expr import expression_of_ast
from scanlab.compiler.order_relations import plain_keys
from scanlab.compiler.polyhedra import NotAffine, Polyhedra, TooComplex, limited
from scanlab.compiler.probes import sequences, small_grids
from scanlab.ir.constants import evaluate
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text
from scanlab.ir.values import Order

__all__ = ["loops"]

# islpy's stubs leave out members whose names are words of Python.
_BLOCK, _FOR, _IF = (getattr(isl.ast_node_type, name) for name in ("block", "for_", "if_"))
_MOST_PATCHES = 16


def loops(order: Order) -> str:
    """C-like loops that call ``visit(h, w)`` once per patch, in order; or a sentence saying why there are none.

    >>> import scanlab
    >>> print(loops(scanlab.parse("by w, h")))
    for (int c0 = 0; c0 < W; c0 += 1)
      for (int c1 = 0; c1 < H; c1 += 1)
        visit(c1, c0);
    """
    polyhedra = Polyhedra(order.axes, assume=order.assume)
    try:
        with limited(polyhedra.context, effort=4):
            node = _generated(order, polyhedra)
        wrong = _wrong_on(order, node)
    except (NotAffine, TooComplex) as why:
        return f"no loops: {why}"
    except ScanlabError as error:
        return f"no loops: {error.diagnostics[0].message}"
    return f"no loops: those of isl are not this order on a {wrong} grid" if wrong else node.to_C_str().strip()


def _generated(order: Order, polyhedra: Polyhedra) -> isl.AstNode:
    # isl's code generation fails on some unions of a map's pieces unless their equalities are made explicit.
    schedule = polyhedra.key_map(plain_keys(order, polyhedra), order.where).detect_equalities()
    named = schedule.set_tuple_name(isl.dim_type.in_, "visit")
    build = isl.AstBuild.from_context(polyhedra.domain.params())
    return build.node_from_schedule_map(isl.UnionMap.from_map(named))


def _wrong_on(order: Order, node: isl.AstNode) -> str:
    """A small grid on which loops visit other patches than the order does, or in another sequence; "" if none is."""
    lattice = small_grids(order.axes, order.assume)
    if not lattice.grids:
        raise TooComplex("no grid that it allows is small enough to run them on")
    expected, program = sequences(order, lattice), _program(node)
    first = np.searchsorted(expected.owner, np.arange(len(lattice.grids) + 1))
    for number, grid in enumerate(lattice.grids):
        if math.prod(grid) > _MOST_PATCHES:
            continue
        wanted = lattice.points[expected.patches[first[number] : first[number + 1]]]
        values = {a.upper(): extent for a, extent in zip(order.axes, grid, strict=True)}
        if list(program(values)) != list(map(tuple, wanted.tolist())):
            return grid_text(grid)
    return ""


_Visits = Callable[[dict[str, int]], Iterator[tuple[int, ...]]]


def _program(node: isl.AstNode) -> _Visits:
    """Loops as a generator of the patches that they visit, given the extents."""
    kind = node.get_type()
    if kind == _BLOCK:
        children = node.block_get_children()
        return _block([_program(children.get_at(i)) for i in range(children.n_ast_node())])
    if kind == _FOR:
        return _for(node)
    if kind == _IF:
        return _if(node)
    call = node.user_get_expr()
    point = [expression_of_ast(call.get_op_arg(i)) for i in range(1, call.get_op_n_arg())]
    return lambda values: iter([tuple(evaluate(e, values, {}) for e in point)])


def _block(parts: list[_Visits]) -> _Visits:
    return lambda values: (visit for part in parts for visit in part(values))


def _if(node: isl.AstNode) -> _Visits:
    condition, then = expression_of_ast(node.if_get_cond()), _program(node.if_get_then_node())
    otherwise = _program(node.if_get_else_node()) if node.if_has_else_node() else _block([])
    return lambda values: then(values) if evaluate(condition, values, {}) else otherwise(values)


def _for(node: isl.AstNode) -> _Visits:
    name, body = node.for_get_iterator().get_id().get_name(), _program(node.for_get_body())
    start = expression_of_ast(node.for_get_init())
    if node.for_is_degenerate():
        return lambda values: body({**values, name: evaluate(start, values, {})})
    goes_on, step = expression_of_ast(node.for_get_cond()), expression_of_ast(node.for_get_inc())

    def visits(values: dict[str, int]) -> Iterator[tuple[int, ...]]:
        inside = {**values, name: evaluate(start, values, {})}
        while evaluate(goes_on, inside, {}):
            yield from body(inside)
            inside[name] += evaluate(step, values, {})

    return visits
