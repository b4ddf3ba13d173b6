"""What a row of results shows, whatever it holds."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from scanlab.study.cells import cells, chance, share
from scanlab.study.findings import Comparison, ProblemFindings, StrategyFindings
from scanlab.study.statistics import Difference

NOTHING = StrategyFindings("a", "by h, w", None, (), None, None, {}, None, None, None, None, None, None, {}, ())
FULL = replace(NOTHING, label="b", seeds=(0, 1), mean=0.5, spread=0.0123, parameters=12345, seconds=9.96)
COMPARED = Comparison(Difference(-0.015, 2, 0.95, -0.02, -0.01, 0.0002, "t"), 0.0004, None, 1.26, "worse", "worse by 1")


def problem(unit: str) -> ProblemFindings:
    return ProblemFindings("p", "classification", "accuracy", True, unit, 0.0, (NOTHING, FULL), None, (), ())


@pytest.mark.parametrize(
    ("row", "unit", "shown"),
    [
        (NOTHING, "points", ("◆", "", "", "", "", "", "", "baseline", "", "")),
        (replace(NOTHING, label="b", waiting=True), "points", ("○", "", "", "", "", "", "", "no result yet", "", "")),
        (replace(NOTHING, label="b"), "points", ("-", "", "", "", "", "", "", "no pair to compare", "", "")),
        (
            replace(FULL, same_as="c"),
            "points",
            ("=", "50.00", "1.23", "", "", "", "", "the same as c", "12,345", "10.0"),
        ),
        (
            replace(FULL, comparison=COMPARED),
            "points",
            ("▼", "50.00", "1.23", "-1.50", "-2.00 to -1.00", "< 0.001", "+1.3", "worse by 1", "12,345", "10.0"),
        ),
        (
            replace(FULL, comparison=replace(COMPARED, difference=replace(COMPARED.difference, low=None, high=None))),
            "",
            ("▼", "0.5", "0.0123", "-0.015", "", "< 0.001", "+1.3", "worse by 1", "12,345", "10.0"),
        ),
    ],
)
def test_the_cells_of_a_row(row: StrategyFindings, unit: str, shown: tuple[str, ...]) -> None:
    made = cells(row, problem(unit), "a")
    assert (made.kind.glyph, *astuple(made)[1:10]) == shown
    # None of these rows knows the rest.
    assert not any(astuple(made)[10:])


def test_no_p_is_zero_and_what_is_not_known_is_empty() -> None:
    assert (chance(0.0), chance(0.001), chance(1.0), chance(None)) == ("< 0.001", "0.001", "1.000", "")
    assert (share(None, ""), share(0.0, "points")) == ("", "0.00")
