"""The prover and brute force never disagree, on random keys and on all small grids."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from random_values import AXES, affine_keys, any_keys, orders

import scanlab
from scanlab.compiler.proof import Proof
from scanlab.compiler.prove import prove, prove_coverage, prove_order, suggested_key
from scanlab.compiler.relations import prove_continuous, prove_same
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Curve, Expr, walk
from scanlab.ir.values import Order, Scan

sys.path.insert(0, str(Path(__file__).parent))
import brute_force

GRIDS = sorted(product(range(1, 6), repeat=2), key=lambda g: (sum(g), g))


def _has_curve(order: Order) -> bool:
    exprs: list[Expr] = [*(k.expr for k in order.keys), *order.restart, *([order.where] if order.where else [])]
    return any(isinstance(n, Curve) for e in exprs for n in walk(e))


def _ties(order: Order, grid: tuple[int, ...]) -> bool | None:
    """Whether two patches tie; None where a key divides by zero there."""
    try:
        return brute_force.tie(order, grid) is not None
    except ZeroDivisionError:
        return None


def _check(order: Order, proof: Proof) -> None:
    if proof.verdict == "proved":
        assert [g for g in GRIDS if _ties(order, g) is not False] == []
    if proof.verdict == "refuted" and proof.counterexample is not None:
        grid = proof.counterexample.grid
        if len(proof.counterexample.patches) == 2:
            first, second = proof.counterexample.patches
            assert first != second
            assert brute_force.keys(order, grid, first) == brute_force.keys(order, grid, second)
            assert {first, second} <= set(brute_force.patches(order, grid))
        smaller = [g for g in GRIDS if sum(g) < sum(grid)]
        assert [g for g in smaller if _ties(order, g)] == []
    if proof.verdict == "undecided":
        assert [g for g in GRIDS if _ties(order, g)] == []


@given(orders(affine_keys()))
@settings(max_examples=250)
def test_affine_keys_are_always_decided(order: Order) -> None:
    proof = prove_order(order)
    assert proof.verdict in ("proved", "refuted")
    _check(order, proof)


@given(orders(any_keys()))
@settings(max_examples=250)
def test_other_keys_are_never_called_proved_wrongly(order: Order) -> None:
    assume(not _has_curve(order))
    try:
        proof = prove_order(order)
    except ScanlabError as error:
        assert error.code in ("S401", "S402")
        return
    _check(order, proof)


@given(orders(any_keys()))
@settings(max_examples=100)
def test_proved_for_a_grid_means_bound_on_it(order: Order) -> None:
    grid = (4, 3)
    try:
        proof = prove_order(order, grid)
        bound = True
        try:
            scanlab.compile(order, grid)
        except ScanlabError as error:
            bound = error.code in ("S305", "S402")
    except ScanlabError as error:
        assert error.code in ("S401", "S402")
        return
    if proof:
        assert bound


@given(orders(affine_keys(), partial=False))
@settings(max_examples=120)
def test_continuity(order: Order) -> None:
    assume(prove_order(order).verdict == "proved")
    proof = prove_continuous(order)
    if proof.verdict == "proved":
        assert [g for g in GRIDS if brute_force.breaks(order, g)] == []
    if proof.verdict == "refuted":
        assert proof.counterexample is not None
        grid, (first, second) = proof.counterexample.grid, proof.counterexample.patches
        assert (first, second) in brute_force.breaks(order, grid)
        assert [g for g in GRIDS if sum(g) < sum(grid) and brute_force.breaks(order, g)] == []


@given(orders(affine_keys()), orders(affine_keys()))
@settings(max_examples=120)
def test_equality(first: Order, second: Order) -> None:
    assume(prove_order(first).verdict == "proved" and prove_order(second).verdict == "proved")
    proof = prove_same(first, second)
    if proof.verdict == "proved":
        assert all(brute_force.path(first, g) == brute_force.path(second, g) for g in GRIDS)
    if proof.verdict == "refuted":
        assert proof.counterexample is not None
        grid = proof.counterexample.grid
        assert brute_force.path(first, grid) != brute_force.path(second, grid)


@given(affine_keys(), affine_keys())
@settings(max_examples=120)
def test_scatter_coverage(one: Expr, other: Expr) -> None:
    parts = tuple(Order(AXES, scanlab.parse("by h, w").keys, where=e) for e in (one, other))
    proof = prove_coverage(Scan("scatter", parts))

    def shares_out(grid: tuple[int, ...]) -> bool:
        visited = [p for part in parts for p in brute_force.patches(part, grid)]
        return len(visited) == len(set(visited)) == grid[0] * grid[1]

    if proof.verdict == "proved":
        assert all(map(shares_out, GRIDS))
    else:
        assert proof.verdict == "refuted" and proof.counterexample is not None
        assert not shares_out(proof.counterexample.grid)


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


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("by (w - h) % W, h", "proved"),
        ("by (w - h) % W", "refuted"),
        ("by h // 8, w // 8, hilbert(h % 8, w % 8)", "proved"),
        ("by hilbert(h // 2, w)", "refuted"),
        ("by h * w, h + w, h", "undecided"),
        ("by w % (W - 1), w, h", "refuted"),
        ("by h, w where h % 2 == 2", "refuted"),
        ("sum(row, column)", "proved"),
        ("sum(row, (row where h > 0))", "refuted"),
        ("scatter((row where h * w < 9), (row where h * w >= 9))", "undecided"),
        ("cycle(cross, sum(by_tie))", "error"),
    ],
)
def test_verdicts(text: str, verdict: str) -> None:
    if verdict == "error":
        with pytest.raises(ScanlabError, match="by_tie"):
            scanlab.prove(text)
        return
    assert prove(scanlab.parse(text)).verdict == verdict


def test_for_a_grid_every_patch_is_looked_at() -> None:
    proof = scanlab.prove("by h * w, h + w, h", (9, 11))
    assert proof.verdict == "proved for this grid" and proof.grid == (9, 11)


@pytest.mark.parametrize("text", ["by h + w", "by h // 7, w // 7, h % 7", "by 0", "by hilbert(h // 2, w)"])
def test_the_suggested_key_breaks_every_tie(text: str) -> None:
    fixed = suggested_key(scanlab.parse(text))  # pyright: ignore[reportArgumentType]
    assert fixed is not None
    assert scanlab.prove(fixed.split(": ", 1)[1]).verdict == "proved"


def test_isl_gives_up_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanlab.compiler.polyhedra.limited.__wrapped__.__defaults__", (300,))
    proof = scanlab.prove("by h // 7, w // 7, h % 7, w % 7")
    assert proof.verdict == "undecided" and "operations" in proof.reason
