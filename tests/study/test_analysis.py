"""From trials to claims: pairs, families, gates, and how often they err on equal strategies."""

import math
from dataclasses import replace

import numpy as np
import pytest
from records import changed, failed, joined, record

from scanlab.study.analysis import analyse

ROW = [0.90, 0.91, 0.92, 0.93, 0.94]
CLEARLY = [v + d for v, d in zip(ROW, [0.050, 0.051, 0.049, 0.052, 0.048], strict=True)]
NEARLY = [v + d for v, d in zip(ROW, [0.0005, -0.0004, 0.0003, -0.0006, 0.0002], strict=True)]
NOISY = [0.95, 0.86, 0.93, 0.97, 0.90]


def kinds(study) -> dict[str, str]:
    [problem] = analyse(study).problems
    return {row.label: row.comparison.kind for row in problem.rows if row.comparison}


def test_each_strategy_gets_the_words_that_its_figures_allow():
    study = record({"row": ROW, "hilbert": CLEARLY, "snake": NEARLY, "column": NOISY}, margin=0.005)
    [problem] = analyse(study).problems
    said = {row.label: row.comparison for row in problem.rows if row.comparison}
    assert said["hilbert"].verdict == "better by 4.8 to 5.2 points"
    assert said["snake"].verdict == "equivalent within ±0.5 points"
    assert said["column"].verdict == "not distinguishable with 5 seeds"
    assert said["hilbert"].difference.mean == pytest.approx(0.05)
    assert said["hilbert"].effect > 10
    assert problem.friedman.p < 0.05
    assert {"hilbert is better by 4.8 to 5.2 points than row.", "snake: equivalent to row within ±0.5 points."} < set(
        analyse(study).sentences
    )


def test_less_is_better_where_the_metric_is_an_error():
    values = {"row": [0.04, 0.05, 0.06], "hilbert": [0.03, 0.0401, 0.0499], "snake": [0.041, 0.0502, 0.0609]}
    study = record(values, task="next_patch")
    [problem] = analyse(study).problems
    assert not problem.higher and problem.metric == "mse"
    assert problem.row("hilbert").comparison.difference.mean < 0
    assert problem.friedman.ranks[1] == 1.0


def test_without_a_margin_nothing_is_equivalent():
    assert kinds(record({"row": ROW, "snake": NEARLY})) == {"snake": "not distinguishable"}


def test_a_difference_that_is_known_well_and_small_is_both():
    close = [v + d for v, d in zip(ROW, [0.0020, 0.0021, 0.0019, 0.0020, 0.0021], strict=True)]
    [problem] = analyse(record({"row": ROW, "snake": close}, margin=0.005)).problems
    assert problem.row("snake").comparison.verdict == "better by 0.2 to 0.2 points, yet equivalent within ±0.5 points"


def test_friedman_must_reject_before_a_single_difference_counts():
    # hilbert differs in itself, but the other seven strategies drown it.
    noise = np.random.default_rng(5).normal(0, 0.05, (7, 5))
    names = ["snake", "zigzag", "diagonal", "toroidal", "column", "morton", "gilbert"]
    slightly = [v + d for v, d in zip(ROW, [0.004, 0.0041, 0.0039, 0.004, 0.0041], strict=True)]
    many = {"row": ROW, "hilbert": slightly}
    many |= {name: [v + float(d) for v, d in zip(ROW, n, strict=True)] for name, n in zip(names, noise, strict=True)}
    [problem] = analyse(record(many)).problems
    assert problem.friedman.p > 0.05 and problem.row("hilbert").comparison.adjusted < 0.05
    assert problem.row("hilbert").comparison.kind == "not distinguishable"
    assert "Friedman's test over all strategies does not reject" in problem.row("hilbert").comparison.verdict
    assert kinds(record({"row": ROW, "hilbert": slightly})) == {"hilbert": "better"}


def test_controls_have_a_family_of_their_own():
    controls = {"A/A": NEARLY, "no_scan": [v - 0.1 - 0.001 * i for i, v in enumerate(ROW)]}
    [problem] = analyse(record({"row": ROW, "hilbert": NOISY}, controls=controls)).problems
    assert [row.control for row in problem.rows] == [None, None, "A/A", "no scan"]
    p = problem.row("control: no scan").comparison
    assert p.adjusted == pytest.approx(2 * p.difference.p) and p.kind == "worse"
    text = " ".join(problem.sentences)
    assert "A/A: row against itself from other initial weights shows nothing, as it should" in text
    assert "no scan is worse by 10.0 to 10.4 points than row: the scan mattered here." in text


