"""The prover against plain counting: on random keys and grids they never disagree."""

from __future__ import annotations

from dataclasses import replace

import pytest
from brute_force import grids, has_tie, is_continuous, keys_of, path_of, restarts_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_orders import AXES, conditions, expressions, orders

import scanlab
from scanlab import load, parse
from scanlab.compiler.proof import Proof
from scanlab.compiler.prove import prove, prove_coverage, prove_order, suggested_key
from scanlab.compiler.relations import prove_continuous, prove_same
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Axis, Binary, Compare, Expr, Int
from scanlab.ir.values import Key, Order, Scan, orders_of

LARGEST = {1: 12, 2: 5, 3: 3}
ORDERS = st.sampled_from(AXES).flatmap(lambda axes: st.booleans().flatmap(lambda affine: orders(axes, affine)))


def _agrees(proof: Proof, order: Order) -> None:
    tied = [g for g in grids(len(order.axes), LARGEST[len(order.axes)]) if has_tie(order, g)]
    if proof.verdict != "refuted":
        assert not tied, f"{order}: {proof}, but two patches tie on {tied[0]}"
        return
    found = proof.counterexample
    if found is None:
        assert not any(keys_of(order, g) for g in grids(len(order.axes), LARGEST[len(order.axes)]))
        return
    keys = keys_of(order, found.grid)
    first, second = found.patches
    assert first != second and keys[first] == keys[second], f"{order}: {found} is no tie"
    shared = keys[first] if not order.reverse else tuple(-v for v in keys[first])
    assert found.key == shared
    assert not [g for g in tied if sum(g) < sum(found.grid)], f"{order}: {found.grid} is not the smallest grid"


@settings(max_examples=150, deadline=None)
@given(ORDERS)
def test_proofs_agree_with_counting(order: Order) -> None:
    _agrees(prove_order(order), order)


@settings(max_examples=40, deadline=None)
@given(ORDERS, st.integers(1, 4), st.integers(1, 4))
def test_proofs_for_one_grid_agree_with_counting(order: Order, long: int, short: int) -> None:
    grid = (long, short, 2)[: len(order.axes)]
    proof = prove_order(order, grid)
    if proof:
        assert not has_tie(order, grid)
    elif proof.counterexample is not None:
        assert has_tie(order, proof.counterexample.grid)
    assert proof.verdict != "undecided"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("by h, ~w", "proved"),
        ("by (w - h) % W, h", "proved"),
        ("by h // 3, w // 3, h % 3, w % 3", "proved"),
        ("by hilbert(h, w)", "proved"),
        ("by h * W + w", "proved"),
        ("by h * h * W + w", "undecided"),
        ("by h + w, w", "proved"),
        ("by h", "refuted"),
        ("by h * w, h", "refuted"),
        ("by h // w, w, h", "refuted"),
        ("by visit(1, 0)", "proved"),
        ("by (w - h) % W", "refuted"),
        ("by h // 8, w // 8, hilbert(h % 8, w % 8)", "proved"),
        ("by hilbert(h // 2, w)", "refuted"),
        ("by w % (W - 1), w, h", "refuted"),
        ("by h, w where h % 2 == 2", "refuted"),
        ("sum(row, (row where h > 0))", "refuted"),
        ("scatter((row where h * w < 9), (row where h * w >= 9))", "undecided"),
    ],
)
def test_verdicts(text: str, verdict: str) -> None:
    assert prove(parse(text)).verdict == verdict


GRIDS = grids(2, 5)
AFFINE = orders(("h", "w"), affine=True)


@settings(max_examples=120, deadline=None)
@given(AFFINE)
def test_affine_keys_are_always_decided(order: Order) -> None:
    assert prove_order(order).verdict in ("proved", "refuted")


@settings(max_examples=40, deadline=None)
@given(AFFINE)
def test_continuity_agrees_with_walking(order: Order) -> None:
    assume(prove_order(order).verdict == "proved")
    proof = prove_continuous(order)
    broken = [g for g in GRIDS if keys_of(order, g) and not is_continuous(order, g)]
    if proof.verdict == "refuted":
        assert proof.counterexample is not None
        path = path_of(order, proof.counterexample.grid)
        first, second = (path.index(p) for p in proof.counterexample.patches)
        assert second == first + 1
        assert not is_continuous(order, proof.counterexample.grid)
        assert not [g for g in broken if sum(g) < sum(proof.counterexample.grid)]
    else:
        assert not broken


def _walk(order: Order, grid: tuple[int, ...]) -> tuple[list[tuple[int, ...]], list[int]]:
    return path_of(order, grid), restarts_of(order, grid)


