"""Nothing that was typed is lost: reloads, a server that is gone, texts that take the place of others."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chromium import address_holds, expect, none_left

from scanlab.explorer.state import from_address

SNAKE = "grid h, w\norder a = by h, ~w\n"
TOKEN = "a-token-of-the-tests"


def _text(page: Any) -> str:
    return page.locator("#editor-text").input_value()


def _holds(page: Any, text: str) -> None:
    expect(page.locator("#editor-text")).to_have_value(text)


def _type(page: Any, words: str) -> None:
    page.locator("#editor-text").focus()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text(words)


# Whether the address holds all that the browser keeps.
SETTLED = """() => Object.entries(sessionStorage).filter(([key]) => key.startsWith("scanlab ")).every(([, words]) => {
  const { hash, fields } = JSON.parse(words);
  return hash === location.hash && !Object.keys(fields).length;
})"""


def _filled(page: Any) -> None:
    page.wait_for_selector("#editor-text:not([readonly])")


@pytest.mark.parametrize("wait_ms", [0, 30, 150, 300])
def test_a_line_survives_a_reload_at_any_moment(page: Any, wait_ms: int) -> None:
    _type(page, "# one\n")
    page.wait_for_timeout(wait_ms)
    _type(page, "# two\n")
    typed = _text(page)
    page.reload()
    _filled(page)
    _holds(page, typed)
    assert typed.endswith("# one\n# two\n")
    # It reaches the server and the address, and the browser need not keep it any longer.
    page.wait_for_function(SETTLED)
    address_holds(page, lambda hash: from_address(hash).text, typed)


def test_a_grid_survives_a_reload_at_once(page: Any) -> None:
    page.get_by_label("grid", exact=True).fill("5x9")
    page.reload()
    page.wait_for_selector(".player >> text=h 5 × w 9")
    expect(page.get_by_label("grid", exact=True)).to_have_value("5x9")


def test_a_long_text_survives_a_reload_before_it_is_sent(page: Any) -> None:
    long = "# " + "x" * 25_000 + "\n" + SNAKE
    page.locator("#editor-text").fill(long)
    page.reload()
    _filled(page)
    _holds(page, long)


def test_a_text_that_is_too_long_to_read_says_so_and_is_kept(page: Any) -> None:
    long = SNAKE + "# " + "x" * 262_144 + "\n"
    page.locator("#editor-text").fill(long)
    page.wait_for_selector(".toolong >> text=characters too long: it is neither read nor saved")
    page.wait_for_selector(".drawing[data-older]")
    page.reload()
    page.wait_for_selector(".toolong")
    _holds(page, long)
    page.locator("#editor-text").fill(SNAKE)
    page.wait_for_selector(".drawing:not([data-older])")
    none_left(page, ".toolong")


def test_back_and_forward_bring_what_was_typed_last(page: Any) -> None:
    page.keyboard.press("Alt+l")
    page.get_by_role("button", name=re.compile("^hilbert ")).click()
    page.wait_for_function("() => document.getElementById('editor-text').value.includes('order hilbert')")
    _type(page, "# mine\n")
    mine = _text(page)
    page.go_back()
    page.wait_for_function("() => document.getElementById('editor-text').value.includes('order snake')")
    page.go_forward()
    page.wait_for_function("text => document.getElementById('editor-text').value === text", arg=mine)


def test_tabs_do_not_mix(explorer: Any, new_page: Callable[..., Any]) -> None:
    one = new_page(explorer.address(text=SNAKE))
    other = one.context.new_page()
    other.goto(explorer.address(text=SNAKE))
    for page in (one, other):
        _filled(page)
    _type(one, "# one\n")
    _type(other, "# other\n")
    one.reload()
    other.reload()
    for page, word in ((one, "# one\n"), (other, "# other\n")):
        _filled(page)
        _holds(page, SNAKE + word)


@pytest.fixture
def stopping(start_explorer: Callable[..., Any], browser: Any, tmp_path: Path) -> Any:
    """A page, a function that stops its server, and one that starts it again on the same port."""
    context = browser.new_context()
    first = start_explorer(tmp_path, SCANLAB_TOKEN=TOKEN)
    port = re.search(r":(\d+)/", first.url)
    assert port is not None
    running = [first]

    def stop() -> None:
        running[-1].process.send_signal(signal.SIGINT)
        assert running[-1].process.wait(30) == 0

    def start(token: str = TOKEN) -> str:
        running.append(start_explorer(tmp_path, "--port", port[1], SCANLAB_TOKEN=token))
        return running[-1].url

    page = context.new_page()
    page.goto(first.url)
    page.wait_for_selector(".verdict.proved")
    yield page, stop, start
    context.close()


def test_typing_outlives_its_server(stopping: Any) -> None:
    page, stop, start = stopping
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector(".verdict.proved")
    stop()
    page.wait_for_selector(".gone >> text=does not answer")
    _type(page, "order b = by h, w\n")
    _type(other, "order c = by w, h\n")
    kept = _text(page)
    # Nothing is said of it that nobody has looked at.
    expect(page.locator(".problems[data-older], .drawing[data-older]")).to_have_count(2)
    start()
    for tab, name in ((page, "b"), (other, "c")):
        tab.wait_for_selector(f".verdict.proved:has-text('{name}')", timeout=60_000)
        tab.wait_for_selector(f".player figcaption:has-text('{name}')")
    _holds(page, kept)
    assert "order c" not in kept
    address_holds(page, lambda hash: from_address(hash).text, kept)
    none_left(page, "[data-older]")


def test_a_server_with_another_token_is_told_and_the_text_kept(stopping: Any) -> None:
    page, stop, start = stopping
    stop()
    page.wait_for_selector(".gone >> text=does not answer")
    _type(page, "order b = by h, w\n")
    kept = _text(page)
    address = start("another-token-of-the-tests")
    page.wait_for_selector(".gone >> text=has another token", timeout=60_000)
    _holds(page, kept)
    # The address that the terminal shows, in another tab: this page goes on by itself.
    other = page.context.new_page()
    other.goto(address)
    page.wait_for_selector(".verdict.proved:has-text('b')", timeout=60_000)
    _holds(page, kept)
    assert "order b" not in _text(other)


def test_a_page_opened_afresh_in_the_tab_takes_over_what_reached_no_server(stopping: Any) -> None:
    page, stop, start = stopping
    stop()
    _type(page, "order b = by h, w\n")
    kept = _text(page)
    page.goto(start("another-token-of-the-tests"))
    page.wait_for_selector(".notice.shown >> text=restored what was typed in this tab")
    page.wait_for_selector(".verdict.proved:has-text('b')")
    _holds(page, kept)
    # Once only.
    page.goto(page.url.partition("#")[0])
    page.evaluate("location.replace('/')")
    page.wait_for_selector(".verdict.proved:has-text('snake')")


def test_undo_takes_back_a_card_a_file_and_a_step_through_the_history(explorer: Any, page: Any) -> None:
    (explorer.folder / "other.scan").write_text("grid h, w\norder other = by w, h\n")
    page.locator("#editor-text").fill(SNAKE)
    page.wait_for_selector(".verdict.proved:has-text('a')")
    page.keyboard.press("Alt+l")
    page.get_by_role("button", name=re.compile("^hilbert ")).click()
    page.wait_for_selector(".notice.shown >> text=hilbert stands in the place of your text: Ctrl+Z or Back")
    page.wait_for_selector(".player figcaption:has-text('hilbert')")
    card = _text(page)
    page.locator("#editor-text").press("Control+z")
    _holds(page, SNAKE)
    page.wait_for_selector(".verdict.proved:has-text('a')")
    page.locator("#editor-text").press("Control+Shift+z")
    _holds(page, card)
    page.keyboard.press("Control+o")
    page.get_by_role("button", name="other.scan").click()
    page.wait_for_function("() => document.getElementById('editor-text').value.includes('order other')")
    page.locator("#editor-text").press("Control+z")
    _holds(page, card)
    page.go_back()
    page.go_back()
    page.wait_for_function("text => document.getElementById('editor-text').value === text", arg=SNAKE)
    page.locator("#editor-text").press("Control+z")
    _holds(page, card)


def test_an_open_window_does_not_take_a_text_that_is_put_in(page: Any) -> None:
    page.keyboard.press("Alt+l")
    page.get_by_role("button", name=re.compile("^hilbert ")).click()
    page.wait_for_function("() => document.getElementById('editor-text').value.includes('order hilbert')")
    page.keyboard.press("Alt+l")
    page.locator("dialog[aria-label=Library]").get_by_role("searchbox").focus()
    page.go_back()
    page.wait_for_function("() => document.getElementById('editor-text').value.includes('order snake')")
    expect(page.locator("dialog[aria-label=Library]").get_by_role("searchbox")).to_have_value("")


def test_an_edit_of_another_text_is_not_made(page: Any) -> None:
    page.locator("#editor-text").fill("grid h, w\norder a = by h + w\n")
    page.wait_for_selector(".problem .fix")
    # As when the fix is clicked while the text goes on, before the server knows.
    changed = "grid h, w\n# now\norder a = by h + w\n"
    page.evaluate(
        """text => {
          const area = document.getElementById("editor-text");
          area.value = text;
          area.dispatchEvent(new Event("input"));
          document.querySelector(".problem .fix").click();
        }""",
        changed,
    )
    page.wait_for_selector(".problem:has-text('line 3')")
    _holds(page, changed)
