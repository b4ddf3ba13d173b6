"""The explorer in a real browser: write, see, mend, share, save."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chromium import address_holds, expect, none_left

from scanlab.explorer.state import State, from_address

SNAKE = "grid h, w\norder a = by h, ~w\n"
TIE = "grid h, w\norder a = by h + w\n"


_PIXELS = "() => [...document.querySelectorAll('.player .panels canvas')].map(e => e.toDataURL()).join()"


def _write(page: Any, text: str) -> None:
    # Behind a window that is still open, the box takes no text, and the browser does not say so.
    _waits(page, "() => !document.querySelector('dialog[open]')")
    page.locator("#editor-text").fill(text)
    expect(page.locator("#editor-text")).to_have_value(text)


def _is_saved(page: Any, name: str) -> None:
    """Wait until a file is saved, and its text stands in the box: what is said of it comes before that."""
    page.wait_for_selector(f".file:not([data-older]) >> text={name} · saved")


def _waits(page: Any, condition: str, argument: Any = None) -> None:
    page.wait_for_function(condition, arg=argument)


def _picture(page: Any) -> str:
    """What the canvases show."""
    return page.evaluate(f"({_PIXELS})()")


def test_typing_changes_the_picture_and_the_proof(page: Any) -> None:
    before = _picture(page)
    page.locator("#editor-text").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\norder mine = by w, ~h\n", delay=5)
    page.wait_for_selector(".player figcaption:has-text('mine')")
    _waits(page, f"old => ({_PIXELS})() !== old", before)
    page.wait_for_selector(".verdict.proved:has-text('mine') >> text=proved for all sizes")
    expect(page.locator(".selection .chip[aria-pressed=true]")).to_have_text(["mine"])


def test_colours_come_from_the_grammar(page: Any) -> None:
    _write(page, 'grid h, w\n"Doc."\norder a = by hilbert(h, w), 12 # why\n')
    copy = page.locator(".paper .copy")
    expect(copy.locator(".keyword")).to_have_text(["grid", "order", "by"])
    expect(copy.locator(".function")).to_have_text(["hilbert"])
    expect(copy.locator(".number, .string, .comment")).to_have_text(['"Doc."', "12", "# why"])
    # The coloured copy lies under what is typed, line by line.
    rows = "e => e.getClientRects().length && parseFloat(getComputedStyle(e).lineHeight)"
    assert copy.evaluate(rows) == page.locator("#editor-text").evaluate(rows)


def test_an_error_is_marked_drawn_and_mended_with_one_click(page: Any) -> None:
    _write(page, TIE)
    problem = page.locator(".problem.error")
    problem.locator("text=line 2, column 11").wait_for()
    # Of the grid on show first, and of the smallest once that is found.
    problem.locator("text=on a 2x2 grid, patches (0, 1) and (1, 0) share the key (1)").wait_for()
    expect(page.locator(".paper .mark")).to_have_text(["by", " ", "h", " ", "+", " ", "w"])
    page.wait_for_selector(".drawing[data-state=example]")
    expect(page.locator(".drawing")).to_contain_text("Counter-example")
    problem.get_by_role("button", name=re.compile("line 2")).click()
    _waits(page, "() => document.activeElement.id === 'editor-text' && getSelection().toString() === 'by h + w'")
    problem.get_by_role("button", name="Write by h + w, h").click()
    page.wait_for_selector(".verdict.proved")
    page.wait_for_selector(".drawing[data-state=paths]")
    expect(page.locator("#editor-text")).to_have_value(TIE.replace("h + w", "h + w, h"))
    none_left(page, ".problem, .paper .mark")
    # The browser's undo takes a fix back as it does typing.
    page.locator("#editor-text").press("Control+z")
    page.wait_for_selector(".problem.error")
    expect(page.locator("#editor-text")).to_have_value(TIE)
    page.keyboard.press("Control+.")
    page.wait_for_selector(".verdict.proved")


def test_a_mistake_while_typing_leaves_the_last_picture_dimmed(page: Any) -> None:
    before = _picture(page)
    _write(page, "grid h, w\norder a = by h +")
    page.wait_for_selector(".problem:has-text('S102')")
    page.wait_for_selector(".drawing[data-state=wrong]")
    assert _picture(page) == before
    page.keyboard.press("F8")
    expect(page.locator("#editor-text")).to_be_focused()


def test_names_are_completed(page: Any) -> None:
    _write(page, "grid h, w\norder a = ")
    page.locator("#editor-text").press("End")
    page.keyboard.type("gilb")
    offered = page.locator(".words li")
    offered.first.wait_for()
    _waits(page, "() => [...document.querySelectorAll('.words li')].every(e => e.innerText.startsWith('gilbert'))")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#editor-text")).to_have_value(re.compile("order a = gilbert$"))
    page.wait_for_selector(".verdict.proved")
    # Enter stays a new line while nothing is chosen.
    page.keyboard.type("\norder b = row")
    page.locator("#editor-text").press("Enter")
    expect(page.locator("#editor-text")).to_have_value(re.compile("order b = row\n$"))


def test_the_grid_can_be_changed_and_misfits_are_told(page: Any) -> None:
    box = page.get_by_label("grid", exact=True)
    box.fill("5x9")
    page.wait_for_selector(".player >> text=h 5 × w 9")
    box.fill("5x")
    page.wait_for_selector(".field.wrong >> text=is no grid")
    box.fill("4x5x9")
    page.wait_for_selector(".field.wrong >> text=snake has 2 axes: h, w")
    box.fill("2000x2000")
    page.wait_for_selector(".problem:has-text('S504')")
    box.fill("6x6")
    page.wait_for_selector(".player >> text=h 6 × w 6")
    none_left(page, ".field.wrong, .problem")


def test_the_clock_is_scrubbed(page: Any) -> None:
    page.locator(".player [data-at=scrub]").focus()
    page.keyboard.press("Home")
    page.wait_for_selector(".player >> text=step 0 of 195")
    first = _picture(page)
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_selector(".player >> text=step 5 of 195")
    _waits(page, f"old => ({_PIXELS})() !== old", first)


def test_a_reload_brings_everything_back(page: Any, explorer: Any) -> None:
    _write(page, SNAKE + "order b = by w, h\norder c = a(w, h)\n")
    page.get_by_role("button", name="b", exact=True).click()
    page.get_by_label("grid", exact=True).fill("4x6")
    page.get_by_role("button", name="Proof", exact=True).click()
    # Beside a pane the controls that are used seldom are folded away.
    page.get_by_role("button", name="View", exact=True).click()
    page.locator(".player [data-at=colour]").select_option("gap")
    page.wait_for_selector("#pane-proof >> text=proved for all sizes")
    wanted = State(
        text=SNAKE + "order b = by w, h\norder c = a(w, h)\n",
        grid=(4, 6),
        names=("c", "b"),
        panes=("proof",),
        colour="gap",
    )
    address_holds(page, from_address, wanted)
    page.reload()
    page.wait_for_selector("#pane-proof >> text=proved for all sizes")
    page.wait_for_selector(".player >> text=h 4 × w 6")
    expect(page.locator("#editor-text")).to_have_value(wanted.text)
    expect(page.locator(".selection .chip[aria-pressed=true]")).to_have_text(["b", "c"])
    expect(page.locator(".player [data-at=colour]")).to_have_value("gap")
    expect(page.get_by_label("grid", exact=True)).to_have_value("4x6")


def test_back_returns_to_the_text_that_was_left(page: Any) -> None:
    _write(page, SNAKE)
    page.wait_for_selector(".verdict.proved:has-text('a')")
    length = page.evaluate("history.length")
    page.get_by_role("button", name="Library").click()
    page.get_by_role("button", name=re.compile("^hilbert ")).click()
    page.wait_for_selector(".player figcaption:has-text('hilbert')")
    # Typing adds no entries; another document adds one.
    _waits(page, "before => history.length === before + 1", length)
    page.go_back()
    _waits(page, "text => document.getElementById('editor-text').value === text", SNAKE)
    page.go_forward()
    _waits(page, "() => document.getElementById('editor-text').value.includes('order hilbert')")


def test_the_gallery_is_searched_and_opens_and_compares(page: Any) -> None:
    page.keyboard.press("Alt+l")
    gallery = page.locator("dialog[aria-label=Library]")
    gallery.locator("text=/^\\d{3} of \\d{3}$/").first.wait_for()
    gallery.locator("h3:text-is('VMamba')").wait_for()
    titles = gallery.locator("h3").all_inner_texts()
    assert {"Vim", "VMamba", "Basic", "Curves"} <= set(titles)
    gallery.get_by_role("searchbox").fill("vmamba SS2D")
    cards = gallery.locator("li:visible")
    _waits(page, "() => [...document.querySelectorAll('.cards li')].filter(e => e.offsetParent).length < 12")
    cards.filter(has_text="cross").first.wait_for()
    picture = gallery.locator("li:visible img").first
    _waits(page, "() => [...document.querySelectorAll('.cards img')].some(e => e.naturalWidth > 0)")
    expect(picture).to_have_attribute("src", re.compile("^/scanlab/thumbnail/"))
    gallery.get_by_role("searchbox").fill("no such thing")
    gallery.locator("text=Nothing in the library matches").wait_for()
    gallery.get_by_role("searchbox").fill("hilbert")
    gallery.get_by_role("button", name="Show beside: hilbert", exact=True).click()
    page.wait_for_selector(".selection .chip.library:has-text('hilbert')")
    expect(page.locator(".player figcaption strong")).to_have_text(["snake", "hilbert"])


def test_panes_open_close_move_and_stand_beside_or_below(page: Any) -> None:
    page.keyboard.press("Alt+2")
    page.keyboard.press("Alt+1")
    page.wait_for_selector("#pane-keys")
    order = "() => [...document.querySelectorAll('.pane')].map(e => e.id).join()"
    _waits(page, f"() => ({order})() === 'pane-proof,pane-keys'")
    for name in ("proof", "keys"):
        page.wait_for_selector(f"#pane-{name} .pane-body[data-state=ready]")
    page.get_by_role("button", name="Move Keys up").click()
    _waits(page, f"() => ({order})() === 'pane-keys,pane-proof'")
    beside = page.locator("#pane-keys").bounding_box()["x"]
    page.keyboard.press("Alt+b")
    _waits(page, "x => document.querySelector('#pane-keys').getBoundingClientRect().x < x", beside)
    page.get_by_role("button", name="Close Keys").click()
    _waits(page, f"() => ({order})() === 'pane-proof'")
    page.keyboard.press("Alt+2")
    _waits(page, f"() => ({order})() === ''")


def test_help_lists_the_shortcuts(page: Any) -> None:
    page.keyboard.press("?")
    window = page.locator("dialog[aria-label=Shortcuts]")
    window.wait_for()
    assert {"Ctrl+S", "F8", "Ctrl+Space"} <= set(window.locator("kbd").all_inner_texts())
    page.keyboard.press("Escape")
    window.wait_for(state="hidden")
    # In the text a question mark is a question mark.
    page.locator("#editor-text").press("End")
    page.keyboard.type("?")
    expect(window).to_be_hidden()


def test_a_conflict_is_asked_about(explorer: Any, new_page: Callable[..., Any]) -> None:
    file: Path = explorer.folder / "conflict.scan"
    file.write_text(SNAKE)
    page = new_page(explorer.url)
    page.keyboard.press("Control+o")
    page.get_by_role("button", name="conflict.scan").click()
    _is_saved(page, "conflict.scan")
    _write(page, SNAKE + "# mine\n")
    page.wait_for_selector("text=conflict.scan · not saved")
    file.write_text("# theirs\n")
    page.keyboard.press("Control+s")
    asked = page.locator("dialog[aria-label='Not saved']")
    asked.locator("text=changed on disk").wait_for()
    assert file.read_text() == "# theirs\n"
    asked.get_by_role("button", name="Cancel").click()
    assert file.read_text() == "# theirs\n"
    # A reload does not forget what was opened.
    page.wait_for_timeout(400)
    page.reload()
    page.wait_for_selector("text=conflict.scan · not saved")
    page.keyboard.press("Control+s")
    asked.get_by_role("button", name="Save over it").click()
    _is_saved(page, "conflict.scan")
    assert file.read_text() == SNAKE + "# mine\n"


def test_a_new_file_gets_a_name_inside_the_folder(explorer: Any, page: Any) -> None:
    _write(page, SNAKE)
    page.keyboard.press("Control+s")
    window = page.locator("dialog[aria-label='Save as']")
    name = window.get_by_label("Name")
    name.fill("../outside.scan")
    window.get_by_role("button", name="Save").click()
    window.locator("text=outside the folders that are open").wait_for()
    name.fill("sub/none")
    name.press("Enter")
    refusal = page.locator("dialog[aria-label='Not saved']")
    refusal.locator("text=does not exist").wait_for()
    refusal.get_by_role("button", name="Close", exact=True).last.click()
    # As long as it is there, nothing behind it takes keys.
    refusal.wait_for(state="hidden")
    name.fill("fresh")
    name.press("Enter")
    _is_saved(page, "fresh.scan")
    assert (explorer.folder / "fresh.scan").read_text() == SNAKE
    assert not (explorer.folder.parent / "outside.scan").exists()


def test_an_address_with_a_file_outside_reads_and_writes_nothing(explorer: Any, new_page: Callable[..., Any]) -> None:
    secret = explorer.folder.parent / "secret.scan"
    secret.write_text("# secret\n")
    page = new_page(explorer.address(text="# mine\n", file=str(secret), base=""))
    page.wait_for_selector("text=not saved")
    page.keyboard.press("Control+s")
    page.locator("dialog >> text=outside the folders that are open").wait_for()
    assert secret.read_text() == "# secret\n"
    assert "secret\n" not in page.locator("#editor-text").input_value()


def test_links_and_python_are_copied(explorer: Any, new_page: Callable[..., Any]) -> None:
    page = new_page(explorer.url, permissions=["clipboard-read", "clipboard-write"])
    page.wait_for_selector(".drawing[data-state=paths]")
    _write(page, SNAKE)
    page.wait_for_selector(".player figcaption:has-text('a')")
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_selector(".notice.shown >> text=copied a link")
    link = page.evaluate("navigator.clipboard.readText()")
    assert from_address(link.partition("#")[2]).text == SNAKE
    page.get_by_role("button", name="Copy as Python").click()
    page.wait_for_selector(".notice.shown >> text=copied Python")
    code = page.evaluate("navigator.clipboard.readText()")
    made: dict[str, Any] = {}
    exec(code, made)
    assert made["a"].indices[0, 14:16].tolist() == [27, 26]


def test_a_text_is_never_run_and_never_markup(page: Any) -> None:
    _write(page, '# <img src=x onerror="window.hit = 1">\n__import__("os").system("true")\n')
    page.wait_for_selector(".problem")
    assert page.evaluate("window.hit") is None
    none_left(page, ".paper img, .problem img")


def test_empty_and_helper_texts_say_what_to_do(page: Any) -> None:
    _write(page, "")
    page.wait_for_selector(".drawing[data-state=empty] >> text=take one from the library")
    page.get_by_role("button", name="Open the library").click()
    page.locator("dialog[aria-label=Library]").wait_for()
    page.keyboard.press("Escape")
    _write(page, "grid h, w\norder twice(p) = p\n")
    page.wait_for_selector(".drawing[data-state=empty] >> text=Nothing here stands alone")
    page.wait_for_selector(".verdict.helper >> text=checked where it is used")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(360, 740), (768, 1024), (1280, 720)])
def test_no_layout_is_wider_than_its_window(
    explorer: Any, new_page: Callable[..., Any], scheme: str, size: tuple[int, int]
) -> None:
    address = explorer.address(text=SNAKE + "order long_name_of_an_order = " + "a(w, h)\n", panes=("keys", "proof"))
    page = new_page(address, viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page.wait_for_selector("#pane-proof >> text=proved for all sizes")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= size[0]
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    if size[0] == 360:
        small = page.evaluate(
            "[...document.querySelectorAll('.top button, .selection button')].filter(e => e.offsetHeight < 36).length"
        )
        assert small == 0


def test_focus_is_visible_wherever_tab_goes(page: Any) -> None:
    page.locator("body").click(position={"x": 200, "y": 20})
    seen = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        focused = page.evaluate_handle("document.activeElement")
        name, width = focused.evaluate("e => [e.outerHTML.slice(0, 60), getComputedStyle(e).outlineWidth]")
        assert float(width.removesuffix("px")) >= 2, name
        seen.add(name)
    assert len(seen) > 8


def test_a_page_that_hogs_the_compiler_leaves_the_others_quick(
    start_explorer: Callable[..., Any], new_page: Callable[..., Any]
) -> None:
    explorer = start_explorer()
    # Every one of these is within the compiler's limits, and slow: a graph order on a large grid.
    slow = "grid h, w\norder a = by dfs(h, w, seed=1)\n"
    pages = [new_page(explorer.address(text=slow, grid=(480, 500))) for _ in range(2)]
    other = new_page(explorer.url)
    other.wait_for_selector(".drawing[data-state=paths]")
    _write(other, SNAKE)
    other.wait_for_selector(".player figcaption:has-text('a')")
    # A page that is gone takes nothing with it.
    for page in pages:
        page.close()
    _write(other, SNAKE.replace("a =", "b ="))
    other.wait_for_selector(".player figcaption:has-text('b')")
