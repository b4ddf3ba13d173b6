"""Keys inside the boxes of groups as text: what they mean, how they print, and the same in Python."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_orders import orders

import scanlab
from scanlab import by, curve, extent, flip, within
from scanlab.ir.diagnostics import ScanlabError, Source
from scanlab.ir.expr import Axis, Breadth, Curve, Int, Offset, nodes_of
from scanlab.ir.values import Key, Order
from scanlab.ir.windows import keys_within
from scanlab.language.library import library_templates
from scanlab.language.module import read_module

h, w = scanlab.axes("h w")

AS_WRITTEN = [
    "by within (h // 7, w // 7): hilbert(h, w)",
    "by w, within (h >= H // 2, ~(w >= W // 2)): gilbert(h, W - 1 - w), ~h",
    "by within (h // 8, w // 8): within (h // 2, ~(w // 2)): hilbert(h, w)",
    "by within (h // 8): h, within (w // 2): H - h, w",
    "by hilbert(h // 4, w // 4), within (h // 4, w // 4): h, w",
    "by h // 3, hilbert(h, w) within (h // 3, w // 3), w",
    "by offset(h) within (h // 2), breadth(w) within (w // 2), h, w",
    "-(by within (h + w): morton(h, w) restart by h + w)",
    "by within (h // 2, w // 2): offset(h // 2 + w), h, w",
    'by within (h // 9, w // 9): lsystem(h, w, L="LFRFL-F-RFLFR+F+LFRFL", R="RFLFR+F+LFRFL-F-RFLFR", start="L")',
    "by within (random(h, w, seed=1) % 4): h, w where offset(h) within (w) > 0",
]


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_prints_as_it_is_written(text: str) -> None:
    assert str(scanlab.parse(text)) == text


IN_FULL = [
    ("by within (h // 4, w // 4): snake(w = W - 1 - w)", "by within (h // 4, w // 4): snake(h, W - 1 - w)"),
    (
        "by within (h // 2): H - 1 - h, W",
        "by h // 2, breadth(h) within (h // 2) - 1 - offset(h) within (h // 2), breadth(w) within (h // 2)",
    ),
    ("by within (h // 2): hilbert(w, h)", "by h // 2, hilbert(w, h) within (h // 2)"),
    (
        "by within (h // 2): hilbert(h % 3, w)",
        "by h // 2, hilbert(offset(h) within (h // 2) % 3, w) within (h // 2)",
    ),
    ("by t, within (h // 2): gilbert(t, h, w)", "by t, h // 2, gilbert(t, h, w) within (h // 2)"),
    (
        "let g = h // 2 in by within (g): w + g, h",
        "by h // 2, offset(w) within (h // 2) + h // 2, offset(h) within (h // 2)",
    ),
    ("by within (h // 2): (let a = h in a + a), w", "by within (h // 2): h + h, w"),
    ("by within (h // 2): random()", "by h // 2, random(h, w, seed=0) within (h // 2)"),
]


@pytest.mark.parametrize(("text", "full"), IN_FULL)
def test_stands_for_keys(text: str, full: str) -> None:
    axes = "t h w" if "by t" in text else "h w"
    assert scanlab.parse(text, axes) == scanlab.parse(full, axes)


def test_an_order_used_inside_is_local_with_its_curves_and_groups() -> None:
    definitions = (
        "order f = by within (h // 2, w // 2): hilbert(h, w)\n"
        "order a = by within (h // 8, w // 8): f(w, h)\n"
        "order b = by within (h // 8, w // 8): within (w // 2, h // 2): hilbert(w, h)\n"
        "order c = by within (h // 8, w // 8): ~hilbert_windows[2](h, w)\n"
    )
    module = read_module(Source(f"grid h, w\n{definitions}", "a.scan"), library_templates)
    assert module["a"].value == module["b"].value
    assert [d.code for d in module.problems] == ["S206"]


def test_a_name_bound_outside_keeps_its_meaning() -> None:
    order = scanlab.parse("let s = h // 7 in by within (s, w // 7): (w if s % 2 == 0 else -w), h")
    assert isinstance(order, Order)
    key = order.keys[2].expr
    assert sum(isinstance(e, Axis) for e in nodes_of(key)) > 0 and scanlab.parse(str(order)) == order
    found = scanlab.compile(order, (8, 4)).indices[0].tolist()
    assert found[:9] == [0, 4, 8, 12, 16, 20, 24, 1, 5] and found[-4:] == [31, 30, 29, 28]


PYTHON = [
    (by(within((h // 7, ~(w // 7)), curve("hilbert", h, w))), "by within (h // 7, ~(w // 7)): hilbert(h, w)"),
    (by(w, within(h // 7, ~h, extent(w) - w)), "by w, within (h // 7): ~h, W - w"),
    (
        by(within((h // 8, w // 8), within((h // 2,), flip(w), h))),
        "by within (h // 8, w // 8): within (h // 2): flip(w), h",
    ),
    (by(within((h, h), w)), "by within (h, h): w"),
    (
        by(curve("lsystem", h, w, L="-RF+LFL+FR-", R=" +LF-RFR-FL+")),
        'by lsystem(h, w, start="L", R="+LF-RFR-FL+", L="-RF+LFL+FR-")',
    ),
    (by(curve("bit_reversal", h), curve("bit_reversal", w, base=3)), "by bit_reversal(h), bit_reversal(w, base=3)"),
]


@pytest.mark.parametrize(("made", "text"), PYTHON, ids=[t for _, t in PYTHON])
def test_python_form_makes_the_same_value(made: Order, text: str) -> None:
    assert made == scanlab.parse(text) and hash(made) == hash(scanlab.parse(text))
    assert scanlab.parse(str(made)) == made


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: within((h // 7,)), "S204"),
        (lambda: within((), h), "S204"),
        (lambda: within((h + ~w,), h), "S209"),
        (lambda: within(("h",), h), "S206"),
        (lambda: curve("lsystem", h, w), "S291"),
        (lambda: curve("lsystem", h, w, L=3), "S211"),
        (lambda: curve("lsystem", h, w, L="LFQ"), "S291"),
        (lambda: curve("random", h, w, seed="L"), "S211"),
        (lambda: curve("bit_reversal", h, base=1), "S211"),
    ],
)
def test_wrong_python_is_refused_with_a_code(make, code: str) -> None:
    with pytest.raises(ScanlabError) as caught:
        make()
    assert caught.value.code == code


def test_a_wrong_rule_in_python_is_shown() -> None:
    with pytest.raises(ScanlabError, match="sign 3: `Q` means nothing in a rule") as caught:
        curve("lsystem", h, w, L="LFQ")
    assert caught.value.diagnostics[0].note == 'L="LFQ"'


@given(orders(("h", "w"), windows=False), orders(("h", "w"), windows=False))
@settings(max_examples=60, deadline=None)
def test_any_groups_and_body_print_and_read_back(groups: Order, body: Order) -> None:
    order = Order(("h", "w"), keys_within(groups.keys, body.keys))
    assert scanlab.parse(str(order)) == order


@given(st.integers(2, 5), st.booleans())
def test_nested_groups_are_those_of_the_inner_window(k: int, alternate: bool) -> None:
    inner = keys_within((Key(Axis("h"), alternate),), (Key(Axis("w")),))
    keys = keys_within((Key(Int(k)),), inner)
    assert [k.alternate for k in keys] == [False, alternate, False]
    last = keys[-1].expr
    assert isinstance(last, Offset) and len(last.within) == 2 and last.operand == Axis("w")


def test_there_are_two_nodes_and_a_field() -> None:
    order = scanlab.parse("by within (h // 7): hilbert(h, w), H")
    assert isinstance(order, Order)
    kinds = {type(e) for k in order.keys for e in nodes_of(k.expr) if getattr(e, "within", ())}
    assert kinds == {Curve, Breadth}
