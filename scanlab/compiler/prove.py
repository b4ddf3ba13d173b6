"""Is every patch visited exactly once? For all grid sizes with isl, else on the grids that can be tried."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import islpy as isl
import numpy as np

from scanlab.compiler.bind import bind, bind_order
from scanlab.compiler.coverage import Gap, GridRegion, find_gap
from scanlab.compiler.decide import Finding, Question, decide, describe_scope, errors_as_findings, fits_nowhere
from scanlab.compiler.lattice import Lattice
from scanlab.compiler.polyhedra import NotAffine, Polyhedra, TooComplex, limited
from scanlab.compiler.probes import Grid, ManyGrids, listed_lengths, sequences, small_grids
from scanlab.compiler.proof import Proof, combine_proofs
from scanlab.compiler.trail import note_question
from scanlab.compiler.witnesses import SetRegion, smallest_counterexample
from scanlab.ir.assumptions import with_shared
from scanlab.ir.constants import evaluate
from scanlab.ir.diagnostics import CounterExample, ScanlabError
from scanlab.ir.expr import Axis, Breadth, Curve, Expr, Offset, Visit, nodes_of
from scanlab.ir.printer import print_expr
from scanlab.ir.text import grid_text
from scanlab.ir.values import (
    Key,
    Order,
    Plan,
    Scan,
    Value,
    layers_of,
    orders_of,
    sequences_of,
    signed_keys,
)

__all__ = ["EXACTLY_ONCE", "SELECTED_ONCE", "prove", "prove_coverage", "prove_order", "suggested_key"]

EXACTLY_ONCE = "visits every patch exactly once"
SELECTED_ONCE = "visits every selected patch exactly once"


def prove(value: Value, grid: Grid | None = None) -> Proof:
    """Prove that an order visits every patch (that its ``where`` keeps) exactly once, and that a scan covers the grid.

    Without ``grid`` the claim is about all grid sizes. Where isl cannot decide it, the given grid is checked
    exhaustively (``proved for this grid``), or all small grids are tried for a counter-example (``undecided`` if none).
    Whatever isl decides is tried on small grids, too, and on ``grid``. Orders with explicit lists are judged on the
    grids of as many patches.

    Raises:
        ScanlabError: S310 where isl and trying disagree; S401 to S404 where ``grid`` does not suit the keys.
    """
    lengths = listed_lengths(orders_of(value))
    if len(lengths) > 1:
        return fits_nowhere(EXACTLY_ONCE, lengths)
    (value,) = with_shared(value)
    match value:
        case Order():
            return prove_order(value, grid)
        case Scan():
            return _prove_scan(value, grid, {})
        case Plan():
            known: dict[tuple[Order, bool], Proof] = {}
            scans = [Scan("sum", (s,)) if isinstance(s, Order) else s for s in dict.fromkeys(layers_of(value))]
            proofs = [_prove_scan(s, grid, known) for s in scans]
            alike = all(p.claim == EXACTLY_ONCE for p in proofs)
            return combine_proofs(EXACTLY_ONCE if alike else "covers every patch in every layer", proofs)


def _prove_scan(scan: Scan, grid: Grid | None, known: dict[tuple[Order, bool], Proof]) -> Proof:
    """``known``: proofs of orders, with whether each is one of several; the scans of a plan share most of them."""
    within = tuple(dict.fromkeys(orders_of(scan)))
    for order in within:
        if (order, len(within) > 1) not in known:
            known[order, len(within) > 1] = prove_order(order, grid, within)
    proofs = [known[order, len(within) > 1] for order in within]
    return combine_proofs(_claim_of(scan), [*proofs, prove_coverage(scan, grid, within)])


def _claim_of(scan: Scan) -> str:
    """What a scan does when its orders are sound and its coverage fits: a chain may visit patches several times."""
    orders = list(orders_of(scan))
    several = [members for members in sequences_of(scan) if len(members) > 1]
    if not several or all(_exclude_each_other([orders[k] for k in members]) for members in several):
        return EXACTLY_ONCE
    if all(not orders[k].partial for members in several for k in members):
        times = max(map(len, several))
        if len(sequences_of(scan)) == 1:
            return f"visits every patch {times} times, in one sequence"
        return f"covers every patch, up to {times} times in one sequence"
    return "covers every patch, some several times"


def _exclude_each_other(orders: list[Order]) -> bool:
    """Whether no patch of any grid is visited by two of the orders, as far as isl can say."""
    if any(not o.partial for o in orders):
        return False
    axes, assume = orders[0].axes, orders[0].assume
    polyhedra, lattice = Polyhedra(axes, assume=assume), small_grids(axes, assume)
    try:
        if not lattice.grids:
            return False
        visits = np.concatenate([sequences(o, lattice).patches for o in orders])
        if len(np.unique(visits)) < len(visits):
            return False
        with limited(polyhedra.context):
            kept = [polyhedra.selected(o.where) for o in orders]
            return all(bool(a.is_disjoint(b)) for a, b in combinations(kept, 2))
    except (NotAffine, TooComplex, ScanlabError):
        return False


def prove_order(order: Order, grid: Grid | None = None, within: tuple[Order, ...] = ()) -> Proof:
    """Prove that no two patches have equal keys.

    within: the orders of the scan that this one is a path of. Alone, an order whose ``where`` keeps no patch is none.
    """

    def on(grid: Grid) -> Finding | None:
        return errors_as_findings(lambda: _bound(order, grid))

    def on_many(lattice: ManyGrids) -> Finding | None:
        return errors_as_findings(lambda: _tie(sequences(order, lattice).tie))

    claim = SELECTED_ONCE if order.partial else EXACTLY_ONCE
    roots = (*(k.expr for k in order.keys), *filter(None, (order.where,)))
    curved = any(isinstance(e, Curve | Offset | Breadth) for root in roots for e in nodes_of(root))
    at = None if curved else lambda example: _tie_at(order, example)
    question = Question(claim, (order,), on, on_many, lambda p: _smallest_tie(order, p), within, at=at)
    proof = decide(question, grid)
    if order.where is None or not proof or len(within) > 1:
        return proof
    return _unless_empty(order, proof)


def _bound(order: Order, grid: Grid) -> None:
    bind_order(order, Lattice(order.axes, grid))


def _tie(example: CounterExample | None) -> Finding | None:
    return None if example is None else Finding("S300", "two patches have the same keys", example)


def _tie_at(order: Order, example: CounterExample) -> Finding | None:
    """The tie of two patches, by the value of each key there in plain integers."""
    extents = dict(zip(order.axes, example.grid, strict=True))
    points = [dict(zip(order.axes, patch, strict=True)) for patch in example.patches]
    if order.where is not None and not all(evaluate(order.where, p, extents) for p in points):
        return None
    first, second = (tuple(evaluate(e, p, extents) for e in signed_keys(order)) for p in points)
    patches = tuple(sorted(example.patches))
    return _tie(CounterExample(example.grid, patches, first)) if first == second else None


def _smallest_tie(order: Order, polyhedra: Polyhedra) -> CounterExample | None:
    """The smallest grid with two patches of equal keys, by isl. Raises NotAffine where the relation is not exact."""
    exact = True
    if order.where is not None:
        polyhedra.check_divisors(order.where)
    try:
        kept = polyhedra.selected(order.where)
    except NotAffine:
        # No tie among all patches is no tie among those that are kept.
        kept, exact = polyhedra.domain, False
    for expr in (*(k.expr for k in order.keys), *order.restart):
        polyhedra.check_divisors(expr, kept)
    # Where all earlier keys tie their sum does too, so ~ turns both patches alike: it cannot make or break a tie.
    alike, ties, ties_exact = _ties_among(order, kept, polyhedra)
    if not (ties.is_empty() or ties_exact):
        alike, ties, ties_exact = _ties_among(order, kept, polyhedra, precisely=True)
    pairs = "pairs of patches with equal keys" if exact and ties_exact else "pairs of patches whose keys may be equal"
    note_question(f"{pairs}, of two different patches", ties, **{pairs: alike})
    if not (ties.is_empty() or (exact and ties_exact)):
        raise NotAffine("a remainder by an extent, or a condition, is beyond linear arithmetic")
    return smallest_counterexample(ties, len(order.axes))


def _ties_among(
    order: Order, kept: isl.Set, polyhedra: Polyhedra, *, precisely: bool = False
) -> tuple[isl.Map, isl.Map, bool]:
    """``{ p -> q : p and q of the patches that are kept have equal keys }``, without p = q, and whether it is exact."""
    ties, exact = polyhedra.ties(tuple(k.expr for k in order.keys), precisely=precisely)
    alike = ties.intersect_domain(kept).intersect_range(kept)
    return alike, alike.subtract(isl.Map.identity(alike.get_space())), exact


def _unless_empty(order: Order, proof: Proof) -> Proof:
    """The proof of an order with ``where``, with a note on grids of which nothing is kept; refuted if all are."""
    assert order.where is not None, "only a `where` leaves patches out"
    text = f"`where {print_expr(order.where)}`"
    lattice = small_grids(order.axes, order.assume)
    if not lattice.grids:
        return proof
    try:
        counts = np.bincount(sequences(order, lattice).owner, minlength=len(lattice.grids))
    except ScanlabError:
        return proof
    empty = [g for g, n in zip(lattice.grids, counts, strict=True) if not n]
    if not empty:
        return proof
    size = next((grid_text(g) for g, n in zip(lattice.grids, counts, strict=True) if n), None) or _size_with_a_patch(
        order
    )
    if size == "none":
        why = f"{text} keeps no patch of any grid"
        return replace(proof, verdict="refuted", reason=why, code="S305", notes=(), grid=None)
    more = f"; the smallest grid with one is {size}" if size else ""
    note = f"{text} keeps no patch of {len(empty)} of the {len(lattice.grids)} small grids, {grid_text(empty[0])} "
    return replace(proof, notes=(*proof.notes, f"{note}among them{more}"))


def _size_with_a_patch(order: Order) -> str:
    """The smallest grid on which ``where`` keeps a patch; "none" where isl finds there is none, "" if it cannot say."""
    polyhedra = Polyhedra(order.axes, assume=order.assume)
    try:
        with limited(polyhedra.context):
            kept = polyhedra.selected(order.where)
            if kept.is_empty():
                return "none"
            smallest = smallest_counterexample(kept, len(order.axes))
        assert smallest is not None, "the set is not empty"
        bind_order(order, Lattice(order.axes, smallest.grid))
    except (NotAffine, TooComplex, ScanlabError):
        return ""
    return grid_text(smallest.grid)


def prove_coverage(scan: Scan, grid: Grid | None = None, within: tuple[Order, ...] = ()) -> Proof:
    """Prove that the scan's paths visit what its merges need: all patches, or disjoint shares of them."""
    claim = "covers the grid"
    if not any(o.partial for o in orders_of(scan)) and not _scatters(scan):
        lengths = listed_lengths(within)
        scope = describe_scope(within, lengths)
        return Proof(claim, "proved", "every path visits the whole grid", scope=scope)

    def on(grid: Grid) -> Finding | None:
        return errors_as_findings(lambda: _gap_on(scan, grid))

    def on_many(lattice: ManyGrids) -> Finding | None:
        return errors_as_findings(lambda: _gap_on_many(scan, lattice))

    return decide(Question(claim, tuple(orders_of(scan)), on, on_many, lambda p: _gap_of(scan, p), within), grid)


