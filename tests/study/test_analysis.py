"""From trials to claims: pairs, families, blind problems, and how often they err on equal strategies."""

import math
from dataclasses import replace

import numpy as np
import pytest
from records import changed, failed, joined, record, revalued

from scanlab.study import statistics
from scanlab.study.analysis import analyse
from scanlab.study.record import Epoch

ROW = [0.90, 0.91, 0.92, 0.93, 0.94]
CLEARLY = [v + d for v, d in zip(ROW, [0.050, 0.051, 0.049, 0.052, 0.048], strict=True)]
NEARLY = [v + d for v, d in zip(ROW, [0.0005, -0.0004, 0.0003, -0.0006, 0.0002], strict=True)]
FOUR = ("row", "hilbert", "snake", "column")
NOISY = [0.95, 0.86, 0.93, 0.97, 0.90]


def kinds(study) -> dict[str, str]:
    [problem] = analyse(study).problems
    return {row.label: row.comparison.kind for row in problem.rows if row.comparison}


def test_each_strategy_gets_the_words_that_its_figures_allow():
    study = record({"row": ROW, "hilbert": CLEARLY, "snake": NEARLY, "column": NOISY}, margin=0.005)
    [problem] = analyse(study).problems
    said = {row.label: row.comparison for row in problem.rows if row.comparison}
    assert said["hilbert"].verdict == "better by 4.7 to 5.3 points"
    assert said["snake"].verdict == "equivalent within ±0.5 points"
    assert said["column"].verdict == "not distinguishable with 5 seeds"
    assert said["hilbert"].difference.mean == pytest.approx(0.05)
    assert said["hilbert"].effect > 10
    assert problem.friedman.p < 0.05
    assert {"hilbert is better by 4.7 to 5.3 points than row.", "snake: equivalent to row within ±0.5 points."} < set(
        analyse(study).sentences
    )


def test_a_small_difference_is_not_said_to_be_zero():
    close = [v + d for v, d in zip(ROW, [1.00e-5, 1.02e-5, 0.98e-5, 1.01e-5, 0.99e-5], strict=True)]
    [problem] = analyse(record({"row": ROW, "snake": close})).problems
    assert problem.row("snake").comparison.verdict == "better by 0.001 to 0.001 points"


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


def test_what_differs_by_itself_counts_beside_others_that_are_noisy():
    # No test over all strategies stands before the single ones: Holm alone keeps the family's errors at 5 %.
    noise = np.random.default_rng(5).normal(0, 0.05, (7, 5))
    names = ["snake", "zigzag", "diagonal", "toroidal", "column", "morton", "gilbert"]
    slightly = [v + d for v, d in zip(ROW, [0.004, 0.0041, 0.0039, 0.004, 0.0041], strict=True)]
    many = {"row": ROW, "hilbert": slightly}
    many |= {name: [v + float(d) for v, d in zip(ROW, n, strict=True)] for name, n in zip(names, noise, strict=True)}
    [problem] = analyse(record(many)).problems
    assert problem.friedman.p > 0.05 and problem.row("hilbert").comparison.kind == "better"
    assert problem.row("hilbert").comparison.adjusted == pytest.approx(
        8 * problem.row("hilbert").comparison.difference.p
    )


def test_comparisons_on_all_problems_are_one_family():
    values = {"row": ROW, "hilbert": CLEARLY, "snake": NOISY}
    one = analyse(record(values)).problems[0].row("hilbert").comparison
    three = analyse(joined(dict.fromkeys(("one", "two", "three"), values))).problems[0].row("hilbert").comparison
    assert (one.difference.family, three.difference.family) == (2, 6)
    assert one.adjusted == pytest.approx(2 * one.difference.p) and three.adjusted == pytest.approx(6 * one.difference.p)
    assert three.difference.low < one.difference.low and three.difference.p == one.difference.p


