"""Hypothesis strategies for key expressions, orders, scans and plans, within what the text of the language can say.

Each strategy is made once: to make one takes longer than to draw from it.
"""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from scanlab.ir.boxes import breadth, curve_within, offset
from scanlab.ir.expr import (
    Absolute,
    Axis,
    Binary,
    Compare,
    Expr,
    Extent,
    Extremum,
    Int,
    Logic,
    Negate,
    Not,
    Select,
)
from scanlab.ir.functions import CURVES
from scanlab.ir.merges import MERGES
from scanlab.ir.values import PLACES, Entry, Key, Order, Plan, Scan, Token
from scanlab.ir.windows import keys_within

AXES = (("x",), ("h", "w"), ("t", "h", "w"))
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


def leaves(axes: tuple[str, ...], most: int = 7) -> st.SearchStrategy[Expr]:
    """An axis, an extent, or a small number."""
    coordinates = st.sampled_from(axes).map(Axis)
    return st.one_of(coordinates, coordinates, st.sampled_from(axes).map(Extent), st.integers(0, most).map(Int))


def divisors(axes: tuple[str, ...], affine: bool) -> st.SearchStrategy[Expr]:
    """What a key may divide by: never zero on any grid."""
    constants = st.one_of(st.integers(1, 5).map(Int), st.integers(1, 3).map(lambda v: Negate(Int(v))))
    if affine:
        return constants
    extents = st.sampled_from(axes).map(Extent)
    varying = st.sampled_from(axes).map(lambda a: Binary("+", Axis(a), Int(1)))
    return st.one_of(constants, extents, varying)


