"""The extent of a coordinate expression holds every value that it takes, or is not known."""

from __future__ import annotations

import pytest

import scanlab
from scanlab.ir.constants import evaluate
from scanlab.ir.coordinates import extent_of
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Order


def _key(text: str):
    value = scanlab.parse(f"by {text}, h, w")
    assert isinstance(value, Order)
    return value.keys[0].expr


@pytest.mark.parametrize(
    "text",
    [
        "h",
        "H - 1 - h",
        "h // 3",
        "h % 3",
        "w % -3",
        "w % H",
        "w % (H - 2)",
        "w % (h + 1)",
        "w % max(1, h)",
        "w % max(1, H - 9)",
        "w % min(3, H)",
        "w % ((H + 2) // 3)",
        "w % (H // 3)",
        "w % 0 if 0 else w",
        "(w // 2) % 3",
        "h // -2",
        "w % (2 * H)",
    ],
)
def test_an_extent_holds_all_values(text: str) -> None:
    expr = _key(text)
    extent = extent_of(expr)
    for size in ((h, w) for h in range(1, 8) for w in range(1, 8)):
        if extent is None:
            continue
        extents = dict(zip("hw", size, strict=True))
        most = evaluate(extent, {}, extents)
        values = [evaluate(expr, {"h": h, "w": w}, extents) for h in range(size[0]) for w in range(size[1])]
        assert 0 <= min(values) <= max(values) < most


def test_a_remainder_by_a_negative_number_has_none() -> None:
    assert extent_of(_key("w % -3")) is None
    assert extent_of(_key("w % 3")) is not None
    with pytest.raises(ScanlabError, match="S210"):
        scanlab.parse("by flip(w % -3), h, w")
