"""What single trials do to a verdict: those that fail, that diverge, that cost more, and differences without spread."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from records import changed, failed, joined, record, revalued

from scanlab.cli.output import print_json
from scanlab.study.analysis import analyse
from scanlab.study.locality import locality_findings
from scanlab.study.report import render
from scanlab.study.statistics import paired_difference
from scanlab.study.table import matrix
from scanlab.study.table import render as tables
from scanlab.study.trial_wording import failure_reason

ROW = [0.90, 0.91, 0.92, 0.91, 0.90]
NAN = float("nan")
TRACE = """ScanlabError
Traceback (most recent call last):
  File "work.py", line 3, in run_job
    train()
    ^^^^^^^
scanlab.ir.diagnostics.ScanlabError: error[S603]: 8 channels do not divide into 3 heads
 = help: choose 4
"""


# The error of a person's own code, in the note of ours.
OF_A_SAMPLE = """Traceback (most recent call last):
  File "mine.py", line 3, in __getitem__
RuntimeError: disk gone

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "item_sets.py", line 85, in pair
    raise ScanlabError.at("S699", problem)
scanlab.ir.diagnostics.ScanlabError: error[S699]: sample 11 of mine:make raised RuntimeError: disk gone
 = note: File "item_sets.py", line 79, in pair
    image, target = _two(part.sample(own))
  File "mine.py", line 3, in __getitem__
    raise RuntimeError("disk gone")
RuntimeError: disk gone
 = help: mend the data set