def test_nothing_is_judged_before_its_trials_are_done():
    values = {"row": ROW, "hilbert": CLEARLY, "snake": [*NEARLY[:4], None]}
    findings = analyse(record(values, margin=0.02))
    by = {row.label: row.comparison for row in findings.problems[0].rows if row.comparison}
    assert by["snake"].kind == "waiting" and by["snake"].adjusted is None and by["snake"].equivalence is None
    assert by["snake"].verdict == "not judged yet, with 4 seeds so far"
    assert "snake: not judged yet, with 4 seeds so far." in findings.sentences
    # What has all its trials is judged, among as many comparisons as there will be, and not called equivalent.
    assert by["hilbert"].kind == "better" and by["hilbert"].adjusted == pytest.approx(2 * by["hilbert"].difference.p)
    assert "equivalent" not in " ".join(findings.sentences)


NO_EFFECT = [v + d for v, d in zip(ROW, [0.0002, -0.0001, 0.0003, -0.0002, 0.0001], strict=True)]


def test_a_problem_that_tells_nothing_apart_is_called_so_first():
    controls = {"no_scan": NO_EFFECT, "random_order_1": NEARLY}
    findings = analyse(record({"row": ROW, "snake": NEARLY}, controls=controls, margin=0.01))
    assert findings.problems[0].blind and findings.problems[0].row("snake").comparison.kind == "equivalent"
    assert findings.sentences[0] == (
        "This problem cannot tell orders apart, with 5 seeds: neither no scan nor random order 1 differs from row, and "
        "no strategy does. What is equivalent here is so without its order as well."
    )
    assert "no scan is equivalent within ±1.0 points to row: the scan mattered by no more than that here." in (
        findings.sentences
    )
    two = joined({name: {"row": ROW, "snake": NEARLY} for name in ("one", "two")}, controls=controls, margin=0.01)
    assert (
        sum(s.startswith(("one: This problem cannot", "two: This problem cannot")) for s in analyse(two).sentences) == 2
    )


def test_a_problem_on_which_an_order_or_a_control_differs_is_not_blind():
    worse = [v - 0.1 - 0.001 * i for i, v in enumerate(ROW)]
    for values, controls in (
        ({"row": ROW, "snake": NEARLY}, {"no_scan": worse}),
        ({"row": ROW, "snake": CLEARLY}, {"no_scan": NO_EFFECT}),
    ):
        findings = analyse(record(values, controls=controls, margin=0.01))
        assert not findings.problems[0].blind and "cannot tell orders apart" not in " ".join(findings.sentences)
    # Without such a control nothing is known.
    for controls in ({}, {"A/A": NEARLY}):
        findings = analyse(record({"row": ROW, "snake": NEARLY}, controls=controls, margin=0.01))
        assert not findings.problems[0].blind
        assert findings.sentences[0].startswith("No control shows that this problem can tell orders apart")


@pytest.mark.parametrize(
    "values, controls",
    [
        # The same difference for every seed has no p, and is no sign that there is none.
        ({"row": [0.9] * 5, "hilbert": [0.91, 0.9, 0.9, 0.9, 0.9]}, {"no_scan": [0.1] * 5}),
        ({"row": [0.5] * 5, "hilbert": [0.9] * 5}, {"no_scan": [0.5, 0.51, 0.49, 0.5, 0.5]}),
        # So few seeds that nothing could have shown.
        ({"row": [0.9, 0.91], "hilbert": [0.95, 0.7]}, {"no_scan": [0.4, 0.2]}),
    ],
)
def test_what_could_not_show_makes_no_problem_blind(values, controls):
    findings = analyse(record(values, controls=controls, margin=0.02))
    assert not findings.problems[0].blind and "cannot tell orders apart" not in " ".join(findings.sentences)


def test_a_chance_difference_of_a_repeat_is_no_sensitivity():
    other = [v + d for v, d in zip(ROW, [0.030, 0.031, 0.029, 0.032, 0.028], strict=True)]
    findings = analyse(record({"row": ROW, "snake": NEARLY}, controls={"A/A": other}, margin=0.01))
    assert findings.problems[0].row("control: A/A").comparison.decided
    assert findings.sentences[0].startswith("No control shows that this problem can tell orders apart")


