"""What a word of the text means is shown at the word: under the pointer, at the caret, and until one goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from chromium import expect

TEXT = """grid h, w
"Tiles of side k."
order tiles[k=4] = by hilbert(h // k, w // k), h % k, w % k where h < H
scan two = sum(tiles[2], zigzag)
order moved(p) = p(h=w, w=h)
"""

MEANINGS = [
    (1, "grid", "grid h, w", "names the axes"),
    (1, "w", "0 <= w < W", "the coordinate of a patch along w"),
    (3, "by", "by h, ~w", "sort keys, most significant first"),
    (3, "hilbert", "hilbert(a, b[, c])", "Hilbert curve of the enclosing power of two"),
    (3, "//", "h // 7", "floor division"),
    (3, "k,", "tiles[k=4]", "4 where no other is given"),
    (3, "H", "H", "how many patches there are along h"),
    (4, "sum", "sum(a, b, …)", "what becomes of the paths' outputs: added"),
    (4, "tiles", "tiles[k=4] = by hilbert", "Tiles of side k."),
    (4, "zigzag", "zigzag = by h + w, ~w", "JPEG's zigzag"),
    (5, "p(", "moved(p)", "whatever path the helper is used with"),
]


@pytest.fixture
def written(explorer: Any, new_page: Callable[..., Any]) -> Any:
    page = new_page(explorer.address(text=TEXT))
    page.wait_for_selector("#editor-text:not([readonly])")
    return page


def _place(line: int, word: str) -> int:
    lines = TEXT.split("\n")
    return sum(len(text) + 1 for text in lines[: line - 1]) + lines[line - 1].index(word)


def test_f2_says_what_the_word_at_the_caret_means(written: Any) -> None:
    card = written.locator(".meaning")
    for line, word, written_as, means in MEANINGS:
        place = _place(line, word)
        written.evaluate("at => document.getElementById('editor-text').setSelectionRange(at, at)", place)
        written.locator("#editor-text").press("F2")
        expect(card).to_be_visible()
        expect(card.locator("code").first).to_contain_text(written_as)
        expect(card).to_contain_text(means)
        written.keyboard.press("Escape")
        expect(card).to_be_hidden()


def test_a_pointer_that_rests_on_a_word_shows_it_and_can_reach_it(written: Any) -> None:
    box, card = written.locator("#editor-text"), written.locator(".meaning")
    letter = written.locator(".paper .copy .name:has-text('zigzag')").bounding_box()
    written.mouse.move(letter["x"] + 10, letter["y"] + letter["height"] / 2)
    expect(card).to_contain_text("order of the library")
    shown = card.bounding_box()
    # Right below the word, so that the pointer gets there, and whole within the text box.
    assert abs(shown["y"] - letter["y"] - letter["height"]) < 8
    paper = box.bounding_box()
    assert shown["x"] >= paper["x"] and shown["x"] + shown["width"] <= paper["x"] + paper["width"]
    written.mouse.move(shown["x"] + 20, shown["y"] + 20)
    written.wait_for_function("() => [...document.images].some(e => e.closest('.meaning') && e.naturalWidth > 0)")
    expect(card).to_be_visible()
    written.mouse.move(paper["x"] + 200, paper["y"] + paper["height"] - 20)
    expect(card).to_be_hidden()


def test_typing_takes_the_card_away(written: Any) -> None:
    written.locator("#editor-text").press("Control+Home")
    written.keyboard.press("F2")
    expect(written.locator(".meaning")).to_contain_text("names the axes")
    written.keyboard.type("#")
    expect(written.locator(".meaning")).to_be_hidden()
    # A comment has none.
    written.keyboard.press("ArrowRight")
    written.keyboard.press("F2")
    expect(written.locator(".meaning")).to_be_hidden()
