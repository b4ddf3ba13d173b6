"""Random keys, orders, scans and plans for property tests, within what a text can say."""

from __future__ import annotations

from hypothesis import strategies as st

from scanlab.ir.expr import (
    Absolute,
    Axis,
    Binary,
    Compare,
    Curve,
    Expr,
    Extent,
    Extremum,
    Int,
    Logic,
    Negate,
    Not,
    Select,
)
from scanlab.ir.values import MERGES, Entry, Key, Order, Plan, Scan, Token

AXES = ("h", "w")
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


def leaves() -> st.SearchStrategy[Expr]:
    """Coordinates, extents and small numbers."""
    return st.one_of(
        st.sampled_from([Axis("h"), Axis("w")]),
        st.sampled_from([Axis("h"), Axis("w"), Extent("h"), Extent("w")]),
        st.integers(0, 9).map(Int),
    )


def _grow(below: st.SearchStrategy[Expr], affine: bool) -> st.SearchStrategy[Expr]:
    number = st.integers(1, 5).map(Int)
    divisor = number if affine else st.one_of(number, below.filter(lambda e: e != Int(0)))
    grown = [
        st.builds(Binary, st.sampled_from("+-"), below, below),
        st.builds(Binary, st.just("*"), number if affine else below, below),
        st.builds(Binary, st.sampled_from(["//", "%"]), below, divisor),
        st.builds(Negate, below),
        st.builds(Absolute, below),
        st.builds(lambda op, a, b: Extremum(op, (a, b)), st.sampled_from(["min", "max"]), below, below),
        st.builds(Compare, st.sampled_from(_COMPARISONS), below, below),
        st.builds(Select, st.builds(Compare, st.sampled_from(_COMPARISONS), below, below), below, below),
    ]
    return st.one_of(grown)


def affine_keys() -> st.SearchStrategy[Expr]:
    """Keys that isl can reason about."""
    return st.recursive(leaves(), lambda below: _grow(below, affine=True), max_leaves=5)


def any_keys() -> st.SearchStrategy[Expr]:
    """Keys of every kind: products, varying divisors, logic, curves."""

    def grow(below: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        return st.one_of(
            _grow(below, affine=False),
            st.builds(Logic, st.sampled_from(["and", "or"]), below, below),
            st.builds(Not, below),
            st.builds(lambda a, b: Curve("hilbert", (a, b)), below, below),
            st.builds(lambda a, b, s: Curve("random", (a, b), (("seed", s),)), below, below, st.integers(0, 3)),
        )

    return st.recursive(leaves(), grow, max_leaves=6)


def orders(keys: st.SearchStrategy[Expr], partial: bool = True) -> st.SearchStrategy[Order]:
    """Orders over h, w; the coordinates are often added last, so that many of them are free of ties."""
    drawn = st.lists(st.builds(Key, keys, st.booleans()), min_size=1, max_size=3)
    tail = st.sampled_from([(), (Key(Axis("h")), Key(Axis("w"))), (Key(Axis("w")), Key(Axis("h"), True))])
    condition = st.one_of(st.none(), st.none(), keys) if partial else st.none()
    return st.builds(
        lambda some, rest, where, restart, reverse: Order(AXES, (*some, *rest), where, tuple(restart), reverse),
        drawn,
        tail,
        condition,
        st.lists(keys, max_size=1),
        st.booleans(),
    )


def _tokens() -> st.SearchStrategy[tuple[Token, ...]]:
    token = st.builds(Token, st.just("cls"), st.sampled_from(["start", "middle", "end", "both"]), st.booleans())
    return st.one_of(st.just(()), st.tuples(token))


def scans() -> st.SearchStrategy[Scan]:
    """Nested scans; tokens stand on the outermost only."""
    leaf: st.SearchStrategy[Order | Scan] = orders(any_keys())

    def grow(below: st.SearchStrategy[Order | Scan]) -> st.SearchStrategy[Order | Scan]:
        return st.builds(
            lambda m, p: Scan(m, tuple(p)), st.sampled_from(MERGES), st.lists(below, min_size=1, max_size=3)
        )

    inner = st.recursive(leaf, grow, max_leaves=4)
    return st.builds(
        lambda m, p, t: Scan(m, tuple(p), t),
        st.sampled_from(MERGES),
        st.lists(inner, min_size=1, max_size=3),
        _tokens(),
    )


def plans() -> st.SearchStrategy[Plan]:
    """Plans of both kinds, with repeat counts."""
    entry = st.builds(Entry, scans(), st.integers(1, 3))
    return st.builds(
        lambda kind, entries: Plan(kind, tuple(entries)),
        st.sampled_from(["cycle", "layers"]),
        st.lists(entry, min_size=1, max_size=3),
    )
