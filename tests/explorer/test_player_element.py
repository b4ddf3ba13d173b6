"""The player as an element of a page: what Python calls, the browser does, and the other way round."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import expect

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(Path(__file__).with_name("player_app.py")), str(port)]
    # NiceGUI serves otherwise where it believes itself under test.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    yield f"http://127.0.0.1:{port}/"
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture
def page(address: str, new_page: Callable[..., Any]) -> Any:
    opened = new_page(address, reduced_motion="reduce")
    opened.wait_for_selector(".player .panels canvas", state="attached")
    return opened


def act(page: Any, name: str) -> None:
    page.evaluate("(name) => emitEvent(name)", f"act-{name}")


def test_what_was_shown_before_the_browser_came_is_there(page: Any) -> None:
    page.get_by_text("step 24 of 24").wait_for()
    expect(page.locator(".player")).to_contain_text("by h, ~w")


def test_other_paths_are_shown_and_the_clock_is_moved(page: Any) -> None:
    act(page, "show")
    page.get_by_text("step 23 of 23").wait_for()
    expect(page.locator(".player figure")).to_have_count(4)
    act(page, "go")
    page.get_by_text("step 7 of 23").wait_for()


def test_the_step_is_told_to_python(page: Any) -> None:
    act(page, "go")
    page.locator(".heard", has_text="step 7").wait_for()
    page.locator("[data-at=scrub]").fill("11")
    page.locator(".heard", has_text="step 11").wait_for()
    act(page, "play")
    page.locator(".heard", has_text="step 24").wait_for()


def test_colours_go_both_ways(page: Any) -> None:
    act(page, "colour")
    page.wait_for_function("document.querySelector('[data-at=colour]').value === 'path'")
    page.locator("[data-at=colour]").select_option("gap")
    page.locator(".heard", has_text="colour gap").wait_for()


def test_a_counterexample_is_drawn_and_cleared(page: Any) -> None:
    act(page, "counter")
    page.get_by_text("two patches share a key").wait_for()
    expect(page.locator(".player .panels")).to_be_hidden()
    act(page, "clear")
    page.locator(".player .panels").wait_for(state="visible")
    expect(page.get_by_text("two patches share a key")).to_have_count(0)


def test_an_image_is_laid_under_the_paths_and_taken_away(page: Any) -> None:
    act(page, "image")
    page.locator(".player .strip canvas").wait_for()
    act(page, "no image")
    page.locator(".player .strip canvas").wait_for(state="detached")


def test_the_focus_goes_to_the_controls(page: Any) -> None:
    act(page, "focus")
    page.wait_for_function("document.activeElement.dataset.at === 'play'")


def test_a_player_taken_away_takes_its_keys_with_it(page: Any) -> None:
    act(page, "away")
    page.locator(".player").wait_for(state="detached")
    page.keyboard.press("Home")
    expect(page.locator(".heard")).to_have_text("step 24")
