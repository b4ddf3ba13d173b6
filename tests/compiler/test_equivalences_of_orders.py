"""The library recognises an order under another name."""

from __future__ import annotations

import pytest

import scanlab
from scanlab.compiler.equivalences import find_equivalences
from scanlab.ir.values import Order

LIBRARY = {
    name: scanlab.parse(f"by {keys}") for name, keys in (("row", "h, w"), ("snake", "h, ~w"), ("zigzag", "h + w, ~w"))
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("by 2 * h, 3 * w", "the same as row"),
        ("by -h, -w", "the reverse of row"),
        ("by w, h", "the transpose of row"),
        ("by w, ~h", "the transpose of snake"),
        ("-(by w + h, ~h)", "the reverse of the transpose of zigzag"),
        ("by h // 4, h % 4, w", "the same as row"),
    ],
)
def test_equivalence_is_proved(text: str, expected: str) -> None:
    orders = {n: o for n, o in LIBRARY.items() if isinstance(o, Order)}
    found = list(find_equivalences(scanlab.parse(text), orders))  # pyright: ignore[reportArgumentType]
    assert [(str(e), e.proof.verdict) for e in found] == [(expected, "proved")]


def test_beyond_arithmetic_it_says_undecided_or_proves_one_grid() -> None:
    orders = {"row": scanlab.parse("by h, w")}
    order = scanlab.parse("by W * h * h + w")
    [open_] = find_equivalences(order, orders)  # pyright: ignore[reportArgumentType]
    assert open_.proof.verdict == "undecided"
    [closed] = find_equivalences(order, orders, (9, 9))  # pyright: ignore[reportArgumentType]
    assert closed.proof.verdict == "proved for this grid"


def test_different_orders_are_not_equivalent() -> None:
    assert not list(find_equivalences(scanlab.parse("by hilbert(h, w)"), {"row": scanlab.parse("by h, w")}))  # pyright: ignore[reportArgumentType]
