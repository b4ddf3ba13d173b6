"""The lecture: its figures and verdicts are the compiler's and the study's, and it can be walked through."""

from __future__ import annotations

import json
import math
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chromium import expect

import scanlab
from scanlab.explorer.static_site.lecture import lecture_page
from scanlab.explorer.static_site.lecture_scenes import GRID, HALF, remembered_distance, scenes
from scanlab.explorer.static_site.lecture_study import read_shipped

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "lecture.html"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("lecture") / "lecture.html"
    file.write_text(lecture_page("Gallery", "index.html"), encoding="utf-8")
    return file


def test_the_committed_page_is_what_is_made_now() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_lecture.py"))
    assert made["summary"]() == made["SUMMARY"].read_text(encoding="utf-8"), "run: python docs/make_lecture.py"
    assert made["lecture"]() == PAGE.read_text(encoding="utf-8"), "run: python docs/make_lecture.py"


def test_distances_are_counted_one_by_one() -> None:
    for name in ("row", "snake", "hilbert"):
        indices = scanlab.compile(name, GRID).paths[0].indices
        places = [divmod(int(i), GRID[1]) for i in indices]
        means = []
        for now, (h, w) in enumerate(places):
            held = [0.5 ** ((now - then) / HALF) for then in range(now + 1)]
            apart = [math.hypot(h - a, w - b) for a, b in places[: now + 1]]
            means.append(sum(x * y for x, y in zip(held, apart, strict=True)) / sum(held))
        mean = sum(means) / len(means)
        assert remembered_distance(indices, GRID, HALF) == pytest.approx(mean)
        assert f">{mean:.1f}<" in scenes()[2].words


def test_the_last_scene_says_what_the_study_says() -> None:
    study, last = read_shipped(), scenes()[-1]
    results = json.loads((ROOT / "examples" / "studies" / "orders" / "results.json").read_text(encoding="utf-8"))
    assert study["sentences"] == results["findings"]["sentences"]
    assert study["question"] == results["findings"]["question"] and study["question"] in last.words
    rows = [r for p in results["findings"]["problems"] for r in p["rows"] if r["control"] is None and r["comparison"]]
    worth = [r for r in rows if r["comparison"]["kind"] in ("better", "worse")]
    assert f"Of {len(rows)} comparisons with row, {len(worth)} came out better or worse" in last.words
    for row in worth:
        assert row["comparison"]["verdict"] in last.words and f"{row['mean']:.1%}" in last.words


def test_it_needs_no_other_file(written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    assert "default-src 'none'" in text and not re.search(r"@import|url\(|<link|<img|src=", text)
    assert len(text) < 400_000


@pytest.mark.slow
def test_the_arrows_walk_through_it(new_page: Callable[..., Any], written: Path) -> None:
    page = new_page(written.as_uri(), reduced_motion="reduce")
    here = page.locator(".dots a[aria-current=step]")
    expect(here).to_contain_text("Scene 1")
    expect(page.locator("#scene-1 [data-at=step]")).to_have_text("step 255 of 255")
    for number in (2, 3, 4):
        page.keyboard.press("ArrowRight")
        expect(here).to_contain_text(f"Scene {number}")
        # The key was the lecture's: no player has moved.
        expect(page.locator("#scene-1 [data-at=step]")).to_have_text("step 255 of 255")
    tie = page.locator("#scene-4")
    expect(tie.locator("[data-at=counter]")).to_contain_text("patches (0, 1) and (1, 0) share the key (1)")
    expect(tie).to_contain_text("error[S300]")
    page.keyboard.press("ArrowRight")
    expect(tie).to_contain_text("visits every patch exactly once, proved for all sizes")
    expect(tie.locator("[data-at=step]")).to_have_text("step 63 of 63")
    page.keyboard.press("ArrowRight")
    expect(here).to_contain_text("Scene 5")
    expect(page.locator("#scene-5 table.matrix")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(here).to_contain_text("Scene 4")
    page.keyboard.press("ArrowLeft")
    expect(tie.locator("[data-fix]")).to_be_visible()
    tie.locator("[data-fix]").click()
    expect(tie.locator("[data-at=counter]")).to_be_hidden()


@pytest.mark.slow
def test_the_space_bar_plays_the_scene_in_sight(new_page: Callable[..., Any], written: Path) -> None:
    page = new_page(f"{written.as_uri()}#scene-2", reduced_motion="reduce")
    expect(page.locator(".dots a[aria-current=step]")).to_contain_text("Scene 2")
    expect(page.locator("#scene-2 [data-at=step]")).to_have_text("step 255 of 255")
    page.keyboard.press(" ")
    page.wait_for_selector("#scene-2 .player.playing")
    page.keyboard.press(" ")
    expect(page.locator(".player.playing")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_scrolls(new_page: Callable[..., Any], written: Path, scheme: str) -> None:
    page = new_page(written.as_uri(), viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page.locator("#scene-5 h2").scroll_into_view_if_needed()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for number in (1, 2, 3, 4):
        page.locator(f"#scene-{number} h2").evaluate("node => node.scrollIntoView({ block: 'center' })")
        page.wait_for_selector(f"#scene-{number} .player .stage >> visible=true")
