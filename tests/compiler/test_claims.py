"""Claims speak of the whole strategy, are decided by two roads, and are told no stronger than they are."""

from __future__ import annotations

from typing import Any

import pytest

from scanlab import load, parse
from scanlab.checking import check_definition, check_module, verdict_of
from scanlab.compiler import continuity
from scanlab.compiler.equivalences import find_equivalences
from scanlab.compiler.loops import loops
from scanlab.compiler.prove import prove
from scanlab.compiler.relations import prove_continuous, prove_same
from scanlab.ir.diagnostics import CounterExample, ScanlabError, Source
from scanlab.ir.values import Order
from scanlab.language.library import library_templates
from scanlab.language.module import read_module


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        # Keys that isl's lexicographic minimum once lost pieces of.
        ("by 2 * w, h + w", "refuted"),
        ("by 3 * w, h + w", "refuted"),
        ("by 2 * w, h + w, w", "refuted"),
        ("by w // 2, 2 * w, h + w", "refuted"),
        ("by 4 * h, ~w", "refuted"),
        ("by 5 * h, ~(3 * w)", "proved"),
        ("by 3 * h, ~w", "proved"),
        ("by 2 * h, h > w, w, h where h < 2 and w < 2", "proved"),
        ("by h, ~w", "proved"),
        ("by h, ~w, h * w", "proved"),
        ("by spiral_in(h, w)", "undecided"),
        ("by h, w restart by h", "proved"),
        ("by h, w restart by w", "proved"),
        ("by h, w restart by h // 2", "refuted"),
        # A chain is one sequence; sums are several.
        ("chain((by h, ~w), (by h, ~w))", "refuted"),
        ("chain(snake, -snake)", "refuted"),
        ("chain((snake where h < 3), (snake where h >= 3))", "proved"),
        ("chain((snake where h >= 3), (snake where h < 3))", "refuted"),
        ("chain((by h, ~w where h == 0), (by h, ~w where h == 1), (by h, ~w where h > 1))", "proved"),
        ("sum(snake, -snake)", "proved"),
        ("heads(chain(snake, snake), snake)", "refuted"),
        ("cycle(snake, row)", "refuted"),
        ("cycle(snake, -snake)", "proved"),
        # A jump on no grid up to 8x8.
        ("by h // 11, h % 11, ~w", "proved"),
        ("by h // 12, h % 12, ~w", "refuted"),
    ],
)
def test_continuity(text: str, verdict: str) -> None:
    proof = prove_continuous(parse(text))
    assert proof.verdict == verdict, proof
    if verdict == "refuted":
        assert proof.counterexample is not None and len(proof.counterexample.patches) == 2


