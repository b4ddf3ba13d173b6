"""Curves by rewriting: equal to their sources' own definitions, to the turtle, and to themselves cell by cell."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanlab.compiler.curves import CURVES, curve_ranks
from scanlab.ir.lsystems import BadRules, rewriting, turtle_walk

HILBERT = {"L": "-RF+LFL+FR-", "R": "+LF-RFR-FL+", "start": "L"}
MOORE = {**HILBERT, "start": "LFL+F+LFL"}
PEANO = {"L": "LFRFL-F-RFLFR+F+LFRFL", "R": "RFLFR+F+LFRFL-F-RFLFR", "start": "L"}
MEANDER = {"L": "-RFRF+LFLFL+F+LF-RFR-FL", "R": "+LFLF-RFRFR-F-RF+LFL+FR", "start": "L"}
ALL = {"hilbert": HILBERT, "moore": MOORE, "peano": PEANO, "meander": MEANDER}
SIDES = {"hilbert": (2, 1), "moore": (2, 2), "peano": (3, 1), "meander": (3, 1)}


def _order(rules: dict[str, str], side: int) -> list[tuple[int, int]]:
    ranks = CURVES["lsystem"]((side, side), rules)
    assert sorted(ranks.ravel()) == list(range(side * side))
    return [divmod(int(i), side) for i in np.argsort(ranks, axis=None)]


def test_moore_by_hand() -> None:
    """E. H. Moore, "On certain crinkly curves", Trans. AMS 1 (1900): four of Hilbert's curves that make a loop.

    Drawn by hand from the rules: up the left half, down the right half turned on its side; each quarter is a U.
    """
    assert CURVES["lsystem"]((2, 2), MOORE).tolist() == [[3, 2], [0, 1]]
    assert CURVES["lsystem"]((4, 4), MOORE).tolist() == [
        [14, 13, 10, 9],
        [15, 12, 11, 8],
        [0, 3, 4, 7],
        [1, 2, 5, 6],
    ]


def test_peano_by_hand() -> None:
    """G. Peano, "Sur une courbe, qui remplit toute une aire plane", Math. Annalen 36 (1890): the figure of 9 cells."""
    assert CURVES["lsystem"]((3, 3), PEANO).tolist() == [[0, 1, 2], [5, 4, 3], [6, 7, 8]]
    assert CURVES["lsystem"]((9, 9), PEANO)[:3].tolist() == [
        [0, 1, 2, 15, 16, 17, 18, 19, 20],
        [5, 4, 3, 14, 13, 12, 23, 22, 21],
        [6, 7, 8, 9, 10, 11, 24, 25, 26],
    ]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_peano_by_his_own_formula(depth: int) -> None:
    """Peano defines the point of t = 0.a1 a2 a3 … (base 3) by its digits, k(a) = 2 - a:

    x has the digits a1, k^a2 a3, k^(a2 + a4) a5, …, and y has k^a1 a2, k^(a1 + a3) a4, …
    """
    found = []
    for t in range(9**depth):
        digits = [t // 3 ** (2 * depth - 1 - i) % 3 for i in range(2 * depth)]
        x = y = 0
        for i in range(0, 2 * depth, 2):
            turned_x, turned_y = sum(digits[1:i:2]) % 2, sum(digits[0 : i + 1 : 2]) % 2
            x = 3 * x + (2 - digits[i] if turned_x else digits[i])
            y = 3 * y + (2 - digits[i + 1] if turned_y else digits[i + 1])
        found.append((x, y))
    assert _order(PEANO, 3**depth) == found


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6, 7])
def test_hilbert_is_the_built_in_curve_up_to_a_transpose(depth: int) -> None:
    by_rules, built_in = CURVES["lsystem"]((2**depth,) * 2, HILBERT), CURVES["hilbert"]((2**depth,) * 2, {})
    np.testing.assert_array_equal(by_rules, built_in.T)


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
@pytest.mark.parametrize("name", sorted(ALL))
def test_the_turtle_walks_the_same_way(name: str, depth: int) -> None:
    side, start = SIDES[name]
    assert _order(ALL[name], start * side**depth) == turtle_walk(tuple(sorted(ALL[name].items())), depth)


@pytest.mark.parametrize("name", sorted(ALL))
def test_unit_steps_on_squares_of_their_own(name: str) -> None:
    side, start = SIDES[name]
    points = np.array(_order(ALL[name], start * side**4))
    assert (np.abs(np.diff(points, axis=0)).sum(axis=1) == 1).all()
    closed = np.abs(points[-1] - points[0]).sum() == 1
    assert closed == (name == "moore")


@pytest.mark.parametrize("name", sorted(ALL))
def test_outside_the_grid_is_dropped(name: str) -> None:
    for box in ((1, 1), (5, 7), (28, 3), (1, 40)):
        side, start = SIDES[name]
        whole = start
        while whole < max(box):
            whole *= side
        expected = CURVES["lsystem"]((whole, whole), ALL[name])[: box[0], : box[1]]
        np.testing.assert_array_equal(CURVES["lsystem"](box, ALL[name]), expected)
        few = [np.array([0, box[0] - 1]), np.array([box[1] - 1, 0])]
        np.testing.assert_array_equal(curve_ranks("lsystem", few, box, ALL[name]), expected[tuple(few)])
        far = curve_ranks("lsystem", [np.array([0]), np.array([0])], (10**6, 10**6), ALL[name])
        assert 0 <= far[0] < 2**62


BAD = [
    ({"L": "LFL"}, "L", None, "its 2 letters fill no square: it spans 1x2 cells"),
    ({"L": "LFLFL-F-LFLFL+F+LFL"}, "L", None, "never visits the one in row 2, column 2"),
    ({"L": "LF+LF+LF+LF+L"}, "L", None, "turns by 360 degrees to the left"),
    ({"L": "LF+LF+LF+LF+L----"}, "L", 12, "letter 5 stands in the cell of letter 1"),
    ({"L": "-LF+LFL+FL"}, "L", None, "turns by 90 degrees to the left"),
    ({"L": "FL"}, "L", 0, "a step before the first letter"),
    ({"L": "LFFL"}, "L", 2, "a second step"),
    ({"L": "LFLL"}, "L", 3, "no step leads to this letter"),
    ({"L": "LFLF"}, "L", 3, "this step leads to no letter"),
    ({"L": "-RF+LFL+FR-"}, "L", 1, "`R` means nothing in a rule"),
    ({"L": "LF&L"}, "L", 2, "`&` means nothing in a rule"),
    ({"L": "LFfL"}, "L", 2, "`f` means nothing in a rule"),
    ({"L": ""}, "L", None, "it has no letter"),
    ({"L": "L"}, "L", None, "never grows"),
    ({"L": "L" + "F" * 2000}, "L", 1024, "more than 1024 signs"),
    ({**HILBERT, "start": "LFL"}, "start", None, "fill no square"),
    ({**HILBERT, "start": "S"}, "start", 0, "`S` means nothing"),
    ({**HILBERT, "R": PEANO["L"]}, "R", None, "a block of 3x3, and `L` one of 2x2"),
    ({"L": "-LF+LFL+FL-"}, "L", 4, "with letters rewritten 1 time, no step leads from the end of `L`"),
    ({"L": "-RF+LFL+FR-", "R": "+RF-LFL-FR+"}, "L", 4, "no step leads from the end of `R` to the beginning of `L`"),
    ({**HILBERT, "start": "LFR"}, "start", None, "fill no square"),
    ({**HILBERT, "start": "LFL-F-LFL"}, "start", 6, "no step leads from the end of `L` to the beginning of `L`"),
]


@pytest.mark.parametrize(("rules", "rule", "at", "why"), BAD, ids=[b[3][:40] for b in BAD])
def test_what_fills_no_squares_is_refused(rules: dict[str, str], rule: str, at: int | None, why: str) -> None:
    with pytest.raises(BadRules) as caught:
        rewriting(tuple(sorted({"start": "L", **rules}.items())))
    assert (caught.value.rule, caught.value.at) == (rule, at) and why in caught.value.why


def _drawn(turns: tuple[str, ...], letters: tuple[str, ...]) -> str:
    """A rule with the U of Hilbert's curve, and turns and letters of its own."""
    signs = [f"{t}{name}" for t, name in zip(turns, letters, strict=True)]
    return "F".join(signs)


