"""Numbers that are parameters have sliders, which write into the text as a hand would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from chromium import expect, none_left

TEXT = """grid h, w
order tiles[k=4] = by h // k, w // k, h % k, w % k
order few = tiles[2]
order turned = by spiral_in(h, w, corner=3)  # k=9
order strips = by "(h k) w -> h w k", k=7
order some = row(h=0)
order plain = by 2 * h, w
"""


@pytest.fixture
def sliders(explorer: Any, new_page: Callable[..., Any]) -> Any:
    page = new_page(explorer.address(text=TEXT, names=("few",), grid=(8, 8)))
    page.wait_for_selector(".sliders input")
    return page


def _text_has(page: Any, line: str) -> None:
    page.wait_for_function("line => document.getElementById('editor-text').value.split('\\n').includes(line)", arg=line)


def test_parameters_and_options_have_sliders_and_other_numbers_have_none(sliders: Any) -> None:
    expect(sliders.locator(".sliders label span")).to_have_text(
        ["k of tiles, line 2", "k of tiles, line 3", "corner of spiral_in, line 4", "k of by, line 5"]
    )
    ends = sliders.locator(".sliders input").evaluate_all("all => all.map(e => [e.min, e.value, e.max].map(Number))")
    assert ends == [[1, 4, 16], [1, 2, 16], [0, 3, 3], [1, 7, 16]]


def test_one_pull_of_a_slider_is_one_edit(sliders: Any) -> None:
    second = sliders.locator(".sliders input").nth(1)
    box = second.bounding_box()
    middle = box["y"] + box["height"] / 2
    sliders.mouse.move(box["x"] + box["width"] * 0.1, middle)
    sliders.mouse.down()
    for share in (0.3, 0.5, 0.9):
        sliders.mouse.move(box["x"] + box["width"] * share, middle)
    sliders.mouse.up()
    value = int(second.input_value())
    assert value > 8
    _text_has(sliders, f"order few = tiles[{value}]")
    sliders.wait_for_selector(f".player figcaption:has-text('tiles[k={value}]'), .player code:has-text('h // {value}')")
    expect(sliders.locator(".sliders output").nth(1)).to_have_text(str(value))
    # The keys of undo are heard on the slider, too.
    second.press("Control+z")
    expect(sliders.locator("#editor-text")).to_have_value(TEXT)
    expect(second).to_have_value("2")
    second.press("ArrowRight")
    _text_has(sliders, "order few = tiles[3]")


def test_a_text_without_parameters_has_no_sliders(sliders: Any) -> None:
    sliders.locator("#editor-text").fill("grid h, w\norder a = by h // 2, w, h\n")
    none_left(sliders, ".sliders")
