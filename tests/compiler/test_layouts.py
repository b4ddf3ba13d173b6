"""Layouts in CuTe's notation against their defining equation in plain Python, and the errors of those that are none."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scanlab
from scanlab.ir.diagnostics import ScanlabError


def _layout(shape: Any, strides: Any, step: int) -> int:
    """CuTe's definition: an integral step is taken apart colexicographically, then multiplied with the strides."""
    if isinstance(shape, int):
        return step * strides
    total = 0
    for below, stride in zip(shape, strides, strict=True):
        size = _size(below)
        total += _layout(below, stride, step % size)
        step //= size
    return total


def _size(shape: Any) -> int:
    return shape if isinstance(shape, int) else math.prod(map(_size, shape))


def _text(tree: Any) -> str:
    return str(tree) if isinstance(tree, int) else f"({','.join(map(_text, tree))})"


@st.composite
def _layouts(draw: st.DrawFn) -> tuple[Any, Any, tuple[int, ...]]:
    """A layout that visits each patch of a grid once, nested at random, and the grid."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    strides = [math.prod(sizes[:i]) for i in range(len(sizes))]
    modes = [(sizes[i], strides[i]) for i in draw(st.permutations(range(len(sizes))))]
    total = math.prod(sizes)
    divisors = [d for d in range(1, total + 1) if total % d == 0]
    width = draw(st.sampled_from(divisors))
    grid = (total,) if draw(st.booleans()) and width == total else (total // width, width)
    cut = draw(st.integers(0, len(modes)))
    groups = [g for g in (modes[:cut], modes[cut:]) if g]
    shape, stride = (tuple(tuple(m[i] for m in g) for g in groups) for i in (0, 1))
    if draw(st.booleans()):
        shape, stride = (tuple(m[i] for m in modes) for i in (0, 1))
    return shape, stride, grid


@given(_layouts())
@settings(max_examples=80)
def test_against_the_definition(drawn: tuple[Any, Any, tuple[int, ...]]) -> None:
    shape, strides, grid = drawn
    expected = [_layout(shape, strides, p) for p in range(_size(shape))]
    order = scanlab.from_layout(f"{_text(shape)}:{_text(strides)}", grid)
    assert scanlab.compile(order, grid).indices[0].tolist() == expected
    assert scanlab.parse(str(order), order.axes) == order
    # The coalesced layout is the same function, and has no two modes that are one.
    again = scanlab.to_layout(order, grid)
    assert scanlab.to_layout(scanlab.from_layout(again, grid), grid) == again
    assert scanlab.compile(scanlab.from_layout(again, grid), grid).indices[0].tolist() == expected


@pytest.mark.parametrize(
    ("layout", "grid", "keys"),
    [
        ("((7,2),(7,2)):((1,7),(14,98))", (14, 14), "by h // 7, h % 7, w // 7, w % 7 assume H == 14, W == 14"),
        ("(7,7,2,2):(1,14,7,98)", "14x14", "by h // 7, w // 7, h % 7, w % 7 assume H == 14, W == 14"),
        ("12:1", (3, 4), "by h, w assume H == 3, W == 4"),
        ("(3,4):(4,1)", (3, 4), "by w, h assume H == 3, W == 4"),
        ("(6,2):(1,6)", (3, 4), "by (h * 4 + w) // 6, (h * 4 + w) % 6 assume H == 3, W == 4"),
        (" ( _2, _2 ) : ( _2, _1 ) ", 4, "by w % 2, w // 2 assume W == 4"),
        ("1:0", (1, 1), "by w assume H == 1, W == 1"),
    ],
)
def test_layouts_as_keys(layout: str, grid: Any, keys: str) -> None:
    assert str(scanlab.from_layout(layout, grid)) == keys


def test_other_axes() -> None:
    order = scanlab.from_layout("(2,6):(6,1)", (2, 3, 2), axes="a b c")
    assert str(order) == "by b, c, a assume A == 2, B == 3, C == 2"
    with pytest.raises(ScanlabError, match="S212"):
        scanlab.from_layout("1:0", (1, 1, 1, 1, 1))


@pytest.mark.parametrize(
    ("line", "grid", "layout"),
    [
        ("row", (3, 4), "12:1"),
        ("column", (3, 4), "(3,4):(4,1)"),
        ("window[k=7]", (14, 14), "(7,7,2,2):(1,14,7,98)"),
        ("morton", (4, 4), "(2,2,2,2):(1,4,2,8)"),
        ("by t, w, h", (2, 3, 4), "(3,4,2):(4,1,12)"),
        ("row", (1, 1), "1:0"),
    ],
)
def test_orders_as_layouts(line: str, grid: tuple[int, ...], layout: str) -> None:
    assert scanlab.to_layout(line, grid) == layout


@pytest.mark.parametrize(
    ("layout", "grid", "code", "message"),
    [
        ("(2,2):(1,1)", 4, "S484", "the coordinates (1, 0) and (0, 1) (steps 1 and 2) both go to patch 1"),
        (
            "((2,2),2):((0,1),2)",
            8,
            "S484",
            "the coordinates (0, 0, 0) and (1, 0, 0) (steps 0 and 1) both go to patch 0",
        ),
        ("(2,2):(1,3)", 4, "S484", "the coordinates (1, 1) (step 3) go to 4"),
        ("(2,2):(1,-2)", 4, "S484", "the coordinates (0, 1) (step 2) go to -2"),
        ("3:1", 4, "S484", "no step goes to patch 3"),
        ("(2,2,2):(1,2,4)", 4, "S484", "the coordinates (0, 0, 1) (step 4) go to 4"),
        ("(100000,100000):(1,100000)", (2, 2), "S484", "the coordinates (4, 0) (step 4) go to 4"),
        ("(2,2)", 4, "S483", "strides are missing"),
        ("(2,2):(1,2", 4, "S483", "`,` or `)` is missing"),
        ("(2,(2)):(1,2)", 4, "S483", "shape and strides are not nested alike"),
        ("(2,x):(1,2)", 4, "S483", "a number or a parenthesis is missing"),
        ("(2,2):(1,2) 3", 4, "S483", "something follows the layout"),
        ("(0,2):(1,2)", 4, "S483", "a mode has size 0"),
        ("9999999999:1", 4, "S483", "this number is larger than 2147483647"),
        ("(" * 40, 4, "S483", "it is nested too deeply"),
        (f"({','.join('1' * 65)}):({','.join('1' * 65)})", 1, "S483", "it has more than 64 modes"),
        ("", 4, "S483", "a number or a parenthesis is missing"),
        (None, 4, "S483", "a number or a parenthesis is missing"),
    ],
)
def test_no_order(layout: Any, grid: Any, code: str, message: str) -> None:
    with pytest.raises(ScanlabError) as raised:
        scanlab.from_layout(layout, grid)
    [diagnostic] = raised.value.diagnostics
    assert diagnostic.code == code and message in diagnostic.message
    assert diagnostic.span is not None and str(raised.value).count("^") >= 1


@pytest.mark.parametrize(
    ("line", "grid", "message"),
    [
        ("snake", (3, 4), "step 5 goes to patch 6, and a layout that begins as this path does would go to 8"),
        ("by h // 2, w, h % 2", (3, 3), "step 7 goes to patch 7, and a layout"),
        ("-row", (3, 4), "its first step goes to patch 11, a layout's to patch 0"),
        ("row where h > 0", (3, 4), "the path leaves out 4 patches"),
        ("row restart by h", (3, 4), "a layout has no place for restarts and tokens"),
        ("row with cls at end", (3, 4), "a layout has no place for restarts and tokens"),
        ("cross", (3, 4), "a layout is of one path, `cross` has several"),
        ("layers(row, column)", (3, 4), "a layout is of one path"),
    ],
)
def test_no_layout(line: str, grid: tuple[int, int], message: str) -> None:
    with pytest.raises(ScanlabError, match="S485") as raised:
        scanlab.to_layout(line, grid)
    assert message in raised.value.diagnostics[0].message