@pytest.mark.parametrize(
    ("one", "other", "verdict", "why"),
    [
        ("sum(row, -row)", "mean(row, -row)", "refuted", "sum(·, ·)"),
        ("chain(row, -row)", "sum(row, -row)", "refuted", "chain(·, ·)"),
        ("heads(row, -row)", "sum(row, -row)", "refuted", "heads(·, ·)"),
        ("heads(heads(row, -row), row)", "heads(row, -row, row)", "refuted", "heads(heads(·, ·), ·)"),
        ("gate(row, -row)", "gate(row, -row)", "proved", ""),
        ("sum(row, sum(-row, column))", "sum(row, -row, column)", "proved", ""),
        ("mean(row, mean(-row, column))", "mean(row, -row, column)", "refuted", "mean(·, mean(·, ·))"),
        ("sum(row)", "row", "proved", ""),
        ("sum(row, column)", "sum(column, row)", "refuted", "different order"),
        ("sum(row, -row)", "sum(row, -row, row)", "refuted", "sum(·, ·, ·)"),
        ("sum(row, -row) with cls at start", "sum(row, -row)", "refuted", "tokens"),
        ("sum(row, -row) with cls at start", "sum(row, -row) with cls at end", "refuted", "tokens"),
        ("sum(row, -row) with cls at start", "sum((row with cls at start), (-row with cls at start))", "proved", ""),
        ("-(row with cls at start)", "(by -h, -w) with cls at end", "proved", ""),
        ("row with cls at middle", "row with mean at middle", "refuted", "tokens"),
        ("by h, w restart by h", "row", "refuted", "restarts"),
        ("by h, w restart by h", "by h, w restart by 2 * h + 1", "proved", ""),
        ("by h, w restart by h // 20", "row", "refuted", "restarts"),
        ("by h, w restart by h + H * w", "by h, w restart by w, h", "proved", ""),
        ("by h, w restart by w, h * h", "by h, w restart by w, h", "undecided", ""),
        ("layers(cross * 2, vim * 4)", "layers(cross * 3, vim * 7)", "refuted", "layers"),
        ("layers(cross * 2, vim)", "layers(cross, cross, vim)", "proved", ""),
        ("layers(cross, vim)", "cycle(cross, vim)", "refuted", "cycle"),
        ("cycle(row, -row)", "cycle(row, -row, row, -row)", "proved", ""),
        ("cycle(row, -row)", "cycle(-row, row)", "refuted", "different order"),
        ("cycle(row)", "row", "refuted", "no plan"),
        ("by 2 * h, 3 * w", "row", "proved", ""),
        ("row where h % 2 == 0", "row", "refuted", ""),
    ],
)
def test_the_same_compares_the_whole(one: str, other: str, verdict: str, why: str) -> None:
    proof = prove_same(parse(one), parse(other))
    assert proof.verdict == verdict and why in proof.reason, proof


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("row", "visits every patch exactly once"),
        ("sum(row, column)", "visits every patch exactly once"),
        ("scatter((row where h < 2), (row where h >= 2))", "visits every patch exactly once"),
        ("chain((row where h < 2), (row where h >= 2))", "visits every patch exactly once"),
        ("chain(row, row)", "visits every patch 2 times, in one sequence"),
        ("heads(chain(row, column, row), row)", "covers every patch, up to 3 times in one sequence"),
        ("chain((row where h < 3), (row where h >= 2))", "covers every patch, some several times"),
        ("cycle(chain(row, row), row)", "covers every patch in every layer"),
        ("row where h > 0", "visits every selected patch exactly once"),
    ],
)
def test_how_often_patches_are_visited(text: str, claim: str) -> None:
    proof = prove(parse(text))
    assert (proof.verdict, proof.claim) == ("proved", claim)


@pytest.mark.parametrize(
    ("text", "verdict", "scope", "code"),
    [
        ("by visit(0, 1, 3, 2)", "proved", "the grids of 4 patches", ""),
        ("sum((by visit(0, 1, 2, 3)), row)", "proved", "the grids of 4 patches", ""),
        ("sum((by visit(0, 1, 2, 3)), (by visit(1, 0)))", "refuted", "", "S311"),
        ("cycle((by visit(0, 1, 2, 3)), (by visit(1, 0)))", "refuted", "", "S311"),
        ("by visit(0, 2, 1, 3) // 2, w", "refuted", "the grids of 4 patches", "S300"),
        # Tied on 4x3 alone, which the list does not fit.
        ("sum((by 2 * h + 3 * w), (by visit(0, 1, 2, 3)))", "proved", "the grids of 4 patches", ""),
    ],
)
def test_lists_are_about_grids_of_their_size(text: str, verdict: str, scope: str, code: str) -> None:
    proof = prove(parse(text))
    assert (proof.verdict, proof.scope, proof.code) == (verdict, scope, code), proof


def test_claims_about_lists_are_decided_on_all_grids_that_fit() -> None:
    listed = Order.from_indices([0, 1, 3, 2])
    proof = prove_continuous(listed)
    assert proof.counterexample is not None and proof.counterexample.grid == (1, 4)
    assert prove_continuous(listed, (2, 2)).verdict == "proved for this grid"
    assert prove_same(listed, parse("by visit(0, 1, 3, 2) + 0")).words == "proved for the grids of 4 patches"
    with pytest.raises(ScanlabError, match="lists 4 patches; a 3x3 grid has 9"):
        prove_continuous(listed, (3, 3))


