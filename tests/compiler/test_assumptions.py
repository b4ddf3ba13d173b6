"""What orders assume of the grid: on which grids they are bound, and what claims, proofs and comparisons speak of."""

from __future__ import annotations

from itertools import product

import islpy as isl
import pytest
from brute_force import grids, has_tie
from hypothesis import given, settings
from hypothesis import strategies as st
from random_orders import assumptions

import scanlab
from scanlab.checking import check_module, verdict_of
from scanlab.compiler.equivalences import find_equivalences
from scanlab.compiler.loops import loops
from scanlab.compiler.probes import small_grids
from scanlab.compiler.prove import prove
from scanlab.compiler.relations import prove_continuous, prove_same
from scanlab.facade import read_text
from scanlab.ir.assumptions import every_grid, holds, impossible, linear_text, nearest_grid
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Expr
from scanlab.ir.values import Order, orders_of

HW = ("h", "w")


def _assumed(text: str, axes: str = "h w") -> tuple[Expr, ...]:
    value = scanlab.parse(f"by {axes.replace(' ', ', ')} assume {text}", axes)
    assert isinstance(value, Order)
    return value.assume


def test_a_grid_that_is_not_assumed_is_refused() -> None:
    with pytest.raises(ScanlabError) as raised:
        scanlab.compile("by h, w assume H % 4 == 0, W >= 8", (6, 3))
    [diagnostic] = raised.value.diagnostics
    assert diagnostic.code == "S482"
    assert diagnostic.message == "this order assumes `H % 4 == 0`, and a 6x3 grid does not satisfy that"
    assert diagnostic.help == "the nearest grid that fits is 4x8"
    assert scanlab.compile("by h, w assume H % 4 == 0, W >= 8", (4, 8)).indices.shape == (1, 32)


def test_a_scan_assumes_what_all_its_orders_do() -> None:
    scan = scanlab.parse("sum((by h, w assume H > 2), (by w, h assume H < 5))")
    assert scanlab.prove(scan).words == "proved for all sizes with H > 2, H < 5"
    for height in (2, 5):
        with pytest.raises(ScanlabError, match="S482"):
            scanlab.compile(scan, (height, 3))
    assert scanlab.compile(scan, (4, 3)).grid == (4, 3)


@pytest.mark.parametrize(
    ("line", "assumed"),
    [
        ("-(by h, w assume H > 2)", ["H > 2"]),
        ("let a = (by h, w assume H > 2) in a(w, h)", ["W > 2"]),
        ("let a = (by h, w assume H > 2) in a(h // 2, w)", ["(H + 1) // 2 > 2"]),
        ("let a = (by h, w assume H > 2) in by h % 3, a(h, w)", ["H > 2"]),
        ("transpose((by h, w assume H > 2))", ["W > 2"]),
        ("by h, w assume H > 2, W == 4 where h > 0 assume H > 2", ["H > 2", "W == 4"]),
        ("by h, w assume (let k = 3 in H % k == 0)", ["H % 3 == 0"]),
    ],
)
def test_a_value_carries_its_assumptions(line: str, assumed: list[str]) -> None:
    value = scanlab.parse(line)
    assert isinstance(value, Order)
    assert str(value).rstrip(")").endswith(f"assume {', '.join(assumed)}".rstrip(")"))
    assert scanlab.parse(str(value)) == value


def test_grid_lines_assume_for_what_stands_below() -> None:
    text = """
grid h, w assume H % 4 == 0, H == W
order a = row
  expect same as transpose(column)
  expect covers
scan b = sum(a, column)
order c[k=2] = by h // k, w // k, h % k, w % k assume W % k == 0
order turned(p) = p(w, h)
grid y, x
order d = turned((by y, x))
order e = by y, x
"""
    module = read_text(text.encode(), "a.scan").raise_problems()
    values = {d.name: str(d.value) for d in module.definitions}
    assert values["a"] == "by h, w assume H % 4 == 0, H == W"
    assert values["b"].count("assume H % 4 == 0, H == W") == 2
    assert values["c"] == "by h // 2, w // 2, h % 2, w % 2 assume W % 2 == 0, H % 4 == 0, H == W"
    assert values["d"] == "by x, y assume Y % 4 == 0, Y == X"
    assert values["e"] == "by y, x"
    checked = {c.definition.name: c for c in check_module(module)}
    assert not any(c.diagnostics for c in checked.values())
    words = verdict_of(checked["a"])
    assert "proved for all sizes with H % 4 == 0, H == W; is the same as `transpose(column)`" in words
    assert "On those grids, this is the same as row" in words
    assert {p.scope for p in checked["a"].claims} == {"all sizes with H % 4 == 0, H == W"}
    assert "assum" not in verdict_of(checked["e"]) and checked["e"].proof and not checked["e"].proof.scope


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("by h % 8, w", "refuted"),
        ("by h % 8, w assume H <= 8", "proved"),
        ("by h % 8, w assume H <= 9", "refuted"),
        ("by (h - 3) % H // 7, (h - 3) % H, w assume H % 7 == 0", "proved"),
        ("by h, w // 2, ~(w % 2) assume H * W == 64", "proved"),
        ("by h % 8, w assume H * W == 64", "refuted"),
        ("by h % 5, w assume H * W <= 4", "undecided"),
        ("by h % 5, w assume W >= 3000, H <= 5", "proved"),
        ("by h % 5, w assume W >= 3000, H <= 6", "refuted"),
        ("by h % 9000, w assume W >= 3000, H == 9000", "proved"),
    ],
)
def test_claims_are_about_the_assumed_grids(line: str, verdict: str) -> None:
    order = scanlab.parse(line)
    assert isinstance(order, Order)
    proof = scanlab.prove(order)
    assert proof.verdict == verdict, proof
    if proof.counterexample is not None:
        assert holds(order.assume, order.axes, proof.counterexample.grid)
    assert ("with" in proof.scope) == bool(order.assume)
    if "9000" in line:
        assert proof.method == "isl alone, for every such grid size: none is small enough to look at every patch"