@settings(max_examples=40, deadline=None)
@given(AFFINE, AFFINE)
def test_equality_agrees_with_walking(first: Order, second: Order) -> None:
    assume(prove_order(first).verdict == prove_order(second).verdict == "proved")
    proof = prove_same(first, second)
    if proof.verdict == "refuted":
        assert proof.counterexample is not None
        grid = proof.counterexample.grid
        assert _walk(first, grid) != _walk(second, grid)
    else:
        assert all(_walk(first, g) == _walk(second, g) for g in GRIDS)


@settings(max_examples=60, deadline=None)
@given(ORDERS)
def test_proved_for_a_grid_binds_on_it(order: Order) -> None:
    grid = (4, 3, 2)[: len(order.axes)]
    if not prove_order(order, grid):
        return
    try:
        scanlab.compile(order, grid)
    except ScanlabError as error:
        assert error.code == "S305", "a grid may be too small to have a patch that `where` keeps"


@pytest.mark.parametrize(
    ("text", "grid", "patches"),
    [
        ("by h + w", (2, 2), ((0, 1), (1, 0))),
        ("by h // 7, w // 7, h % 7", (1, 2), ((0, 0), (0, 1))),
        ("by 2 * h + 3 * w", (4, 3), ((0, 2), (3, 0))),
    ],
)
def test_known_counterexamples(text: str, grid: tuple[int, ...], patches: tuple[tuple[int, ...], ...]) -> None:
    found = scanlab.prove(text).counterexample
    assert found is not None
    assert (found.grid, found.patches) == (grid, patches)


def test_isl_gives_up_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanlab.compiler.polyhedra.limited.__wrapped__.__defaults__", (300,))
    proof = scanlab.prove("by h // 7, w // 7, h % 7, w % 7")
    assert proof.verdict == "undecided" and "operations" in proof.reason


def test_undecided_becomes_proved_for_a_grid() -> None:
    proof = prove(parse("by h * h * W + w"), (5, 7))
    assert (proof.verdict, proof.grid) == ("proved for this grid", (5, 7))
    assert "multiplies two coordinates" in proof.reason


def test_refutation_of_a_missing_key_is_minimal() -> None:
    proof = prove(parse("by h"))
    assert proof.counterexample is not None
    assert str(proof.counterexample) == "on a 1x2 grid, patches (0, 0) and (0, 1) share the key (0)"


def test_division_by_zero_names_the_patch() -> None:
    proof = prove(parse("by h // w, w, h"))
    assert proof.counterexample is not None
    assert (proof.counterexample.grid, proof.counterexample.patches) == ((1, 1), ((0, 0),))


@settings(max_examples=25, deadline=None)
@given(ORDERS)
def test_a_suggested_key_repairs_the_order(order: Order) -> None:
    assume(prove_order(order).verdict == "refuted")
    advice = suggested_key(order)
    if advice is not None:
        fixed = parse(advice.split(": ", 1)[1], order.axes)
        assert prove_order(fixed)


def _covered(scan: Scan, grid: tuple[int, ...]) -> bool:
    """Whether the parts of a flat scan visit what its merge needs."""
    visited = [set(keys_of(o, grid)) for o in orders_of(scan)]
    everything = set(keys_of(replace(next(orders_of(scan)), where=None), grid))
    if scan.merge == "scatter":
        return sum(map(len, visited)) == len(everything) and set().union(*visited) == everything
    if scan.merge == "chain":
        return set().union(*visited) == everything
    return all(v == everything for v in visited)


@st.composite
def _partial_scans(draw: st.DrawFn) -> Scan:
    """Paths that share a grid by remainders or by a cut, sometimes wrongly."""
    axes = ("h", "w")
    split: Expr = draw(
        st.sampled_from([Binary("%", Axis("h"), Int(2)), Binary("%", Binary("+", Axis("h"), Axis("w")), Int(3))])
        | expressions(axes, affine=True, size=2).map(lambda e: Binary("%", e, Int(2)))
    )
    shares = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    wheres: list[Expr | None] = [Compare("==", split, Int(s)) for s in shares]
    if draw(st.booleans()):
        cut = draw(conditions(axes, affine=draw(st.booleans())))
        wheres = [cut, Compare("==", cut, Int(0))]
    if draw(st.integers(0, 4)) == 0:
        wheres.append(None)
    paths = tuple(Order(axes, (Key(Axis("h")), Key(Axis("w"))), w) for w in wheres)
    return Scan(draw(st.sampled_from(("scatter", "chain", "sum"))), paths)


@settings(max_examples=80, deadline=None)
@given(_partial_scans())
def test_coverage_agrees_with_counting(scan: Scan) -> None:
    proof = prove_coverage(scan)
    wrong = [g for g in grids(2, 5) if not _covered(scan, g)]
    if proof.verdict != "refuted":
        assert not wrong, f"{scan}: {proof}, but wrong on {wrong[0]}"
        return
    assert proof.counterexample is not None
    assert not _covered(scan, proof.counterexample.grid)


def test_the_library_scatter_covers() -> None:
    assert prove(load("efficient")).verdict == "proved"
