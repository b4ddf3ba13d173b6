"""Comparing answers to the same questions, against examples worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from scanlab.study.matched import matched_difference


def _answers(both: int, gained: int, lost: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    counts = (both, gained, lost, neither)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def test_worked_by_hand() -> None:
    # p = 2 (1 + 12 + 66) / 4096; middle 8 / 102, error sqrt(13 - 64 / 102) / 102 = 0.0344849, times 1.959964.
    d = matched_difference(*_answers(70, 10, 2, 18))
    assert (d.difference, d.gained, d.lost) == (pytest.approx(0.08), 10, 2)
    assert d.p == pytest.approx(158 / 4096)
    assert (d.low, d.high) == (pytest.approx(0.0108423, abs=1e-6), pytest.approx(0.1460204, abs=1e-6))


def test_exchanging_the_two_turns_the_sign() -> None:
    right, baseline = _answers(5, 1, 6, 3)
    there, back = matched_difference(right, baseline), matched_difference(baseline, right)
    assert (there.difference, there.low, there.high, there.p) == (-back.difference, -back.high, -back.low, back.p)


def test_equal_answers_show_no_difference_but_leave_room_for_one() -> None:
    few, many = (matched_difference(*_answers(n, 0, 0, n)) for n in (5, 500))
    assert (few.difference, few.p) == (0, 1)
    assert -few.low == few.high > 10 * many.high > 0


def test_all_against_none_stays_within_bounds() -> None:
    d = matched_difference(np.ones(3, bool), np.zeros(3, bool))
    assert d.difference == 1 and d.low < d.high <= 1
    assert matched_difference(np.ones(1, bool), np.ones(1, bool)).p == 1


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0)
    truth, covered, trials = 0.1, 0, 600
    for _ in range(trials):
        kind = draw.choice(4, size=50, p=[0.5, 0.2, 0.1, 0.2])
        d = matched_difference(kind < 2, (kind == 0) | (kind == 2))
        covered += d.low <= truth <= d.high
    assert 0.92 < covered / trials < 0.985


def test_p_is_the_exact_binomial_test_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for gained, lost in ((0, 1), (1, 1), (3, 9), (12, 12), (40, 21)):
        right = np.array([True] * gained + [False] * lost + [True] * 5)
        baseline = np.array([False] * gained + [True] * lost + [True] * 5)
        expected = stats.binomtest(gained, gained + lost).pvalue
        assert matched_difference(right, baseline).p == pytest.approx(expected, abs=1e-12)
