from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.figures import png

images = pytest.importorskip("PIL.Image", reason="needs the extra pictures")
pytest.importorskip("matplotlib", reason="needs the extra pictures")


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(images.open(io.BytesIO(content)).convert("RGB"))


def near(image: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(image.astype(int) - colour).max(axis=-1) < 12).sum())


def test_the_first_and_last_colours_are_there(made):
    image = pixels(png([made.snake(4, 4)]))
    assert near(image, (58, 72, 200)) > 20 and near(image, (248, 196, 70)) > 20


def test_every_kind_of_path_can_be_drawn(made):
    few, many = pixels(png(made.every_kind[:2])), pixels(png(made.every_kind))
    assert many.shape[0] > few.shape[0] and many.shape[1] == few.shape[1] == 1920


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_a_few_paths_fill_a_slide(made, count):
    assert pixels(png([made.row(3, 3)] * count)).shape == (1080, 1920, 3)


def test_a_name_stands_once(made):
    assert png([made.row(3, 3)], title="row") == png([made.row(3, 3)])
    assert png([made.row(3, 3)], title="other") != png([made.row(3, 3)])


def test_the_same_scene_gives_the_same_bytes(made):
    assert png([made.row(3, 3)]) == png([made.row(3, 3)])


def test_dollar_signs_are_not_mathematics(made):
    scene = made.make_scene("$x_$", r"$\broken{", "hw", (2, 2), np.arange(4))
    assert png([scene], title="$").startswith(b"\x89PNG")


def test_pyplot_is_left_alone(made):
    before = "matplotlib.pyplot" in sys.modules
    png([made.row(2, 2)])
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_without_matplotlib_the_error_says_what_to_install(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ScanlabError) as caught:
        png([made.row(2, 2)])
    assert caught.value.code == "S500"
    assert "matplotlib" in str(caught.value) and 'pip install "scanlab[pictures]"' in str(caught.value)
