"""Claims about whole strategies beyond "exactly once": continuous, the same as another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import islpy as isl
import numpy as np

from scanlab.compiler.bind import Path, bind_order
from scanlab.compiler.continuity import CONTINUOUS, prove_sequence
from scanlab.compiler.decide import (
    Finding,
    Question,
    decide,
    describe_scope,
    each_sequence,
    errors_as_findings,
    fits_nowhere,
)
from scanlab.compiler.lattice import Lattice
from scanlab.compiler.layout import path_layouts
from scanlab.compiler.mixed_radix import alike
from scanlab.compiler.order_relations import visited_later
from scanlab.compiler.polyhedra import NotAffine, Polyhedra
from scanlab.compiler.probes import Grid, ManyGrids, Sequences, listed_lengths, sequences
from scanlab.compiler.proof import Proof, combine_proofs
from scanlab.compiler.trail import note_question
from scanlab.compiler.witnesses import smallest_counterexample
from scanlab.ir.assumptions import impossible, shared_assumptions, sizes_text, with_shared
from scanlab.ir.diagnostics import CounterExample
from scanlab.ir.values import Order, Plan, Scan, Value, layers_of, orders_of

__all__ = ["Structure", "prove_continuous", "prove_same", "structure_of"]


def prove_continuous(value: Value, grid: Grid | None = None) -> Proof:
    """Prove that every step of every sequence goes to a neighbouring patch: one coordinate changes by one.

    A ``chain`` is one sequence, the steps from one of its paths to the next included. A step over a restart of a path
    does not count; virtual tokens stand between patches and do not count as steps.

    >>> import scanlab
    >>> print(prove_continuous(scanlab.load("row")).counterexample)
    on a 2x2 grid, patches (0, 1) and (1, 0)
    >>> prove_continuous(scanlab.load("snake")).verdict
    'proved'
    """
    return each_sequence(value, CONTINUOUS, lambda parts, within: prove_sequence(parts, grid, within))


@dataclass(frozen=True)
class Structure:
    """A strategy without its orders: how layers follow, how paths merge; and its orders, in the places they have there.

    ``kind``: ``layers``, ``cycle`` or "" for what is no plan. ``merges``: a tree for every layer, in which an order is
    its number in ``orders`` from left to right. ``orders`` carry the tokens that their scan gives them.
    """

    kind: str
    merges: tuple[str, ...]
    orders: tuple[Order, ...]


def structure_of(value: Value) -> Structure:
    """The structure of a strategy, written one way.

    A merge of one part is that part, a sum within a sum (scatter within scatter, chain within chain) is one sum, and a
    cycle is its shortest period.
    """
    layers = [(_tree(scan), tuple(_placed(scan))) for scan in layers_of(value)]
    kind = value.kind if isinstance(value, Plan) else ""
    if kind == "cycle":
        layers = layers[: _period(layers)]
    return Structure(kind, tuple(tree for tree, _ in layers), tuple(o for _, orders in layers for o in orders))


def _tree(part: Order | Scan) -> str:
    """The tree of merges, as text, with a dot for each path."""
    if isinstance(part, Order):
        return "·"
    if len(part.parts) == 1:
        return _tree(part.parts[0])
    below = []
    for inner in part.parts:
        text = _tree(inner)
        same = part.rule.flat and text.startswith(f"{part.merge}(")
        below.append(text[len(part.merge) + 1 : -1] if same else text)
    return f"{part.merge}({', '.join(below)})"


def _placed(scan: Order | Scan) -> Iterator[Order]:
    """The orders, each with the tokens that stand in its sequence."""
    return (replace(path.order, tokens=path.tokens) for path in path_layouts(scan))


def _period(layers: list[tuple[str, tuple[Order, ...]]]) -> int:
    count = len(layers)
    return next(n for n in range(1, count + 1) if count % n == 0 and layers == layers[:n] * (count // n))


def prove_same(first: Value, second: Value, grid: Grid | None = None) -> Proof:
    """Prove that two strategies are the same, path by path in the order they are written.

    They have the same tree of merges (so that paths share channels and states alike), the same scan in every layer of a
    plan, and path by path the same patches in the same sequence, with restarts and virtual tokens at the same steps.

    >>> import scanlab
    >>> print(prove_same(scanlab.parse("by 2 * h, w"), scanlab.load("row")))
    is the same as `row`: proved for all sizes
      by isl, for every grid size, and looking at every patch of small grids
    """
    claim = f"is the same as `{second.name or second}`"
    first, second = with_shared(first, second)
    assume = shared_assumptions(first)
    if assume and impossible(assume, first.axes):
        why = f"there are no {sizes_text(assume, 'grids')}, as the two assume"
        return Proof(claim, "refuted", "comparing what they assume", why, code="S311")
    if len(lengths := listed_lengths((*orders_of(first), *orders_of(second)))) > 1:
        return fits_nowhere(claim, lengths)
    one, two = structure_of(first), structure_of(second)
    difference = _structures_differ(one, two)
    if difference:
        return Proof(claim, "refuted", "comparing layers, merges and paths", difference, code="S304")
    within = tuple(dict.fromkeys((*one.orders, *two.orders)))
    pairs = dict.fromkeys(zip(one.orders, two.orders, strict=True))
    return combine_proofs(claim, [_same_order(claim, a, b, grid, within) for a, b in pairs])


def _structures_differ(one: Structure, two: Structure) -> str:
    """How two structures differ, in words; "" where they do not."""
    if one.kind != two.kind:
        words = {"": "no plan", "cycle": "a cycle of layers", "layers": "a list of layers"}
        return f"one is {words[one.kind]}, the other {words[two.kind]}"
    if len(one.merges) != len(two.merges):
        return f"one has {len(one.merges)} layers before they repeat or end, the other {len(two.merges)}"
    for i, (a, b) in enumerate(zip(one.merges, two.merges, strict=True)):
        if a != b:
            where = f"in layer {i}, " if one.kind else ""
            return f"{where}one merges {a}, the other {b}, where · is a path"
    return ""


def _same_order(claim: str, first: Order, second: Order, grid: Grid | None, within: tuple[Order, ...]) -> Proof:
    if first == second and not listed_lengths(within):
        return Proof(claim, "proved", "they are written alike", scope=describe_scope(within, ()))

    def on(grid: Grid) -> Finding | None:
        return errors_as_findings(lambda: _difference_on(first, second, grid))

    def on_many(lattice: ManyGrids) -> Finding | None:
        return errors_as_findings(lambda: _difference_on_many(first, second, lattice))

    question = Question(claim, (first, second), on, on_many, lambda p: _difference(first, second, p), within)
    return decide(question, grid)


_OTHER_ORDER = "they visit these in different order"
_RESTART = "one restarts its state between these, the other does not"


def _difference_on(first: Order, second: Order, grid: Grid) -> Finding | None:
    lattice = Lattice(first.axes, grid)
    a, b = (bind_order(o, lattice, empty_allowed=True) for o in (first, second))
    difference = _first_difference(a.indices, b.indices, a.restarts, b.restarts, lattice)
    if difference is None and (len(a.sequence) != len(b.sequence) or (a.sequence != b.sequence).any()):
        return Finding(
            "S304", f"virtual tokens stand elsewhere: {_tokens(a)} against {_tokens(b)}", CounterExample(grid)
        )
    return difference


def _tokens(path: Path) -> str:
    return ", ".join(f"{name} at step {position}" for name, position in path.token_positions) or "none"


def _first_difference(
    a: np.ndarray, b: np.ndarray, resets_a: np.ndarray, resets_b: np.ndarray, lattice: Lattice
) -> Finding | None:
    """Where two sequences of patches on one grid part, or their restarts (as steps) do."""
    shorter = min(len(a), len(b))
    differ = np.flatnonzero(a[:shorter] != b[:shorter])
    if len(differ) or len(a) != len(b):
        step = int(differ[0]) if len(differ) else shorter
        patches = [int(x[step]) for x in (a, b) if step < len(x)]
        return Finding("S304", _OTHER_ORDER, lattice.witness(*patches))
    apart = np.setxor1d(resets_a, resets_b)
    if len(apart):
        step = int(apart[0])
        return Finding("S304", _RESTART, lattice.witness(int(a[step - 1]), int(a[step])))
    return None


def _difference_on_many(first: Order, second: Order, lattice: ManyGrids) -> Finding | None:
    a, b = sequences(first, lattice), sequences(second, lattice)
    for tie in (a.tie, b.tie):
        if tie is not None:
            return Finding("S300", "two patches have the same keys", tie)
    alike = len(a.patches) == len(b.patches) and (a.patches == b.patches).all() and (a.resets == b.resets).all()
    if alike and not first.tokens and not second.tokens:
        return None
    for number, grid in enumerate(lattice.grids):
        one, two = (_of_grid(s, number) for s in (a, b))
        difference = _first_difference(one[0], two[0], one[1], two[1], lattice)
        difference = difference or (_difference_on(first, second, grid) if first.tokens or second.tokens else None)
        if difference is not None:
            return difference
    return None


def _of_grid(all_grids: Sequences, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The patches of one grid in order, and the steps with a reset."""
    first, last = np.searchsorted(all_grids.owner, [number, number + 1])
    return all_grids.patches[first:last], np.flatnonzero(all_grids.resets[first:last])


