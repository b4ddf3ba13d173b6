"""Eight tasks of a person who sees the explorer for the first time, each within three clicks of the start page.

A click is a press of the mouse on a control or a patch; typing, moving the pointer and waiting are none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from chromium import expect

from scanlab.explorer.examples import WHAT_THIS_IS

pytestmark = pytest.mark.slow

MOST = 3
PLAYER = "document.querySelector('.drawing > .player').scanlabPlayer"


class Person:
    """Somebody at a fresh page, whose clicks are counted."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.clicks = 0

    def click(self, what: Any) -> None:
        self.clicks += 1
        what.click()

    def click_patch(self, patch: int) -> None:
        self.clicks += 1
        box = self.page.locator(".player .stage").first.bounding_box()
        x, y = self.page.evaluate(f"[0, 1].map(at => {PLAYER}.panels()[0].screen[2 * {patch} + at])")
        self.page.mouse.click(box["x"] + x, box["y"] + y)

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)


@pytest.fixture
def person(page: Any) -> Any:
    somebody = Person(page)
    yield somebody
    assert somebody.clicks <= MOST


def test_say_what_this_is(person: Person) -> None:
    said = person.page.get_by_text(WHAT_THIS_IS)
    expect(said).to_be_visible()
    assert said.bounding_box()["y"] < person.page.viewport_size["height"]


def test_write_an_order(person: Person) -> None:
    person.click(person.page.locator("#editor-text"))
    person.page.keyboard.press("Control+a")
    person.page.keyboard.type("by w, ~h")
    person.page.wait_for_selector(".verdict.proved:has-text('by w, ~h')")
    expect(person.page.locator(".player figcaption code").first).to_be_visible()


def test_mend_a_tie(person: Person) -> None:
    person.click(person.button("a tie to mend"))
    person.page.wait_for_selector(".drawing[data-state=example]")
    person.click(person.page.locator(".problem .fix"))
    person.page.wait_for_selector(".verdict.proved")
    person.page.wait_for_selector(".drawing[data-state=paths]")


def test_read_its_proof(person: Person) -> None:
    person.click(person.button("Proof"))
    expect(person.page.locator("#pane-proof .verdict.proved").first).to_contain_text("every patch exactly once")


def test_compare_two(person: Person) -> None:
    person.click(person.button("Library"))
    person.click(person.page.get_by_role("button", name="Show beside: hilbert", exact=True))
    expect(person.page.locator(".player figure")).to_have_count(2)
    person.click(person.button("Locality"))
    expect(person.page.locator("#pane-metrics")).to_contain_text("hilbert")


def test_find_the_line_of_the_kernel_for_a_patch(person: Person) -> None:
    person.click(person.button("Triton"))
    person.page.wait_for_selector("#pane-triton .line.reached")
    person.click_patch(20)
    values = person.page.locator("#pane-triton .line.reached .v")
    expect(values.last).to_contain_text("20")


def test_see_what_the_state_remembers(person: Person) -> None:
    person.click(person.page.get_by_label("What the state remembers"))
    expect(person.page.locator(".player .memory").first).to_contain_text("patches hold 90 % of it")


def test_export(explorer: Any, new_page: Callable[..., Any]) -> None:
    page = new_page(explorer.url, accept_downloads=True)
    page.wait_for_selector(".player .panels canvas", state="attached")
    person = Person(page)
    person.click(person.button("Export"))
    with page.expect_download() as coming:
        person.click(page.locator("#pane-export .exports").get_by_role("button").first)
    assert coming.value.path().stat().st_size > 0
    assert person.clicks <= MOST
