"""Nobody is kept out: what axe-core asks of every state of the page, in the light, in the dark and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from accessibility import barriers
from chromium import expect

from scanlab.explorer.titles import TITLES

NO_PATHS = "grid h, w\norder a = by h +\n"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_windows_and_mistakes_keep_nobody_out(explorer: Any, new_page: Callable[..., Any], scheme: str) -> None:
    page = new_page(explorer.url, color_scheme=scheme)
    page.wait_for_selector(".verdict.proved")
    assert page.get_attribute("html", "lang") == "en-US"
    assert barriers(page) == []
    for key, inside in (
        ("Alt+l", ".cards li"),
        ("Alt+k", ".columns li"),
        ("Alt+a", ".arrays"),
        ("?", ".shortcuts"),
    ):
        page.keyboard.press(key)
        page.wait_for_selector(f"dialog[open] {inside}")
        assert barriers(page) == [], key
        page.keyboard.press("Escape")
    page.get_by_role("button", name="a tie to mend").click()
    page.wait_for_selector(".problem .fix")
    assert barriers(page) == []
    page.locator("#editor-text").fill(NO_PATHS)
    page.wait_for_selector(".problem:has-text('S102')")
    assert barriers(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
def test_panes_keep_nobody_out(explorer: Any, new_page: Callable[..., Any], scheme: str, size: tuple[int, int]) -> None:
    quick = tuple(name for name in TITLES if name not in ("ptx", "triton", "cpu", "field"))
    address = explorer.address(text="grid h, w\norder a[k=4] = by h // k, w // k, h, w\n", grid=(6, 6), panes=quick)
    page = new_page(address, viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page.set_default_timeout(90_000)
    page.wait_for_selector(".sliders input")
    for name in quick:
        page.wait_for_selector(
            f"#pane-{name} .pane-body:is([data-state=ready], [data-state=empty], [data-state=failed])"
        )
    assert barriers(page) == []
    # What is of an older text can be read, too.
    page.evaluate("document.querySelectorAll('[data-of]').forEach(e => e.toggleAttribute('data-older', true))")
    assert barriers(page) == []


def test_what_is_pressed_shows_where_colours_are_the_systems(explorer: Any, new_page: Callable[..., Any]) -> None:
    page = new_page(explorer.address(panes=("keys",)), forced_colors="active")
    page.wait_for_selector("#pane-keys .pane-body[data-state=ready]")
    colour = "e => getComputedStyle(e).backgroundColor"
    bar = page.get_by_role("toolbar", name="Panes")
    pressed, other = (bar.get_by_role("button", name=name, exact=True).evaluate(colour) for name in ("Keys", "Proof"))
    assert pressed != other
    play = page.locator(".player [data-at=play]")
    assert play.evaluate(colour) != page.locator("body").evaluate(colour)


def test_a_phone_shows_the_path_on_its_first_screen(explorer: Any, new_page: Callable[..., Any]) -> None:
    page = new_page(explorer.url, viewport={"width": 390, "height": 844})
    page.wait_for_selector(".verdict.proved")
    picture, bar = page.locator(".player .stage").bounding_box(), page.locator(".player .bar").bounding_box()
    assert picture["y"] < 844 * 0.7
    assert bar["height"] < 844 * 0.1
    page.keyboard.press("Alt+l")
    search = page.locator("dialog[open]").get_by_role("searchbox")
    expect(search).to_be_visible()
    assert search.bounding_box()["width"] > 300