def test_equivalents_are_empty_only_where_a_control_is_one():
    apart = [v + d for v, d in zip(ROW, [0.2, -0.25, 0.3, -0.2, 0.1], strict=True)]
    findings = analyse(record({"row": ROW, "snake": NEARLY}, controls={"no_scan": apart}, margin=0.01))
    assert findings.problems[0].blind and "What is equivalent here" not in " ".join(findings.sentences)
    # That the study did not see a difference is no proof that there is none to see.
    low, high = (
        getattr(findings.problems[0].row("control: no scan").comparison.difference, end) for end in ("low", "high")
    )
    assert findings.sentences[0] == (
        "This study did not tell orders apart here, with 5 seeds: no scan does not differ from row, and no strategy "
        f"does; a control could still differ by up to {100 * max(-low, high):.1f} points."
    )


def test_with_redrawn_parts_no_problem_is_blind_where_nothing_could_show():
    made = record({"row": ROW, "snake": NEARLY}, controls={"no_scan": [v - 0.01 * i for i, v in enumerate(ROW)]})
    for tested, blind in ((100, True), (980, False)):
        resample = {"resample": {"pooled": False, "tested": tested, "pool": 1000}}
        about = {**made.about, "problems": [p | resample for p in made.about["problems"]]}
        assert analyse(replace(made, about=about)).problems[0].blind == blind


def test_nothing_is_pooled_while_a_trial_waits():
    values = problems_of(6)
    values["p2"] = {**values["p2"], "hilbert": [*CLEARLY[:4], None]}
    assert analyse(apart(joined(values))).overall == ()


def test_training_that_goes_on_is_said():
    [problem] = analyse(record({"row": ROW, "snake": NEARLY})).problems
    assert not any("Training had not come to rest" in s for s in problem.sentences)
    rising = record({"row": ROW, "snake": NEARLY})
    climbs = tuple(Epoch(1.0, {"accuracy": v}) for v in (0.5, 0.6, 0.7, 0.8, 0.9))
    for label in ("row", "snake"):
        rising = changed(rising, label, epochs=climbs)
    [problem] = analyse(rising).problems
    assert any("in the last fifth of its epochs row gained 10.0 points" in s for s in problem.sentences)


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
    assert findings.sentences[0] == "1 trial failed and is left out: digits, hilbert, seed 4 (out of memory)."
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


def problems_of(count: int) -> dict[str, dict[str, list[float]]]:
    return {
        f"p{i}": {"row": ROW, "hilbert": [v + 0.001 * i for v in CLEARLY], "snake": [v * (-1) ** i for v in NEARLY]}
        for i in range(count)
    }


def apart(study):
    """The same study, with problems on data of their own."""
    problems = [{**p, "fingerprint": p["name"]} for p in study.about["problems"]]
    return replace(study, about={**study.about, "problems": problems})


def test_few_problems_are_not_pooled_and_variants_are_none():
    for study in (apart(joined(problems_of(5))), joined(problems_of(7))):
        findings = analyse(study)
        assert findings.overall == () and findings.friedman is None and len(findings.problems) >= 5


def test_six_problems_are_pooled_as_six_values():
    findings = analyse(apart(joined(problems_of(6))))
    by = {o.label: o for o in findings.overall}
    assert findings.friedman.blocks == 6 and by["hilbert"].rank < by["row"].rank
    d = by["hilbert"].difference
    assert (d.pairs, d.family) == (6, 2) and d.mean == pytest.approx(0.0525) and by["row"].difference is None
    # Student's t over problem means: the differences are 0.050, 0.051 … 0.055.
    assert d.spread == pytest.approx(np.std(0.05 + 0.001 * np.arange(6), ddof=1))
    assert by["hilbert"].adjusted == pytest.approx(2 * d.p)
    assert any(s.startswith("Over 6 problems, mean ranks, 1 the best: hilbert") for s in findings.sentences)
    assert (
        "Of problems of this kind, on average, hilbert is better by 5.0 to 5.5 points than row." in findings.sentences
    )


