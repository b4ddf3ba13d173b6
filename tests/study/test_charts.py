"""Charts of a study: to scale, with round numbers, units and names, every seed, and nothing cut."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from records import record

from scanlab.study.analysis import analyse
from scanlab.study.report.charts import curves, forest
from scanlab.study.report.drawing import round_ticks, wrapped

ROW = [0.90, 0.91, 0.92, 0.93, 0.94]
STEPS = [0.050, 0.051, 0.049, 0.052, 0.048]
BETTER = [v + d for v, d in zip(ROW, STEPS, strict=True)]
NEAR = [v + d for v, d in zip(ROW, [0.0005, -0.0004, 0.0003, -0.0006, 0.0002], strict=True)]
FAR = [v - 6 * d for v, d in zip(ROW, STEPS, strict=True)]


@pytest.fixture(scope="module")
def problem():
    study = record({"row": ROW, "hilbert": BETTER, "snake": NEAR}, controls={"A/A": NEAR, "no_scan": FAR}, margin=0.005)
    return analyse(study).problems[0]


def drawn(problem) -> ElementTree.Element:
    return ElementTree.fromstring(forest(problem, "row"))


def words(picture: ElementTree.Element, kind: str | None = None) -> list[str]:
    return [t.text for t in picture.iter("text") if t.text and (kind is None or t.attrib.get("class") == kind)]


def scale(picture: ElementTree.Element) -> tuple[float, float]:
    """The place of zero and the width of a point, by two ticks of the axis."""
    ticks = {float(t.text): float(t.attrib["x"]) for t in picture.iter("text") if t.attrib.get("class") == "tick"}
    other = max(ticks, key=abs)
    return ticks[0.0], (ticks[other] - ticks[0.0]) / other


def test_the_forest_is_well_formed_and_says_what_it_shows(problem):
    root = drawn(problem)
    assert root.attrib["role"] == "img" and root.attrib["aria-label"] and root.find("title").text
    assert len(root.findall("circle")) == 4 and root.find("rect").attrib["class"] == "margin"


def test_means_intervals_seeds_and_margin_stand_at_their_values(problem):
    root = drawn(problem)
    zero, point = scale(root)
    means = [(float(c.attrib["cx"]) - zero) / point for c in root.findall("circle")]
    assert means == pytest.approx([5.0, 0.0, 0.0, -30.0], abs=0.1)
    [line] = [x for x in root.findall("line") if x.attrib["class"] == "zero"]
    assert float(line.attrib["x1"]) == pytest.approx(zero, abs=0.1)
    seeds = [[(float(c.attrib["cx"]) - zero) / point for c in g] for g in root.findall("g")]
    assert seeds[0] == pytest.approx([100 * d for d in STEPS], abs=0.1)
    assert seeds[3] == pytest.approx([-600 * d for d in STEPS], abs=0.1)
    assert [c.find("title").text for c in root.find("g")][:2] == ["seed 0: +5.00", "seed 1: +5.10"]
    band = root.find("rect").attrib
    assert float(band["width"]) / point == pytest.approx(1.0, abs=0.1)
    d = problem.row("control: no scan").comparison.difference
    line = [x for x in root.findall("line") if "interval" in x.attrib["class"]][-1]
    ends = [(float(line.attrib[name]) - zero) / point for name in ("x1", "x2")]
    assert ends == pytest.approx([100 * d.low, 100 * d.high], abs=0.1)


def test_the_axis_has_a_unit_round_numbers_and_directions_and_the_margin_a_name(problem):
    root = drawn(problem)
    named = words(root, "name")
    assert "accuracy minus that of row, points" in named and "margin ±0.5 points" in named
    assert "← worse" in named and "better →" in named
    ticks = [float(t) for t in words(root, "tick")]
    assert 3 <= len(ticks) <= 8 and 0.0 in ticks and all(t % 5 == 0 for t in ticks)
    study = record({"row": [0.041, 0.042, 0.043], "snake": [0.040, 0.0415, 0.0424]}, task="next_patch")
    named = words(drawn(analyse(study).problems[0]), "name")
    # Errors are no shares, and less of them is better.
    assert {"mse minus that of row", "← better", "worse →"} <= set(named)


def test_dots_are_of_the_seeds_that_both_have():
    study = record({"row": [0.9, None, 0.91, 0.92], "hilbert": [0.95, 0.95, 0.96, None]})
    root = drawn(analyse(study).problems[0])
    assert [c.find("title").text[:6] for c in root.find("g")] == ["seed 0", "seed 2"]


def test_intervals_that_go_far_beyond_what_was_measured_end_in_arrows():
    study = record({"row": [0.90, 0.91], "hilbert": [0.91, 0.93]})
    [problem] = analyse(study).problems
    root = drawn(problem)
    assert problem.row("hilbert").comparison.difference.high > 0.07
    assert [p.attrib["class"].split()[0] for p in root.findall("path")] == ["beyond", "beyond"]
    # The dots keep a quarter of the width.
    at = [float(c.attrib["cx"]) for c in root.find("g")]
    assert max(at) - min(at) > 600 / 10
    # The figures still say how far.
    assert any("+9." in text or "+7." in text or "+8." in text for text in words(root, "figure"))


def test_nothing_of_a_long_label_is_cut():
    label = "a strategy whose author wanted to say everything about it in its label: " + "x" * 90
    study = record({"row": ROW, label: BETTER}, names={label: "hilbert"})
    [problem] = analyse(study).problems
    root = drawn(problem)
    shown = "".join(t.text for t in root.iter("text") if "class" not in t.attrib).replace(" ", "")
    assert label.replace(" ", "") in shown
    lines = [t for t in words(root) if "x" * 20 in t or "strategy" in t]
    assert max(map(len, lines)) <= 54
    assert label in curves(problem, "row")


def panels(problem) -> dict[str, ElementTree.Element]:
    root = ElementTree.fromstring(curves(problem, "row"))
    return {"".join(f.find("figcaption").itertext())[2:]: f for f in root.findall("figure")}


def test_every_strategy_has_a_picture_with_the_baseline_behind(problem):
    shown = panels(problem)
    assert list(shown) == ["row", "hilbert", "snake", "control: A/A", "control: no scan"]
    for label, figure in shown.items():
        picture = figure.find("svg")
        assert picture.attrib["role"] == "img" and label in picture.attrib["aria-label"]
        lines = [p.attrib["class"].split()[0] for p in picture.findall("polyline")]
        assert lines == (["curve"] if label == "row" else ["behind", "curve"])
        assert {"accuracy, %", "epoch"} <= set(words(picture, "name"))
    behind = shown["hilbert"].find("svg/polyline[@class='behind']").attrib["points"]
    own = next(p for p in shown["row"].find("svg").findall("polyline")).attrib["points"]
    assert behind == own, "all pictures have the same axes"
    assert "control" in shown["control: A/A"].findall("svg/polyline")[1].attrib["class"]


def test_bands_are_one_standard_deviation_either_way(problem):
    picture = panels(problem)["hilbert"].find("svg")
    ticks = {
        float(t.text): float(t.attrib["y"]) - 4
        for t in picture.iter("text")
        if t.attrib.get("text-anchor") == "end" and t.attrib.get("class") == "tick"
    }
    (a, ya), (b, yb) = list(ticks.items())[:2]
    points = [tuple(map(float, p.split(","))) for p in picture.find("polygon").attrib["points"].split()]
    epochs = len(problem.row("hilbert").curves)
    upper, lower = points[epochs - 1][1], points[epochs][1]
    spread = (lower - upper) / (ya - yb) * (b - a)
    assert spread == pytest.approx(200 * problem.row("hilbert").curves[-1][1], rel=0.05)


def test_ticks_of_curves_are_round(problem):
    picture = panels(problem)["row"].find("svg")
    ticks = [float(t) for t in words(picture, "tick")]
    values, epochs = ticks[:-2], ticks[-2:]
    assert epochs == [1.0, 2.0] and len(values) >= 2 and all(v % 5 == 0 for v in values)


def test_one_epoch_is_a_dot_and_none_is_no_picture():
    study = record({"row": ROW, "hilbert": BETTER})
    [problem] = analyse(study).problems
    once = replace(problem, rows=tuple(replace(row, curves=row.curves[-1:]) for row in problem.rows))
    root = ElementTree.fromstring(curves(once, "row"))
    assert len(root.findall("figure")) == 2 and not list(root.iter("polyline")) and len(list(root.iter("circle"))) == 3
    none = replace(problem, rows=tuple(replace(row, curves=()) for row in problem.rows))
    assert curves(none, "row") == ""


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [
        (42.6, 91.9, 4, [60.0, 80.0]),
        (-7.87, 7.87, 8, [-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0]),
        (0.0001, 0.00042, 4, [0.0001, 0.0002, 0.0003, 0.0004]),
        (-1e-9, 1e-9, 3, [-1e-9, 0.0, 1e-9]),
        (0.0, 114.0, 8, [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]),
        (5.0, 5.0, 4, [5.0]),
    ],
)
def test_ticks_are_round(low, high, most, ticks):
    assert round_ticks(low, high, most) == pytest.approx(ticks, abs=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_ticks_lie_inside_and_are_never_too_many_or_none(seed):
    import random

    chance = random.Random(seed)
    reach = 10 ** chance.uniform(-8, 8)
    low = chance.uniform(-3, 3) * reach
    ticks = round_ticks(low, low + reach, 5)
    assert 1 <= len(ticks) <= 5 and ticks == sorted(set(ticks))
    assert all(low - 1e-6 * reach <= t <= low + (1 + 1e-6) * reach for t in ticks)


def test_whole_ticks():
    assert round_ticks(1, 3, 5, whole=True) == [1.0, 2.0, 3.0]
    assert round_ticks(0.5, 1.5, 5, whole=True) == [1.0]


def test_wrapped_lines_hold_everything_and_are_not_too_long():
    text = "按 行 扫描 the rows, then a_word_that_is_longer_than_a_line_may_be"
    lines = wrapped(text, 12)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    from rich.cells import cell_len

    assert max(map(cell_len, lines)) <= 12 and wrapped("", 5) == [""]
    assert re.fullmatch("row", wrapped("row", 5)[0])
