"""How panels share the room, in a real browser: all are seen at once, and each says whose it is."""

from __future__ import annotations

import pytest
from player_page import open_player

import scanlab
from scanlab.view.scene import scenes_of

pytestmark = pytest.mark.slow
SEEN = """() => { const bar = document.querySelector("[data-at=bar]").getBoundingClientRect().top;
  return [...document.querySelectorAll(".stage")].filter((stage) => {
    const box = stage.getBoundingClientRect();
    return box.height > 40 && box.top >= 0 && box.bottom <= Math.min(bar, innerHeight); }).length; }"""


@pytest.fixture
def opened(new_page, tmp_path):
    return lambda scenes, **options: open_player(new_page, tmp_path, scenes, **options)


def scenes(*names: str, grid: tuple[int, ...] = (14, 14)):
    return [scene for name in names for scene in scenes_of(scanlab.compile(name, grid))]


@pytest.mark.parametrize("names", [("cross",), ("cross", "vim", "efficient"), ("cross",) * 6])
@pytest.mark.parametrize("size", [(1280, 720), (720, 720)])
def test_every_panel_is_seen_at_once(opened, names, size):
    shown = scenes(*names)
    player = opened(shown, viewport={"width": size[0], "height": size[1]})
    assert player.page.evaluate(SEEN) == len(shown)
    assert player.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_few_panels_keep_all_that_belongs_to_them(opened):
    player = opened(scenes("cross"), viewport={"width": 1280, "height": 720})
    assert player.page.locator(".facts").first.is_visible() and player.page.locator("figure code").first.is_visible()


def test_each_panel_says_of_which_scan_and_layer_it_is(opened):
    from scanlab.explorer.snapshot import snapshot

    found = snapshot("grid h, w\nplan alternate = cycle(cross, vim)\n", (6, 6))
    player = opened([scene for subject in found.subjects for scene in subject.scenes])
    texts = player.page.locator(".whose").all_inner_texts()
    assert texts[0] == "cross in layers 0, 2, 4, …; path 1 of 4, alternate"
    assert texts[-1] == "vim in layers 1, 3, 5, …; path 2 of 2, alternate"
    player.hover(7)
    assert player.tip()[1][0].startswith("alternate · cross in layers 0, 2, 4, … · row")
    assert opened(scenes("cross")).page.locator(".whose").all_inner_texts() == [
        f"cross, path {n} of 4" for n in range(1, 5)
    ]
    assert opened(scenes("snake")).page.locator(".whose").all_inner_texts() == [""]


def test_ribbons_that_are_alike_are_shown_once(opened):
    player = opened(scenes("cross"))
    ribbons = "[...document.querySelectorAll('.ribbon')].map((e) => getComputedStyle(e).visibility)"
    assert player.page.evaluate(ribbons) == ["visible", "hidden", "hidden", "hidden"]
    player.do("player.colourBy('gap')")
    assert player.page.evaluate(ribbons) == ["visible"] * 4
    assert opened(scenes("cross", "vim")).page.evaluate(ribbons) == ["visible"] * 6


def test_an_image_leaves_the_picture_as_large_as_it_is(opened):
    player = opened(scenes("snake"), viewport={"width": 900, "height": 700})
    before = player.page.locator(".stage").bounding_box()
    dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    player.do(f"player.image('data:image/png;base64,{dot}')")
    player.until("!document.querySelector('[data-at=unimage]').hidden")
    player.settle()
    assert player.page.locator(".stage").bounding_box() == before


def test_names_of_axes_stay_inside_a_turned_volume(opened):
    player = opened(scenes("snake3", grid=(4, 5, 6)), viewport={"width": 420, "height": 600})
    player.page.evaluate("""() => { window.named = []; const write = CanvasRenderingContext2D.prototype.fillText;
      CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
        const half = this.measureText(text).width / 2, scale = this.getTransform().a;
        named.push([text, x - half, x + half, y, this.canvas.width / scale, this.canvas.height / scale]);
        write.call(this, text, x, y); }; }""")
    for turn in ("0.9, 0.6", "2.1, -1.4", "-1.7, 0.8", "3.0, 0.2"):
        player.do(f"named.length = 0; player.rotate({turn})")
        named = player.page.evaluate("named")
        assert {text[0] for text, *_ in named} == {"t", "h", "w"}
        assert all(left >= 0 and right <= wide and 0 <= y <= high for _, left, right, y, wide, high in named)
        assert any(len(text) > 1 for text, *_ in named)
