"""How a claim is decided: by isl for all grids, and by looking at every patch of some grids. Both must agree.

What isl proves is tried on all small grids, on one past the constants of the orders, and on the grid that was asked
for; a counter-example of isl's is bound and must fail. Where the two methods disagree there is no verdict, but the
error S310, which says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from scanlab.compiler.lattice import MOST_PATCHES
from scanlab.compiler.polyhedra import NotAffine, Polyhedra, TooComplex, limited
from scanlab.compiler.probes import (
    Grid,
    ManyGrids,
    describe_small_grids,
    grids_of,
    grids_past_constants,
    listed_lengths,
    small_grids,
    tested_as_bijections,
)
from scanlab.compiler.proof import Proof, combine_proofs
from scanlab.compiler.trail import is_kept
from scanlab.ir.assumptions import (
    check_assumed,
    every_grid,
    holds,
    linear_text,
    shared_assumptions,
    sizes_text,
    with_shared,
)
from scanlab.ir.diagnostics import CounterExample, ScanlabError
from scanlab.ir.expr import Curve, Expr
from scanlab.ir.printer import print_expr
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import Order, Value, layers_of, nodes_in, orders_of, sequences_of

__all__ = ["Finding", "Question", "decide", "describe_scope", "each_sequence", "errors_as_findings", "fits_nowhere"]

_BY_ISL = "isl, for every grid size, and looking at every patch of small grids"
_BY_ISL_WITHIN = "isl, for every such grid size, and looking at every patch of small ones"
_BY_ISL_ALONE = "isl alone, for every such grid size: none is small enough to look at every patch"
_BY_LOOKING = "looking at every patch"
_MOST_LISTED = 2**20


@dataclass(frozen=True)
class Finding:
    """Why a claim is false: the code of the error that this is, a grid with patches of it, and what is wrong there."""

    code: str
    why: str
    example: CounterExample


@dataclass(frozen=True)
class Question:
    """A claim about orders, and three ways to find it false.

    ``on`` looks at every patch of one grid, ``on_many`` at every patch of many grids at once and finds the smallest,
    ``symbolic`` asks isl about all grids; it raises NotAffine or TooComplex where isl cannot say. ``within``: all
    orders of the strategy that the claim is about, where that is more than ``orders``. ``effort``: how many times isl's
    usual number of operations it may take. ``at``: looks at the patches of isl's counter-example alone, where those
    say enough; without it every patch of its grid is looked at.
    """

    claim: str
    orders: tuple[Order, ...]
    on: Callable[[Grid], Finding | None]
    on_many: Callable[[ManyGrids], Finding | None]
    symbolic: Callable[[Polyhedra], CounterExample | None]
    within: tuple[Order, ...] = ()
    effort: int = 1
    at: Callable[[CounterExample], Finding | None] | None = None

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of the grid."""
        return self.orders[0].axes

    @property
    def assume(self) -> tuple[Expr, ...]:
        """What is assumed of the grids that the claim is about."""
        return shared_assumptions(*self.orders, *self.within)


def decide(question: Question, grid: Grid | None) -> Proof:
    """The verdict on a claim, for all grids or, where that is beyond isl, for ``grid``.

    Raises S310 where isl and looking disagree, S401 to S404 and S482 where ``grid`` does not suit the orders.
    """
    if grid is not None:
        for order in (*question.orders, *question.within):
            check_assumed(order, grid)
    proof = _decided(question, grid)
    return proof if proof.scope or not question.assume else replace(proof, scope=sizes_text(question.assume))


def _decided(question: Question, grid: Grid | None) -> Proof:
    lengths = listed_lengths((*question.orders, *question.within))
    if lengths:
        return _decide_listed(question, lengths, grid)
    small, unseen = _on_small_grids(question)
    if small is not None and grid is None:
        if is_kept():
            # The answer is known; the set is what somebody wants to see.
            with suppress(NotAffine, TooComplex):
                _ask_isl(question)
        return _refuted(question, small, f"{_BY_LOOKING} of small grids")
    here = None if grid is None else question.on(grid)
    if here is not None:
        # The smallest grid that shows it is the easiest to follow.
        if small is not None and sum(small.example.grid) <= sum(here.example.grid):
            return _refuted(question, small, f"{_BY_LOOKING} of small grids")
        return _refuted(question, here, _BY_LOOKING, grid)
    try:
        candidate = _ask_isl(question)
    except (NotAffine, TooComplex) as why:
        if (looked := _by_looking_at_all(question)) is not None:
            return looked
        if grid is not None:
            return Proof(question.claim, "proved for this grid", _BY_LOOKING, str(why), grid=grid)
        tried = f"no counter-example on {_describe_tried(question)}"
        method = f"{_BY_LOOKING} of small grids; {tried}"
        return Proof(question.claim, "undecided", method, str(why), notes=unseen)
    if candidate is None:
        if small is not None:
            raise _contradiction(question, "isl proves it for every grid", f"{small.example}: {small.why}")
        return Proof(question.claim, "proved", _by_isl(question), notes=(*unseen, *_assumed(question)))
    return _refuted_by_isl(question, candidate, small, grid)


