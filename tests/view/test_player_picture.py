"""What the player draws, read from its pixels, and what it says about patches, in a real browser."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from player_page import open_player

import scanlab
from scanlab.view.geometry import neighbour_gaps
from scanlab.view.player import player_data
from scanlab.view.ramp import table
from scanlab.view.scene import scenes_of

pytestmark = pytest.mark.slow
RAMP = table(256)


@pytest.fixture
def opened(new_page, tmp_path):
    return lambda scenes, **options: open_player(new_page, tmp_path, scenes, **options)


def compiled(text: str, axes: str, grid: tuple[int, ...]):
    return scanlab.compile(scanlab.parse(text, axes=axes), grid=grid)


def near(found: tuple[int, ...], wanted: np.ndarray, apart: int = 2) -> bool:
    return found[3] == 255 and max(abs(int(a) - int(b)) for a, b in zip(found, wanted, strict=False)) <= apart


def middles(player, scene, steps, panel: int = 0) -> list[tuple[float, float]]:
    """Half-way between the two patches that each step joins."""
    points = np.array(player.points(panel))[scene.indices]
    return [tuple(point) for point in ((points[at - 1] + points[at]) / 2 for at in steps)]


def neighbours(grid: tuple[int, ...], patch: int) -> list[int]:
    """Flat indices one step down and up along each axis in turn, -1 outside."""
    place, found = np.unravel_index(patch, grid), []
    for axis in range(len(grid)):
        for by in (-1, 1):
            other = list(place)
            other[axis] += by
            inside = 0 <= other[axis] < grid[axis]
            found.append(int(np.ravel_multi_index(other, grid)) if inside else -1)
    return found


@pytest.mark.parametrize(
    ("text", "axes", "grid"),
    [
        ("sum((by h, w), (by w, ~h), -(by h + w, ~w))", "h w", (5, 6)),
        ("sum((by t, ~h, ~w), (by h, w, t))", "t h w", (3, 4, 5)),
        ("sum((by x), (by x % 2, x))", "x", (9,)),
    ],
)
def test_a_patch_tells_its_step_and_its_neighbours_steps_in_every_path(opened, text, axes, grid):
    scan = compiled(text, axes, grid)
    player = opened(scenes_of(scan))
    shown = {int(np.prod(grid)) // 2, 0, int(np.prod(grid)) - 1} if len(grid) == 2 else {int(np.prod(grid)) - 1}
    for patch in shown:
        player.hover(patch)
        place = ", ".join(
            f"{axis} {int(at)}" for axis, at in zip(axes.split(), np.unravel_index(patch, grid), strict=True)
        )
        assert player.text("tip").startswith(f"({place}) is patch {patch}")
        around = neighbours(grid, patch)
        head, *rows = player.tip()
        assert head[1:] == ["step", *(f"{axis}{sign}1" for axis in axes.split() for sign in "−+")]
        assert len(rows) == len(scan.paths)
        for row, path in zip(rows, scan.paths, strict=True):
            assert row[0] == path.label
            assert row[1:] == [str(path.ranks[patch]), *(str(path.ranks[n]) if n >= 0 else "" for n in around)]


def test_a_patch_that_is_hovered_is_marked_in_all_views_of_its_grid(opened, made):
    player = opened([made.row(5, 8), made.zigzag(5, 8), made.row(4, 4)])
    before = [player.picture("overlay", panel) for panel in range(3)]
    player.hover(13)
    after = [player.picture("overlay", panel) for panel in range(3)]
    assert [a != b for a, b in zip(before, after, strict=True)] == [True, True, False]
    player.page.mouse.move(2, 2)
    assert [player.picture("overlay", panel) for panel in range(3)] == before
    assert not player.shows("tip")


def test_left_out_patches_and_segments_are_told(opened, made):
    player = opened([made.skip(4, 4), made.rows(4, 4)])
    player.hover(5)
    assert [row[:2] for row in player.tip()[1:]] == [["skip", "not visited"], ["rows", "5"]]
    assert "rows: segment 2 of 4, its step 1" in player.text("tip")


def test_the_keyboard_walks_over_patches(opened, made):
    player = opened([made.snake3(3, 4, 5)])
    player.do("player.goTo(0)")
    player.page.locator(".stage").focus()
    player.press("ArrowRight", "ArrowRight", "ArrowDown", "PageDown")
    assert player.text("tip").startswith("(t 1, h 1, w 2) is patch 27")
    player.press("ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert player.text("tip").startswith("(t 1, h 1, w 0)")
    assert player.text("step") == "step 0 of 59"
    player.press("Escape")
    assert not player.shows("tip")


def test_a_tap_tells_of_a_patch_and_a_tap_elsewhere_ends_it(opened, made):
    player = opened([made.row(5, 8)], viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    box, (x, y) = player.page.locator(".stage").bounding_box(), player.points()[10]
    player.page.touchscreen.tap(box["x"] + x, box["y"] + y)
    player.do("0")
    assert player.text("tip").startswith("(h 1, w 2) is patch 10")
    tip, bar = (player.page.locator(f"[data-at={part}]").bounding_box() for part in ("tip", "bar"))
    assert tip["x"] >= 0 and tip["x"] + tip["width"] <= 360 and tip["y"] + tip["height"] <= bar["y"]
    player.page.touchscreen.tap(180, 20)
    player.do("0")
    assert not player.shows("tip")


def test_on_a_phone_many_neighbours_stand_below_each_other(opened):
    scan = compiled("sum((by t, ~h, ~w), (by h, w, t))", "t h w", (3, 4, 5))
    player = opened(scenes_of(scan), viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    player.page.locator(".stage").first.focus()
    player.press("Home", "Escape", "ArrowRight", "ArrowRight", "ArrowDown", "PageDown")
    assert player.text("tip").startswith("(t 1, h 1, w 1)")
    patch = 1 * 20 + 1 * 5 + 1
    head, *rows = player.tip()
    assert head == ["", *(path.label for path in scan.paths)]
    assert rows[0] == ["step", *(str(path.ranks[patch]) for path in scan.paths)]
    for row, other in zip(rows[1:], neighbours((3, 4, 5), patch), strict=True):
        assert row[1:] == [str(path.ranks[other]) if other >= 0 else "" for path in scan.paths]
    tip = player.page.locator("[data-at=tip]").bounding_box()
    assert tip["x"] >= 0 and tip["x"] + tip["width"] <= 360


def test_a_tip_does_not_hide_its_patch(opened, made):
    player = opened([made.row(40, 8)], viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    box, points = player.page.locator(".stage").bounding_box(), player.points()
    for patch in (3, 318):
        x, y = box["x"] + points[patch][0], box["y"] + points[patch][1]
        player.page.touchscreen.tap(x, y)
        player.settle()
        assert player.text("tip").startswith(f"(h {patch // 8}, w {patch % 8})")
        tip = player.page.locator("[data-at=tip]").bounding_box()
        assert not tip["y"] <= y <= tip["y"] + tip["height"]


def test_lines_have_the_colour_of_their_step(opened, made):
    scene = made.snake(5, 8)
    player = opened([scene])
    steps = range(1, 40)
    for step, found in zip(steps, player.pixels("path", middles(player, scene, steps)), strict=True):
        assert near(found, RAMP[round(step / 39 * 255)]), step
    player.do("player.goTo(19)")
    here, later = player.pixels("path", middles(player, scene, (19, 20)))
    assert near(here, RAMP[round(19 / 39 * 255)])
    assert later[3] == 0


def test_paths_have_colours_of_their_own(opened, made):
    scenes = [made.snake(5, 8), made.row(5, 8), made.zigzag(5, 8)]
    player = opened(scenes)
    player.page.locator("[data-at=colour]").select_option("path")
    for number, scene in enumerate(scenes):
        for found in player.pixels("path", middles(player, scene, (1, 30), number), number):
            assert near(found, RAMP[round(number / 2 * 255)])
    assert all(scene.label in player.text("legend") for scene in scenes)


def test_neighbour_distances_have_the_terminal_s_colours_on_a_log_scale(opened, made):
    scene = made.window(7, 9, 3)
    player = opened([scene])
    player.page.locator("[data-at=colour]").select_option("gap")
    gaps = neighbour_gaps(scene)
    np.testing.assert_allclose(player.do("Array.from(player.gapsOf(player.scenes()[0]))"), gaps)
    levels = np.rint(np.log(gaps) / np.log(gaps.max()) * 255).astype(int)
    corner = player.do("player.panels()[0].cell") * 0.38
    found = player.pixels("path", [(x - corner, y - corner) for x, y in player.points()])
    for patch, (pixel, level) in enumerate(zip(found, levels, strict=True)):
        assert near(pixel, RAMP[level]), patch
    assert "log scale" in player.text("legend")
    player.hover(30)
    assert f"neighbours {gaps[30]:.1f} steps away" in player.text("tip")


def test_gaps_of_partial_paths_agree_with_the_terminal(opened, made):
    scenes = [scene for scene in made.every_kind if scene.patches > 1]
    player = opened(scenes)
    for number, scene in enumerate(scenes):
        found = player.do(f"Array.from(player.gapsOf(player.scenes()[{number}]))")
        np.testing.assert_allclose(found, np.nan_to_num(neighbour_gaps(scene), nan=-1.0))


def test_small_patches_are_pixels_of_the_step_s_colour(opened, made):
    scene = made.shuffled(200, 200)
    player = opened([scene], viewport={"width": 500, "height": 720})
    assert player.do("player.panels()[0].manner") == "pixels"
    player.do("player.goTo(20000)")
    steps, points = (0, 777, 20000, 20001, 39999), player.points()
    for step, found in zip(steps, player.pixels("path", [points[scene.indices[at]] for at in steps]), strict=True):
        assert near(found, RAMP[round(step / 39999 * 255)], 1) if step <= 20000 else found[3] == 0, step


def test_zooming_shows_small_patches_as_lines(opened, made):
    scene = made.snake(200, 200)
    player = opened([scene], viewport={"width": 500, "height": 720})
    before = player.picture()
    player.press(*["+"] * 6)
    assert player.do("player.panels()[0].manner") == "lines"
    middle_patch = 100 * 200 + 100
    player.hover(middle_patch)
    assert player.text("tip").startswith("(h 100, w 100)")
    player.press("0")
    assert player.picture() == before


def test_the_wheel_zooms_only_with_ctrl(opened, made):
    player = opened([made.row(8, 8)])
    player.hover(9)
    player.page.mouse.wheel(0, -300)
    assert player.do("player.CAMERA.zoom") == 1
    player.page.keyboard.down("Control")
    player.page.mouse.wheel(0, -300)
    player.page.keyboard.up("Control")
    player.until("player.CAMERA.zoom > 1.5")
    assert player.text("tip").startswith("(h 1, w 1)")


def test_resets_and_tokens_stand_on_the_path(opened):
    scan = compiled("sum((by h, w restart by h), -(by h, w)) with cls at middle", "h w", (4, 6))
    scenes = scenes_of(scan)
    assert all(scene.tokens == (("cls", 12),) for scene in scenes)
    player = opened(scenes)
    ink = (28, 27, 34)
    for number, scene in enumerate(scenes):
        [(x, y)] = middles(player, scene, [12], number)
        assert near(player.pixel("overlay", x - 5, y, number), np.array(ink)), number
    x, y = player.points()[6]
    assert near(player.pixel("overlay", x, y), np.array([255, 255, 255]))
    assert player.pixel("path", *middles(player, scenes[0], [6])[0])[3] == 0
    legend = player.text("legend")
    assert "state reset" in legend and "class token" in legend
    assert "state reset" not in opened([replace(scenes[1], tokens=())]).text("legend")


def test_the_ribbon_has_the_token_in_its_place_and_a_gap_at_each_reset(opened):
    [scene, _] = scenes_of(compiled("sum((by h, w restart by h), -(by h, w)) with cls at start", "h w", (4, 6)))
    player = opened([scene])
    read = "(x) => Array.from(player.panels()[0].ribbons[0].context.getImageData(Math.round(x), 10, 1, 1).data)"
    wide = player.do("player.panels()[0].width") / 25
    # The token is drawn whole, so it stands half its width from the edge; patches follow it, a gap before every sixth.
    assert near(tuple(player.do(f"({read})({wide / 2 - 4})")), np.array([28, 27, 34]))
    for step in (6, 12, 18):
        assert player.do(f"({read})({(step + 1) * wide - 1})")[3] == 0
        assert near(tuple(player.do(f"({read})({(step + 1.5) * wide})")), RAMP[round(step / 23 * 255)])
    player.do("player.goTo(5)")
    assert player.do(f"({read})({7.5 * wide})")[3] < 100


def test_a_volume_turns_by_dragging_and_by_keys(opened, made):
    player = opened([made.snake3(3, 4, 5), made.snake3(3, 4, 5)])
    seen = [player.picture()]
    player.press("Shift+ArrowRight")
    seen.append(player.picture())
    player.press("Shift+ArrowUp")
    seen.append(player.picture())
    box = player.page.locator(".stage").first.bounding_box()
    player.page.mouse.move(box["x"] + 100, box["y"] + 100)
    player.page.mouse.down()
    player.page.mouse.move(box["x"] + 160, box["y"] + 110)
    player.page.mouse.up()
    seen.append(player.picture())
    assert len(set(seen)) == 4
    assert player.picture("path", 1) == player.picture("path", 0)
    player.press("0")
    assert player.picture() == seen[0]


@pytest.mark.parametrize(("axis", "layer"), [("t", 1), ("h", 0), ("w", 4)])
def test_a_slice_hides_all_other_layers(opened, made, axis, layer):
    scene = made.snake3(3, 4, 5)
    player = opened([scene])
    player.do("player.rotate(0.2, 0.3)")
    whole = player.inked()
    player.page.locator("[data-at=slice]").select_option(axis)
    player.page.locator("[data-at=layer]").fill(str(layer))
    player.do("0")
    assert player.text("layer-name") == f"{axis} {layer}"
    places = np.stack(np.unravel_index(np.arange(scene.patches), scene.grid))[scene.axes.index(axis)]
    assert player.do("Array.from(player.panels()[0].visible)") == (places == layer).astype(int).tolist()
    points = np.array(player.points())
    here = points[places == layer]
    assert all(pixel[3] > 0 for pixel in player.pixels("path", here.tolist()))
    # Patches of other layers that no shown one covers on the screen.
    away = np.linalg.norm(points[:, None] - here[None], axis=2).min(axis=1)
    elsewhere = points[away > player.do("player.panels()[0].cell") * 0.75]
    assert len(elsewhere) >= 8
    assert not any(pixel[3] for pixel in player.pixels("path", elsewhere.tolist()))
    player.do("player.goTo(0)")
    assert (player.inked() > 0) == (places[scene.indices[0]] == layer)
    player.page.locator("[data-at=slice]").select_option("")
    player.press("End")
    assert player.inked() == whole
    assert all(pixel[3] > 0 for pixel in player.pixels("path", elsewhere.tolist()))


def test_large_volumes_are_clouds_with_the_nearest_in_front(opened, made):
    scene = made.row(40, 1)
    grid = (40, 40, 40)
    cube = replace(scene, axes=("t", "h", "w"), grid=grid, indices=np.arange(64000), ranks=np.arange(64000))
    player = opened([cube])
    assert player.do("player.panels()[0].manner") == "cloud"
    player.do("player.rotate(-0.62, -0.5)")
    # Head on, the first of the forty sheets hides the others.
    x, y = player.points()[20 * 40 + 20]
    assert near(player.pixel("path", x, y), RAMP[round((20 * 40 + 20) / 63999 * 255)], 1)
    player.press("Home")
    assert 0 < player.inked() <= 36


def test_paths_of_a_scan_are_drawn_together(opened):
    scan = compiled("sum((by h, w), (by w, h), -(by h, w), -(by w, h))", "h w", (6, 6))
    player = opened(scenes_of(scan))
    assert player.do("player.panels().length") == 4
    player.page.get_by_label("Paths together").check()
    player.page.locator("[data-at=colour]").select_option("path")
    assert player.do("player.panels().map((panel) => panel.traces.length)") == [4]
    for number, scene in enumerate(scenes_of(scan)):
        [(x, y)] = middles(player, scene, [2])
        shift = player.do(f"player.panels()[0].traces[{number}].dx")
        assert near(player.pixel("path", x + shift, y + shift), RAMP[round(number / 3 * 255)]), number
    player.page.get_by_label("Paths together").uncheck()
    assert player.do("player.panels().length") == 4


def test_controls_without_use_are_not_shown(opened, made):
    player = opened([made.row(4, 4)])
    assert not player.shows("turning") and not player.shows("joining")
    assert opened([made.snake3(2, 3, 4)]).shows("turning")


def test_other_paths_over_the_same_grid_are_drawn_where_the_first_stood(opened, made):
    scene, other = made.snake(5, 8), made.zigzag(5, 8)
    player = opened([scene])
    player.do("window.stood = player.panels()[0].path.canvas")
    player.hover(14)
    player.page.evaluate("(data) => player.show(data)", player_data([other]))
    player.settle()
    assert player.do("stood === player.panels()[0].path.canvas && stood.isConnected")
    steps = range(1, 40)
    for step, found in zip(steps, player.pixels("path", middles(player, other, steps)), strict=True):
        assert near(found, RAMP[round(step / 39 * 255)]), step
    assert player.tip()[1][:2] == ["zigzag", str(other.ranks[14])]
    assert "zigzag" in player.text("panels") and "snake" not in player.text("panels")
    fresh = opened([other])
    assert [player.picture(layer) for layer in ("ground", "path")] == [
        fresh.picture(layer) for layer in ("ground", "path")
    ]


def test_other_grids_make_other_panels(opened, made):
    player = opened([made.snake(5, 8)])
    for scenes in ([made.row(4, 4)], [made.row(4, 4), made.snake3(2, 3, 4)], [made.shuffled(7)], [made.shuffled(9)]):
        player.page.evaluate("(data) => player.show(data)", player_data(scenes))
        player.settle()
        drawn = player.do("player.panels().map((panel) => [panel.scene.grid.join(), panel.traces[0].drawn])")
        assert drawn == [[",".join(map(str, scene.grid)), scene.length] for scene in scenes]
        fresh = opened(scenes)
        assert [player.picture("path", k) for k in range(len(scenes))] == [
            fresh.picture("path", k) for k in range(len(scenes))
        ]
