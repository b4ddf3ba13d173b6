"""A real browser for tests: Chromium, headless, through Playwright; the fixtures are known to all tests.

Where one of the two is missing, what needs it is skipped and says so.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

__all__ = [
    "CHROMIUM",
    "FLAGS",
    "address_holds",
    "browser",
    "chromium_driver",
    "chromium_profile",
    "expect",
    "new_page",
    "none_left",
]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
WAIT_MS = 20_000


def expect(locator: Any) -> Any:
    """What Playwright waits for until it holds.

    A page shows the answers to an event one after the other: what is read at once may be of a moment between two."""
    from playwright.sync_api import expect

    expect.set_options(timeout=WAIT_MS)
    return expect(locator)


def none_left(page: Any, selector: str) -> None:
    """Wait until nothing on a page fits a selector: what is shown changes part by part."""
    page.wait_for_function("selector => !document.querySelector(selector)", arg=selector)


def address_holds(page: Any, read: Callable[[str], Any], wanted: Any) -> None:
    """Assert that what is read of a page's address is as wanted, a moment later at most: browsers slow pages down that
    change their address more than a few times a second."""
    for _ in range(WAIT_MS // 50):
        if read(page.url.partition("#")[2]) == wanted:
            return
        page.wait_for_timeout(50)
    assert read(page.url.partition("#")[2]) == wanted


@pytest.fixture(scope="session")
def chromium_driver() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="browser tests need Playwright")
    if CHROMIUM is None:
        pytest.skip("browser tests need Chromium")
    with playwright.sync_playwright() as driver:
        yield driver.chromium


@pytest.fixture(scope="session")
def browser(chromium_driver: Any) -> Iterator[Any]:
    """Chromium, for all tests of a session that want contexts of their own."""
    chromium = chromium_driver.launch(executable_path=CHROMIUM, args=list(FLAGS))
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def chromium_profile(chromium_driver: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A context with a profile on disk, where Chromium keeps scripts as it has compiled them: a page of the explorer
    takes half the time then."""
    folder = tmp_path_factory.mktemp("profile")
    context = chromium_driver.launch_persistent_context(str(folder), executable_path=CHROMIUM, args=list(FLAGS))
    yield context
    context.close()


def _forget(profile: Any, asked: list[str]) -> None:
    """Close the pages of a test, and forget what they kept for the addresses that they asked; scripts stay."""
    blank, *opened = profile.pages
    for page in opened:
        page.close()
    profile.clear_cookies()
    protocol = profile.new_cdp_session(blank)
    kinds = "local_storage,indexeddb,cache_storage,service_workers"
    for origin in {found[0] for url in asked if (found := re.match(r"https?://[^/]+", url))}:
        protocol.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": kinds})
    protocol.detach()


@pytest.fixture
def new_page(request: pytest.FixtureRequest, chromium_profile: Any) -> Iterator[Callable[..., Any]]:
    """Open pages; options such as viewport, color_scheme, reduced_motion, permissions.

    The first of a test may have a context that tests use one after the other, with nothing left in it but compiled
    scripts; all others have contexts of their own. No page may log an error, or ask any other server than that of its
    first address.
    """
    contexts: list[Any] = []
    errors: list[str] = []
    asked: list[str] = []
    first = True

    def open_page(url: str = "", **options: Any) -> Any:
        nonlocal first
        options = {"viewport": {"width": 1280, "height": 720}, **options}
        if first and options.keys() <= {"viewport", "color_scheme", "reduced_motion"}:
            first = False
            page = chromium_profile.new_page()
            page.set_viewport_size(options.pop("viewport"))
            page.emulate_media(**options)
        else:
            contexts.append(request.getfixturevalue("browser").new_context(**options))
            page = contexts[-1].new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        if url:
            page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    _forget(chromium_profile, asked)
    assert not errors
    foreign = [url for url in asked if not re.match(r"(data|blob|file):|(http|ws)://127\.0\.0\.1[:/]", url)]
    assert not foreign
