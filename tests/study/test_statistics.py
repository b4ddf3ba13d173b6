"""Paired statistics against examples worked by hand and published ones, and by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from scanlab.study.statistics import (
    average_ranks,
    effect_size,
    equivalence,
    format_difference,
    friedman,
    holm,
    mean_spread,
    paired_difference,
    rank_correlation,
    smallest_step,
)

SLEEP = (
    # Student 1908, hours of sleep gained with two drugs by ten patients.
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
)


def test_three_seeds_worked_by_hand():
    # Differences 0.01, 0.02, 0.03: mean 0.02, sd 0.01, standard error 0.01/sqrt(3) = 0.0057735,
    # t(0.975, 2) = 4.302653, reach 0.0248414; t = 3.4641, p = 0.0741799.
    d = paired_difference([0.91, 0.93, 0.96], [0.90, 0.91, 0.93])
    assert d.mean == pytest.approx(0.02)
    assert (d.low, d.high) == (pytest.approx(-0.0048414, abs=1e-7), pytest.approx(0.0448414, abs=1e-7))
    assert d.p == pytest.approx(0.0741799, abs=1e-6)


def test_students_sleep_data():
    # Mean 1.58, t = 4.0621, p = 0.002833, 95 % interval 0.7001142 to 2.4598858.
    d = paired_difference(*SLEEP)
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


def test_an_interval_and_its_p_are_one_statement():
    """Whatever the family: zero is outside exactly where Bonferroni's p is below one minus the confidence."""
    generator = np.random.default_rng(3)
    outside = 0
    for _ in range(300):
        pairs, family = int(generator.integers(2, 40)), int(generator.integers(1, 50))
        d = paired_difference(generator.normal(0.8, 1, pairs), np.zeros(pairs), family=family)
        assert (d.low > 0 or d.high < 0) == (family * d.p < 0.05) and d.family == family
        outside += d.low > 0 or d.high < 0
    assert 50 < outside < 250


def test_redrawn_splits_widen_the_interval():
    # Nadeau and Bengio 2003: the variance is (1 / n + tested / trained) times that of the differences.
    values, baseline = [0.91, 0.93, 0.96], [0.90, 0.91, 0.93]
    d = paired_difference(values, baseline, overlap=0.25)
    assert d.high - d.mean == pytest.approx(4.302653 * 0.01 * math.sqrt(1 / 3 + 0.25), abs=1e-7)
    assert equivalence(values, baseline, 0.05, overlap=0.25) > equivalence(values, baseline, 0.05)


def test_holm_worked_by_hand():
    # Sorted 0.01, 0.03, 0.04 times 3, 2, 1: 0.03, 0.06, 0.04 raised to 0.06.
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, None, 0.9]) == [1.0, None, 1.0]
    assert holm([]) == []


def test_equivalence_worked_by_hand():
    # Differences 0.01, 0.02, 0.03, margin 0.05: t = (0.02 - 0.05) / 0.0057735 = -5.196 with 2 degrees of freedom.
    values, baseline = [0.91, 0.93, 0.96], [0.90, 0.91, 0.93]
    assert equivalence(values, baseline, 0.05) == pytest.approx(stats.t.cdf(-5.19615, 2), abs=1e-6)
    assert equivalence(values, baseline, 0.05) == pytest.approx(0.0175, abs=1e-4)
    # The same as the 90 % interval lying within the margin, and no more.
    d = paired_difference(values, baseline, 0.90)
    assert equivalence(values, baseline, d.high + 1e-9) < 0.05 < equivalence(values, baseline, d.high - 1e-6)
    assert equivalence(values, baseline, 0.0) is None and equivalence([0.5], [0.5], 0.1) is None


def test_equal_results_prove_no_equivalence():
    # Two pairs, or values that are all alike, tell nothing of how finely they are measured.
    assert equivalence([0.8, 0.8], [0.8, 0.8], 0.02) is None and equivalence([0.8] * 5, [0.8] * 5, 0.02) is None
    # Of 72 samples: half of one stands for the spread of 0 that is seen.
    equal = equivalence([0.75] * 5, [0.75] * 5, 0.02, 1 / 72)
    assert equal == pytest.approx(stats.t.sf(0.02 / (1 / 72 / 2 / math.sqrt(5)), 4))
    # A margin of less than a sample cannot be measured.
    assert equivalence([0.75] * 5, [0.75] * 5, 0.01, 1 / 72) is None
    assert equivalence([53 / 72, 54 / 72, 55 / 72], [53 / 72, 54 / 72, 55 / 72], 0.01) is None


