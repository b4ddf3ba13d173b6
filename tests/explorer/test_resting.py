"""What somebody has not finished typing is no mistake yet, and a mistake moves nothing on the page."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from chromium import expect

from scanlab.explorer.renderers.markup import mistakes, prose
from scanlab.explorer.resting import Rest
from scanlab.ir.diagnostics import Diagnostic


def test_what_waits_comes_in_order_once_typing_rests() -> None:
    said: list[str] = []

    async def typing() -> None:
        rest = Rest()
        rest.hold(lambda: said.append("at once"))
        rest.typed()
        rest.hold(lambda: said.append("overtaken"))
        assert said == ["at once"]
        rest.typed()
        rest.forget()
        for word in ("one", "two"):
            rest.hold(lambda word=word: said.append(word))
        assert said == ["at once"]
        while len(said) < 3:
            await asyncio.sleep(0.01)

    # In a thread of its own: Playwright's loop runs in this one.
    thread = threading.Thread(target=lambda: asyncio.run(typing()))
    thread.start()
    thread.join()
    assert said == ["at once", "one", "two"]


def test_backticks_are_code_and_nothing_else_is_markup() -> None:
    assert prose("add `h` <b>") == "add <code>h</code> &lt;b&gt;"
    assert "<code>h // 2</code>" in mistakes([Diagnostic("S102", "write `h // 2`")])


def test_a_mistake_waits_until_typing_rests_and_moves_nothing(page: Any) -> None:
    places = """() => Object.fromEntries([".paper", ".player [data-at=play]", ".problems"].map(name => {
      const { x, y, width, height } = document.querySelector(name).getBoundingClientRect();
      return [name, [x, y, width, height].map(Math.round)];
    }))"""
    before = page.evaluate(places)
    # Every state of the page on the way is looked at.
    page.evaluate("""() => {
      window.texts = [];
      new MutationObserver(() => {
        if (document.querySelector(".problem")) window.texts.push(document.getElementById("editor-text").value);
      }).observe(document.body, { subtree: true, childList: true });
    }""")
    page.locator("#editor-text").press("Control+End")
    page.keyboard.type("order b = by h + w", delay=20)
    page.wait_for_selector(".problem:has-text('same keys')")
    typed = page.locator("#editor-text").input_value()
    assert set(page.evaluate("window.texts")) == {typed}
    page.wait_for_selector(".drawing[data-state=example]")
    assert page.evaluate(places) == before
    expect(page.locator(".problem .help code")).to_have_text(["h"])
    # A definition that is right needs no such pause, and the counter-example goes.
    page.keyboard.type(", h")
    page.wait_for_selector(".verdict.proved:has-text('b')")
    assert page.evaluate(places) == before