"""


def test_failed_trials_are_named_with_the_reason():
    study = failed(failed(record({"row": ROW, "snake": ROW}), "snake", 1, TRACE), "row", 0, "out of memory\nTraceback")
    findings = analyse(study)
    assert findings.sentences[0] == (
        "2 trials failed and are left out: digits, row, seed 0 (out of memory); digits, snake, seed 1 (ScanlabError: "
        "S603: 8 channels do not divide into 3 heads)."
    )
    assert "S603: 8 channels do not divide into 3 heads</summary>" in render(study, findings, {})


@pytest.mark.parametrize(
    "error, reason",
    [
        ("its process ended, 3 times", "its process ended, 3 times"),
        ("KeyError\nTraceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'\n", "KeyError: 'x'"),
        (f"ScanlabError\n{OF_A_SAMPLE}", "ScanlabError: S699: sample 11 of mine:make raised RuntimeError: disk gone"),
        ('MemoryError\nTraceback (most recent call last):\n  File "a.py", line 1\nMemoryError\n', "MemoryError"),
    ],
)
def test_a_reason_is_one_line(error, reason):
    assert failure_reason(error) == reason


def test_of_many_failures_a_verdict_names_the_first():
    study = record({"row": ROW, "snake": ROW})
    for label in ("row", "snake"):
        for seed in range(4):
            study = failed(study, label, seed, "out of memory")
    assert analyse(study).sentences[0].endswith("digits, row, seed 2 (out of memory); 3 more.")


def test_a_constant_difference_of_few_pairs_is_said_as_it_is():
    for pairs, words in (
        (1, "+3.00 points with 1 seed, which shows no spread to judge by"),
        (2, "with each of 2 seeds"),
    ):
        [problem] = analyse(record({"row": ROW[:pairs], "snake": [v + 0.03 for v in ROW[:pairs]]})).problems
        comparison = problem.row("snake").comparison
        assert words in comparison.verdict and "not distinguishable" not in " ".join(problem.sentences)
        assert comparison.difference.p is None
    equal = analyse(record({"row": ROW, "snake": ROW, "column": [*ROW[:4], 0.95]})).problems[0].row("snake").comparison
    assert equal.verdict == "not distinguishable with 5 seeds, and equal with each" and equal.adjusted is None


def test_a_constant_difference_is_judged_by_half_a_step():
    [problem] = analyse(record({"row": ROW, "snake": [v + 0.05 for v in ROW]})).problems
    c = problem.row("snake").comparison
    # Steps of a point: half of it over the root of 5, by Student's t.
    assert c.kind == "better" and c.difference.spread is None and c.effect is None
    assert c.difference.high - c.difference.mean == pytest.approx(2.776 * 0.005 / math.sqrt(5), rel=1e-3)
    assert problem.sentences[0] == (
        "snake is better by 4.4 to 5.6 points than row (with each seed the same: their spread counts as half of the "
        "smallest step)."
    )
    # One step and three seeds are what chance makes.
    few = analyse(record({"row": ROW[:3], "snake": [v + 0.01 for v in ROW[:3]]}))
    assert few.sentences == ("snake: +1.00 points against row with each of 3 seeds, too few to tell that from chance.",)


def test_pairs_without_spread_have_a_p_only_with_a_resolution():
    assert paired_difference([0.9] * 3, [0.8] * 3).p is None
    assert paired_difference([0.9] * 2, [0.8] * 2, resolution=0.1).p is None
    d = paired_difference([0.9] * 4, [0.8] * 4, resolution=0.1)
    assert d.constant and 0.02 < d.p < 0.03
    assert paired_difference([0.9, 0.9, 0.9, 0.8], [0.8] * 4, resolution=10.0).spread == pytest.approx(0.05)


def test_results_that_are_no_numbers_are_said_and_not_drawn():
    values = {
        "row": ROW,
        "snake": [0.95, NAN, 0.94, 0.95, 0.96],
        "column": [v - 0.1 for v in ROW],
        "hilbert": [NAN] * 5,
    }
    study = record(values)
    findings = analyse(study)
    [problem] = findings.problems
    assert "snake: its accuracy is no number with seed 1, so that nothing is compared with it." in findings.sentences
    assert "its accuracy is no number with seeds 0, 1, 2, 3, 4" in " ".join(findings.sentences)
    assert problem.row("snake").comparison is None and problem.friedman is None
    page = render(study, findings, {})
    assert "nan" not in page.lower().replace("nanoseconds", "") and "no number" in page
    every = analyse(record({"row": [NAN] * 5, "snake": [NAN] * 5}))
    assert "nan" not in render(study, every, {}).lower()
    for table in (matrix(every), *tables(every)):
        assert table.row_count


def test_friedman_is_of_the_seeds_that_have_numbers():
    whole = {"row": ROW[:4], "snake": [v + 0.01 for v in ROW[:4]], "column": [v - 0.02 for v in ROW[:4]]}
    with_nan = {label: [*values, NAN] for label, values in whole.items()}
    assert analyse(record(with_nan)).problems[0].friedman == analyse(record(whole)).problems[0].friedman


def test_locality_leaves_out_what_is_no_number():
    study = record(
        {"row": ROW, "snake": [v - 0.1 for v in ROW], "column": [NAN] * 5, "hilbert": [v - 0.2 for v in ROW]}
    )
    [problem] = analyse(study).problems
    assert problem.locality and all(f.correlation is None or math.isfinite(f.correlation.rho) for f in problem.locality)
    stored = study.about["problems"][0]["strategies"]
    assert locality_findings(stored, {}, 0.95)[0].correlation is None


def test_json_has_no_numbers_that_are_none(capsys):
    print_json({"mean": (NAN, math.inf), "kept": 1.5})
    assert capsys.readouterr().out == '{\n  "mean": [\n    null,\n    null\n  ],\n  "kept": 1.5\n}\n'


def test_only_what_costs_differ_in_is_said():
    study = record({"row": ROW, "snake": ROW, "column": ROW})
    more = changed(study, "snake", parameters=1100)
    said = " ".join(analyse(more).sentences)
    assert "Not of order alone: of row's parameters, snake 1.10 times." in said and "FLOPs" not in said
    both = " ".join(analyse(changed(more, "column", flops=2_000_800)).sentences)
    assert "Not of order alone: of row's FLOPs, column 1.0004 times; of its parameters, snake 1.10 times." in both


def _six(**values):
    return joined({f"p{i}": values for i in range(6)})


def _apart(study):
    """Problems of data of their own."""
    problems = [{**p, "fingerprint": p["name"]} for p in study.about["problems"]]
    return replace(study, about={**study.about, "problems": problems})


def test_pooled_means_are_paired():
    values = {"row": [0.5, 0.6, 0.9], "snake": [0.5, 0.6, 0.9]}
    study = _apart(_six(**values, column=[0.1, 0.2, 0.3]))
    [key] = [m.key for m in study.members if (m.problem, m.strategy, m.seed) == ("p0", "row", 2)]
    trial = replace(study.trials[key], status="failed", result=None, error="out of memory", epochs=())
    findings = analyse(replace(study, trials={**study.trials, key: trial}))
    by = {row.label: row for row in findings.overall}
    # With the seed that row lacks, snake would be ahead of it.
    assert by["snake"].difference.mean == pytest.approx(0.0) and by["snake"].rank == by["row"].rank
    assert "In these means only seeds count that have a result of every strategy: of p0 2 seeds." in findings.sentences
    assert "In these means" not in " ".join(analyse(study).sentences)


def test_a_problem_without_a_strategy_is_left_out_of_the_pool_and_shown():
    study = _apart(joined({f"p{i}": {"row": ROW, "snake": ROW, "column": ROW} for i in range(7)}))
    lacking = replace(study, members=tuple(m for m in study.members if (m.problem, m.strategy) != ("p0", "snake")))
    findings = analyse(lacking)
    assert "Without p0, where no seed has a result of every strategy." in findings.sentences
    assert findings.friedman is not None and findings.friedman.blocks == 6
    assert "snake on p0: not run there" in render(lacking, findings, {})
    assert matrix(findings).row_count == 3


def test_counts_have_their_plurals_and_no_margin_is_no_margin():
    study = record({"row": ROW}, controls={"no_scan": ROW})
    page = render(study, analyse(study), {})
    assert "1 strategy and\n1 control on 1 problem,\n5 seeds" in page
    assert "Nothing is called equivalent, for no margin is set." in page and "set before the run" not in page
    marked = record({"row": ROW, "snake": ROW}, margin=0.02)
    assert "put the difference inside the margin; no spread" in render(marked, analyse(marked), {})


def test_the_smallest_step_is_known_by_the_samples_or_said_to_be_a_guess():
    study = record({"row": ROW, "snake": [v + 0.01 for v in ROW]}, margin=0.02)
    [guessed] = analyse(study).problems
    assert guessed.guessed and guessed.resolution == pytest.approx(0.01)
    assert "Smallest step between results: 1.0 points (a guess, from the results themselves)." in render(
        study, analyse(study), {}
    )
    tested = {"samples": 200, "step": 1 / 200}
    told = replace(study, about={**study.about, "problems": [{**study.about["problems"][0], "tested": tested}]})
    [known] = analyse(told).problems
    assert (known.resolution, known.guessed, known.tested) == (0.005, False, 200)
    assert "0.5 points (by the 200 samples measured on)" in render(told, analyse(told), {})
    # Equal results tell nothing of the step; the samples do.
    same = revalued(told, {"digits": {"row": [0.9] * 5, "snake": [0.9] * 5}})
    assert analyse(same).problems[0].row("snake").comparison.kind == "equivalent"
    unknown = revalued(study, {"digits": {"row": [0.9] * 5, "snake": [0.9] * 5}})
    assert analyse(unknown).problems[0].row("snake").comparison.kind == "not distinguishable"