def _by_isl(question: Question) -> str:
    if not question.assume:
        return _BY_ISL
    return _BY_ISL_WITHIN if _small(question).grids else _BY_ISL_ALONE


def _small(question: Question) -> ManyGrids:
    return small_grids(question.axes, question.assume)


def _describe_tried(question: Question) -> str:
    if not question.assume:
        return describe_small_grids(len(question.axes))
    return sizes_text(question.assume, count_text(len(_small(question).grids), "small grid"))


def _ask_isl(question: Question) -> CounterExample | None:
    for name, options, axes in _curves(question):
        box = tested_as_bijections(name, options, axes)
        if box is not None:
            raise NotAffine(f"{name} gives two cells of a {box} box the same rank")
    polyhedra = Polyhedra(question.axes, assume=question.assume)
    with limited(polyhedra.context, effort=question.effort):
        return question.symbolic(polyhedra)


def _refuted_by_isl(question: Question, candidate: CounterExample, small: Finding | None, grid: Grid | None) -> Proof:
    if small is not None:
        return _refuted(question, small, f"{_BY_LOOKING} of small grids, and isl")
    if not holds(question.assume, question.axes, candidate.grid):
        return _beyond_isl(question, candidate, grid)
    if question.at is None and math.prod(candidate.grid) > MOST_PATCHES:
        why = f"isl finds a counter-example on a {grid_text(candidate.grid)} grid, which is too large to look at here"
        if grid is not None:
            return Proof(question.claim, "proved for this grid", _BY_LOOKING, why, grid=grid)
        return Proof(question.claim, "undecided", f"isl, and {_BY_LOOKING} of small grids", why)
    finding = question.at(candidate) if question.at else question.on(candidate.grid)
    if finding is None:
        raise _contradiction(question, f"isl finds a counter-example {candidate}", "looking there finds none")
    if math.prod(candidate.grid) > MOST_PATCHES:
        beyond = f"{finding.why}; the grid has more than the {MOST_PATCHES:,} patches that a grid can have here"
        finding = replace(finding, why=beyond)
    method = "looking at the patches that it finds" if question.at else f"{_BY_LOOKING} of the grid that it finds"
    return _refuted(question, finding, f"isl, and {method}")


def _beyond_isl(question: Question, candidate: CounterExample, grid: Grid | None) -> Proof:
    """The verdict where isl's counter-example lies outside of what is assumed, of which isl knows a part only."""
    if (looked := _by_looking_at_all(question)) is not None:
        return looked
    unknown = ", ".join(f"`{print_expr(e)}`" for e in question.assume if linear_text(e) is None)
    size = grid_text(candidate.grid)
    why = f"isl knows nothing of {unknown}, without which there is a counter-example on a {size} grid"
    if grid is not None:
        return Proof(question.claim, "proved for this grid", _BY_LOOKING, why, grid=grid)
    method = f"{_BY_LOOKING} of small grids; no counter-example on {_describe_tried(question)}"
    return Proof(question.claim, "undecided", method, why)


def _by_looking_at_all(question: Question) -> Proof | None:
    """The verdict where isl has none and so few grids are assumed that all of them can be looked at."""
    grids = every_grid(question.assume, question.axes) if question.assume else None
    if not grids or sum(map(math.prod, grids)) > _MOST_LISTED:
        return None
    try:
        smallest = question.on_many(ManyGrids(question.axes, grids))
    except ScanlabError as error:
        if error.code not in _TOO_LARGE:
            raise
        return None
    if smallest is not None:
        return _refuted(question, smallest, f"{_BY_LOOKING} of each such grid")
    return Proof(question.claim, "proved", f"{_BY_LOOKING} of each such grid: {count_text(len(grids), 'grid')}")


def _on_small_grids(question: Question) -> tuple[Finding | None, tuple[str, ...]]:
    """The counter-example on the smallest grid that has one, and what could not be looked at, as notes."""
    left_out: list[Grid] = []
    small = _small(question)
    try:
        smallest = question.on_many(small) if small.grids else None
    except ScanlabError as error:
        if error.code not in _TOO_LARGE:
            raise
        smallest = _one_by_one(question, small.grids, left_out)
    if smallest is None:
        smallest = _one_by_one(question, grids_past_constants(question.orders, question.assume), left_out)
    unseen = f"keys leave 64-bit integers from a {grid_text(left_out[0])} grid on" if left_out else ""
    return smallest, (unseen,) if unseen else ()


_TOO_LARGE = ("S401", "S402")


def _one_by_one(question: Question, grids: list[Grid], left_out: list[Grid]) -> Finding | None:
    """As ``question.on_many``. What is too large on a grid leaves it out; on every grid, it is raised."""
    problem = None
    for grid in grids:
        try:
            finding = question.on(grid)
        except ScanlabError as error:
            if error.code not in _TOO_LARGE:
                raise
            problem = error
            left_out.append(grid)
            continue
        if finding is not None:
            return finding
    if problem is not None and len(left_out) == len(grids) and math.prod(grids[0]) == 1:
        raise problem
    return None