def _scatters(scan: Scan) -> bool:
    return (scan.rule.visits == "disjoint" and len(scan.parts) > 1) or any(
        _scatters(p) for p in scan.parts if isinstance(p, Scan)
    )


def _gap_on(scan: Scan, grid: Grid) -> Finding | None:
    try:
        bind(scan, grid)
    except ScanlabError as error:
        diagnostic = error.diagnostics[0]
        if diagnostic.code == "S305":
            # Its only path visits nothing, so every patch is left out.
            return Finding("S301", diagnostic.message, CounterExample(grid, ((0,) * len(grid),)))
        if diagnostic.code not in ("S301", "S302"):
            raise
        assert diagnostic.counterexample is not None, "a gap has a patch"
        return Finding(diagnostic.code, diagnostic.message, diagnostic.counterexample)
    return None


def _gap_on_many(scan: Scan, lattice: ManyGrids) -> Finding | None:
    """The gap on the smallest grid that has any, whatever its kind."""
    best: Gap | None = None
    while True:
        upto = int(lattice.first[lattice.grids.index(best.witness.grid)]) if best else lattice.grid[0]
        inside = np.arange(lattice.grid[0]) < upto
        gap = find_gap(scan, lambda o, inside=inside: _visited(o, lattice, inside), GridRegion(inside, lattice))
        if gap is None:
            return None if best is None else _finding(best)
        best = gap


def _visited(order: Order, lattice: ManyGrids, inside: np.ndarray) -> GridRegion:
    mask = np.zeros(lattice.grid, dtype=bool)
    mask[sequences(order, lattice).patches] = True
    return GridRegion(mask & inside, lattice)


def _finding(gap: Gap) -> Finding:
    if gap.kind == "overlap":
        return Finding("S302", f"`{gap.part}` and a path before it share a patch", gap.witness)
    return Finding("S301", f"`{gap.part}` leaves out a patch", gap.witness)


def _gap_of(scan: Scan, polyhedra: Polyhedra) -> CounterExample | None:
    everything = SetRegion(polyhedra.domain, polyhedra)
    gap = find_gap(scan, lambda o: SetRegion(polyhedra.selected(o.where), polyhedra), everything)
    return None if gap is None else gap.witness


def suggested_key(order: Order) -> str | None:
    """The source of the order with one coordinate, or all of them, added as last keys, so that no patches tie.

    >>> import scanlab
    >>> suggested_key(scanlab.parse("by h + w"))
    'add `h` as the last key: by h + w, h'
    """
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
