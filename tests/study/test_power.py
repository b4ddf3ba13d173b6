"""What a study can detect, said beforehand: against simulation and published tables."""

import re

import numpy as np
import pytest
from scipy import stats

from scanlab.study.power import (
    PowerOf,
    describe_power,
    describe_problems_power,
    describe_study_power,
    detectable_effect,
    equivalence_spread,
    seeds_for,
    statistical_power,
)
from scanlab.study.statistics import equivalence, paired_difference


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
    assert describe_power(1, 3) == (
        "With 1 seed and 3 comparisons nothing can be told from chance, not even a true difference of 10 standard "
        "deviations of the paired differences: give 3 seeds or more."
    )
    # With two seeds a verdict can be given, and seldom is: a t of 38 with one degree of freedom.
    found = stats.nct.sf(stats.t.ppf(1 - 0.05 / 6, 1), 1, 10 * np.sqrt(2))
    said = describe_power(2, 3)
    assert said.startswith("With 2 seeds and 3 comparisons nothing can be told from chance reliably: even a true diff")
    assert abs(int(re.search(r"found in (\d+) of 100 studies only; give 3 seeds", said)[1]) - 100 * found) < 2
    plain = describe_power(5, 8)
    assert plain.startswith("With 5 seeds and 8 comparisons a true difference of 3.0 standard deviations")
    known = describe_power(5, 8, spread=0.01)
    assert "about 3.0 points (3.0 standard deviations" in known
    assert re.search(r"about 0\.029\d? \(|about 0\.03 \(", describe_power(5, 8, spread=0.01, unit=""))


OVERLAP = 3 / 7


def test_seeds_that_redraw_their_parts_are_promised_what_the_corrected_test_finds():
    effect = detectable_effect(5, overlap=OVERLAP)
    assert effect == pytest.approx(detectable_effect(5) * np.sqrt(1 + 5 * OVERLAP), rel=1e-5)
    generator, found, studies = np.random.default_rng(1), 0, 1500
    for _ in range(studies):
        # What the correction takes for granted: a part of the differences is the same with all seeds.
        differences = effect + generator.normal(size=5) + generator.normal() * np.sqrt(OVERLAP)
        found += paired_difference(differences.tolist(), [0.0] * 5, overlap=OVERLAP).p < 0.05
    assert found / studies == pytest.approx(0.8, abs=0.035)
    assert seeds_for(1.0, 3, overlap=OVERLAP) is None and seeds_for(2.0, 3, overlap=OVERLAP) is None
    said = describe_power(5, 3, overlap=OVERLAP)
    assert "of 4.0 standard" in said or "of 4.1 standard" in said
    assert said.endswith("one standard deviation is not, even with 1000 seeds.")
    assert describe_power(5, 3, overlap=40.0).endswith("studies only; no number of seeds is enough.")


@pytest.mark.parametrize(
    ("seeds", "comparisons", "samples", "margin", "overlap"),
    [(3, 2, 72, 0.02, 0.0), (5, 3, 72, 0.014, 0.0), (5, 8, 72, 0.02, 0.0), (10, 3, 72, 0.02, OVERLAP)],
)
def test_equivalence_is_promised_with_the_steps_that_judge(seeds, comparisons, samples, margin, overlap):
    spread = equivalence_spread(seeds, comparisons, overlap=overlap, step=1 / samples / margin) * margin * samples
    generator, studies = np.random.default_rng(2), 1500

    def drawn(deviation):
        base = 0.8 * samples + generator.uniform(size=(studies, seeds))
        common = generator.normal(size=(studies, 1)) * np.sqrt(overlap)
        own = base + deviation * (generator.normal(size=base.shape) + common)
        return np.round(own), np.round(base)

    low, high = 0.0, spread
    for _ in range(12):
        middle = (low + high) / 2
        own, base = drawn(middle)
        measured = np.sqrt((own - base).var(1, ddof=1).mean())
        low, high = (middle, high) if measured < spread else (low, middle)
    own, base = drawn(low)
    ps = [
        equivalence(o / samples, b / samples, margin, 1 / samples, overlap=overlap)
        for o, b in zip(own, base, strict=True)
    ]
    assert np.mean(np.array(ps) < 0.05 / comparisons) == pytest.approx(0.8, abs=0.05)


def test_where_equal_results_are_not_called_equivalent_that_is_said():
    assert equivalence([0.8] * 3, [0.8] * 3, 0.02, 1 / 60) > 0.04 / 2
    said = describe_study_power(3, 2, problems=2, margin=0.02, step=1 / 60, confidence=0.96)[-1]
    assert said == (
        "Nothing is called equivalent within ±2.0 points, not even what is equal with each of 3 seeds: a deviation "
        "counts as half of the smallest step, 1.7 points, at least; that takes 4 seeds or more."
    )
    assert equivalence([0.8] * 4, [0.8] * 4, 0.02, 1 / 60) < 0.04 / 2
    never = describe_study_power(5, 4, margin=0.02, step=1 / 60, overlap=9.0)[-1]
    assert never.endswith("no number of seeds is enough.")


def test_a_deviation_below_a_step_is_promised_as_one():
    said = describe_power(5, 3, spread=0.001, step=1 / 72)
    assert "about 3.2 points (2.3 standard" in said and "below the smallest step, 1.4 points, counts as that" in said
    assert "step" not in describe_power(5, 3, spread=0.02, step=1 / 72)
    generator, found, studies = np.random.default_rng(3), 0, 1000
    for _ in range(studies):
        base = 57 + generator.uniform(size=5)
        own = base + 72 * 0.032 + generator.normal(0, 0.1, 5)
        p = paired_difference(np.round(own) / 72, np.round(base) / 72, resolution=1 / 72).p
        found += p < 0.05 / 3
    assert found / studies >= 0.8


def test_what_differs_between_problems_is_said_by_problem():
    plain = PowerOf(3, 0, "points", 0.0, name="digits")
    assert len(describe_problems_power(5, [plain, plain])) == 1
    other = PowerOf(2, 0, "points", 0.01, step=1e-4, overlap=0.5, name="MNIST")
    said = describe_problems_power(5, [plain, other])
    assert [s.partition(": ")[0] for s in said] == ["digits", "MNIST", "MNIST"]
    # Two comparisons there and one here: three, and not twice the most.
    assert all("With 5 seeds and 3 comparisons" in s for s in said[:2]) and "equivalent within ±1.0" in said[2]