def curves(operand: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """Any curve with as many operands as it takes, and options in range."""

    @st.composite
    def drawn(draw: st.DrawFn) -> Expr:
        signature = draw(st.sampled_from([CURVES[n] for n in _NAMES]))
        count = draw(st.integers(max(1, signature.fewest), min(3, signature.most)))
        options = tuple(sorted((o.name, draw(st.integers(o.low, min(o.high, 9)))) for o in signature.options))
        if signature.rules:
            options = draw(st.sampled_from(RULES))
        operands, groups = tuple(draw(operand) for _ in range(count)), draw(st.lists(operand, max_size=2, unique=True))
        return curve_within(signature.name, operands, options, tuple(groups))

    return drawn()


_NAMES = ("hilbert", "gilbert", "morton", "spiral_in", "random", "lsystem", "bit_reversal")
_HILBERT = (("L", "-RF+LFL+FR-"), ("R", "+LF-RFR-FL+"))
RULES = (
    (*_HILBERT, ("start", "L")),
    (*_HILBERT, ("start", "LFL+F+LFL")),
    (("L", "LFRFL-F-RFLFR+F+LFRFL"), ("R", "RFLFR+F+LFRFL-F-RFLFR"), ("start", "R")),
)


def in_groups(operand: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """An offset or a breadth in a group."""
    groups = st.lists(operand, min_size=1, max_size=2, unique=True).map(tuple)
    return st.builds(lambda make, e, g: make(e, g), st.sampled_from((offset, breadth)), operand, groups)


@cache
def expressions(axes: tuple[str, ...], affine: bool = False, size: int = 5) -> st.SearchStrategy[Expr]:
    """Key expressions. ``affine`` keeps to what isl can reason about: no products of coordinates, no curves."""

    def grow(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        factor = st.integers(0, 3).map(Int) if affine else inner
        grown = [
            st.builds(Binary, st.sampled_from("+-"), inner, inner),
            st.builds(Binary, st.just("*"), inner, factor),
            st.builds(Binary, st.sampled_from(("//", "%")), inner, divisors(axes, affine)),
            st.builds(Negate, inner),
            st.builds(Absolute, inner),
            st.builds(Compare, st.sampled_from(_COMPARISONS), inner, inner),
            st.builds(Logic, st.sampled_from(("and", "or")), inner, inner),
            st.builds(Not, inner),
            st.builds(Select, inner, inner, inner),
            st.builds(Extremum, st.sampled_from(("min", "max")), st.tuples(inner, inner)),
        ]
        return st.one_of(*grown, *([] if affine else [curves(inner), in_groups(inner)]))

    return st.recursive(leaves(axes), grow, max_leaves=size)


@cache
def conditions(axes: tuple[str, ...], affine: bool = False) -> st.SearchStrategy[Expr]:
    """Comparisons, as a ``where`` usually has them."""
    side = expressions(axes, affine, 2)
    return st.builds(Compare, st.sampled_from(_COMPARISONS), side, side)


@cache
def assumptions(axes: tuple[str, ...]) -> st.SearchStrategy[tuple[Expr, ...]]:
    """Conditions on extents, none of them twice, that hold on the grid of 4 along every axis."""
    extents = st.sampled_from(axes).map(Extent)
    made = st.one_of(
        st.builds(lambda e, k: Compare("==", Binary("%", e, Int(k)), Int(0)), extents, st.sampled_from((1, 2, 4))),
        st.builds(lambda op, e, k: Compare(op, e, Int(k)), st.sampled_from((">=", "!=")), extents, st.integers(0, 3)),
        st.builds(lambda a, b: Logic("or", Compare("<", a, b), Compare("==", b, Int(4))), extents, extents),
        st.builds(lambda a, b: Not(Compare("<", Binary("*", a, b), Int(9))), extents, extents),
    )
    return st.lists(made, max_size=2, unique=True).map(tuple)


@cache
def tokens() -> st.SearchStrategy[tuple[Token, ...]]:
    """No tokens, one, or one of each name."""
    named = [st.builds(Token, st.just(n), st.sampled_from(PLACES), st.booleans()) for n in ("cls", "mean")]
    return st.one_of(st.just(()), st.tuples(named[0]), st.tuples(named[1]), st.tuples(*named))


@cache
def _keys(axes: tuple[str, ...], affine: bool) -> st.SearchStrategy[list[Key]]:
    return st.lists(st.builds(Key, expressions(axes, affine), st.booleans()), min_size=1, max_size=3)


@cache
def _wheres(axes: tuple[str, ...], affine: bool) -> st.SearchStrategy[Expr | None]:
    return st.none() | conditions(axes, affine)


@cache
def _restarts(axes: tuple[str, ...], affine: bool) -> st.SearchStrategy[list[Expr]]:
    return st.lists(expressions(axes, affine, 2), max_size=1)


@st.composite
def orders(
    draw: st.DrawFn,
    axes: tuple[str, ...],
    affine: bool = False,
    with_tokens: bool = False,
    windows: bool | None = None,
    assuming: bool = False,
) -> Order:
    """Any order; where it does not tie by chance, usually its last keys are the coordinates, which forbid ties.

    windows: whether some of its keys may stand within groups; unless given, where it need not be affine. assuming:
    whether it may assume something of the grid.
    """
    keys = draw(_keys(axes, affine))
    if draw(st.booleans()):
        keys += [Key(Axis(a), draw(st.booleans())) for a in draw(st.permutations(axes))]
    if windows is None:
        windows = not affine
    for at in draw(st.lists(st.integers(1, len(keys) - 1), max_size=2)) if windows and len(keys) > 1 else ():
        keys[at - 1 :] = keys_within((keys[at - 1],), tuple(keys[at:]))
    return Order(
        axes,
        tuple(keys),
        draw(_wheres(axes, affine)),
        tuple(draw(_restarts(axes, affine))),
        draw(st.booleans()),
        draw(tokens()) if with_tokens else (),
        assume=draw(assumptions(axes)) if assuming else (),
    )


@st.composite
def scans(draw: st.DrawFn, axes: tuple[str, ...], depth: int = 2, with_tokens: bool = True) -> Scan:
    """Any scan, with tokens on it or on its paths, not on both."""
    own = draw(tokens()) if with_tokens else ()
    below = with_tokens and not own
    part = orders(axes, with_tokens=below)
    if depth > 1:
        part = part | scans(axes, depth - 1, below)
    return Scan(draw(st.sampled_from(tuple(MERGES))), tuple(draw(st.lists(part, min_size=1, max_size=3))), own)


@st.composite
def plans(draw: st.DrawFn, axes: tuple[str, ...]) -> Plan:
    """Any plan of one to three entries."""
    entry = st.builds(Entry, scans(axes, 1), st.integers(1, 4))
    return Plan(draw(st.sampled_from(("cycle", "layers"))), tuple(draw(st.lists(entry, min_size=1, max_size=3))))
