"""The levels of several looks add up to that of the study, however many there are and whatever is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scanlab.study.looks import Judged, Plan, level_at, levels_of

FIVE, TEN = tuple(range(5)), tuple(range(10))


def simulated(levels, seeds, studies: int, comparisons: int = 3, effect: float = 0.0) -> float:
    """In how many studies some look claims some difference, by Holm over paired t tests (the smallest p decides)."""
    rng = np.random.default_rng(7)
    # Strategies and the baseline they share: differences are correlated, as they are in studies.
    drawn = rng.normal(size=(studies, comparisons + 1, max(seeds)))
    drawn[:, 1:] += effect
    differences = drawn[:, 1:] - drawn[:, :1]
    claims = np.zeros(studies, bool)
    for level, count in zip(levels, seeds, strict=True):
        p = stats.ttest_1samp(differences[:, :, :count], 0, axis=2).pvalue
        claims |= p.min(axis=1) < level / comparisons
    return float(claims.mean())


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("seeds", [(5, 10), (3, 5, 10, 20), (2, 3, 4, 5, 6, 7, 8, 9, 10)])
def test_over_all_looks_differences_are_claimed_falsely_in_at_most_5_of_100_studies(seeds, declared):
    levels = [level_at(look, seeds, declared=declared) for look in range(1, len(seeds) + 1)]
    assert all(level > 0 for level in levels) and sum(levels) <= 0.05
    studies = 4000
    # Three standard errors of a share of 5 % are 1.03 points.
    assert simulated(levels, seeds, studies) <= 0.05 + 3 * (0.05 * 0.95 / studies) ** 0.5
    assert simulated([0.05] * len(seeds), seeds, studies) > 0.06, "without a correction more are"


def test_a_difference_that_is_there_is_still_detected():
    for declared in (True, False):
        levels = [level_at(look, (5, 10), declared=declared) for look in (1, 2)]
        assert simulated(levels, (5, 10), 500, effect=3.0) > 0.99


def test_one_declared_look_has_the_whole_level_and_others_leave_something():
    assert level_at(1, (5,), declared=True) == pytest.approx(0.05, rel=2e-3)
    assert [level_at(n, (5, 8, 10)) for n in (1, 2, 3)] == pytest.approx([0.04, 0.008, 0.0016])


def test_declared_looks_have_the_increments_of_obrien_and_fleming():
    # Lan and DeMets 1983: 2 - 2 Phi(1.96 / sqrt(t)) is spent at t.
    spent = [2 * stats.norm.sf(1.959964 / t**0.5) for t in (1 / 3, 2 / 3, 1)]
    levels = [level_at(n, (5, 10, 15), declared=True) for n in (1, 2, 3)]
    assert levels == pytest.approx(np.diff([0, *spent]), rel=0.05)


def test_the_same_seeds_are_the_same_look_and_other_seeds_another():
    events = [Plan(FIVE, 5), Judged(FIVE), Judged(FIVE[::-1]), Plan((5, 6, 7, 8, 9), 5), Judged((5, 6, 7, 8, 9))]
    looks = levels_of(events, 0.05)
    assert [look.level for look in looks] == pytest.approx([0.04, 0.008])
    assert levels_of([*events, Judged(FIVE)], 0.05) == looks


def test_seeds_taken_away_after_a_look_are_a_look_too():
    two = (0, 1)
    looks = levels_of([Plan(FIVE, 5), Judged(FIVE), Plan(two, 2), Judged(two)], 0.05)
    assert [look.level for look in looks] == pytest.approx([0.04, 0.008])


def test_a_look_while_a_study_runs_costs_little():
    looks = levels_of([Plan(FIVE, 5), Judged(FIVE[:3]), Judged(FIVE)], 0.05)
    assert looks[0].level < 0.01 and looks[1].level > 0.03
    assert sum(look.level for look in looks) == pytest.approx(0.04)


def test_what_a_plan_did_not_spend_is_there_for_the_next():
    looks = levels_of([Plan(FIVE, 10, True), Judged(FIVE), Plan(TEN, 20, True), Judged(TEN)], 0.05)
    assert looks[0].level == pytest.approx(0.0056, abs=1e-4)
    assert 0 < looks[1].level < 0.05 - looks[0].level


@pytest.mark.parametrize("seed", range(20))
def test_no_course_of_events_spends_more_than_there_is(seed):
    rng = np.random.default_rng(seed)
    events: list[Plan | Judged] = []
    for _ in range(40):
        some = tuple(sorted(rng.choice(30, rng.integers(2, 12), replace=False).tolist()))
        more = len(some) + int(rng.integers(0, 10))
        events.append(Plan(some, more, bool(rng.integers(2))) if rng.integers(2) else Judged(some))
    looks = levels_of([Plan(FIVE, 5), *events], 0.05)
    assert sum(look.level for look in looks) <= 0.05 + 1e-12 and all(look.level > 0 for look in looks)
