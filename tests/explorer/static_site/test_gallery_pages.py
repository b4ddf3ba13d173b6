"""The gallery from the disk in a real browser: found, read, shared, embedded, on a phone, and nobody is asked."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from chromium import expect

from scanlab.explorer.state import VIEW
from scanlab.explorer.static_site.pages import page_part
from scanlab.explorer.static_site.site import MOST_BYTES, Written

pytestmark = pytest.mark.slow

PHONE = {"width": 390, "height": 844}
STATE = "#strategy=cross&grid=7x10&colour=gap&step=20&speed=2&pinned=1%2C12&memory=8&panes=expr,cpu"


def _player(page: Any, part: str) -> Any:
    return page.locator(f"#player [data-at={part}]")


def _shown(page: Any, name: str) -> None:
    """Wait until a strategy is drawn."""
    expect(page.locator("#name")).to_have_text(name)
    page.wait_for_function("() => document.querySelector('#player .panels canvas')")


def _names(page: Any) -> list[str]:
    return page.locator("#gallery li:not([hidden]) strong").all_inner_texts()


def test_cards_are_searched_and_chosen_from(opened: Any) -> None:
    page = opened()
    expect(page.locator("#counted")).to_have_text("10 of 10")
    page.keyboard.press("/")
    page.keyboard.type("ss2d")
    expect(page.locator("#counted")).to_have_text("1 of 10")
    assert _names(page) == ["cross"]
    assert page.url.endswith("#search=ss2d")
    page.locator("#search").fill("")
    page.select_option("#axes", "t h w")
    assert _names(page) == ["zigma_video_spatial"]
    page.select_option("#kind", "order")
    expect(page.locator("#none")).to_be_visible()
    page.click("#all")
    expect(page.locator("#counted")).to_have_text("10 of 10")
    page.select_option("#mark", "checked where it is used")
    assert _names(page) == ["transpose(p)"]


def test_a_card_opens_its_strategy_and_back_leads_to_the_same_cards(opened: Any) -> None:
    page = opened("#search=curve")
    expect(page.locator("#counted")).to_have_text("1 of 10")
    page.locator("#search").focus()
    page.keyboard.press("Enter")
    _shown(page, "hilbert")
    expect(page.locator("#verdict")).to_contain_text("✓ visits every patch exactly once, proved for all sizes")
    expect(page.locator("#definition .k").first).to_have_text("order")
    page.click("#back")
    expect(page.locator("#counted")).to_have_text("1 of 10")
    expect(page.locator("a.card:focus strong")).to_have_text("hilbert")


def test_every_pane_is_there(opened: Any) -> None:
    page = opened("#strategy=snake&panes=")
    _shown(page, "snake")
    for name, words in (
        ("proof", "proved for all sizes"),
        ("keys", "as loops"),
        ("expr", "patch = h * 14 + w"),
        ("metrics", "mean along h"),
        ("triton", "@triton.jit"),
        ("cpu", "@njit"),
        ("published", "Source"),
        ("python", "scanlab.load('snake')"),
    ):
        page.click(f"[data-pane={name}]")
        expect(page.locator(f"section[aria-labelledby=pane-{name}]")).to_contain_text(words)
    page.select_option("#grid", "7x10")
    expect(page.locator("section[aria-labelledby=pane-expr]")).to_contain_text("patch = h * 10 + w")


def test_the_state_is_in_the_link(opened: Any) -> None:
    page = opened(STATE)
    _shown(page, "cross")
    expect(_player(page, "step")).to_have_text("step 20 of 69")
    assert _player(page, "colour").input_value() == "gap" and _player(page, "speed").input_value() == "2"
    assert page.locator("#grid").input_value() == "7x10"
    assert page.locator("#panes h2").all_inner_texts() == ["Expression", "CPU code"]
    view = page.evaluate("PLAYER.view()")
    assert (view["pinned"], view["memory"]) == ([1, 12], 8)
    expect(_player(page, "half-name")).to_have_text("half left after 8.0 steps")
    page.keyboard.press("ArrowRight")
    page.click("[data-pane=expr]")
    page.wait_for_function("() => location.hash.includes('step=21') && location.hash.endsWith('panes=cpu')")
    again = opened(page.url.partition("#")[1] + page.url.partition("#")[2])
    _shown(again, "cross")
    expect(_player(again, "step")).to_have_text("step 21 of 69")
    assert again.evaluate("PLAYER.view()") == page.evaluate("PLAYER.view()")
    assert again.url == page.url


def test_every_part_of_the_players_view_is_in_a_link() -> None:
    table = page_part("site_address.js").partition("const VIEW_FIELDS = {")[2].partition("\n};")[0]
    assert set(re.findall(r"^  (\w+): \{", table, re.MULTILINE)) == set(VIEW)


@pytest.mark.parametrize(
    "address", ["#strategy=snake&step=x&speed=9&grid=3x3&zoom=1e9&panes=none&colour=", "#strategy=snake&shift=1"]
)
def test_what_means_nothing_in_a_link_is_left_out(opened: Any, address: str) -> None:
    page = opened(address)
    _shown(page, "snake")
    expect(_player(page, "step")).to_have_text("step 195 of 195")
    page.wait_for_function("() => /^#strategy=snake(&panes=)?$/.test(location.hash)")


def test_a_strategy_that_is_not_there_is_said(opened: Any) -> None:
    page = opened("#strategy=nonsense")
    expect(page.locator("#wait")).to_have_text("There is no such strategy here.")
    page.click("#to-gallery")
    expect(page.locator("#counted")).to_have_text("10 of 10")


def test_it_plays_once_unless_motion_is_unwanted(opened: Any) -> None:
    page = opened("#strategy=snake", reduced_motion="no-preference")
    _shown(page, "snake")
    page.wait_for_function("() => PLAYER.CLOCK.playing && PLAYER.CLOCK.place > 1")
    still = opened("#strategy=snake")
    _shown(still, "snake")
    assert not still.evaluate("PLAYER.CLOCK.playing")


def test_a_frame_shows_the_player_alone(opened: Any, gallery_folder: Path, new_page: Any, tmp_path: Path) -> None:
    page = opened("#strategy=hilbert&step=9")
    _shown(page, "hilbert")
    page.click("#embed")
    snippet = page.locator("#snippet-text").input_value()
    assert re.match(r'<iframe src="[^"<>]+" title="hilbert, drawn by ScanLab"', snippet)
    (tmp_path / "post.html").write_text(f"<!doctype html><title>Post</title>{snippet}", encoding="utf-8")
    post = new_page((tmp_path / "post.html").as_uri(), reduced_motion="reduce")
    frame = post.frame_locator("iframe")
    expect(frame.locator("#player [data-at=step]")).to_have_text("step 9 of 195")
    expect(frame.locator("#definition")).to_be_hidden()
    expect(frame.locator(".top")).to_be_hidden()
    link = frame.locator("#whole")
    expect(link).to_be_visible()
    assert (link.get_attribute("href"), link.get_attribute("target")) == ("#strategy=hilbert&step=9", "_blank")
    assert html.unescape(snippet).count((gallery_folder / "index.html").as_uri()) == 1


@pytest.mark.parametrize(
    "address", ["", STATE, "#strategy=efficient&panes=proof,keys,expr,metrics,triton,cpu,published"]
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(opened: Any, address: str, scheme: str) -> None:
    page = opened(address, viewport=PHONE, color_scheme=scheme)
    if address:
        page.wait_for_function("() => document.querySelector('#player .panels canvas')")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_without_javascript_the_cards_can_be_read(opened: Any) -> None:
    page = opened(java_script_enabled=False)
    expect(page.locator("#gallery li").filter(has_text="SS2D")).to_be_visible()


def test_nothing_but_its_own_files_is_asked_for(opened: Any, gallery_folder: Path, new_page: Any) -> None:
    asked: list[str] = []
    page = opened("#strategy=cross&panes=triton,published")
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    _shown(page, "cross")
    own = gallery_folder.as_uri()
    assert asked and [url for url in asked if not url.startswith((f"{own}/", "data:", "blob:"))] == []


def test_the_folder_is_light_and_plain(gallery: Written, gallery_folder: Path) -> None:
    files = [f for f in gallery_folder.rglob("*") if f.is_file()]
    assert gallery.size == sum(f.stat().st_size for f in files) < MOST_BYTES
    assert gallery.files == len(files)
    assert {f.suffix for f in files} == {".html", ".js", ".css", ".svg", ".json"}
