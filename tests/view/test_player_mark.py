"""A patch of the player is pinned, marked from outside and told of, by mouse, key and finger, in a real browser."""

from __future__ import annotations

import pytest
from player_page import open_player

from scanlab.view.player import player_data

pytestmark = pytest.mark.slow
LISTEN = "window.marks = []; document.addEventListener('mark', (event) => marks.push(event.detail))"


@pytest.fixture
def opened(new_page, tmp_path):
    return lambda scenes, **options: open_player(new_page, tmp_path, scenes, **options)


def click(player, patch: int, panel: int = 0) -> None:
    player.hover(patch, panel)
    player.page.mouse.down()
    player.page.mouse.up()
    player.settle()


def last_mark(player):
    player.settle()
    return player.page.evaluate("marks.at(-1)")


def test_a_click_pins_a_patch_in_every_panel_of_its_grid(opened, made):
    player = opened([made.row(5, 8), made.zigzag(5, 8), made.row(4, 4)])
    player.do(LISTEN)
    before = [player.picture("overlay", panel) for panel in range(3)]
    click(player, 13)
    player.page.mouse.move(2, 2)
    changed = [player.picture("overlay", panel) != before[panel] for panel in range(3)]
    assert changed == [True, True, False]
    assert player.text("tip").startswith("(h 1, w 5) is patch 13")
    zigzag = made.zigzag(5, 8)
    assert last_mark(player) == {
        "scene": 0, "label": "row", "group": "", "part": "", "patch": 13, "step": 13, "pinned": True,
    }  # fmt: skip
    target = player.do("player.targetOf(player.panels()[1])")
    assert target == {"patch": 13, "step": int(zigzag.ranks[13]), "by": "pin"}
    assert player.do("player.view().pinned") == [0, 13]
    click(player, 13, panel=1)
    player.page.mouse.move(2, 2)
    assert last_mark(player) is None and not player.shows("tip") and player.do("player.view().pinned") == []
    assert [player.picture("overlay", panel) for panel in range(3)] == before


def test_the_target_is_the_pin_before_the_pointer_before_the_clock(opened, made):
    player = opened([made.snake(5, 8)])
    target = "player.targetOf(player.panels()[0])"
    player.do("player.goTo(9)")
    assert player.do(target) == {"patch": int(made.snake(5, 8).indices[9]), "step": 9, "by": "clock"}
    player.hover(4)
    assert player.do(target) == {"patch": 4, "step": 4, "by": "pointer"}
    click(player, 20)
    player.hover(4)
    assert player.do(target)["patch"] == 20 and player.text("tip").startswith("(h 2, w 4)")
    player.press("Escape")
    assert player.do(target)["by"] == "pointer" and player.text("tip").startswith("(h 0, w 4)")


def test_enter_pins_and_arrows_move_the_pin(opened, made):
    player = opened([made.snake(5, 8)])
    player.do(LISTEN)
    player.do("player.goTo(0)")
    player.page.locator(".stage").focus()
    player.press("ArrowRight", "ArrowRight", "Enter")
    assert last_mark(player)["pinned"] and last_mark(player)["patch"] == 2
    player.press("ArrowDown")
    assert last_mark(player)["patch"] == 10 and last_mark(player)["pinned"]
    player.page.get_by_role("button", name="Let go of this patch").click()
    assert not player.do("player.view().pinned")
    player.page.locator(".stage").focus()
    player.press("Enter", "Escape")
    assert player.do("player.view().pinned") == []


def test_the_page_marks_patches_from_outside(opened, made):
    player = opened([made.row(5, 8), made.snake(5, 8)])
    player.do(LISTEN)
    before = player.picture("overlay", 1)
    player.do("player.mark({scene: 1, step: 8})")
    assert last_mark(player)["patch"] == 15 and last_mark(player)["label"] == "snake" and not player.shows("tip")
    assert player.picture("overlay", 1) != before
    player.do("player.mark({scene: 0, patches: [3, 4, 5]})")
    points = [player.points(1)[patch] for patch in (3, 5, 30)]
    assert [pixel[3] > 0 for pixel in player.pixels("overlay", points, 1)] == [True, True, False]
    assert last_mark(player) is None
    player.do("player.mark(null)")
    assert player.picture("overlay", 1) == before
    player.do("player.mark({scene: 0, patch: 7, pinned: true})")
    assert last_mark(player)["pinned"] and player.text("tip").startswith("(h 0, w 7)")
    player.do("player.mark(null)")
    assert player.do("player.view().pinned") == [0, 7]


def test_a_pin_stays_while_paths_come_and_goes_with_its_grid(opened, made):
    player = opened([made.row(5, 8), made.snake(5, 8)])
    player.do("player.mark({scene: 1, patch: 21, pinned: true})")
    for scenes, kept in (
        ([made.zigzag(5, 8), made.row(5, 8)], [1, 21]),
        ([made.row(4, 4), made.snake(5, 8)], [1, 21]),
        ([made.snake(5, 8)], [0, 21]),
        ([made.row(6, 6)], []),
    ):
        player.page.evaluate("(data) => player.show(data)", player_data(scenes))
        player.settle()
        assert player.do("player.view().pinned") == kept and player.shows("tip") == bool(kept)


def test_a_pin_comes_back_with_the_view_and_waits_behind_a_counterexample(opened, made):
    player = opened([made.row(5, 8)])
    data = player_data([made.row(5, 8), made.snake(5, 8)])
    player.page.evaluate("(data) => player.show(data, {...player.view(), pinned: [1, 12]})", data)
    assert player.text("tip").startswith("(h 1, w 4) is patch 12")
    player.page.evaluate("(data) => player.show(data, {...player.view(), pinned: [7, 12]})", data)
    assert not player.shows("tip")
    player.do("player.mark({scene: 0, patch: 3, pinned: true})")
    player.do("player.counterexample({grid: [2, 2], patches: [[0, 0], [1, 1]], label: 'share a key'})")
    assert not player.shows("tip") and player.do("player.marked()") is None
    player.do("player.clearCounterexample()")
    assert player.shows("tip") and player.do("player.marked()")["patch"] == 3


def test_a_second_tap_pins_and_a_tap_elsewhere_leaves_the_pin(opened, made):
    player = opened([made.row(5, 8)], viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    box, (x, y) = player.page.locator(".stage").bounding_box(), player.points()[10]
    for pinned in ([], [0, 10]):
        player.page.touchscreen.tap(box["x"] + x, box["y"] + y)
        player.settle()
        assert player.do("player.view().pinned") == pinned and player.shows("tip")
    player.page.touchscreen.tap(180, 20)
    player.settle()
    assert player.shows("tip") and player.do("player.view().pinned") == [0, 10]
    player.page.touchscreen.tap(box["x"] + x, box["y"] + y)
    player.settle()
    assert player.do("player.view().pinned") == []


def test_a_pinned_tip_follows_its_patch(opened, made):
    player = opened([made.row(30, 30)])
    player.do("player.mark({scene: 0, patch: 465, pinned: true})")
    first = player.page.locator("[data-at=tip]").bounding_box()
    player.do("player.zoomBy(1.6, 0.3, 0.1)")
    second = player.page.locator("[data-at=tip]").bounding_box()
    assert (first["x"], first["y"]) != (second["x"], second["y"])
    player.do("player.zoomBy(20, -0.45, -0.3)")
    assert not player.shows("tip")
    player.press("0")
    assert player.page.locator("[data-at=tip]").bounding_box() == first
