"""Evaluation on a grid is Python's, patch by patch: values, and which divisions by zero and overflows count."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_orders import leaves

import scanlab
from scanlab.compiler.lattice import Lattice, evaluate_on_grid
from scanlab.compiler.polyhedra import NotAffine, Polyhedra
from scanlab.ir.constants import divides_by_zero, evaluate
from scanlab.ir.diagnostics import ScanlabError, Source
from scanlab.ir.expr import Binary, Compare, Expr, Logic, Negate, Not, Select
from scanlab.language.library import library_templates
from scanlab.language.module import parse_value, read_module

AXES, GRID = ("h", "w"), (3, 4)
EXTENTS = dict(zip(AXES, GRID, strict=True))


def _grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """Expressions whose divisors may well be zero."""
    compare = st.builds(Compare, st.sampled_from(("==", "!=", "<", ">")), inner, inner)
    return st.one_of(
        st.builds(Binary, st.sampled_from(("//", "%", "//", "%", "-", "*")), inner, inner),
        st.builds(Select, compare | inner, inner, inner),
        st.builds(Logic, st.sampled_from(("and", "or")), compare | inner, inner),
        st.builds(Not, inner),
        st.builds(Negate, inner),
    )


DIVIDING = st.recursive(leaves(AXES, 3), _grown, max_leaves=8)


@given(DIVIDING)
@settings(max_examples=400)
def test_what_is_not_reached_is_no_error(expr: Expr) -> None:
    expected: dict[tuple[int, ...], int | None] = {}
    for point in product(*map(range, GRID)):
        try:
            expected[point] = evaluate(expr, dict(zip(AXES, point, strict=True)), EXTENTS)
        except ZeroDivisionError:
            expected[point] = None
    try:
        found = np.broadcast_to(evaluate_on_grid(expr, Lattice(AXES, GRID)), GRID)
    except ScanlabError as error:
        assert error.code == "S403"
        example = error.diagnostics[0].counterexample
        assert example is not None and expected[example.patches[0]] is None
        return
    assert expected == {point: int(found[point]) for point in expected}
    assert not divides_by_zero(expr)


@given(DIVIDING)
@settings(max_examples=300)
def test_divisors_that_are_proved_are_never_zero(expr: Expr) -> None:
    try:
        Polyhedra(AXES).check_divisors(expr)
    except NotAffine:
        return
    for grid in product(range(1, 4), repeat=2):
        extents = dict(zip(AXES, grid, strict=True))
        for point in product(*map(range, grid)):
            evaluate(expr, dict(zip(AXES, point, strict=True)), extents)


@pytest.mark.parametrize(
    "text",
    [
        "by (h // w if w > 0 else 0), h, w",
        "by (0 if w == 0 else h % w), h, w",
        "by (w > 0 and h // w > 1), h, w",
        "by (w == 0 or h // w > 1), h, w",
        "by (h // (w - 1) if not w == 1 else 7), h, w",
        "by ((h // w if h > 1 else 1) if w >= 1 else 0), h, w",
        "by (h // (H - 1) if H > 1 else 0), h, w",
        "by (h // 0 if 0 else h), w",
        "by h, w restart by h // w if w > 0 else 0",
    ],
)
def test_such_orders_are_proved_for_all_sizes(text: str) -> None:
    value = scanlab.parse(text)
    assert scanlab.prove(value).verdict == "proved"
    for grid in ((1, 1), (1, 4), (3, 4)):
        path = scanlab.compile(value, grid).paths[0]
        assert path.index_form.lines(path.axes)


@pytest.mark.parametrize(
    "text",
    [
        "by (h // w if w >= 0 else 0), h, w",
        "by (w >= 0 and h // w > 1), h, w",
        "by (w < 0 or h // w > 1), h, w",
        "by (h // w if h > 0 else 0), h, w",
        "by hilbert((h // w if w > 0 else 0) // w, w), h, w",
        "by (hilbert(h // w, w) if w > 0 else 0), h, w",
    ],
)
def test_what_is_reached_is_refused(text: str) -> None:
    value = scanlab.parse(text)
    proof = scanlab.prove(value)
    assert proof.verdict == "refuted" and proof.counterexample is not None
    with pytest.raises(ScanlabError, match="S403"):
        scanlab.compile(value, (3, 3))


def test_keys_are_evaluated_for_the_patches_that_are_kept() -> None:
    value = scanlab.parse("by h // w, h, w where w > 0 restart by h % w")
    assert scanlab.prove(value, (4, 4))
    path = scanlab.compile(value, (4, 4)).paths[0]
    expected = sorted(((h, w) for h in range(4) for w in range(1, 4)), key=lambda p: (p[0] // p[1], *p))
    assert path.indices.tolist() == [4 * h + w for h, w in expected]
    assert path.index_form.lines(path.axes)


def test_overflow_counts_where_it_is_reached() -> None:
    big = "h * 2147483647 * 2147483647 * 2147483647"
    assert scanlab.compile(scanlab.parse(f"by ({big} if h == 0 else h), w"), (3, 3)).indices.tolist() == [[*range(9)]]
    with pytest.raises(ScanlabError, match="S402"):
        scanlab.compile(scanlab.parse(f"by ({big} if h < 2 else h), w"), (3, 3))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("order a[k=0] = by (h // k if k > 0 else h), w", None),
        ("order a[k=0] = let q = h // k in by (q if k > 0 else h), w", None),
        ("order a[k=0] = by (k > 0 and h // k), h, w", None),
        ("order a[k=0] = by (k == 0 or h // k), h, w", None),
        ("order a[k=0] = by h // k, w", "S306"),
        ("order a[k=0] = let q = h // k in by q, w", "S306"),
        ("order f = by 7 // (h + 1), h, w\norder a = f(0 - 1, w)", "S306"),
        ("order a = by (h // 0 if 1 else h), w", "S306"),
    ],
)
def test_a_constant_divisor_of_zero(text: str, code: str | None) -> None:
    module = read_module(Source(f"grid h, w\n{text}\n"), library_templates)
    assert [d.code for d in module.problems] == ([code] if code else [])
    if code is None:
        value = module["a"].value
        assert value is not None and parse_value(Source(str(value)), AXES) == value
        assert scanlab.prove(value).verdict == "proved"