def _difference(first: Order, second: Order, polyhedra: Polyhedra) -> CounterExample | None:
    """Two patches that the orders visit the other way round, or one that only one of them visits, or a restart."""
    n = len(polyhedra.axes)
    domains = [polyhedra.selected(o.where) for o in (first, second)]
    apart = domains[0].subtract(domains[1]).union(domains[1].subtract(domains[0]))
    note_question("patches that only one of the two visits", apart)
    example = smallest_counterexample(apart, n)
    if example is not None:
        return example
    before = [visited_later(o, polyhedra) for o in (first, second)]
    turned = before[0].subtract(before[1])
    note_question("pairs that the other visits the other way round", turned, q_is_after_p=before[0])
    example = smallest_counterexample(turned, n)
    if example is None and first.restart != second.restart:
        restarts = _restarts_apart(first, second, before[0], polyhedra)
        note_question("steps at which only one of the two restarts", restarts)
        example = smallest_counterexample(restarts, n)
    if example is None and _tokens_of(first) != _tokens_of(second):
        raise NotAffine("where their virtual tokens stand is compared on grids alone")
    return example


def _restarts_apart(first: Order, second: Order, later: isl.Map, polyhedra: Polyhedra) -> isl.Map:
    """``{ p -> q : q follows p, and one order restarts between them, the other does not }``."""
    whole = isl.Map.from_domain_and_range(polyhedra.domain, polyhedra.domain)
    kept = []
    for order in (first, second):
        same = whole
        for expr in order.restart:
            same = same.intersect(alike(expr, polyhedra))
        kept.append(same)
    apart = kept[0].subtract(kept[1]).union(kept[1].subtract(kept[0])).intersect(later)
    return apart if apart.is_empty() else apart.subtract(later.apply_range(later))


def _tokens_of(order: Order) -> tuple[object, ...]:
    """Where virtual tokens stand: before the patches, in their middle counted from either end, and after them.

    Equal for orders whose tokens stand alike on every grid. As in ``bind``: tokens that are not fixed are placed before
    the path is reversed, fixed ones after.
    """
    before: list[str] = []
    middles: list[tuple[str, bool]] = []
    after: list[str] = []
    for fixed in (False, True):
        for token in (t for t in order.tokens if t.fixed == fixed):
            if token.place == "middle":
                middles.append((token.name, order.reverse and not fixed))
            before[:0] = [token.name] * (token.place in ("start", "both"))
            after += [token.name] * (token.place in ("end", "both"))
        if order.reverse and not fixed:
            before, middles, after = after[::-1], middles[::-1], before[::-1]
    # On a grid of one patch a token in the middle stands before those at the start.
    written = (order.tokens, order.reverse) if middles and before else ()
    return tuple(before), tuple(middles), tuple(after), written
