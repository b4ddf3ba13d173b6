"""The address holds all that a page shows: how the paths are looked at, too, and what is chosen in the panes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from chromium import expect

from scanlab.explorer.state import VIEW, State, from_address, view_of

VOLUME = "grid t, h, w\norder a = by t, ~h, ~w\nscan b = sum(a, -a)\n"
PLAYER = "getElement(document.querySelector('.player').id.slice(1)).player"


def _state(page: Any) -> State:
    return from_address(page.url.partition("#")[2])


def _view(page: Any) -> dict[str, Any]:
    return page.evaluate(f"{PLAYER}.view()")


def _is_viewed(page: Any, wanted: dict[str, Any]) -> None:
    """Wait until a page is looked at so."""
    words = json.dumps(wanted, separators=(",", ":"))
    page.wait_for_function(f"wanted => JSON.stringify({PLAYER}.view()) === wanted", arg=words)


def _until(page: Any, condition: Callable[[State], bool]) -> State:
    for _ in range(200):
        if condition(found := _state(page)):
            return found
        page.wait_for_timeout(25)
    raise AssertionError(f"the address never held it: {_state(page)}")


def _look(page: Any) -> None:
    """Change all that can be changed of a view, with the controls."""
    page.locator(".player [data-at=slice]").select_option("t")
    page.locator(".player [data-at=layer]").fill("1")
    page.locator(".player [data-at=speed]").select_option("4")
    page.locator(".player [data-at=together]").check()
    page.locator(".player [data-at=nearer]").click()
    page.locator(".player [data-at=nearer]").click()
    page.locator(".player .stage").first.focus()
    for key in ("Shift+ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowUp"):
        page.keyboard.press(key)
    page.locator(".player [data-at=scrub]").fill("17")


@pytest.fixture
def volume(explorer: Any, new_page: Callable[..., Any]) -> Any:
    page = new_page(explorer.address(text=VOLUME, grid=(4, 5, 6)))
    page.wait_for_selector(".drawing[data-state=paths]")
    page.wait_for_selector(".player figure >> nth=1")
    return page


def test_the_view_is_in_the_address_and_comes_back_exactly(volume: Any, explorer: Any, browser: Any) -> None:
    length = volume.evaluate("history.length")
    _look(volume)
    state = _until(volume, lambda s: s.step == 17 and s.zoom > 1.5)
    assert (state.slice, state.layer, state.speed, state.together) == ("t", 1, 4, True)
    shown = _view(volume)
    assert json.loads(json.dumps(view_of(state))) == shown and set(shown) == set(VIEW)
    assert volume.evaluate("history.length") == length
    link = f"{explorer.url}#{volume.url.partition('#')[2]}"
    picture = "[...document.querySelectorAll('.player .panels canvas')].map(e => e.toDataURL()).join()"
    volume.locator("h1").click()
    # The pictures have marks under the pointer and the focus, and none now.
    before = volume.evaluate(picture)
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    other = context.new_page()
    other.goto(link)
    other.wait_for_selector(".player >> text=step 17 of 119")
    _is_viewed(other, shown)
    other.wait_for_function(f"wanted => {picture} === wanted", arg=before)
    expect(other.locator(".player [data-at=speed]")).to_have_value("4")
    expect(other.locator(".player [data-at=together]")).to_be_checked()
    assert _state(other) == state
    context.close()


def test_the_view_survives_a_reload_at_once_and_while_it_plays(volume: Any) -> None:
    _look(volume)
    shown = _view(volume)
    volume.reload()
    volume.wait_for_selector(".player >> text=step 17 of 119")
    _is_viewed(volume, shown)
    volume.locator(".player [data-at=speed]").select_option("0.25")
    volume.locator(".player [data-at=play]").click()
    volume.wait_for_function(f"() => {PLAYER}.view().step > 18")
    volume.reload()
    volume.wait_for_selector(".player >> text=of 119")
    assert 18 < _view(volume)["step"] < 119


def test_back_brings_the_view_of_the_entry(volume: Any) -> None:
    _look(volume)
    _until(volume, lambda s: s.step == 17)
    shown = _view(volume)
    volume.keyboard.press("Alt+l")
    volume.locator(".card:has(strong:text-is('hilbert'))").click()
    volume.wait_for_selector(".player figcaption:has-text('hilbert')")
    volume.locator(".player [data-at=scrub]").fill("3")
    _until(volume, lambda s: s.step == 3)
    volume.go_back()
    volume.wait_for_selector(".player >> text=step 17 of 119")
    _is_viewed(volume, shown)


def test_typing_on_leaves_the_step_where_it_is(page: Any) -> None:
    page.locator(".player [data-at=scrub]").fill("5")
    for n in range(3):
        page.locator("#editor-text").press("End")
        page.locator("#editor-text").fill(f"grid h, w\norder a{n} = by h, ~w\n")
        page.wait_for_selector(f".player figcaption:has-text('a{n}')")
    page.wait_for_selector(".player >> text=step 5 of 195")
    page.get_by_label("grid", exact=True).fill("2x3")
    page.wait_for_selector(".player >> text=of 5")
    step = _view(page)["step"]
    assert _until(page, lambda s: s.step == step).grid == (2, 3)


def test_what_is_chosen_in_the_panes_is_in_the_address(explorer: Any, new_page: Callable[..., Any]) -> None:
    page = new_page(explorer.address(text="by h, w", grid=(20, 30), panes=("indices", "field")))
    page.wait_for_selector("#pane-indices .pane-body[data-state=ready]")
    page.wait_for_selector("#pane-field .pane-body[data-state=ready]")
    page.locator("#pane-indices select").select_option("the step of each patch")
    page.wait_for_selector("#pane-indices thead:has-text('patch')")
    page.get_by_role("button", name="Later rows").click()
    page.locator("#field-decay").fill("0.5")
    page.locator("#field-layers").fill("3")
    wanted = {"indices": {"by": "patch", "first": 200}, "field": {"kept": 0.5, "layers": 3}}
    _until(page, lambda s: s.options == wanted)
    page.reload()
    page.wait_for_selector("#pane-indices .place:has-text('200 to 399')")
    page.wait_for_selector("#pane-field p:has-text('keeps 0.5 of itself')")
    expect(page.locator("#field-decay")).to_have_value("0.5")
    expect(page.locator("#field-layers")).to_have_value("3")
    expect(page.locator("#pane-indices select")).to_have_value("the step of each patch")
    assert _until(page, lambda s: s.options == wanted).panes == ("indices", "field")
    # What an address cannot mean is left as usual.
    odd = {"field": {"kept": "x", "layers": 99}, "indices": {"by": "?", "first": -7}, "nothing": {"a": 1}, "keys": 3}
    page = new_page(explorer.address(text="by h, w", panes=("indices", "field", "ptx"), options=odd))
    page.wait_for_selector("#pane-field p:has-text('keeps 0.9 of itself')")
    page.wait_for_selector("#pane-indices .place:has-text('0 to 195')")