@pytest.mark.parametrize("pairs", [3, 5, 10])
@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0, 0.0])
def test_at_the_margin_equivalence_is_claimed_in_few_studies(pairs, spread):
    """Accuracies of 72 samples whose true difference is the margin, with a spread given in samples."""
    generator = np.random.default_rng(pairs)
    claims, studies = 0, 1500
    for _ in range(studies):
        base = np.round(generator.normal(58, 2, pairs))
        own = np.round(base + 0.04 * 72 + generator.normal(0, spread, pairs))
        p = equivalence(list(own / 72), list(base / 72), 0.04, 1 / 72)
        claims += p is not None and p < 0.05
    assert claims / studies <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / studies)


def test_the_smallest_step_is_that_of_the_metric():
    assert smallest_step([0.25, 0.75, 0.5]) == 0.25 and smallest_step([0.1 + 0.2, 0.3]) is None


def test_effect_size_worked_by_hand():
    # d_z = 0.02 / 0.01 = 2; Hedges' factor for 2 degrees of freedom 1 - 3 / 7.
    assert effect_size([0.91, 0.93, 0.96], [0.90, 0.91, 0.93]) == pytest.approx(2 * 4 / 7)
    assert effect_size([0.5, 0.6], [0.5, 0.5]) is None and effect_size([0.6] * 3, [0.5] * 3) is None


def test_friedman_worked_by_hand():
    # Three blocks that rank alike: sums 3, 6, 9, statistic 12 / (3*3*4) * (9 + 36 + 81) - 3*3*4 = 6; of 6^3 orders six
    # agree in this way, so p = 6 / 216.
    values = np.array([[0.3, 0.2, 0.1], [0.9, 0.8, 0.7], [0.5, 0.4, 0.3]])
    test = friedman(values)
    assert test.statistic == pytest.approx(6) and test.ranks == (1.0, 2.0, 3.0) and test.blocks == 3
    assert test.p == pytest.approx(6 / 216, abs=0.005)
    assert friedman(values, higher=False).ranks == (3.0, 2.0, 1.0)
    assert friedman(values[:1]) is None and friedman(values[:, :2]) is None
    assert friedman(np.ones((3, 3))).p == 1.0


def test_friedman_gives_scipys_statistic_with_ties():
    values = np.random.default_rng(0).integers(0, 5, (12, 4)).astype(float)
    test, theirs = friedman(values), stats.friedmanchisquare(*values.T)
    assert test.statistic == pytest.approx(theirs.statistic)
    # With a dozen blocks chi-square's tail is near.
    assert test.p == pytest.approx(theirs.pvalue, abs=0.03)


def test_rank_correlation():
    x, y = [1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5]
    correlation = rank_correlation(x, y)
    # 1 - 6 * 6 / (6 * 35) = 0.828571; Fisher's arctanh 1.18358 ± 1.959964 * sqrt(1.06 / 3).
    assert correlation.rho == pytest.approx(0.8285714)
    assert correlation.low == pytest.approx(math.tanh(1.183578 - 1.165055), abs=1e-5)
    assert correlation.high == pytest.approx(math.tanh(1.183578 + 1.165055), abs=1e-5)
    assert rank_correlation([1, 1, 1], [1, 2, 3]) is None and rank_correlation([1, 2], [1, 2]) is None
    assert rank_correlation(x, x).low is None and rank_correlation([1, 2, 3], [2, 1, 3]).low is None


def test_mean_and_spread():
    assert mean_spread([1.0, 2.0, 3.0]) == (2.0, 1.0)
    assert mean_spread([0.7]) == (0.7, None)


def test_points_have_a_sign_and_no_minus_before_zero():
    assert [format_difference(v) for v in (0.0123, -0.0123, -0.00001)] == ["+1.23", "-1.23", "+0.00"]
    assert format_difference(-0.00042, "") == "-0.00042"


