"""What a value prints as parses to the same value; the Python form makes the values of the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from random_orders import orders, plans, scans

import scanlab
from scanlab import by, extent, flip, where
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Order, Plan, Scan, Token
from scanlab.language.library import library_definitions


@given(orders(("h", "w"), with_tokens=True, assuming=True))
def test_orders(order: Order) -> None:
    assert scanlab.parse(str(order)) == order


@given(scans(("h", "w")))
def test_scans(scan: Scan) -> None:
    assert scanlab.parse(str(scan)) == scan


@given(plans(("h", "w")))
def test_plans(plan: Plan) -> None:
    assert scanlab.parse(str(plan)) == plan


@pytest.mark.parametrize("name", sorted(n for n, d in library_definitions().items() if d.value is not None))
def test_library(name: str) -> None:
    value = scanlab.load(name)
    again = scanlab.parse(str(value), value.axes)
    assert (Scan("sum", (again,)) if isinstance(value, Scan) and isinstance(again, Order) else again) == value


h, w = scanlab.axes("h w")


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (by(h, ~w), "by h, ~w"),
        (by(h + w, ~w), "by h + w, ~w"),
        (by(h // 7, w // 7, h % 7, ~(w % 7)), "by h // 7, w // 7, h % 7, ~(w % 7)"),
        (by(-h, 3 * w - 2, -3 * h), "by -h, 3 * w - 2, -3 * h"),
        (by(flip(h), w), "by flip(h), w"),
        (by((w - h) % extent(w), h), "by (w - h) % W, h"),
        (by(where(h % 2 == 0, w, -w), h), "by w if h % 2 == 0 else -w, h"),
        (by(abs(h - 3), scanlab.minimum(h, w), scanlab.maximum(h, w, 2)), "by abs(h - 3), min(h, w), max(h, w, 2)"),
        (by(scanlab.curve("hilbert", h, w)), "by hilbert(h, w)"),
        (by(scanlab.curve("spiral_in", h, w, corner=2)), "by spiral_in(h, w, corner=bottom_right)"),
        (
            by(h, w, assume=(extent(h) % 4 == 0, extent(w) >= 8), tokens=(Token("cls", "end"),)),
            "by h, w with cls at end assume H % 4 == 0, W >= 8",
        ),
        (by(h, w, where=(h < 3) | (w >= 2), restart=h), "by h, w where h < 3 or w >= 2 restart by h"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_python_form_makes_the_same_value(made: Order, text: str) -> None:
    assert made == scanlab.parse(text)


def test_traced_functions() -> None:
    @scanlab.order
    def serpentine(t, h, w):
        """Frames, rows and columns, each turning back."""
        return t, ~h, ~w

    assert serpentine == scanlab.parse("by t, ~h, ~w", "t h w")
    assert (serpentine.name, serpentine.doc) == ("serpentine", "Frames, rows and columns, each turning back.")


def test_a_branch_on_a_coordinate_is_refused() -> None:
    with pytest.raises(ScanlabError, match="S216"):

        @scanlab.order
        def wrong(h, w):
            return (h, w) if h > 2 else (w, h)


@pytest.mark.parametrize("make", [lambda: h + ~w, lambda: by(h, "w"), lambda: h // 0, lambda: by()])
def test_wrong_python_is_refused_with_a_code(make) -> None:
    with pytest.raises(ScanlabError, match=r"S(209|206|306|204)"):
        make()