def _told(text: str) -> str:
    module = read_module(Source(f"grid h, w\n{text}\n"), library_templates)
    [checked] = check_module(module)
    return verdict_of(checked)


def test_the_same_as_is_said_where_it_is_proved_only() -> None:
    assert "This is the same as snake in the library" in _told("order a = by h, ~w")
    assert "This looks like hilbert in the library on small grids (not proved)" in _told(
        "order a = by h // 400, w // 400, hilbert(h % 400, w % 400)"
    )
    for body in ("h // 8, w // 8, hilbert(h % 8, w % 8)", "h // 9, w // 9, spiral_in(h % 9, w % 9)"):
        assert "hilbert in" not in _told(f"order a = by {body}") and "spiral_in in" not in _told(f"order a = by {body}")


def test_equivalence_knows_restarts() -> None:
    rows = load("rows")
    assert not list(find_equivalences(rows, {"row": load("row")}))


def test_a_proof_about_a_curve_says_what_it_rests_on() -> None:
    [note] = prove(parse("by hilbert(h, w)")).notes
    assert note == "assuming that hilbert gives every cell of a box a rank of its own: tried on all boxes up to 8x8"
    assert prove(parse("by h, w")).notes == ()
    assert "Note: assuming that hilbert" in _told("order a = by 2 * h, hilbert(h, w)")


def test_a_curve_that_is_no_bijection_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from scanlab.compiler import curves, probes

    broken: dict[str, Any] = {
        **curves.CURVES,
        "gilbert": lambda box, options: curves.CURVES["morton"](box, options) // 2,
    }
    for module in (curves, probes):
        monkeypatch.setattr(module, "CURVES", broken)
    probes.tested_as_bijections.cache_clear()
    probes._table.cache_clear()
    try:
        assert prove(parse("by gilbert(h, w)")).verdict == "refuted"
        # Here the coordinates come first, so nothing ties; yet what the curve was taken for is not used.
        assert "the same rank" in prove(parse("by h * w, gilbert(h, w), h, w")).reason
    finally:
        probes.tested_as_bijections.cache_clear()
        probes._table.cache_clear()


def test_a_where_says_of_which_grids_it_keeps_nothing() -> None:
    [note] = prove(parse("by h, w where h > 3")).notes
    assert note.startswith("`where h > 3` keeps no patch of 32 of the 64 small grids, 1x1 among them")
    assert note.endswith("the smallest grid with one is 5x1")
    [note] = prove(parse("by h, w where h > 30")).notes
    assert note.endswith("the smallest grid with one is 32x1")
    assert prove(parse("scatter((row where h <= 3), (row where h > 3))")).notes == ()


def test_an_overlap_is_shown_on_the_smallest_grid_that_is_wrong() -> None:
    # On 1x1 a patch is left out; two paths share one from 4x1 on.
    proof = prove(parse("scatter((row where h > 2), (row where h > 0))"))
    assert proof.counterexample is not None
    assert (proof.counterexample.grid, proof.code) == ((1, 1), "S301")


def test_counterexamples_of_isl_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def lies(*_: Any) -> CounterExample:
        return CounterExample((2, 2), ((0, 0),))

    monkeypatch.setattr(continuity, "_stranded", lies)
    with pytest.raises(ScanlabError, match="S310") as caught:
        prove_continuous(parse("by h, ~w"))
    assert "isl finds a counter-example on a 2x2 grid" in str(caught.value)
    # A definition that nobody can judge is no proof of anything.
    module = read_module(Source("grid h, w\norder a = by h, ~w\n  expect continuous\n"), library_templates)
    checked = check_definition(module.definitions[0])
    assert [d.code for d in checked.diagnostics] == ["S310"] and checked.proof is None


def test_proofs_of_isl_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(continuity, "_stranded", lambda *_: None)
    assert prove_continuous(parse("by h, w")).verdict == "refuted"
    # 1x5 alone is fine, so that isl is asked about all grids, and is not believed.
    with pytest.raises(ScanlabError, match="isl proves it for every grid; on a 2x2 grid"):
        prove_continuous(parse("by h, w"), (1, 5))


