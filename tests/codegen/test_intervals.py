"""Bounds hold, and divisions without negative dividends are Python's and C's alike."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanlab.codegen.intervals import Interval, NoArithmetic, bounds, without_negative_dividends
from scanlab.ir.constants import evaluate
from scanlab.ir.expr import Absolute, Binary, Compare, Digit, Expr, Extremum, Int, Negate, Select, nodes_of

KNOWN = {"x": Interval(0, 11), "y": Interval(-5, 3)}


def _joined(below: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.one_of(
        st.builds(Binary, st.sampled_from("+-*"), below, below),
        st.builds(Binary, st.sampled_from(("//", "%")), below, st.integers(1, 7).map(Int)),
        st.builds(Compare, st.sampled_from(("<", "==")), below, below),
        st.builds(Select, st.builds(Compare, st.just("<"), below, below), below, below),
        st.builds(lambda op, a, b: Extremum(op, (a, b)), st.sampled_from(("min", "max")), below, below),
        below.map(Absolute),
        below.map(Negate),
    )


EXPRESSIONS = st.recursive(st.sampled_from([Digit("x"), Digit("y"), Int(0), Int(3)]), _joined, max_leaves=8)


@given(EXPRESSIONS, st.integers(0, 11), st.integers(-5, 3))
def test_values_lie_within_their_bounds(expr: Expr, x: int, y: int) -> None:
    try:
        interval = bounds(expr, KNOWN)
    except NoArithmetic:
        return
    assert interval.low <= evaluate(expr, {"x": x, "y": y}, {}) <= interval.high


@given(EXPRESSIONS, st.integers(0, 11), st.integers(-5, 3))
def test_no_dividend_is_negative_and_no_value_changes(expr: Expr, x: int, y: int) -> None:
    try:
        safe = without_negative_dividends(expr, KNOWN)
    except NoArithmetic:
        return
    point = {"x": x, "y": y}
    assert evaluate(safe, point, {}) == evaluate(expr, point, {})
    for e in nodes_of(safe):
        if isinstance(e, Binary) and e.op in ("//", "%"):
            assert evaluate(e.left, point, {}) >= 0


@pytest.mark.parametrize(
    ("expr", "why"),
    [
        (Binary("//", Digit("x"), Digit("y")), "the divisor of `x // y` might not be positive"),
        (Binary("%", Digit("y"), Binary("+", Digit("x"), Int(1))), "might divide a negative number"),
        (Binary("*", Int(2**30), Digit("x")), "can leave 32 bits"),
    ],
)
def test_what_has_no_arithmetic(expr: Expr, why: str) -> None:
    with pytest.raises(NoArithmetic, match=re.escape(why)):
        bounds(without_negative_dividends(expr, KNOWN), KNOWN)
