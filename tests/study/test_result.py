"""What is concluded from made-up results, and how it is drawn."""

from xml.etree import ElementTree

import pytest

from scanlab.nn import BackboneSizes
from scanlab.study.chart import interval_plot, learning_curves
from scanlab.study.result import Strategy, StudyResult, conclusion, points, rows
from scanlab.study.trial import Epoch, Recipe, TrialResult

SVG = "{http://www.w3.org/2000/svg}"


def made_up(accuracies, linear=0.9, parameters=None):
    """A result with one epoch; accuracies by strategy name, one per seed; names with a colon are controls."""
    strategies = [Strategy(n, "by h, w", n.split(": ")[1] if ": " in n else None) for n in accuracies]
    seeds = tuple(range(len(next(iter(accuracies.values())))))
    trials = [
        TrialResult(name, seed, (parameters or {}).get(name, 100), 1.0, (Epoch(0.5, values[seed]),))
        for seed in seeds
        for name, values in accuracies.items()
    ]
    recipe, sizes = Recipe(epochs=1), BackboneSizes()
    return StudyResult(
        "digits", "", (400, 200), (4, 4), seeds, sizes, recipe, tuple(strategies), tuple(trials), linear, 3.0, {}
    )


CLEAR = made_up(
    {
        "row": [0.90, 0.91, 0.92, 0.93],
        "good": [0.95, 0.961, 0.97, 0.98],
        "alike": [0.91, 0.90, 0.93, 0.92],
        "control: random order": [0.80, 0.811, 0.82, 0.83],
        "control: no memory": [0.91, 0.90, 0.925, 0.92],
    },
    linear=0.93,
    parameters={"good": 120},
)


def test_findings_in_words():
    assert conclusion(CLEAR) == [
        "good is better by 4.9 to 5.1 points than row.",
        "Not distinguishable from row with 4 seeds: alike.",
        "The intervals reach up to 1.8 points either way: smaller effects may be missed.",
        "row over a shuffled grid is worse by 9.9 to 10.1 points than row: the order of row mattered here.",
        "row without memory between patches is not distinguishable with 4 seeds: this study does not show that the "
        "scan itself mattered here.",
        "The lowest mean, 91.5 % of row, is not above the linear classifier's 93.0 % on the same split; "
        "they are 3 of 200 images apart.",
        "Parameters differ, 100 to 120.",
    ]


def test_one_seed_claims_nothing():
    words = " ".join(conclusion(made_up({"row": [0.9], "other": [0.99]}, linear=0.8)))
    assert "Not distinguishable from row with 1 seed: other." in words
    assert "is above the linear classifier's 80.0 %" in words
    assert "All have 100 parameters." in words


def test_holm_counts_every_comparison():
    alone = made_up({"row": [0.1, 0.2, 0.3], "a": [0.11, 0.22, 0.33]})
    joined = made_up({"row": [0.1, 0.2, 0.3], "a": [0.11, 0.22, 0.33], "b": [0.11, 0.2, 0.3]})
    assert rows(joined)[1].p == pytest.approx(2 * rows(alone)[1].p)


@pytest.mark.parametrize("value, text", [(0.0123, "+1.23"), (-0.00001, "+0.00"), (-0.5, "-50.00")])
def test_points_are_signed(value, text):
    assert points(value) == text


def test_charts_are_xml_with_a_mark_per_row_and_escaped_names():
    result = made_up({"row": [0.9, 0.8], "<b> & co": [0.95, 0.8], "a name far too long to stand beside": [0.9, 0.8]})
    intervals = ElementTree.fromstring(interval_plot(rows(result)).replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" '))
    assert len(intervals.findall(f"{SVG}circle")) == 2
    # The last strategy equals the baseline for every seed, so there is no interval to draw.
    assert [e.get("class") for e in intervals.findall(f"{SVG}line")] == ["zero", "interval strategy"]
    texts = [e.text for e in intervals.findall(f"{SVG}text")]
    assert texts[:2] == ["<b> & co", "a name far too long to st…"]
    curves = ElementTree.fromstring(learning_curves(result).replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" '))
    assert len(curves.findall(f"{SVG}polyline")) == 3