def test_seeds_are_no_other_problems(monkeypatch):
    """Strategies that differ on every problem, by chance and not in general: pooled claims in at most 5 %."""
    monkeypatch.setattr(statistics, "DRAWS", 99)
    generator = np.random.default_rng(11)
    claims, runs, study = 0, 80, apart(joined({f"p{i}": dict.fromkeys(FOUR, ROW) for i in range(6)}))
    for _ in range(runs):
        values = {}
        for p in range(6):
            effect, common = generator.normal(0, 0.02, 4), generator.normal(0, 0.01, 5)
            values[f"p{p}"] = {
                s: (0.9 + common + e + generator.normal(0, 0.01, 5)).tolist() for s, e in zip(FOUR, effect, strict=True)
            }
        rows = analyse(revalued(study, values)).overall
        claims += any(r.adjusted is not None and r.adjusted < 0.05 for r in rows)
        for r in rows:
            assert r.difference is None or (r.difference.low <= 0 <= r.difference.high) or r.adjusted < 0.05
    assert claims / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_results_on_changed_inputs_have_intervals_that_hold_together():
    study = record({"row": ROW, "hilbert": CLEARLY, "snake": NOISY})
    trials = {
        key: replace(t, result=replace(t.result, transfer={"rotate 90": t.result.final["accuracy"] / 2, "size 8": 0.5}))
        for key, t in study.trials.items()
    }
    [problem] = analyse(replace(study, trials=trials)).problems
    d = problem.row("hilbert").transfer_differences["rotate 90"]
    assert d.mean == pytest.approx(0.025) and d.family == 4 and d.low > 0
    assert problem.row("snake").transfer_differences["size 8"].low is None
    assert problem.row("row").transfer_differences == {}
    # What the change itself does is told of every strategy, the baseline too, seed by seed.
    row = problem.row("row")
    done = row.transfer_changes["rotate 90"]
    assert done.mean == pytest.approx(-row.mean / 2) and done.low is not None and done.low < done.mean < done.high


def test_locality_is_set_against_outcomes():
    values = {"row": ROW, "hilbert": CLEARLY, "snake": NEARLY, "column": NOISY, "shuffled": [v - 0.3 for v in ROW]}
    [problem] = analyse(record(values)).problems
    by_metric = {f.metric: f for f in problem.locality}
    assert set(by_metric) == {"mean_gap", "median_gap", "unit_step_share"}
    assert by_metric["unit_step_share"].correlation.count == 5 and by_metric["unit_step_share"].correlation.rho > 0
    assert by_metric["mean_gap"].values["row"] == pytest.approx(2.5)
    # Where nothing differs there is nothing for it to go with.
    assert analyse(record({"row": ROW, "hilbert": NEARLY, "snake": NOISY})).problems[0].locality == ()


def test_curves_are_means_over_seeds():
    [problem] = analyse(record({"row": [0.8, 0.6], "snake": [0.5, 0.5]})).problems
    (first, _, loss), (last, spread, _) = problem.row("row").curves
    assert (first, last) == (pytest.approx(0.35), pytest.approx(0.7)) and loss == pytest.approx(1.0)
    assert spread == pytest.approx(0.1 * math.sqrt(2))


@pytest.mark.parametrize("problems", [1, 4])
def test_equal_strategies_rarely_seem_to_differ(problems, monkeypatch):
    """A/A data through the whole of it: of studies of equal strategies at most 5 % claim any difference on any problem,
    beside the controls' own 5 %."""
    monkeypatch.setattr(statistics, "DRAWS", 99)
    generator = np.random.default_rng(0)
    runs, strategies, claims = 120, [*FOUR, "zigzag"], 0
    study = joined({f"p{i}": dict.fromkeys(strategies, ROW) for i in range(problems)})
    for _ in range(runs):
        values = {}
        for p in range(problems):
            shared = generator.normal(0, 0.02, 5)
            values[f"p{p}"] = {s: (0.9 + shared + generator.normal(0, 0.01, 5)).tolist() for s in strategies}
        rows = [row for problem in analyse(revalued(study, values)).problems for row in problem.rows]
        claims += any(row.comparison and row.comparison.decided for row in rows)
    assert claims / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_controls_are_judged_in_the_spelling_of_stores_and_of_python() -> None:
    stored = record({"row": ROW, "hilbert": NEARLY}, controls={"no_scan": [v - 0.1 for v in NEARLY]})
    spelled = tuple(replace(m, control=m.control and "no_scan") for m in stored.members)
    findings = analyse(stored)
    assert findings == analyse(replace(stored, members=spelled))
    assert "no scan is worse" in " ".join(findings.sentences)
