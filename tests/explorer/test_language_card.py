"""The language on one screen: nothing is missing, nothing must be scrolled, every line can be clicked."""

from __future__ import annotations

import html
import re
from typing import Any

from chromium import expect

from scanlab.explorer.language_card import card_sections
from scanlab.language.card import CARD
from scanlab.language.glossary import glossary


def test_every_word_of_the_language_is_on_the_card() -> None:
    rows = [row for section in card_sections() for row in section["rows"]]
    shown = html.unescape(re.sub(r"<[^>]*>", " ", " ".join(f"{r['written']} {r['means']}" for r in rows)))
    words = set(re.findall(r"\w+|[^\w\s]+", shown))
    assert {word for word in glossary() if word.isidentifier()} <= words
    assert all(word in shown for word in glossary())


def test_the_card_fits_the_window_and_its_lines_are_put_in(page: Any) -> None:
    page.keyboard.press("Alt+k")
    window = page.locator("dialog.card-window")
    lines = window.locator(".line")
    expect(lines).to_have_count(len(CARD))
    inside = window.locator(".inside")
    assert inside.evaluate("e => e.scrollHeight <= e.clientHeight && e.scrollWidth <= e.clientWidth")
    lines.filter(has_text="scan cross").click()
    expect(window).to_be_hidden()
    expect(page.locator("#editor-text")).to_have_value(re.compile("scan cross = sum"))
    page.wait_for_selector(".verdict.proved:has-text('cross')")
