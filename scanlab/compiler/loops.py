"""An order as loops over the whole grid, for every grid size: isl's code generation from the key map.

The loops are run on small grids and compared with the sorted order before they are handed out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import groupby, islice

import islpy as isl
import numpy as np

from scanlab.compiler.isl_expr import expression_of_ast
from scanlab.compiler.lattice import Lattice, evaluate_on_grid
from scanlab.compiler.order_relations import plain_keys
from scanlab.compiler.polyhedra import NotAffine, Polyhedra, TooComplex, limited
from scanlab.compiler.probes import ManyGrids, grids_of, listed_lengths, sequences, small_grids
from scanlab.ir.constants import evaluate
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Expr
from scanlab.ir.printer import print_expr
from scanlab.ir.text import grid_text, shortened
from scanlab.ir.values import Order, signed_keys

__all__ = ["loops"]

# islpy's stubs leave out members whose names are words of Python.
_BLOCK, _FOR, _IF = (getattr(isl.ast_node_type, name) for name in ("block", "for_", "if_"))
_MOST_PATCHES = 16
# Longer keys, such as explicit lists, are cut where a sentence names them.
_LONGEST = 300


def loops(order: Order) -> str:
    """C-like loops that call ``visit(h, w)`` once per patch, in order; or a sentence saying why there are none.

    Where a key is beyond loops, such as a curve, they go over the groups of patches that the keys before it make, and
    say what orders the patches of a group.

    >>> import scanlab
    >>> print(loops(scanlab.parse("by w, h")))
    for (int c0 = 0; c0 < W; c0 += 1)
      for (int c1 = 0; c1 < H; c1 += 1)
        visit(c1, c0);
    >>> print(loops(scanlab.parse("by h, hilbert(h, w)")))
    for (int c0 = 0; c0 < H; c0 += 1)
      group(c0);
    // group(c0): the patches with h = c0, in the order of hilbert(h, w)
    // not in these loops: `hilbert(h, w)`: hilbert is defined by recursion or from data, not by arithmetic
    """
    if len(lengths := listed_lengths((order,))) > 1:
        return f"no loops: no grid has {' and '.join(map(str, lengths))} patches, as its lists have"
    polyhedra = Polyhedra(order.axes, assume=order.assume)
    keys = _keys(order, polyhedra)
    count, beyond = _affine_keys(keys, polyhedra)
    try:
        with limited(polyhedra.context, effort=4):
            node = _grouped(order, keys[:count], polyhedra) if beyond else _generated(order, keys, polyhedra)
        wrong = _wrong_on(order, node, keys[:count] if beyond else None)
    except (NotAffine, TooComplex) as why:
        return f"no loops: {why}"
    except ScanlabError as error:
        return f"no loops: {error.diagnostics[0].message}"
    if wrong:
        return f"no loops: those of isl are not this order on a {wrong} grid"
    text = node.to_C_str().strip()
    if not beyond:
        return text
    return "\n".join([text, *_left_over(keys, count, order), f"// not in these loops: {shortened(beyond, _LONGEST)}"])


def _keys(order: Order, polyhedra: Polyhedra) -> tuple[Expr, ...]:
    """Without products of coordinates and extents where that can be."""
    try:
        with limited(polyhedra.context, effort=4):
            return plain_keys(order, polyhedra)
    except (NotAffine, TooComplex):
        return signed_keys(order)


def _affine_keys(keys: tuple[Expr, ...], polyhedra: Polyhedra) -> tuple[int, str]:
    """How many of the first keys are affine, and why the next one is not; "" where all are, or isl gives up on one."""
    for count, key in enumerate(keys):
        try:
            with limited(polyhedra.context, effort=4):
                polyhedra.affine(key)
        except NotAffine as why:
            return count, str(why)
        except TooComplex:
            break
    return len(keys), ""


def _left_over(keys: tuple[Expr, ...], count: int, order: Order) -> list[str]:
    """What a group of patches is, and what orders them."""
    names = [f"c{i}" for i in range(count)]
    alike = " and ".join(f"{print_expr(key)} = {name}" for key, name in zip(keys, names, strict=False))
    kept = [f"where {print_expr(order.where)}"] if order.where is not None else []
    which = " ".join(["the patches" if count else "all patches", *kept, *([f"with {alike}"] if alike else [])])
    left = ", ".join(shortened(print_expr(key), _LONGEST) for key in keys[count:])
    return [f"// group({', '.join(names)}): {which}, in the order of {left}"]


def _generated(order: Order, keys: tuple[Expr, ...], polyhedra: Polyhedra) -> isl.AstNode:
    """Loops over the patches. Raises NotAffine, TooComplex."""
    return _program_text(polyhedra.key_map(keys, order.where), "visit", polyhedra)


def _grouped(order: Order, keys: tuple[Expr, ...], polyhedra: Polyhedra) -> isl.AstNode:
    """Loops over the values that some keys have together; without any, one call where there is a patch."""
    if keys:
        values = polyhedra.key_map(keys, order.where).range().coalesce()
        return _program_text(values.identity(), "group", polyhedra)
    somewhere = polyhedra.selected(order.where).params().from_params()
    return _program_text(isl.Map.from_domain_and_range(somewhere, somewhere), "group", polyhedra)


def _program_text(schedule: isl.Map, call: str, polyhedra: Polyhedra) -> isl.AstNode:
    # isl's code generation fails on some unions of a map's pieces unless their equalities are made explicit.
    named = schedule.detect_equalities().set_tuple_name(isl.dim_type.in_, call)
    build = isl.AstBuild.from_context(polyhedra.domain.params())
    return build.node_from_schedule_map(isl.UnionMap.from_map(named))


def _wrong_on(order: Order, node: isl.AstNode, keys: tuple[Expr, ...] | None) -> str:
    """A small grid on which loops visit other patches than the order does, or in another sequence; "" if none is.

    keys: of loops over groups, what the patches of each have in common.
    """
    lattice = _tried(order)
    if not lattice.grids:
        raise TooComplex("no grid that it allows is small enough to run them on")
    expected, program = sequences(order, lattice), _program(node)
    first = np.searchsorted(expected.owner, np.arange(len(lattice.grids) + 1))
    for number, grid in enumerate(lattice.grids):
        wanted = lattice.points[expected.patches[first[number] : first[number + 1]]]
        values = {a.upper(): extent for a, extent in zip(order.axes, grid, strict=True)}
        visited = [tuple(point) for point in wanted.tolist()]
        if keys is not None:
            visited = [group for group, _ in groupby(_values(keys, Lattice(order.axes, grid), visited))]
        if list(program(values)) != visited:
            return grid_text(grid)
    return ""


def _tried(order: Order) -> ManyGrids:
    """The grids that loops are tried on: small ones, or a few of those that an explicit list fits."""
    lengths = tuple(listed_lengths((order,)))
    if lengths:
        return ManyGrids(order.axes, islice(grids_of(lengths[0], len(order.axes)), _MOST_PATCHES))
    small = small_grids(order.axes, order.assume).grids
    # Where assumptions leave out the smallest, some of the others.
    few = [g for g in small if math.prod(g) <= _MOST_PATCHES]
    return ManyGrids(order.axes, few or small[:_MOST_PATCHES])


def _values(keys: tuple[Expr, ...], lattice: Lattice, points: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """What the keys are at each of some patches."""
    tables = [np.broadcast_to(evaluate_on_grid(key, lattice), lattice.grid) for key in keys]
    return [tuple(int(table[point]) for table in tables) for point in points]


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
