"""The picture and the panes are linked in all directions, by mouse and by keyboard, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from chromium import expect

import scanlab
from scanlab.explorer.state import from_address

TEXT = "grid h, w\norder a = by h, ~w\n"
PLAYER = "document.querySelector('.drawing > .player').scanlabPlayer"
PANES = ("indices", "keys", "expr", "triton")


@pytest.fixture
def linked(explorer: Any, new_page: Callable[..., Any]) -> Any:
    page = new_page(explorer.address(text=TEXT, grid=(5, 6), names=("a", "cross"), panes=PANES))
    for pane in PANES:
        page.wait_for_selector(f"#pane-{pane} .pane-body[data-state=ready]")
    page.wait_for_selector("#pane-expr .line.reached")
    return page


def over(page: Any, patch: int, panel: int = 0) -> None:
    stage = page.locator(".player .stage").nth(panel)
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    x, y = page.evaluate(f"[0, 1].map(at => {PLAYER}.panels()[{panel}].screen[2 * {patch} + at])")
    page.mouse.move(box["x"] + x, box["y"] + y)


def pin(page: Any, patch: int, panel: int = 0) -> None:
    over(page, patch, panel)
    page.mouse.down()
    page.mouse.up()


def here(page: Any) -> list[str]:
    return page.locator("#pane-indices td.here").all_inner_texts()


def values(page: Any, pane: str, part: int) -> list[str]:
    return [v for v in page.locator(f"#pane-{pane} [data-part='{part}'] .v").all_inner_texts() if v]


def test_a_patch_marks_its_cells_keys_and_lines_in_every_strategy(linked: Any) -> None:
    pin(linked, 15)
    snake, cross = scanlab.compile("snake", (5, 6)), scanlab.compile("cross", (5, 6))
    expect(linked.locator("#pane-indices .at").first).to_have_text("at (h 2, w 3), patch 15: step 15 of a")
    assert [text.split()[0] for text in here(linked)] == ["15"] * 5
    rows = linked.locator("#pane-indices tr:has(td.here) td:first-child").all_inner_texts()
    assert {int(row) for row in rows} == {int(p.ranks[15]) for p in (*snake.paths, *cross.paths)}
    expect(linked.locator("#pane-keys [data-part='0'] .v").nth(1)).to_have_text("w = 3")
    assert values(linked, "keys", 0) == ["2", "w = 3"] and values(linked, "keys", 3) == ["-2", "-3"]
    assert values(linked, "expr", 0)[-1] == "2 * 6 + 3 = 15" and values(linked, "expr", 4)[-1] == "2 * 6 + 3 = 15"
    assert values(linked, "triton", 0)[-1].endswith("15")
    over(linked, 9)
    # A pin stays, whatever the pointer is over.
    assert values(linked, "keys", 0) == ["2", "w = 3"]
    linked.keyboard.press("Escape")
    expect(linked.locator("#pane-keys [data-part='0'] .v").nth(1)).to_have_text("-w = -3")
    expect(linked.locator("#pane-indices .at").first).to_have_text("at (h 1, w 3), patch 9: step 8 of a")


def test_cells_lines_and_keys_mark_their_patches(linked: Any) -> None:
    pin(linked, 15)
    linked.locator("#pane-indices td[data-scene='1'][data-patch='4']").hover()
    linked.wait_for_function(f"{PLAYER}.targets()[0].patch === 15 && {PLAYER}.marked().pinned")
    linked.keyboard.press("Escape")
    linked.wait_for_function(f"{PLAYER}.marked()?.patch === 4 && {PLAYER}.marked().label === 'row'")
    linked.locator("#pane-indices td[data-scene='2'][data-patch='6']").click()
    linked.wait_for_function(f"{PLAYER}.marked()?.pinned && {PLAYER}.marked().label === 'column'")
    expect(linked.locator("#pane-keys [data-part='0'] .v").first).to_have_text("1")
    linked.locator("#pane-keys [data-part='0'] .line").first.hover()
    linked.wait_for_function(f"{PLAYER}.chosen()?.patches.length === 6")
    assert linked.evaluate(f"[...{PLAYER}.chosen().patches].sort((a, b) => a - b)") == list(range(6, 12))
    line = linked.locator("#pane-expr [data-part='0'] .line", has_text="w = d2")
    line.hover()
    linked.wait_for_function(f"{PLAYER}.chosen()?.patches.length === 5")
    assert linked.evaluate(f"{PLAYER}.chosen().patches.map((patch) => patch % 6)") == [0] * 5
    linked.locator("h1").hover()
    linked.wait_for_function(f"!{PLAYER}.chosen()")


def test_all_of_it_by_keyboard(linked: Any) -> None:
    linked.locator("#pane-indices .scroll").last.focus()
    linked.keyboard.press("ArrowDown")
    first = linked.evaluate(f"{PLAYER}.marked().patch")
    linked.keyboard.press("ArrowUp")
    linked.keyboard.press("ArrowRight")
    linked.wait_for_function(f"{PLAYER}.marked()?.label === 'column'")
    assert linked.evaluate(f"{PLAYER}.marked().patch") != first
    linked.keyboard.press("Enter")
    linked.wait_for_function(f"{PLAYER}.marked()?.pinned")
    expect(linked.locator("#pane-keys .line.reached").first).to_be_attached()
    linked.locator("#pane-keys [data-part='0']").focus()
    linked.keyboard.press("ArrowDown")
    linked.wait_for_function(f"{PLAYER}.chosen()?.patches.length === 6")
    linked.keyboard.press("ArrowDown")
    linked.wait_for_function(f"{PLAYER}.chosen()?.patches.length === 1")
    linked.keyboard.press("Escape")
    linked.wait_for_function(f"!{PLAYER}.chosen() && {PLAYER}.marked()?.pinned")


def test_a_pin_is_in_the_link_and_turns_the_table_to_its_page(explorer: Any, new_page: Callable[..., Any]) -> None:
    page = new_page(explorer.address(text="by h, ~w", grid=(30, 30), panes=("indices",)))
    page.wait_for_selector("#pane-indices .pane-body[data-state=ready]")
    over(page, 465)
    expect(page.locator("#pane-indices .at")).to_contain_text("patch 465: step 464 of by h, ~w, on another page")
    expect(page.locator("#pane-indices .place")).to_contain_text("0 to 199")
    page.mouse.down()
    page.mouse.up()
    page.wait_for_selector("#pane-indices .place:has-text('400 to 599')")
    expect(page.locator("#pane-indices td.here")).to_have_text("465 (15, 15)")
    page.wait_for_function("location.hash.length > 20")
    for _ in range(200):
        if from_address(page.url.partition("#")[2]).pinned == (0, 465):
            break
        page.wait_for_timeout(25)
    other = new_page(f"{explorer.url}#{page.url.partition('#')[2]}")
    expect(other.locator("#pane-indices td.here")).to_have_text("465 (15, 15)")
    expect(other.locator(".player .tip")).to_contain_text("(h 15, w 15) is patch 465")


def test_hovering_asks_for_no_more_than_it_must(explorer: Any, new_page: Callable[..., Any]) -> None:
    page = new_page(explorer.address(text="by hilbert(h, w)", grid=(256, 256), panes=("indices", "keys")))
    page.wait_for_selector("#pane-keys .line.reached")
    page.evaluate("""window.asked = []; window.socket.onAnyOutgoing((name, ...given) => {
        if (JSON.stringify(given).includes('patches')) asked.push(performance.now()); });""")
    stage = page.locator(".player .stage").bounding_box()
    page.evaluate("window.shown = 0; const count = () => { shown++; requestAnimationFrame(count); }; count()")
    for x in np.linspace(0.3, 0.7, 60):
        page.mouse.move(stage["x"] + x * stage["width"], stage["y"] + stage["height"] * 0.5)
    # One question is under way at a time: fewer than pictures, and the last answer is that of the last patch.
    at, step = (
        "document.querySelector('#pane-keys .at').textContent",
        f"{PLAYER}.targets()[0].step.toLocaleString('en')",
    )
    page.wait_for_function(f"() => {at}.includes(`step ${{{step}}} `)")
    asked, drawn = page.evaluate("[asked.length, shown]")
    assert 0 < asked <= drawn
