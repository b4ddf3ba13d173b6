"""The user's own image and counter-examples in the player, in a real browser."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from chromium import none_left
from player_page import PlayerPage, open_player

import scanlab
from scanlab.view.ramp import table
from scanlab.view.scene import scenes_of

pytestmark = pytest.mark.slow
Image = pytest.importorskip("PIL.Image", reason="the images of these tests are made with Pillow")


@pytest.fixture
def opened(new_page, tmp_path):
    return lambda scenes, **options: open_player(new_page, tmp_path, scenes, **options)


def mosaic(rows: int, columns: int, side: int = 8) -> tuple[np.ndarray, bytes]:
    """A PNG with one strong colour per patch; returned with the colours, uint8 [rows * columns, 3]."""
    colours = np.random.default_rng(0).choice([20, 110, 230], size=(rows * columns, 3)).astype(np.uint8)
    pixels = colours.reshape(rows, columns, 3).repeat(side, axis=0).repeat(side, axis=1)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return colours, file.getvalue()


def show_image(player: PlayerPage, content: bytes) -> None:
    url = "data:image/png;base64," + base64.b64encode(content).decode()
    player.page.evaluate("(url) => player.image(url)", url)
    player.page.locator("[data-at=unimage]").wait_for(state="visible")
    player.settle()


def same(found: list[tuple[int, ...]], wanted: np.ndarray) -> list[bool]:
    """Whether each pixel is opaque and of the wanted colour; what is covered only shines through."""
    opaque = np.concatenate([wanted.astype(int), np.full((len(wanted), 1), 255)], axis=1)
    return (np.abs(np.array(found) - opaque).max(axis=1) <= 2).tolist()


@pytest.mark.parametrize("name", ["zigzag", "snake", "skip"])
def test_an_image_is_uncovered_in_the_order_of_the_path(opened, made, name):
    scene = getattr(made, name)(5, 8)
    colours, content = mosaic(5, 8)
    player = opened([scene])
    show_image(player, content)
    for step in (scene.length - 1, 3, 7):
        player.do(f"player.goTo({step})")
        found = player.pixels("ground", player.points())
        assert same(found, colours) == [0 <= rank <= step for rank in scene.ranks.tolist()], step


def strip_pixels(player: PlayerPage, count: int, panel: int = 0) -> list[tuple[int, ...]]:
    """The colours in the middle of the strip's first entries."""
    code = """([number, count]) => {
      const { strip, dots } = player.panels()[number], pitch = strip.side + 2;
      return Array.from({ length: count }, (_, slot) => {
        const x = (slot % strip.columns) * pitch + strip.side / 2;
        const y = Math.floor(slot / strip.columns) * pitch + strip.side / 2;
        return Array.from(strip.context.getImageData(Math.round(x * dots), Math.round(y * dots), 1, 1).data);
      });
    }"""
    return [tuple(pixel) for pixel in player.page.evaluate(code, [panel, count])]


@pytest.mark.parametrize("back", [False, True])
def test_the_strip_shows_patches_in_the_order_of_reading(opened, made, back):
    scene = made.zigzag(5, 8)
    colours, content = mosaic(5, 8)
    player = opened([scene])
    show_image(player, content)
    player.do("player.goTo(0)")
    player.do("player.goTo(30)")
    if back:
        player.do("player.goTo(11)")
    upto = 11 if back else 30
    found = strip_pixels(player, 40)
    assert same(found[: upto + 1], colours[scene.indices[: upto + 1]]) == [True] * (upto + 1)
    assert [pixel[3] for pixel in found[upto + 1 :]] == [0] * (39 - upto)


def test_tokens_stand_in_the_strip(opened):
    scan = scanlab.compile(scanlab.parse("sum((by w, h), -(by w, h)) with cls at middle", axes="h w"), grid=(4, 4))
    colours, content = mosaic(4, 4)
    player = opened(scenes_of(scan))
    show_image(player, content)
    for panel, path in enumerate(scan.paths):
        found = strip_pixels(player, 17, panel)
        patches = [at for at in range(17) if at != 8]
        assert same([found[at] for at in patches], colours[path.indices]) == [True] * 16


def test_of_a_long_path_the_strip_shows_the_last_patches(opened, made):
    scene = made.shuffled(64, 64)
    colours, content = mosaic(64, 64, side=4)
    player = opened([scene])
    show_image(player, content)
    player.do("player.goTo(2000)")
    assert player.do("player.panels()[0].strip.film")
    columns = player.do("player.panels()[0].strip.columns")
    assert 5 < columns < 100
    assert all(same(strip_pixels(player, columns), colours[scene.indices[2001 - columns : 2001]]))
    some = np.random.default_rng(1).permutation(4096)[:400]
    points = player.points()
    found = same(player.pixels("ground", [points[patch] for patch in some]), colours[some])
    assert found == (scene.ranks[some] <= 2000).tolist()


def test_a_volume_reads_the_image_in_every_slice(opened, made):
    scene = made.snake3(2, 4, 4)
    colours, content = mosaic(4, 4)
    player = opened([scene])
    show_image(player, content)
    assert all(same(strip_pixels(player, 32), colours[scene.indices % 16]))
    assert "the same image in every slice" in player.text("panels")


def test_a_layer_of_a_volume_is_covered_by_the_image_as_it_is_read(opened, made):
    scene = made.snake3(2, 4, 4)
    colours, content = mosaic(4, 4)
    player = opened([scene])
    show_image(player, content)
    player.do("player.sliceAt('t', 1)")
    player.do("player.goTo(25)")
    cell, points = player.do("player.panels()[0].cell"), player.points()
    layer = range(16, 32)
    # Above the middle of each patch, where no line of the path runs.
    found = player.pixels("path", [(points[patch][0] + cell * 0.15, points[patch][1] - cell * 0.25) for patch in layer])
    seen = [0 <= scene.ranks[patch] <= 25 for patch in layer]
    assert [bool(pixel[3]) for pixel in found] == seen
    right = same(found, colours)
    assert sum(seen) == 10 and sum(right) >= 7 and not any(r and not s for r, s in zip(right, seen, strict=True))


