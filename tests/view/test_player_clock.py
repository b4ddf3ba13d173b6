"""The player's clock, its controls and its layout, in a real browser."""

from __future__ import annotations

import pytest
from player_page import open_player

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(new_page, tmp_path):
    return lambda scenes, **options: open_player(new_page, tmp_path, scenes, **options)


def drawn(player) -> list[int]:
    return player.do("player.panels().map((panel) => panel.traces[0].drawn)")


@pytest.mark.parametrize("width", [1280, 500])
def test_keys_move_every_kind_of_path(opened, made, width):
    scenes = made.every_kind
    player = opened(scenes, viewport={"width": width, "height": 720})
    last = max(scene.length for scene in scenes) - 1
    assert player.text("step") == f"step {last} of {last}"
    assert drawn(player) == [scene.length for scene in scenes]
    player.press("Home")
    assert player.text("step") == f"step 0 of {last}"
    assert drawn(player) == [1] * len(scenes)
    player.press("ArrowRight", "ArrowRight", "ArrowLeft")
    assert player.text("step") == f"step 1 of {last}"
    player.press("End")
    assert drawn(player) == [scene.length for scene in scenes]
    assert player.do("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_slider_scrubs_and_says_where_it_is(opened, made):
    player = opened([made.snake(5, 8), made.row(4, 4)])
    player.page.locator("[data-at=scrub]").fill("20")
    assert player.text("step") == "step 20 of 39"
    assert player.page.locator("[data-at=scrub]").get_attribute("aria-valuetext") == "step 20 of 39"
    # The shorter path keeps pace: 20 of 39 steps are 7.7 of its 15.
    assert drawn(player) == [21, 9]


def test_the_step_is_reported(opened, made):
    player = opened([made.row(4, 4)])
    player.do(
        "window.reported = [];"
        "document.getElementById('player').addEventListener('step', (event) => reported.push(event.detail))"
    )
    player.do("player.goTo(3)")
    player.do("player.goTo(3)")
    player.press("ArrowRight")
    assert player.do("reported") == [3, 4]


def test_space_plays_and_pauses(opened, made):
    player = opened([made.row(16, 16)])
    player.press("Home", " ")
    player.until("player.CLOCK.place > 2")
    assert player.page.get_by_role("button", name="Pause").is_visible()
    player.press(" ")
    step = player.text("step")
    assert player.page.get_by_role("button", name="Play").is_visible()
    player.page.wait_for_timeout(200)
    assert player.text("step") == step


def test_playing_ends_at_the_last_step_and_starts_again(opened, made):
    player = opened([made.row(4, 4)])
    player.page.locator("[data-at=speed]").select_option("8")
    player.page.get_by_role("button", name="Play").click()
    player.until("!player.CLOCK.playing")
    assert player.text("step") == "step 15 of 15"


def test_a_page_plays_once_unless_less_motion_is_preferred(opened, made):
    still = opened([made.row(16, 16)])
    assert not still.do("player.CLOCK.playing")
    assert still.text("step") == "step 255 of 255"
    moving = opened([made.row(16, 16)], reduced_motion="no-preference")
    assert moving.do("player.CLOCK.playing")
    moving.until("player.CLOCK.place > 3 && player.CLOCK.place < 255")


def test_keys_change_the_speed(opened, made):
    player = opened([made.row(4, 4)])
    player.press(">", ">")
    assert player.page.locator("[data-at=speed]").input_value() == "4"
    player.press("<", "<", "<", "<", "<")
    assert player.page.locator("[data-at=speed]").input_value() == "0.25"


def test_keys_typed_elsewhere_are_left_alone(opened, made):
    player = opened([made.row(4, 4)])
    player.do("document.body.prepend(Object.assign(document.createElement('textarea'), {id: 'other'}))")
    player.page.locator("#other").press_sequentially("a b")
    player.page.locator("#other").press("Home")
    assert player.page.locator("#other").input_value() == "a b"
    assert player.text("step") == "step 15 of 15" and not player.do("player.CLOCK.playing")


def test_the_ribbon_moves_the_clock(opened, made):
    player = opened([made.row(10, 10)])
    box = player.page.locator(".ribbon").bounding_box()
    player.page.mouse.click(box["x"] + box["width"] * 0.305, box["y"] + 8)
    player.do("0")
    assert player.text("step") == "step 30 of 99"


def test_other_paths_keep_the_clock_s_share(opened, made):
    player = opened([made.row(6, 6)])
    player.do("player.goTo(14)")
    player.do("player.show({scenes: []})")
    assert "No path to show yet" in player.text("panels")
    other = opened([made.row(8, 8)])
    data = other.do("JSON.parse(document.getElementById('data').textContent)")
    player.do("player.goTo(0)")
    player.page.evaluate("(data) => player.show(data)", data)
    player.do("player.goTo(21)")
    player.page.evaluate("(data) => player.show(data)", data)
    player.do("0")
    assert player.text("step") == "step 21 of 63"


@pytest.mark.parametrize("touch", [True, False])
def test_a_phone_has_room_for_fingers_and_no_scroll_bar(opened, made, touch):
    scenes = [made.snake(5, 8), made.snake3(3, 4, 5)]
    player = opened(scenes, viewport={"width": 360, "height": 740}, has_touch=touch, is_mobile=touch)
    assert player.do("document.documentElement.scrollWidth") == 360
    assert not player.shows("speed")
    player.page.get_by_role("button", name="View").click()
    assert player.do("document.documentElement.scrollWidth") == 360
    for part in ("play", "scrub", "more", "speed", "colour", "slice", "further", "whole", "nearer"):
        box = player.page.locator(f"[data-at={part}]").bounding_box()
        assert box["height"] >= 44 and box["width"] >= 44, part
    assert player.page.locator(".file").bounding_box()["height"] >= 44


def test_the_focus_can_be_seen(opened, made):
    player = opened([made.row(4, 4)])
    seen = []
    for _ in range(8):
        player.press("Tab")
        outline = "getComputedStyle(document.activeElement).outlineWidth"
        shown = player.do(f"[document.activeElement.dataset.at || document.activeElement.className, {outline}]")
        if shown[0] == "file":
            shown[1] = player.do("getComputedStyle(document.activeElement.parentElement).outlineWidth")
        seen.append(tuple(shown))
    names = ("stage", "play", "scrub", "speed", "colour", "remember", "further", "whole")
    assert seen == [(name, "3px") for name in names]


def test_light_and_dark_follow_the_reader(opened, made):
    grounds = []
    for scheme in ("light", "dark"):
        player = opened([made.row(4, 4)], color_scheme=scheme)
        grounds.append(player.do("getComputedStyle(document.querySelector('.bar')).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(21, 20, 27)"]


def test_a_player_that_is_taken_away_hears_no_keys(opened, made):
    player = opened([made.row(4, 4)])
    player.do("player.destroy()")
    player.press("Home")
    assert player.do("player.CLOCK.place") == 15