def test_a_counterexample_too_large_to_bind() -> None:
    tie = prove(parse("by 33554432 * h + w"))
    assert tie.counterexample is not None
    assert tie.counterexample.patches == ((0, 33554432), (1, 0)) and tie.counterexample.key == (33554432,)
    # Where patches alone do not show it, and their grid is too large to bind, nothing is refuted.
    same = prove_same(parse("by p", "p"), parse("by p % 20000000", "p"))
    assert same.verdict == "undecided" and "20000001 grid, which is too large to look at" in same.reason


def test_a_grid_that_was_asked_for_is_looked_at() -> None:
    assert prove(parse("by h * h * W + w"), (5, 7)).verdict == "proved for this grid"
    proof = prove_same(parse("by h, w * h"), parse("by h, 2 * w * h"), (1, 1))
    assert proof.verdict == "proved for this grid"
    assert prove_same(parse("by w * w, h, w"), parse("column"), (3, 4)).verdict == "proved for this grid"


def test_keys_beyond_64_bits_on_larger_grids_are_told() -> None:
    proof = prove(parse("by 2147483647 * 2000000000 * h, w"))
    assert proof.verdict == "proved" and proof.notes == ("keys leave 64-bit integers from a 3x1 grid on",)


@pytest.mark.parametrize(
    "text",
    ["by h // 3, w // 3, ~(h % 3), ~(w % 3)", "by ~(h // 2), ~(w // 2), ~(h % 2), ~(w % 2)", "by h // 2, ~w, ~(h % 2)"],
)
def test_loops_of_alternating_windows(text: str) -> None:
    assert "visit(" in loops(parse(text))  # pyright: ignore[reportArgumentType]


def test_loops_that_are_wrong_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    from scanlab.compiler import loops as module

    real = module._generated
    monkeypatch.setattr(module, "_generated", lambda order, keys, polyhedra: real(order, keys[::-1], polyhedra))
    assert loops(parse("by h, w")) == "no loops: those of isl are not this order on a 2x2 grid"  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("text", ["by h, w where W < 9", "by h, w where h * w > 1000", "by h, w where W * W < 81"])
def test_a_path_that_visits_nothing_covers_nothing(text: str) -> None:
    module = read_module(Source(f"grid h, w\norder a = {text}\n  expect covers\n"), library_templates)
    [checked] = check_module(module, (9, 9))
    assert [d.code for d in checked.diagnostics] == ["S307"]
    [checked] = check_module(module)
    # `W * W < 81` is beyond isl, and keeps patches on every grid that is tried.
    assert [d.code for d in checked.diagnostics] == ["S308" if "W * W" in text else "S307"]
    assert prove(parse(f"sum(({text}))"), (9, 9)).verdict == "refuted"


def test_of_several_counter_examples_the_smallest_grid_is_shown() -> None:
    proof = prove_continuous(parse("sum((by h // 3, ~w, ~(h % 3)), row)"))
    assert proof.counterexample is not None and proof.counterexample.grid == (2, 2)
    proof = prove(parse("chain((by h + 2 * w where h > 2), (by h, w where w > 0))"))
    assert proof.counterexample is not None and proof.counterexample.grid == (1, 1)


def test_an_equivalence_with_exchanged_axes_is_a_sentence() -> None:
    order = parse("by w, t, h", "t h w")
    [found] = find_equivalences(order, {"spatial_first": load("spatial_first")})
    assert found.words(" in the library") == "is the same as spatial_first in the library with axes w, t, h"
    [found] = find_equivalences(-order, {"spatial_first": load("spatial_first")})  # pyright: ignore[reportOperatorIssue]
    assert str(found) == "the reverse of spatial_first with axes w, t, h"


def test_a_refutation_past_all_grids_says_so() -> None:
    assert "more than the 16,777,216 patches" in prove(parse("by 2000000 * 2000000 * h + w")).reason


def test_words_for_one_patch() -> None:
    assert prove(parse("by visit(0)")).words == "proved for the grids of 1 patch"
