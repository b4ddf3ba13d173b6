"""Is every patch visited exactly once? For all grid sizes with isl, else on the grids that can be tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import islpy as isl
import numpy as np

from scanlab.compiler.bind import bind, bind_order
from scanlab.compiler.coverage import find_gap
from scanlab.compiler.evaluate import Lattice, evaluate_on_grid
from scanlab.compiler.polyhedra import NotAffine, Polyhedra, SetRegion, TooComplex, limited, smallest_point
from scanlab.compiler.probes import describe_probes, probe_grids
from scanlab.compiler.proof import Proof, together
from scanlab.ir.diagnostics import CounterExample, ScanlabError
from scanlab.ir.expr import Axis, Expr, Visit
from scanlab.ir.printer import print_expr
from scanlab.ir.values import Key, Order, Plan, Scan, Value, orders_of, signed_keys

__all__ = ["EXACTLY_ONCE", "SELECTED_ONCE", "exhaustively", "prove", "prove_order", "suggested_key"]

EXACTLY_ONCE = "visits every patch exactly once"
SELECTED_ONCE = "visits every selected patch exactly once"
_BY_ISL = "isl, for every grid size"


def prove(value: Value, grid: tuple[int, ...] | None = None) -> Proof:
    """Prove that an order visits every patch (that its ``where`` keeps) exactly once, and that a scan covers the grid.

    Without ``grid`` the claim is about all grid sizes. Where isl cannot decide it, the given grid is checked
    exhaustively (``proved for this grid``), or all small grids are tried for a counter-example (``undecided`` if none).
    """
    match value:
        case Order():
            return prove_order(value, grid)
        case Scan():
            proofs = [prove_order(o, grid) for o in dict.fromkeys(orders_of(value))]
            return together(EXACTLY_ONCE, [*proofs, prove_coverage(value, grid)])
        case Plan():
            different = dict.fromkeys(e.scan for e in value.entries)
            return together(EXACTLY_ONCE, [prove(s, grid) for s in different])


def prove_order(order: Order, grid: tuple[int, ...] | None = None) -> Proof:
    """Prove that no two patches have equal keys."""
    claim = SELECTED_ONCE if order.partial else EXACTLY_ONCE
    try:
        refutation, exact = _smallest_tie(order)
    except (NotAffine, TooComplex) as why:
        return exhaustively(claim, order.axes, grid, str(why), lambda g: _tie_on(order, g))
    if refutation is None and order.where is not None and _keeps_nothing(order):
        return Proof(claim, "refuted", _BY_ISL, f"`where {print_expr(order.where)}` keeps no patch of any grid")
    if refutation is None:
        listed = [k.expr for k in order.keys if isinstance(k.expr, Visit)]
        fits = (
            f"it lists each patch once, and fits the grids of {len(listed[0].indices)} patches" if listed else _BY_ISL
        )
        return Proof(claim, "proved", fits)
    if exact:
        return Proof(claim, "refuted", _BY_ISL, "two patches have the same keys", refutation)
    reason = "a remainder by an extent, or a condition, is beyond linear arithmetic"
    return exhaustively(claim, order.axes, grid, reason, lambda g: _tie_on(order, g))


def _smallest_tie(order: Order) -> tuple[CounterExample | None, bool]:
    """The smallest grid with two patches of equal keys, and whether the relation behind it is exact."""
    polyhedra = Polyhedra(order.axes)
    with limited(polyhedra.context):
        for expr in (*(k.expr for k in order.keys), *([order.where] if order.where else []), *order.restart):
            polyhedra.check_divisors(expr)
        # Where all earlier keys tie their sum does too, so ~ turns both patches alike: it cannot make or break a tie.
        ties, exact = polyhedra.ties(tuple(k.expr for k in order.keys))
        try:
            kept = polyhedra.selected(order.where)
        except NotAffine:
            # No tie among all patches is no tie among those that are kept.
            kept, exact = polyhedra.domain, False
        ties = ties.intersect_domain(kept).intersect_range(kept)
        ties = ties.subtract(isl.Map.identity(ties.get_space()))
        if ties.is_empty():
            return None, True
        found = smallest_point(ties.wrap().flatten(), len(order.axes))
    assert found is not None, "the set is not empty"
    grid, pair = found
    n = len(order.axes)
    first, second = sorted((pair[:n], pair[n:]))
    return CounterExample(grid, (first, second), _keys_at(order, grid, first) if exact else None), exact


def _keeps_nothing(order: Order) -> bool:
    polyhedra = Polyhedra(order.axes)
    try:
        with limited(polyhedra.context):
            return bool(polyhedra.selected(order.where).is_empty())
    except (NotAffine, TooComplex):
        return False


def _keys_at(order: Order, grid: tuple[int, ...], patch: tuple[int, ...]) -> tuple[int, ...]:
    lattice = Lattice(order.axes, grid)
    values = (np.broadcast_to(evaluate_on_grid(e, lattice), lattice.grid) for e in signed_keys(order))
    return tuple(int(v[patch]) for v in values)


def _tie_on(order: Order, grid: tuple[int, ...]) -> CounterExample | None:
    try:
        bind_order(order, Lattice(order.axes, grid))
    except ScanlabError as error:
        diagnostic = error.diagnostics[0]
        if diagnostic.code == "S305":
            return None
        if diagnostic.code in ("S300", "S403"):
            return diagnostic.counterexample
        raise
    return None


def exhaustively(
    claim: str,
    axes: tuple[str, ...],
    grid: tuple[int, ...] | None,
    reason: str,
    counterexample_on: Callable[[tuple[int, ...]], CounterExample | None],
) -> Proof:
    """Decide a claim by looking at every patch: of the grid, or of all small grids, where it stays undecided."""
    if grid is not None:
        found = counterexample_on(grid)
        if found is None:
            return Proof(claim, "proved for this grid", "looking at every patch", reason, grid=grid)
        return Proof(claim, "refuted", "looking at every patch", _why(found), found, grid)
    for small in probe_grids(len(axes)):
        found = counterexample_on(small)
        if found is not None:
            return Proof(claim, "refuted", "looking at every patch of small grids", _why(found), found)
    tried = f"no counter-example on {describe_probes(len(axes))}"
    return Proof(claim, "undecided", f"looking at every patch of small grids; {tried}", reason)


def _why(found: CounterExample) -> str:
    return "a key divides by zero at this patch" if found.key is None and len(found.patches) == 1 else ""


def prove_coverage(scan: Scan, grid: tuple[int, ...] | None = None) -> Proof:
    """Prove that the scan's paths visit what its merges need: all patches, or disjoint shares of them."""
    claim = "covers the grid"
    if not any(o.partial for o in orders_of(scan)) and not _scatters(scan):
        return Proof(claim, "proved", "every path visits the whole grid")
    polyhedra = Polyhedra(scan.axes)
    try:
        with limited(polyhedra.context):
            everything = SetRegion(polyhedra.domain, polyhedra)
            gap = find_gap(scan, lambda o: SetRegion(polyhedra.selected(o.where), polyhedra), everything)
    except (NotAffine, TooComplex) as why:
        return exhaustively(claim, scan.axes, grid, str(why), lambda g: _gap_on(scan, g))
    if gap is None:
        return Proof(claim, "proved", _BY_ISL)
    what = (
        f"`{gap.part}` and a path before it share a patch"
        if gap.kind == "overlap"
        else f"`{gap.part}` leaves out a patch"
    )
    return Proof(claim, "refuted", _BY_ISL, what, gap.witness)


def _scatters(scan: Scan) -> bool:
    return (scan.merge == "scatter" and len(scan.parts) > 1) or any(
        _scatters(p) for p in scan.parts if isinstance(p, Scan)
    )


def _gap_on(scan: Scan, grid: tuple[int, ...]) -> CounterExample | None:
    try:
        bind(scan, grid)
    except ScanlabError as error:
        diagnostic = error.diagnostics[0]
        if diagnostic.code in ("S301", "S302"):
            return diagnostic.counterexample
        if diagnostic.code != "S305":
            raise
    return None


def suggested_key(order: Order) -> str | None:
    """The source of the order with one coordinate, or all of them, added as last keys, so that no patches tie."""
    singles: list[tuple[Expr, ...]] = [(Axis(a),) for a in order.axes]
    whole: tuple[Expr, ...] = tuple(Axis(a) for a in order.axes)
    if any(isinstance(k.expr, Visit) for k in order.keys):
        return None
    for extra in [*singles, whole]:
        fixed = replace(order, keys=order.keys + tuple(Key(e) for e in extra))
        if prove_order(fixed):
            return (
                f"add {', '.join(f'`{print_expr(e)}`' for e in extra)} as the last key{'s' * (len(extra) > 1)}: {fixed}"
            )
    return None
