from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.animation import MOST_FRAMES, gif

images = pytest.importorskip("PIL.Image", reason="needs the extra pictures")


def frames(content: bytes) -> list[np.ndarray]:
    image = images.open(io.BytesIO(content))
    shown = []
    for number in range(image.n_frames):
        image.seek(number)
        shown.append(np.asarray(image.convert("RGB")).astype(int))
    return shown


def near(image: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(image - colour).max(axis=-1) < 8).sum())


def test_one_frame_per_step_in_small_grids(made):
    assert len(frames(gif([made.snake(3, 4)]))) == 12


@pytest.mark.parametrize("side", [16, 128])
def test_frames_are_bounded_whatever_the_grid(made, side):
    assert len(frames(gif([made.row(side, side)]))) <= MOST_FRAMES


def test_the_path_only_grows(made):
    drawn = [(np.abs(image - 255).max(axis=-1) > 60).sum() for image in frames(gif([made.snake(5, 5)]))]
    assert drawn == sorted(drawn) and drawn[0] < drawn[-1] / 2


def test_the_end_is_reached_and_only_in_the_last_frame(made):
    shown = frames(gif([made.snake(4, 6), made.row(3, 3)]))
    amber = (248, 196, 70)
    assert near(shown[0], amber) == 0 and near(shown[len(shown) // 2], amber) == 0
    assert near(shown[-1], amber) > 30


def test_every_kind_of_path_can_be_drawn(made):
    image = images.open(io.BytesIO(gif(made.every_kind)))
    assert image.n_frames == max(scene.length for scene in made.every_kind)


def test_without_pillow_the_error_says_what_to_install(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ScanlabError) as caught:
        gif([made.row(2, 2)])
    assert caught.value.code == "S500"
    assert "Pillow" in str(caught.value) and 'pip install "scanlab[pictures]"' in str(caught.value)
