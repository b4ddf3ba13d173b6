"""What the state remembers, in a real browser: the shares are those that the decay gives, computed here by itself."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from player_page import open_player

import scanlab
from scanlab.compiler.decay import predicted_decay
from scanlab.view.player import player_data
from scanlab.view.scene import scenes_of

pytestmark = pytest.mark.slow

HALF = 4.0
KEPT = 0.5 ** (1 / HALF)


@pytest.fixture
def opened(new_page, tmp_path):
    return lambda scenes, **options: open_player(new_page, tmp_path, scenes, **options)


def shares_at(player, panel: int) -> np.ndarray:
    return np.array(player.do(f"Array.from(player.panels()[{panel}].kept.shares)"))


def by_hand(scene, patch: int) -> np.ndarray:
    """Shares of one path's state at a patch, step by step from the first on: float64 [P]."""
    last = int(scene.ranks[patch])
    first = int(scene.restarts[scene.restarts <= last].max())
    weights = np.zeros(scene.patches)
    weights[scene.indices[first : last + 1]] = KEPT ** np.arange(last - first, -1, -1)
    return weights / weights.sum()


@pytest.mark.parametrize("number", range(12))
def test_shares_are_those_of_a_state_that_keeps_as_much_at_every_step(opened, made, number):
    scene = made.every_kind[number]
    player = opened([scene])
    step = scene.length * 2 // 3
    player.do(f"player.goTo({step}); player.remember({HALF})")
    patch = int(scene.indices[step])
    np.testing.assert_allclose(shares_at(player, 0), by_hand(scene, patch), atol=1e-6)


def test_tokens_take_a_step_and_a_share_each(opened):
    scan = scanlab.compile("row with cls at middle", grid=(4, 4))
    [scene] = scenes_of(scan)
    player = opened([scene])
    player.do(f"player.goTo(12); player.remember({HALF})")
    shares = shares_at(player, 0)
    expected = predicted_decay(scan, KEPT, patch=(3, 0)).ravel()
    token = KEPT**5
    np.testing.assert_allclose(shares, expected / (expected.sum() + token), atol=1e-6)
    left = 100 * (1 - shares.sum())
    assert player.page.locator(".memory").inner_text().endswith(f"; {left:.1f} % is of tokens")


def test_paths_that_share_a_picture_have_the_mean_of_their_shares(opened):
    scenes = scenes_of(scanlab.compile("sum(row, -row)", grid=(4, 4)))
    player = opened(scenes)
    player.do(f"player.together(true); player.remember({HALF})")
    player.hover(5)
    expected = (by_hand(scenes[0], 5) + by_hand(scenes[1], 5)) / 2
    np.testing.assert_allclose(shares_at(player, 0), expected, atol=1e-6)


def test_the_patch_under_the_pointer_is_the_one_in_every_picture_and_its_tip_says_shares(opened, made):
    scenes = [made.row(6, 6), made.snake(6, 6)]
    player = opened(scenes)
    player.do(f"player.remember({HALF})")
    player.hover(20)
    for number, scene in enumerate(scenes):
        np.testing.assert_allclose(shares_at(player, number), by_hand(scene, 20), atol=1e-6)
    shares = np.sort(by_hand(scenes[0], 20))[::-1]
    few = int(np.searchsorted(np.cumsum(shares), 0.9) + 1)
    assert player.page.locator(".memory").first.inner_text().startswith(f"The state at (3, 2): {few} patches hold 90 %")


def test_a_models_own_states_stand_in_the_place_of_the_decay(opened, made):
    scene = made.row(2, 3)
    player = opened([scene])
    given = np.random.default_rng(0).random((6, 6)).astype("<f4")
    player.do(f"player.goTo(3); player.setRemembered([[0, '{base64.b64encode(given.tobytes()).decode()}']])")
    np.testing.assert_allclose(shares_at(player, 0), given[3])
    assert player.text("half-name") == "of the model's own states"
    player.do("player.goTo(4)")
    np.testing.assert_allclose(shares_at(player, 0), given[4])
    player.do(f"player.setRemembered([]); player.remember({HALF})")
    np.testing.assert_allclose(shares_at(player, 0), by_hand(scene, 4), atol=1e-6)


def test_the_picture_fades_with_the_share(opened, made):
    scene = made.row(6, 6)
    player = opened([scene])
    player.do(f"player.goTo(30); player.remember({HALF})")
    points = player.points()
    alphas = [pixel[3] for pixel in player.pixels("overlay", [(x + 8, y + 8) for x, y in points])]
    shares = by_hand(scene, 30)
    expected = np.clip(1 - np.log(np.maximum(shares, 1e-12) / shares.max()) / np.log(1e-3), 0, 1)
    np.testing.assert_allclose(np.array(alphas[:30]) / 255, expected[:30], atol=0.02)
    assert alphas[31:] == [0] * 5


def test_control_and_slider_are_in_the_view_and_words_say_what_they_are(opened, made):
    player = opened([made.row(6, 6)])
    assert player.do("player.view().memory") == 0 and not player.shows("keeping")
    player.page.locator("[data-at=remember]").check()
    player.page.locator("[data-at=half]").fill("40")
    assert player.text("half-name") == "half left after 16 steps"
    assert player.do("player.view().memory") == 16
    view = player.do("player.view()")
    player.page.locator("[data-at=remember]").uncheck()
    assert player.do("player.view().memory") == 0
    assert not player.page.locator(".memory").is_visible()
    player.page.evaluate("([data, view]) => player.show(data, view)", [player_data([made.row(6, 6)]), view])
    player.settle()
    assert player.do("player.view().memory") == 16 and player.shows("keeping")


def test_with_a_pinned_patch_the_one_under_the_pointer_has_its_share_in_words(opened, made):
    scene = made.row(6, 6)
    player = opened([scene])
    player.do(f"player.remember({HALF}); player.mark({{scene: 0, patch: 20, pinned: true}})")
    player.hover(18)
    share = 100 * by_hand(scene, 20)[18]
    assert player.page.locator(".memory").inner_text().endswith(f"; {share:.0f} % of (3, 0)")
    player.hover(25)
    assert player.page.locator(".memory").inner_text().endswith("; nothing of (4, 1)")