def _decide_listed(question: Question, lengths: tuple[int, ...], grid: Grid | None) -> Proof:
    """A claim about orders with explicit lists is one about the grids of as many patches: all of them are tried."""
    if grid is not None:
        here = question.on(grid)
        if here is not None:
            return _refuted(question, here, _BY_LOOKING, grid)
    if len(lengths) > 1:
        return fits_nowhere(question.claim, lengths)
    patches = next(iter(lengths))
    grids = [g for g in grids_of(patches, len(question.axes)) if holds(question.assume, question.axes, g)]
    scope = describe_scope((*question.orders, *question.within), lengths)
    if not grids:
        why = f"there are no {scope.removeprefix('the ')}"
        return Proof(question.claim, "refuted", "counting", why, code="S311")
    if patches * len(grids) > _MOST_LISTED:
        if grid is not None:
            return Proof(question.claim, "proved for this grid", _BY_LOOKING, grid=grid)
        why = f"{count_text(len(grids), 'grid')} of {count_text(patches, 'patch')} are too many to look at"
        return Proof(question.claim, "undecided", "nothing was tried", why, scope=scope)
    smallest = question.on_many(ManyGrids(question.axes, grids))
    if smallest is None:
        return Proof(question.claim, "proved", f"{_BY_LOOKING} of each grid that fits", scope=scope)
    if grid is not None:
        why = f"it does not hold on every grid of {count_text(patches, 'patch')}"
        return Proof(question.claim, "proved for this grid", _BY_LOOKING, why, grid=grid)
    return replace(_refuted(question, smallest, f"{_BY_LOOKING} of the grids that fit"), scope=scope)


def describe_scope(orders: tuple[Order, ...], lengths: tuple[int, ...]) -> str:
    """The grids that a claim is about, for messages: those that explicit lists fit or orders assume; "" for all."""
    assume = shared_assumptions(*orders)
    if lengths:
        return sizes_text(assume, f"the grids of {count_text(lengths[0], 'patch')}")
    return sizes_text(assume) if assume else ""


def each_sequence(
    value: Value, claim: str, prove_one: Callable[[tuple[Order, ...], tuple[Order, ...]], Proof]
) -> Proof:
    """The verdict on a claim that every sequence of a value must meet, of all its layers.

    prove_one: is given the orders that follow one another with one state, and all orders of the value.
    """
    (value,) = with_shared(value)
    within = tuple(dict.fromkeys(orders_of(value)))
    if len(lengths := listed_lengths(within)) > 1:
        return fits_nowhere(claim, lengths)
    different: dict[tuple[Order, ...], None] = {}
    for scan in layers_of(value):
        orders = list(orders_of(scan))
        different |= dict.fromkeys(tuple(orders[k] for k in members) for members in sequences_of(scan))
    return combine_proofs(claim, [prove_one(parts, within) for parts in different])


def fits_nowhere(claim: str, lengths: tuple[int, ...]) -> Proof:
    """The verdict on orders whose explicit lists have different lengths, so that no grid fits all of them."""
    counts = " and ".join(map(str, lengths))
    why = f"no grid has {counts} patches, as the lists of its orders have"
    return Proof(claim, "refuted", "counting", why, code="S311")


def _refuted(question: Question, finding: Finding, method: str, grid: Grid | None = None) -> Proof:
    return Proof(question.claim, "refuted", method, finding.why, finding.example, grid, code=finding.code)


def _contradiction(question: Question, isl: str, looking: str) -> ScanlabError:
    texts = "; ".join(dict.fromkeys(str(o) for o in question.orders))
    return ScanlabError.at(
        "S310",
        f"two ways of deciding a claim disagree, so neither is believed: “{question.claim}” of {texts}",
        question.orders[0].span,
        note=f"{isl}; {looking}",
        help="this is a mistake in ScanLab or in isl; please report it with this text",
    )


def _curves(question: Question) -> list[tuple[str, tuple[tuple[str, int | str], ...], int]]:
    nodes = (e for order in question.orders for e in nodes_in(order) if isinstance(e, Curve))
    return list(dict.fromkeys((e.name, e.options, len(e.operands)) for e in nodes))


def _assumed(question: Question) -> tuple[str, ...]:
    """What a proof rests on that isl did not prove."""
    boxes = {(name, axes): describe_small_grids(axes, "boxes") for name, _, axes in _curves(question)}
    return tuple(
        f"assuming that {name} gives every cell of a box a rank of its own: tried on {tried}"
        for (name, _), tried in boxes.items()
    )


def errors_as_findings(look: Callable[[], Finding | None]) -> Finding | None:
    """What ``look`` returns; an error for a tie or a division by zero is a finding, too, one for no patch is none."""
    try:
        return look()
    except ScanlabError as error:
        diagnostic = error.diagnostics[0]
        if diagnostic.code == "S305":
            return None
        if diagnostic.code in ("S300", "S403") and diagnostic.counterexample is not None:
            why = (
                "a key divides by zero at this patch" if diagnostic.code == "S403" else "two patches have the same keys"
            )
            return Finding(diagnostic.code, why, diagnostic.counterexample)
        raise