def test_what_is_missing_leaves_its_pair_out():
    values = {"row": ROW, "hilbert": [*CLEARLY[:3], None, None]}
    findings = analyse(record(values))
    [problem] = findings.problems
    assert problem.row("hilbert").seeds == (0, 1, 2) and problem.row("hilbert").comparison.difference.pairs == 3
    assert findings.counts == {"done": 8, "waiting": 2}
    assert findings.sentences[0] == "This study is not finished: 2 of 10 trials have no result yet."


def test_failed_trials_are_reported():
    study = failed(record({"row": ROW, "hilbert": CLEARLY}), "hilbert", 4, "out of memory\nTraceback …")
    findings = analyse(study)
    assert findings.failures == (("digits, hilbert, seed 4", "out of memory\nTraceback …"),)
    assert findings.sentences[0] == "1 trial failed and is left out."
    assert findings.problems[0].row("hilbert").comparison.difference.pairs == 4


def test_values_that_are_no_numbers_are_not_compared():
    study = record({"row": ROW, "hilbert": [math.nan, *CLEARLY[1:]]})
    assert kinds(study) == {}


def test_the_same_order_under_two_names_is_said_and_not_compared():
    study = record({"row": ROW, "twin": ROW, "hilbert": CLEARLY}, names={"twin": "by 2 * h, 3 * w"})
    keys = {m.seed: m.key for m in study.members if m.strategy == "row"}
    members = tuple(replace(m, key=keys[m.seed]) if m.strategy == "twin" else m for m in study.members)
    [problem] = analyse(replace(study, members=members)).problems
    assert problem.row("twin").same_as == "row" and problem.row("twin").comparison is None
    assert "twin is the same order as row on this grid: it was not run twice." in problem.sentences
    # Two different strategies are too few for Friedman.
    assert problem.friedman is None


def test_costs_are_beside_the_baselines():
    study = changed(record({"row": ROW, "vim": NOISY}), "vim", flops=3_000_000)
    [problem] = analyse(study).problems
    assert problem.row("vim").ratios == (1.5, 1.0)
    assert "Not of order alone: of row's FLOPs, vim 1.50 times." in problem.sentences


def test_problems_are_pooled_by_rank_and_difference():
    study = joined(
        {
            "one": {"row": ROW, "hilbert": CLEARLY, "snake": NEARLY},
            "two": {"row": ROW, "hilbert": CLEARLY, "snake": NOISY},
        }
    )
    findings = analyse(study)
    assert findings.friedman.blocks == 10
    by = {o.label: o for o in findings.overall}
    assert by["hilbert"].rank < by["row"].rank and by["hilbert"].difference.pairs == 10
    assert by["row"].difference is None
    assert any(s.startswith("Over all 2 problems the strategies differ") for s in findings.sentences)


def test_locality_is_set_against_outcomes():
    values = {"row": ROW, "hilbert": CLEARLY, "snake": NEARLY, "column": NOISY, "shuffled": [v - 0.3 for v in ROW]}
    [problem] = analyse(record(values)).problems
    by_metric = {f.metric: f for f in problem.locality}
    assert set(by_metric) == {"mean_gap", "median_gap", "unit_step_share"}
    assert by_metric["unit_step_share"].correlation.count == 5 and by_metric["unit_step_share"].correlation.rho > 0
    assert by_metric["mean_gap"].values["row"] == pytest.approx(2.5)


def test_curves_are_means_over_seeds():
    [problem] = analyse(record({"row": [0.8, 0.6], "snake": [0.5, 0.5]})).problems
    (first, _, loss), (last, spread, _) = problem.row("row").curves
    assert (first, last) == (pytest.approx(0.35), pytest.approx(0.7)) and loss == pytest.approx(1.0)
    assert spread == pytest.approx(0.1 * math.sqrt(2))


def test_equal_strategies_rarely_seem_to_differ():
    """A/A data through the whole of it: of studies of equal strategies at most 5 % claim any difference, beside the
    controls' own 5 %."""
    generator = np.random.default_rng(0)
    runs, strategies, claims = 120, ["row", "hilbert", "snake", "column", "zigzag"], 0
    for _ in range(runs):
        shared = generator.normal(0, 0.02, 5)
        values = {s: (0.9 + shared + generator.normal(0, 0.01, 5)).tolist() for s in strategies}
        claims += any(kind in ("better", "worse") for kind in kinds(record(values)).values())
    assert claims / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_controls_are_judged_in_the_spelling_of_stores_and_of_python() -> None:
    stored = record({"row": ROW, "hilbert": NEARLY}, controls={"no_scan": [v - 0.1 for v in NEARLY]})
    spelled = tuple(replace(m, control=m.control and "no_scan") for m in stored.members)
    findings = analyse(stored)
    assert findings == analyse(replace(stored, members=spelled))
    assert "no scan is worse" in " ".join(findings.sentences)
