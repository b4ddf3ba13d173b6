"""Numbers of any size: right, or refused with a code; never an exception of another library."""

from __future__ import annotations

import pytest

import scanlab
from scanlab.checking import check_module
from scanlab.codegen.listing import function_listing
from scanlab.compiler.loops import loops
from scanlab.compiler.stages import key_maps
from scanlab.ir.diagnostics import ScanlabError, Source
from scanlab.ir.expr import LARGEST_INT, Int
from scanlab.ir.values import Key, Order
from scanlab.language.library import library_templates
from scanlab.language.module import read_module

BIG = 2147483647


@pytest.mark.parametrize(
    "key",
    [
        f"({BIG} * {BIG} * {BIG}) * h",
        f"h % ({BIG} * {BIG} * 7)",
        f"h // (0 - {BIG} * {BIG} * 5)",
        f"h + {BIG} * {BIG} * 2",
        f"h if w < {BIG} * {BIG} * {BIG} else w",
        f"max(h, {BIG} * {BIG} * {BIG})",
        f"h - (0 - {BIG}) * {BIG} * {BIG}",
        "h * (" + " * ".join([str(BIG)] * 100) + ")",
    ],
)
def test_constants_past_64_bits_are_refused_where_they_are_written(key: str) -> None:
    text = f"grid h, w\norder fine = by h, w\norder wide = by {key}, h, w\n"
    module = read_module(Source(text, "a.scan"), library_templates)
    assert [d.code for d in module.problems] == ["S106"]
    assert [c.definition.name for c in check_module(module, look_up=False) if c.proof] == ["fine"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"tiles[k={BIG} + 1]", "S106"),
        (f"cycle(row * ({BIG} * {BIG}))", "S106"),
        (f"by spiral_in(h, w, corner={BIG} * {BIG})", "S106"),
        (f"cycle((by visit(0, 1, 2, {BIG} * {BIG})))", "S106"),
        ("cycle(row * (" + " * ".join([str(BIG)] * 100) + "))", "S106"),
    ],
)
def test_parameters_options_and_lists(text: str, code: str) -> None:
    module = read_module(Source(f"grid h, w\norder tiles[k=2] = by h // k, h, w\nplan a = {text}\n"), library_templates)
    assert module.problems[0].code == code


@pytest.mark.parametrize(
    "keys",
    [
        f"h * {BIG} * {BIG} * {BIG}, w",
        f"(h * {BIG} * {BIG} * {BIG}) % ({BIG} * {BIG}), h, w",
        f"(h * {BIG} * {BIG} * {BIG}) // {BIG}, h, w",
        "h" + f" * {BIG}" * 100 + ", w",
        f"h % ({BIG} * {BIG}), h, w",
        f"h // ({BIG} * 2), h, w",
        f"-h % -({BIG} * 3), h, w",
    ],
)
@pytest.mark.parametrize("grid", [(1, 5), (3, 4)])
def test_products_with_coordinates(keys: str, grid: tuple[int, ...]) -> None:
    """They are proved as mathematics has them, and bound where 64 bits hold them."""
    value = scanlab.parse(f"by {keys}")
    assert str(scanlab.prove(value)) and key_maps(value) and loops(value)  # pyright: ignore[reportArgumentType]
    try:
        [bound] = scanlab.compile(value, grid).scans
    except ScanlabError as error:
        assert error.code == "S402" and grid == (3, 4)
        return
    assert bound.paths[0].index_form.lines(("h", "w"))
    assert str(function_listing(bound, "triton")) and str(function_listing(bound, "cpu"))


@pytest.mark.parametrize("number", [LARGEST_INT + 1, 2**64, 10**5000, -(2**70)], ids=["31", "64", "5000", "-70"])
def test_python_integers(number: int) -> None:
    h, w = scanlab.axes("h w")
    with pytest.raises(ScanlabError, match="S106"):
        scanlab.by(h * number, w)
    with pytest.raises(ScanlabError, match="S106"):
        scanlab.by(h, w % number)


def test_expressions_made_by_hand() -> None:
    order = Order(("h", "w"), (Key(Int(2**70)),))
    with pytest.raises(ScanlabError, match="S402"):
        scanlab.compile(order, (1, 1))
