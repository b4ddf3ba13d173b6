"""The first ten seconds: what this is, what to click, and a path that moves."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from chromium import address_holds, expect

from scanlab.checking import check_definition
from scanlab.explorer.examples import EXAMPLES, WHAT_THIS_IS
from scanlab.explorer.snapshot import read
from scanlab.explorer.state import from_address
from scanlab.explorer.titles import GROUPS, TITLES

STEP = ".player [data-at=step]"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.label)
def test_an_example_is_sound_or_its_fix_is(example: Any) -> None:
    text = example.text
    module = read(text, "<text>")
    [definition] = module.definitions
    problems = check_definition(definition, example.grid, look_up=False).diagnostics
    if problems:
        [edit] = [d.edit for d in problems if d.edit is not None]
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
        [definition] = read(text, "<text>").definitions
        assert not check_definition(definition, example.grid, look_up=False).diagnostics
    assert bool(problems) == ("tie" in example.label)


def test_the_page_says_what_it_is_above_the_fold(page: Any) -> None:
    said = page.get_by_text(WHAT_THIS_IS)
    box = said.bounding_box()
    assert box["y"] < 120
    expect(page.get_by_role("group", name="Try").get_by_role("button")).to_have_text([e.label for e in EXAMPLES])


def test_examples_take_the_place_of_the_text_and_a_tie_is_mended_with_one_click(page: Any) -> None:
    examples = page.get_by_role("group", name="Try")
    examples.get_by_role("button", name="cross (four paths)").click()
    expect(page.locator(".player figure")).to_have_count(4)
    page.locator("#editor-text").fill("grid h, w\norder mine = by w, h\n")
    page.wait_for_selector(".verdict.proved:has-text('mine')")
    examples.get_by_role("button", name="Hilbert").click()
    page.wait_for_selector(".notice.shown >> text=Ctrl+Z or Back brings that back")
    page.wait_for_selector(".player >> text=h 16 × w 16")
    page.locator("#editor-text").press("Control+z")
    expect(page.locator("#editor-text")).to_have_value("grid h, w\norder mine = by w, h\n")
    examples.get_by_role("button", name="a tie to mend").click()
    page.wait_for_selector(".drawing[data-state=example]")
    page.locator(".problem .fix").click()
    page.wait_for_selector(".verdict.proved:has-text('diagonal')")
    page.wait_for_selector(".drawing[data-state=paths]")


def test_the_path_plays_once_on_a_fresh_page(explorer: Any, new_page: Callable[..., Any]) -> None:
    page = new_page(explorer.address(grid=(4, 4)), reduced_motion="no-preference")
    page.wait_for_selector(".player.playing")
    page.wait_for_selector(f"{STEP} >> text=step 15 of 15")
    page.wait_for_selector(".player:not(.playing)")
    # It is looked at again, and not for the first time.
    page.reload()
    page.wait_for_selector(f"{STEP} >> text=step 15 of 15")
    expect(page.locator(".player")).not_to_have_class(re.compile("playing"))


@pytest.mark.parametrize("step, motion", [(7, "no-preference"), (-1, "reduce")])
def test_no_path_plays_by_itself_at_a_step_or_with_less_motion(
    explorer: Any, new_page: Callable[..., Any], step: int, motion: str
) -> None:
    page = new_page(explorer.address(grid=(4, 4), step=step), reduced_motion=motion)
    page.wait_for_selector(f"{STEP} >> text=step {step if step >= 0 else 15} of 15")
    page.wait_for_selector(".verdict.proved")
    expect(page.locator(".player")).not_to_have_class(re.compile("playing"))
    address_holds(page, lambda hash: from_address(hash).step, step)


def test_panes_stand_in_three_groups_in_the_order_of_their_numbers(page: Any) -> None:
    bar = page.get_by_role("toolbar", name="Panes")
    for group, titles in GROUPS.items():
        expect(bar.get_by_role("group", name=group).get_by_role("button")).to_have_text(list(titles.values()))
    page.keyboard.press("Alt+5")
    page.wait_for_selector(f"#pane-{list(TITLES)[4]}")