def test_what_isl_does_not_know_is_said() -> None:
    proof = scanlab.prove("by h % 5, w assume H * W <= 4")
    assert "isl knows nothing of `H * W <= 4`" in proof.reason
    assert "no counter-example on 8 small grids with H * W <= 4" in proof.method


def test_two_orders_are_compared_where_both_are_allowed() -> None:
    one, two = scanlab.parse("by h % 4, w, h assume H <= 4"), scanlab.parse("by h, w assume H >= 2")
    proof = prove_same(one, two)
    assert proof.words == "proved for all sizes with H <= 4, H >= 2"
    assert prove_same(scanlab.parse("by h % 4, w, h"), two).verdict == "refuted"
    apart = prove_same(one, scanlab.parse("by h, w assume H > 4"))
    assert (apart.verdict, apart.code) == ("refuted", "S311")
    assert "there are no grids with H <= 4, H > 4" in apart.reason


def test_continuity_on_assumed_grids() -> None:
    spiral = "by h if w == 0 else (H - 1 + w if h == H - 1 else 2 * H + W + w), -h, w"
    assert prove_continuous(scanlab.parse(spiral)).verdict == "refuted"
    assert prove_continuous(scanlab.parse("by w, h assume H == 1")).words == "proved for all sizes with H == 1"
    assert prove_continuous(scanlab.parse("by w, h assume H <= 2")).verdict == "refuted"


def test_an_explicit_list_on_assumed_grids() -> None:
    order = scanlab.by(scanlab.axes("h w")[0], axes="h w")
    listed = scanlab.parse("by visit(0, 2, 1, 3) assume H == 2")
    assert scanlab.prove(listed).scope == "the grids of 4 patches with H == 2"
    none = scanlab.prove("by visit(0, 2, 1, 3) assume H == 3")
    assert (none.verdict, none.code, none.reason) == ("refuted", "S311", "there are no grids of 4 patches with H == 3")
    assert order.assume == ()


def test_loops_and_equivalences_on_assumed_grids() -> None:
    order = scanlab.parse("by h // 4, h % 4, w assume H % 4 == 0")
    assert loops(order).count("for") == 3
    [match] = find_equivalences(order, {"row": scanlab.load("row"), "snake": scanlab.load("snake")})
    assert (match.name, match.proof.scope) == ("row", "all sizes with H % 4 == 0")


def test_small_grids_are_those_that_are_allowed() -> None:
    assume = _assumed("H % 7 == 0, W >= 56")
    chosen = small_grids(HW, assume).grids
    assert (7, 56) in chosen and (14, 56) in chosen and len(chosen) >= 8
    assert all(holds(assume, HW, g) for g in chosen)
    few = _assumed("H <= 3, W == H")
    assert small_grids(HW, few).grids == [(1, 1), (2, 2), (3, 3)]
    assert small_grids(HW, _assumed("H >= 600, W >= 600")).grids == []


@given(assumptions(HW), st.tuples(st.integers(1, 9), st.integers(1, 9)))
@settings(max_examples=60)
def test_nearest_grids(assume: tuple[Expr, ...], grid: tuple[int, int]) -> None:
    nearest = nearest_grid(assume, HW, grid)
    assert nearest is not None and holds(assume, HW, nearest)
    distance = sum(abs(a - b) for a, b in zip(nearest, grid, strict=True))
    closer = (g for g in product(range(1, 20), repeat=2) if abs(g[0] - grid[0]) + abs(g[1] - grid[1]) < distance)
    assert not any(holds(assume, HW, g) for g in closer)


def test_the_nearest_grid_may_be_far() -> None:
    assert nearest_grid(_assumed("H % 1000 == 7, W == 2 * H"), HW, (5, 5)) == (7, 14)
    assert nearest_grid(_assumed("H % 1000 == 0, W == 2 * H + 1"), HW, (5, 5)) == (1000, 2001)