def test_an_image_is_cut_to_the_grid_s_proportions(opened, made):
    colours, content = mosaic(4, 8)
    player = opened([made.row(4, 4)])
    show_image(player, content)
    middle = colours.reshape(4, 8, 3)[:, 2:6].reshape(16, 3)
    assert all(same(player.pixels("ground", player.points()), middle))


def test_a_chosen_file_is_read_and_can_be_taken_away(opened, made):
    colours, content = mosaic(4, 4)
    player = opened([made.row(4, 4)])
    before = player.picture("ground")
    player.page.locator("[data-at=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": content})
    player.page.get_by_role("button", name="Remove the image").wait_for(state="visible")
    assert all(same(player.pixels("ground", player.points()), colours))
    player.page.get_by_role("button", name="Remove the image").click()
    assert player.picture("ground") == before
    none_left(player.page, ".strip")


def test_what_is_no_image_is_told(opened, made):
    player = opened([made.row(4, 4)])
    file = {"name": "a.png", "mimeType": "image/png", "buffer": b"no image"}
    player.page.locator("[data-at=file]").set_input_files(file)
    player.page.get_by_role("alert").wait_for(state="visible")
    assert "cannot read this file as an image" in player.text("notice")
    assert not player.shows("unimage")


@pytest.mark.parametrize("url", ["https://example.org/cat.png", "file:///cat.png", "javascript:1"])
def test_images_of_other_places_are_refused(opened, made, url):
    player = opened([made.row(4, 4)])
    player.page.evaluate("(url) => player.image(url)", url)
    assert "Only an image of this device" in player.text("notice")


def counter_pixels(player: PlayerPage, inset: float) -> list[tuple[int, ...]]:
    """The marks of a counter-example, read at the lower left corner of every patch, inside it."""
    code = """(inset) => {
      const { panel } = player.counter(), { screen, overlay, dots, cell } = panel;
      return Array.from({ length: panel.scene.patches }, (_, patch) => {
        const [x, y] = [screen[2 * patch] - cell / 2 + inset, screen[2 * patch + 1] + cell * 0.25];
        return Array.from(overlay.getImageData(Math.round(x * dots), Math.round(y * dots), 1, 1).data);
      });
    }"""
    player.settle()
    return [tuple(pixel) for pixel in player.page.evaluate(code, inset)]


@pytest.mark.parametrize(
    ("grid", "patches"),
    [((2, 2), [[0, 1], [1, 0]]), ((3, 4), [[2, 3]]), ((5,), [[0], [4]]), ((4, 6), [[0, 0], [3, 5], [2, 1]])],
)
def test_a_counterexample_marks_its_patches(opened, made, grid, patches):
    player = opened([made.row(4, 4)])
    failing = {"grid": list(grid), "patches": patches, "label": "these patches share the key (1)"}
    player.page.evaluate("(failing) => player.counterexample(failing)", failing)
    conflicting = {int(np.ravel_multi_index(patch, grid)) for patch in patches}
    found = counter_pixels(player, 2)
    marked = {patch for patch, pixel in enumerate(found) if pixel[3] == 255}
    assert marked == conflicting
    assert all(found[patch][:3] == (179, 38, 30) for patch in conflicting)
    assert "these patches share the key (1)" in player.text("counter")
    assert not player.shows("panels")
    assert player.do("document.querySelector('[data-at=bar]').inert")


def test_a_compiler_s_counterexample_is_shown_and_taken_back(opened, made):
    with pytest.raises(scanlab.ScanlabError) as caught:
        scanlab.compile(scanlab.parse("by h + w", axes="h w"), grid=(4, 4))
    example = caught.value.diagnostics[0].counterexample
    player = opened([made.row(4, 4)])
    before = player.picture()
    failing = {"grid": example.grid, "patches": example.patches, "label": str(example)}
    player.page.evaluate("(failing) => player.counterexample(failing)", failing)
    player.press("Home", " ")
    assert player.do("player.CLOCK.place") == 15
    assert str(example) in player.text("counter")
    player.do("player.clearCounterexample()")
    assert player.shows("panels") and not player.shows("counter")
    assert player.picture() == before


def test_paths_that_are_shown_replace_a_counterexample(opened, made):
    player = opened([made.snake3(2, 3, 4)])
    player.do("player.counterexample({grid: [2, 3, 4], patches: [[0, 0, 0], [1, 2, 3]], label: 'a tie'})")
    assert player.shows("counter")
    player.do("player.show(JSON.parse(document.getElementById('data').textContent))")
    assert player.shows("panels") and not player.shows("counter")
    assert player.inked() > 0


def test_an_image_stays_when_other_paths_are_shown(opened, made):
    colours, content = mosaic(4, 4)
    player = opened([made.row(4, 4)])
    show_image(player, content)
    player.do("player.show(JSON.parse(document.getElementById('data').textContent))")
    assert all(same(player.pixels("ground", player.points()), colours))


def test_lines_on_an_image_keep_their_colour(opened, made):
    player = opened([made.row(4, 4)])
    show_image(player, mosaic(4, 4)[1])
    points = np.array(player.points())
    [found] = player.pixels("path", [tuple((points[5] + points[6]) / 2)])
    assert np.abs(np.array(found[:3]).astype(int) - table(256)[round(6 / 15 * 255)]).max() <= 2
