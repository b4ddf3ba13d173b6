"""What a study can detect, said beforehand: against simulation and published tables."""

import re

import numpy as np
import pytest
from scipy import stats

from scanlab.study.power import describe_power, detectable_effect, seeds_for, statistical_power


@pytest.mark.parametrize("effect, pairs, published", [(0.5, 34, 0.808), (0.8, 15, 0.821), (1.0, 10, 0.803)])
def test_power_of_a_paired_t_test(effect, pairs, published):
    # What G*Power 3.1 gives for two-sided paired t tests at 5 %.
    assert statistical_power(effect, pairs) == pytest.approx(published, abs=0.004)


def test_power_agrees_with_simulation():
    draws = 1.5 + np.random.default_rng(0).normal(size=(20_000, 5))
    t = draws.mean(1) / (draws.std(1, ddof=1) / np.sqrt(5))
    rejected = (np.abs(t) > stats.t.ppf(1 - 0.025 / 8, 4)).mean()
    assert statistical_power(1.5, 5, comparisons=8) == pytest.approx(rejected, abs=0.01)


def test_more_comparisons_need_more_seeds():
    # A standard deviation: about ten seeds for one comparison, more under Holm.
    assert seeds_for(1.0) == 10
    assert seeds_for(1.0, 21) == 20
    assert seeds_for(1e-6) is None
    assert detectable_effect(1) is None
    effect = detectable_effect(5, 8)
    assert statistical_power(effect, 5, 8) == pytest.approx(0.8, abs=1e-3)


def test_the_sentence_says_what_is_known():
    for seeds in (1, 2):
        assert describe_power(seeds, 3) == (
            f"With {seeds} seed{'s' * (seeds > 1)} and 3 comparisons nothing can be told from chance, not even a true "
            "difference of 10 standard deviations of the paired differences: give 3 seeds or more."
        )
    plain = describe_power(5, 8)
    assert plain.startswith("With 5 seeds and 8 comparisons a true difference of 3.0 standard deviations")
    known = describe_power(5, 8, spread=0.01)
    assert "about 3.0 points (3.0 standard deviations" in known
    assert re.search(r"about 0\.029\d? \(|about 0\.03 \(", describe_power(5, 8, spread=0.01, unit=""))
