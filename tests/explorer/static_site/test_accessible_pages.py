"""axe-core on the pages that need no server, in the light and in the dark, on a screen and on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from accessibility import barriers
from chromium import expect

from scanlab.explorer.static_site.site import Written

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
SIZES = {"light": {"width": 1280, "height": 720}, "dark": {"width": 390, "height": 844}}
ALL_PANES = "proof,keys,expr,metrics,triton,cpu,published,python"


@pytest.fixture(params=SIZES)
def opened(request: pytest.FixtureRequest, browser: Any) -> Iterator[Callable[[str], Any]]:
    """Open a page. axe-core is a script that the pages' own policy would not let in; and it tries to read their style
    sheets as data, which the browser refuses on a disk and complains of."""
    context = browser.new_context(
        color_scheme=request.param, viewport=SIZES[request.param], reduced_motion="reduce", bypass_csp=True
    )

    def open_page(address: str) -> Any:
        page = context.new_page()
        page.goto(address)
        return page

    yield open_page
    context.close()


@pytest.mark.parametrize(
    "address", ["", f"#strategy=cross&panes={ALL_PANES}", "#strategy=hilbert&embed=1", "#search=no"]
)
def test_the_gallery_keeps_nobody_out(opened: Callable[[str], Any], gallery: Written, address: str) -> None:
    page = opened(gallery.page.as_uri() + address)
    if "strategy" in address:
        page.wait_for_selector("#player .panels canvas", state="attached")
    assert barriers(page) == []


@pytest.mark.parametrize("scene", [1, 4, 5])
def test_the_lecture_keeps_nobody_out(opened: Callable[[str], Any], scene: int) -> None:
    page = opened(f"{(ROOT / 'docs' / 'lecture.html').as_uri()}#scene-{scene}")
    expect(page.locator(".dots a[aria-current=step]")).to_be_visible()
    assert barriers(page) == []
