"""Paired statistics against examples worked by hand."""

import pytest

from scanlab.study.statistics import Difference, holm, mean_spread, paired_difference, verdict


def test_three_seeds_worked_by_hand():
    # Differences 0.01, 0.02, 0.03: mean 0.02, sd 0.01, standard error 0.01/sqrt(3) = 0.0057735,
    # t(0.975, 2) = 4.302653, reach 0.0248414; t = 3.4641, p = 0.0741799.
    d = paired_difference([0.91, 0.93, 0.96], [0.90, 0.91, 0.93])
    assert d.mean == pytest.approx(0.02)
    assert (d.low, d.high) == (pytest.approx(-0.0048414, abs=1e-7), pytest.approx(0.0448414, abs=1e-7))
    assert d.p == pytest.approx(0.0741799, abs=1e-6)


def test_students_sleep_data():
    # Student 1908, hours of sleep gained with two drugs: mean 1.58, t = 4.0621, p = 0.002833,
    # 95 % interval 0.7001142 to 2.4598858.
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    d = paired_difference(second, first)
    assert d.mean == pytest.approx(1.58)
    assert (d.low, d.high) == (pytest.approx(0.7001142, abs=1e-7), pytest.approx(2.4598858, abs=1e-7))
    assert d.p == pytest.approx(0.002833, abs=1e-6)


@pytest.mark.parametrize("values, baseline", [([0.9], [0.8]), ([0.9, 0.8], [0.7, 0.6]), ([0.5, 0.6], [0.5, 0.6])])
def test_without_spread_there_is_no_interval(values, baseline):
    d = paired_difference(values, baseline)
    assert (d.low, d.high, d.p) == (None, None, None)


def test_pairing_removes_what_the_seeds_share():
    paired = paired_difference([0.5, 0.71, 0.9], [0.49, 0.7, 0.88])
    crossed = paired_difference([0.5, 0.71, 0.9], [0.88, 0.49, 0.7])
    assert paired.mean == pytest.approx(crossed.mean)
    assert paired.high - paired.low < 0.05 < crossed.high - crossed.low


def test_unequal_lists_are_refused():
    with pytest.raises(ValueError):
        paired_difference([0.5, 0.6], [0.5])


def test_holm_worked_by_hand():
    # Sorted 0.01, 0.03, 0.04 times 3, 2, 1: 0.03, 0.06, 0.04 raised to 0.06.
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, None, 0.9]) == [1.0, None, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize(
    "difference, p, words",
    [
        (Difference(0.02, 3, 0.95, 0.01, 0.03, 0.01), 0.02, "better by 1.0 to 3.0 points"),
        (Difference(-0.02, 3, 0.95, -0.03, -0.01, 0.01), 0.02, "worse by 1.0 to 3.0 points"),
        (Difference(0.02, 3, 0.95, -0.01, 0.05, 0.2), 0.4, "not distinguishable with 3 seeds"),
        (
            Difference(0.02, 3, 0.95, 0.001, 0.039, 0.04),
            0.12,
            "not distinguishable with 3 seeds once all comparisons are counted",
        ),
        (Difference(0.02, 1, 0.95), None, "not distinguishable with 1 seed (no spread to judge by)"),
    ],
)
def test_verdicts_in_words(difference, p, words):
    assert verdict(difference, p) == words


def test_mean_and_spread():
    assert mean_spread([1.0, 2.0, 3.0]) == (2.0, 1.0)
    assert mean_spread([0.7]) == (0.7, None)
