"""The library: filters by axes, kind and system, and a search that knows the systems that share a strategy."""

from __future__ import annotations

from typing import Any

import pytest
from chromium import expect

from scanlab.explorer.catalogue import SAME_AS, entries, users_of


def test_every_user_of_a_strategy_names_one_of_the_library() -> None:
    names = {entry["name"] for entry in entries()}
    assert all(user.name in names and user.source for user in SAME_AS)
    assert "MedMamba" in users_of("cross")
    [cross] = [entry for entry in entries() if entry["name"] == "cross"]
    assert "MedMamba" in cross["also"] and cross["system"] not in cross["also"]


@pytest.fixture
def library(page: Any) -> Any:
    page.keyboard.press("Alt+l")
    page.wait_for_selector(".window.wide .card")
    return page


def test_a_system_that_has_another_s_scan_is_searched(library: Any) -> None:
    library.get_by_label("Search the library").fill("medmamba")
    expect(library.locator("dialog[open] .count")).to_have_text(f"1 of {len(entries())}")
    expect(library.locator(".card:visible strong")).to_have_text("cross")


def test_filters_narrow_what_is_listed(library: Any) -> None:
    listed = entries()
    shown = library.locator(".cards li:visible")
    library.get_by_label("Axes", exact=True).select_option("t h w")
    expect(shown).to_have_count(sum(entry["axes"] == "t h w" for entry in listed))
    library.get_by_label("Kind", exact=True).select_option("scan")
    fits = [e for e in listed if e["axes"] == "t h w" and e["kind"] == "scan"]
    expect(shown).to_have_count(len(fits))
    library.get_by_label("System", exact=True).select_option("VMamba")
    expect(library.locator("dialog[open] .empty")).to_contain_text("Nothing in the library matches.")
    library.get_by_role("button", name="Show all").click()
    expect(shown).to_have_count(len(listed))
    library.get_by_label("System", exact=True).select_option("VMamba")
    wanted = {e["name"] for e in listed if e["system"] == "VMamba" or "VMamba" in e["also"]}
    expect(shown).to_have_count(len(wanted))


def test_the_page_has_an_icon_of_its_own(page: Any) -> None:
    icon = page.locator("link[rel*=icon]").first.get_attribute("href")
    assert icon and "svg" in icon and "nicegui" not in icon.lower()


def test_limits_are_said_before_they_are_met(explorer: Any, new_page: Any) -> None:
    six = ("row", "column", "snake", "hilbert", "zigzag", "morton")
    page = new_page(explorer.address(text="grid h, w\norder row = by h, w\norder mine = by w, h\n", names=six))
    expect(page.locator(".selection .full")).to_have_text("6 of 6: hide one to show another")
    expect(page.get_by_role("button", name="mine", exact=True)).to_be_disabled()
    page.get_by_label("grid", exact=True).focus()
    expect(page.locator("#grid-size-about")).to_contain_text("1,000,000 patches at most")
    page.keyboard.press("Alt+l")
    expect(page.locator("dialog[open] p.full")).to_contain_text("6 are shown, which is the most")
    assert page.get_by_role("button", name="Show beside: cross", exact=True).get_attribute("title")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="zigzag", exact=True).click()
    expect(page.locator(".selection .full")).to_have_count(0)
    expect(page.get_by_role("button", name="mine", exact=True)).to_be_enabled()