@pytest.mark.parametrize(
    "pairs, runs, draw",
    [(5, 4000, "normal"), (10, 4000, "normal"), (5, 4000, "laplace"), (20, 600, "normal"), (40, 400, "normal")],
)
def test_intervals_cover_what_they_claim(pairs, runs, draw):
    """Of equal strategies: the interval holds zero in 95 % of studies."""
    generator = np.random.default_rng(pairs)
    covered, rejected = 0, 0
    for _ in range(runs):
        d = paired_difference(0.9 + 0.01 * getattr(generator, draw)(size=pairs), [0.9] * pairs)
        covered += d.low <= 0 <= d.high
        rejected += d.p < 0.05
    slack = 3 * math.sqrt(0.05 * 0.95 / runs)
    assert covered / runs >= 0.95 - slack
    assert rejected / runs <= 0.05 + slack


@pytest.mark.parametrize("true", [-0.01, 0.01])
def test_equivalence_is_rarely_claimed_at_the_margin(true):
    generator = np.random.default_rng(1)
    runs = 4000
    claims = sum(equivalence(true + 0.005 * generator.normal(size=5), np.zeros(5), 0.01) < 0.05 for _ in range(runs))
    assert claims / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
    # And often where there is no difference.
    none = sum(equivalence(0.003 * generator.normal(size=5), np.zeros(5), 0.01) < 0.05 for _ in range(200))
    assert none > 150


def test_friedman_errs_as_often_as_it_says():
    generator = np.random.default_rng(2)
    runs = 500
    ps = np.array([friedman(generator.normal(size=(5, 6))).p for _ in range(runs)])
    for level in (0.05, 0.2, 0.5):
        assert abs((ps < level).mean() - level) <= 3 * math.sqrt(level * (1 - level) / runs) + 0.01


def test_rank_correlation_covers_what_it_claims():
    generator = np.random.default_rng(4)
    runs, held = 2000, 0
    for _ in range(runs):
        correlation = rank_correlation(generator.normal(size=10).tolist(), generator.normal(size=10).tolist())
        held += correlation.low <= 0 <= correlation.high
    assert held / runs >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / runs)


def test_differences_on_few_steps_are_no_more_often_said_to_differ():
    """Ten pairs and three comparisons of equal strategies whose values are 0 or 1: Student's t alone errs in 6.5 %."""
    generator, studies = np.random.default_rng(4), 3000
    wrong = {None: 0, 1.0: 0}
    for _ in range(studies):
        base, *others = np.round(0.5 + generator.normal(0, 0.3, (4, 10))).tolist()
        for step in wrong:
            wrong[step] += any((paired_difference(own, base, resolution=step).p or 1) < 0.05 / 3 for own in others)
    assert wrong[None] / studies > 0.054 and wrong[1.0] / studies <= 0.05


def test_a_known_step_widens_a_difference_by_what_rounding_adds():
    plain = paired_difference([3.0, 5.0, 8.0, 4.0], [1.0, 4.0, 2.0, 3.0])
    known = paired_difference([3.0, 5.0, 8.0, 4.0], [1.0, 4.0, 2.0, 3.0], resolution=1.0)
    assert known.spread == plain.spread == pytest.approx(np.std([2, 1, 6, 1], ddof=1))
    assert (known.high - known.mean) / (plain.high - plain.mean) == pytest.approx(
        math.sqrt(1 + 1 / 12 / plain.spread**2)
    )
    least = paired_difference([1.0] * 9 + [2.0], [1.0] * 10, resolution=1.0)
    assert least.high - least.mean == pytest.approx(stats.t.ppf(0.975, 9) * 0.5 / math.sqrt(10))


@pytest.mark.parametrize("seed", range(5))
def test_ranks_and_their_correlation_are_scipys(seed):
    generator = np.random.default_rng(seed)
    x, y = generator.integers(0, 6, (2, 12)).astype(float)
    assert np.array_equal(average_ranks(np.array([x, y])), stats.rankdata([x, y], axis=1))
    result = rank_correlation(x.tolist(), y.tolist())
    assert result is not None and result.rho == pytest.approx(stats.spearmanr(x, y)[0])
