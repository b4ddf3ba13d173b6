"""What the page says of itself is so: limits are told, words mean one thing, what is not there cannot be played."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from chromium import address_holds, expect

from scanlab.explorer.state import from_address

SNAKE = "grid h, w\norder a = by h, ~w\n"


def test_a_seventh_strategy_is_refused_with_a_word(explorer: Any, new_page: Callable[..., Any]) -> None:
    text = "grid h, w\n" + "".join(f"order o{n} = by h, w\n" for n in range(7))
    page = new_page(explorer.address(text=text, names=tuple(f"o{n}" for n in range(6))))
    page.wait_for_selector(".selection .chip[disabled]:has-text('o6')")
    chip = page.locator(".selection .chip[disabled]")
    expect(chip).to_have_attribute("title", "6 are shown, which is the most: hide one first")
    page.keyboard.press("Alt+l")
    page.get_by_role("button", name="Show beside: hilbert", exact=True).click()
    page.wait_for_selector(".notice.shown >> text=6 strategies are shown, which is the most: hide one to show hilbert")
    address_holds(page, lambda hash: from_address(hash).names, tuple(f"o{n}" for n in range(6)))


def test_a_grid_that_is_too_large_leaves_its_strategy_chosen(page: Any) -> None:
    page.get_by_label("grid", exact=True).fill("2000x2000")
    page.wait_for_selector(".problem:has-text('S504')")
    expect(page.locator(".selection .chip[aria-pressed=true]")).to_have_text(["snake"])
    expect(page.get_by_label("grid", exact=True)).to_have_attribute("title", re.compile("1,000,000"))


def test_every_word_has_one_meaning(page: Any) -> None:
    names = Counter(b.strip() for b in page.locator("button:visible").all_inner_texts() if b.strip())
    assert [name for name, count in names.items() if count > 1] == []
    assert {"Keys", "Export", "Shortcuts"} <= set(names)
    page.get_by_role("button", name="Keys", exact=True).click()
    page.wait_for_selector("#pane-keys h2 >> text=Keys")
    page.get_by_role("button", name="Shortcuts", exact=True).click()
    page.wait_for_selector("dialog[aria-label=Shortcuts] h2 >> text=Shortcuts")


def test_nothing_can_be_played_where_there_are_no_paths(explorer: Any, new_page: Callable[..., Any]) -> None:
    page = new_page(explorer.address(text="grid h, w\norder a = by h +\n"))
    page.wait_for_selector(".drawing[data-state=empty] >> text=There is no path to show")
    expect(page.locator(".player")).to_be_hidden()
    expect(page.locator(".player [data-at=play]")).to_be_disabled()
    expect(page.locator(".player [data-at=step]")).not_to_contain_text("step")
    page.locator("#editor-text").fill(SNAKE)
    page.wait_for_selector(".player >> text=step 195 of 195")
    expect(page.locator(".player [data-at=play]")).to_be_enabled()
    # A counter-example is no path either, and is called one once.
    page.locator("#editor-text").fill("grid h, w\norder a = by h + w\n")
    page.wait_for_selector(".drawing[data-state=example]")
    page.wait_for_selector(".player [data-at=play]:disabled")
    said = page.locator(".drawing").inner_text().lower()
    assert said.count("counter-example") == 1
    expect(page.locator(".player [data-at=step]")).to_have_text("")
    page.locator("#editor-text").fill(SNAKE)
    page.wait_for_selector(".player >> text=step 195 of 195")
    page.wait_for_selector(".player [data-at=play]:enabled")


def test_a_library_strategy_has_its_verdict_beside_and_alone(explorer: Any, new_page: Callable[..., Any]) -> None:
    page = new_page(explorer.address(text=SNAKE, names=("a", "hilbert")))
    page.wait_for_selector(".verdict.proved:has-text('hilbert') >> text=visits every patch exactly once")
    page = new_page(explorer.address(text="cross"))
    page.wait_for_selector(".verdict.proved:has-text('cross')")


def test_panels_say_whose_they_are(explorer: Any, new_page: Callable[..., Any]) -> None:
    text = "grid h, w\norder one = by h, ~w\nplan p = layers(cross * 2, vim)\n"
    page = new_page(explorer.address(text=text, grid=(4, 4), names=("p", "one")))
    page.wait_for_selector(".player figure >> nth=6")
    heads = page.locator(".player .panels > *").evaluate_all(
        "all => all.map(e => [e.tagName, e.innerText.split('\\n')[0]])"
    )
    assert [text for tag, text in heads if tag == "H2"] == ["p: cross in layers 0, 1", "p: vim in layer 2", "one"]
    assert [tag for tag, _ in heads] == ["H2", *["FIGURE"] * 4, "H2", *["FIGURE"] * 2, "H2", "FIGURE"]
    page.locator(".player [data-at=together]").check()
    expect(page.locator(".player figure")).to_have_count(3)
    named = page.locator(".player figcaption strong")
    for number, head in enumerate([text for tag, text in heads if tag == "H2"][:2]):
        expect(named.nth(number)).to_have_text(head)


def test_the_link_says_what_is_not_in_it(page: Any) -> None:
    button = page.get_by_role("button", name="Copy link")
    expect(button).to_have_attribute("title", re.compile("not an image of yours"))