TURNS = st.sampled_from(("", "+", "-", "++", "--"))
RULE = st.builds(_drawn, st.tuples(TURNS, TURNS, TURNS, TURNS), st.tuples(*[st.sampled_from("LR")] * 4))


@given(RULE, RULE, st.sampled_from(("", "+", "-", "++")))
@settings(max_examples=400, deadline=None)
def test_what_is_accepted_fills_the_square_as_the_turtle_does(left: str, right: str, turn: str) -> None:
    texts = {"L": left + turn, "R": right + turn, "start": "L"}
    rules = tuple(sorted(texts.items()))
    try:
        rewriting(rules)
        good = True
    except BadRules:
        good = False
    walks = [turtle_walk(rules, depth) for depth in (1, 2, 3, 4)]
    fills = all(sorted(w) == [divmod(i, 2**d) for i in range(4**d)] for d, w in enumerate(walks, 1))
    if good:
        assert fills and _order(texts, 16) == walks[3]


def test_every_sound_pair_of_rules_is_accepted() -> None:
    """All rules of two letters whose turtle fills squares block by block: none of them is refused."""
    accepted = 0
    for one in "LR":
        for four in "LR":
            for two in "LR":
                for three in "LR":
                    left = f"-{one}F+{two}F{three}+F{four}-"
                    right = left.translate(str.maketrans("LR+-", "RL-+"))
                    rules = (("L", left), ("R", right), ("start", "L"))
                    walks = [turtle_walk(rules, depth) for depth in (1, 2, 3, 4, 5)]
                    fills = all(
                        len(set(w)) == 4**d and all(math.dist(a, b) == 1 for a, b in pairwise(w))
                        and max(max(w)) == 2**d - 1
                        and all(len({(r >> 1, c >> 1) for r, c in w[i : i + 4]}) == 1 for i in range(0, len(w), 4))
                        for d, w in enumerate(walks, 1)
                    )  # fmt: skip
                    try:
                        rewriting(rules)
                        accepted += 1
                        assert fills
                    except BadRules:
                        assert not fills
    assert accepted == 1
