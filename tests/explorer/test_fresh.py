"""What stands beside a text that it is not of is marked at the first key, whatever the server does."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest
from chromium import expect, none_left

from scanlab.explorer.freshness import text_version, version_of

SNAKE = "grid h, w\norder a = by h, ~w\n"
REGIONS = (
    ".problems",
    ".drawing",
    ".selection",
    "#pane-proof .pane-body",
    "#pane-keys .pane-body",
    "#pane-export .pane-body",
)
NOT_MARKED = "regions => regions.filter(e => !document.querySelector(e).hasAttribute('data-older'))"
MARKED = "regions => regions.filter(e => document.querySelector(e).hasAttribute('data-older'))"


@pytest.mark.parametrize("text", ["", SNAKE, "ä→𝔸 \ud83d", "x" * 3000])
def test_a_text_has_the_same_mark_in_the_browser(page: Any, text: str) -> None:
    units = list(text.encode("utf-16-le", "surrogatepass"))
    code = """async units => {
      const { wantText } = await import("/scanlab/static/page.js");
      const unit = (_, at) => String.fromCharCode(units[2 * at] | units[2 * at + 1] << 8);
      return wantText(Array.from({ length: units.length / 2 }, unit).join(""));
    }"""
    assert page.evaluate(code, units) == text_version(text)
    assert version_of(text, (4, 5)) == f"{text_version(text)} 4x5"


def test_all_that_is_of_an_older_text_is_marked_at_the_first_key(
    start_explorer: Callable[..., Any], browser: Any
) -> None:
    explorer = start_explorer()
    context = browser.new_context()
    page = context.new_page()
    page.goto(explorer.address(text=SNAKE, panes=("proof", "keys", "export")))
    for pane in ("proof", "keys", "export"):
        page.wait_for_selector(f"#pane-{pane} .pane-body[data-state=ready]")
    page.wait_for_selector(".verdict.proved >> text=This is")
    assert page.evaluate(MARKED, list(REGIONS)) == []
    # Before the server can have heard of it, in the very event.
    code = f"""regions => {{
      const area = document.getElementById("editor-text");
      area.setRangeText("x", area.value.length - 1, area.value.length - 1, "end");
      area.dispatchEvent(new InputEvent("input", {{ inputType: "insertText" }}));
      const faint = (e) => getComputedStyle(document.querySelector(e)).filter.startsWith("grayscale");
      const seen = [".verdict", ".player .panels canvas", ".selection .chip", "#pane-proof .pane-body > :last-child"];
      return [({NOT_MARKED})(regions), seen.map(faint)];
    }}"""
    assert page.evaluate(code, list(REGIONS)) == [[], [True] * 4]
    # The text that they are of is back: they are true again, without any answer.
    page.wait_for_selector(".problem")
    explorer.process.send_signal(signal.SIGINT)
    assert explorer.process.wait(30) == 0
    page.wait_for_selector(".drawing[data-older]")
    page.locator("#editor-text").press("Control+z")
    page.wait_for_selector(".drawing:not([data-older])")
    # A tie that no server looks at is not called proved.
    page.locator("#editor-text").fill("grid h, w\norder a = by h + w\n")
    assert page.evaluate(NOT_MARKED, list(REGIONS)) == []
    shown = page.locator(".problems").evaluate("e => getComputedStyle(e, '::after').content")
    assert shown == '"of an older text"'
    context.close()


def test_marks_go_with_the_answers(page: Any) -> None:
    page.locator("#editor-text").fill(SNAKE.replace("~w", "w"))
    for region in (".problems", ".drawing", ".selection"):
        page.wait_for_selector(f"{region}:not([data-older])")
    page.wait_for_function("() => !document.querySelector('[data-older]')")
    # Behind a mistake the last paths stay, and are of an older text; what is wrong is of this one.
    page.locator("#editor-text").fill(SNAKE.replace("~w", "w +"))
    page.wait_for_selector(".problem")
    none_left(page, ".problems[data-older]")
    expect(page.locator(".drawing[data-older]")).to_have_count(1)
    # A counter-example is of the text that it refutes.
    page.locator("#editor-text").fill(SNAKE.replace("~w", "1"))
    page.wait_for_selector(".drawing[data-state=example]:not([data-older])")


def test_pictures_of_another_grid_than_the_one_typed_are_marked(page: Any) -> None:
    box = page.get_by_label("grid", exact=True)
    box.fill("5x")
    page.wait_for_selector(".drawing[data-older]")
    box.fill("5x6")
    page.wait_for_selector(".drawing:not([data-older])")
    page.wait_for_selector(".player >> text=h 5 × w 6")
    page.wait_for_function("() => !document.querySelector('[data-older]')")


def test_a_file_whose_text_goes_on_is_not_called_saved(explorer: Any, new_page: Callable[..., Any]) -> None:
    (explorer.folder / "kept.scan").write_text(SNAKE)
    page = new_page(explorer.url)
    page.keyboard.press("Control+o")
    page.get_by_role("button", name="kept.scan").click()
    page.wait_for_selector(".file:not([data-older]) >> text=kept.scan · saved")
    code = """() => {
      const area = document.getElementById("editor-text");
      area.setRangeText("#", 0, 0, "end");
      area.dispatchEvent(new InputEvent("input", { inputType: "insertText" }));
      return document.querySelector(".file").hasAttribute("data-older");
    }"""
    assert page.evaluate(code)
    page.wait_for_selector(".file:not([data-older]) >> text=kept.scan · not saved")


def test_nothing_of_an_older_text_is_given_to_take_away(explorer: Any, new_page: Callable[..., Any]) -> None:
    page = new_page(explorer.address(text=SNAKE, panes=("export",)))
    page.wait_for_selector("#pane-export .pane-body[data-state=ready]:not([data-older])")
    code = """key => {
      const area = document.getElementById("editor-text"), taken = window.taken ??= [];
      navigator.clipboard.writeText = async (text) => taken.push(text);
      area.setRangeText(key, area.value.length, area.value.length, "end");
      area.dispatchEvent(new InputEvent("input", { inputType: "insertText" }));
      for (const button of document.querySelectorAll("#pane-export :is(.copy, .exports button)")) button.click();
      return taken.length;
    }"""
    asked: list[str] = []
    page.on("download", lambda file: asked.append(file.suggested_filename))
    assert page.evaluate(code, "#") == 0
    page.wait_for_selector("#pane-export .pane-body[data-state=ready]:not([data-older])")
    page.locator("#pane-export .copy").click()
    page.wait_for_function("taken.length === 1 && taken[0].includes('scanlab.compile')")
    assert asked == []