@given(assumptions(HW))
@settings(max_examples=40)
def test_isl_reads_conditions_as_they_are_meant(assume: tuple[Expr, ...]) -> None:
    for condition in assume:
        text = linear_text(condition)
        if text is None:
            assert "*" in str(condition)
            continue
        allowed = isl.Set.read_from_str(isl.Context(), f"{{ [H, W] : 1 <= H <= 9 and 1 <= W <= 9 and {text} }}")
        inside: list[tuple[int, ...]] = []
        allowed.foreach_point(
            lambda p, inside=inside: inside.append(
                tuple(p.get_coordinate_val(isl.dim_type.set, i).to_python() for i in range(2))
            )
        )
        assert sorted(inside) == [g for g in product(range(1, 10), repeat=2) if holds((condition,), HW, g)]


@pytest.mark.parametrize(
    "text",
    [
        *("min(H, W, 4) == 2", "max(H - 3, 1 - W) < 2", "abs(H - 4) >= 2", "not (H < 3 and W < 3)", "-H % 4 == 1"),
        *("H // 3 == W // 2", "(H == 2 if W > 3 else H > 4)", "not H % 2", "2 * (H + W) % 5 != 0", "H - 3 > -1"),
    ],
)
def test_isl_reads_all_kinds_of_conditions(text: str) -> None:
    test_isl_reads_conditions_as_they_are_meant.hypothesis.inner_test(_assumed(text))  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["H < 1", "H > 8 and H < 4", "H % 4 == 1, H % 2 == 0", "2 * H == 2 * W + 1", "H != H"])
def test_impossible_assumptions(text: str) -> None:
    with pytest.raises(ScanlabError, match="S281"):
        _assumed(text)
    with pytest.raises(ScanlabError, match="S281"):
        read_text(f"grid h, w assume {text}\norder a = by h, w".encode(), "a.scan").raise_problems()


def test_what_cannot_be_known_to_be_impossible_is_no_error() -> None:
    assert not impossible(_assumed("H * H == 2"), HW)
    with pytest.raises(ScanlabError, match="no grid near it fits"):
        scanlab.compile("by h, w assume H * H == 2", (2, 2))


@pytest.mark.parametrize("line", ["by h % 3, w", "by h // 2, w", "by min(h, w), h", "by (h + w) % W, h"])
@pytest.mark.parametrize("text", ["H <= 3", "H == 1", "W == 1", "H <= 2 * W", "H % 2 == 1, W <= 3", "H * W <= 6"])
def test_assumed_proofs_against_counting(line: str, text: str) -> None:
    order = scanlab.parse(f"{line} assume {text}")
    assert isinstance(order, Order)
    ties = any(has_tie(order, g) for g in grids(2, 6) if holds(order.assume, HW, g))
    proof = prove(order)
    assert proof.verdict == "undecided" or (proof.verdict == "refuted") == ties, proof


def test_values_without_assumptions_are_what_they_were() -> None:
    scan = scanlab.load("cross")
    assert all(o.assume == () for o in orders_of(scan)) and "assume" not in str(scan)


@pytest.mark.parametrize(
    "assume", ["H == 8, W == 8", "H <= 2, W <= 2", "H == W, W <= 2", "H * W == 64, H <= 8, W <= 8"]
)
def test_so_few_grids_that_all_are_looked_at_are_decided(assume: str) -> None:
    """Moore's curve is beyond isl: on the few grids that are assumed every patch was looked at."""
    moore = scanlab.parse(f"moore assume {assume}")
    proof = prove_continuous(moore)
    assert proof.verdict == "proved" and proof.method.startswith("looking at every patch of each such grid")
    assert prove_continuous(moore, (8, 8) if "8" in assume else (2, 2)).verdict == "proved"


def test_what_is_decided_by_looking_can_be_refuted_and_has_bounds() -> None:
    assert prove_continuous(scanlab.parse("by hilbert(h, w) assume H == 6, W == 6")).verdict == "refuted"
    # Of these there is no end.
    assert prove_continuous(scanlab.parse("by hilbert(h, w) assume H == 1, W >= 2")).verdict == "undecided"
    assert every_grid(_assumed("H % 2 == 0, H <= 4, W == 3"), HW) == ((2, 3), (4, 3))
    assert every_grid(_assumed("H <= 4"), HW) is None and every_grid(_assumed("H * W == 4"), HW) is None


def test_a_claim_about_a_single_grid_is_met() -> None:
    text = "grid h, w\norder o = by moore(h, w) assume H == 8, W == 8\n  expect continuous\n"
    [checked] = check_module(read_text(text.encode(), "a.scan").raise_problems())
    assert not checked.diagnostics and [claim.verdict for claim in checked.claims] == ["proved"]
