"""Figures and heat maps of receptive fields, given as arrays."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.ramp import colours
from scanlab.view.receptive_field import FAINTEST, Field, draw, heat_map, spread_text, write


def causal(*grid: int) -> np.ndarray:
    """A field that halves from patch to patch before the centre, and is 0 after it."""
    values = np.zeros(int(np.prod(grid)))
    centre = np.ravel_multi_index(tuple(n // 2 for n in grid), grid)
    values[: centre + 1] = 0.5 ** np.arange(centre, -1, -1)
    return values.reshape(grid)


def pixels(content: bytes) -> np.ndarray:
    images = pytest.importorskip("PIL.Image", reason="needs the extra pictures")
    return np.asarray(images.open(io.BytesIO(content)).convert("RGB")).astype(int)


def near(image: np.ndarray, colour: tuple[int, ...] | np.ndarray) -> int:
    return int((np.abs(image - np.asarray(colour)).max(axis=-1) < 6).sum())


def test_the_scale_of_the_heat_map_is_logarithmic_and_zero_has_its_own_mark():
    values = np.array([[0, FAINTEST / 100, FAINTEST, 10**-2.5, 10**-1.5, 1]])
    assert heat_map(Field("x", "y", values), colour=False).plain == "·00369"
    assert heat_map(Field("x", "y", values * 1e-9), colour=False).plain == "·00369"


def test_the_coloured_heat_map_draws_two_rows_in_one():
    text = heat_map(Field("x", "y", causal(4, 4)))
    assert text.plain.split("\n")[0] == "▀▀▀▀" and len(text.plain.split("\n")) == 2
    styles = {str(span.style) for span in text.spans}
    assert any(style.startswith("#f8c446") for style in styles)


def test_a_wide_heat_map_is_thinned():
    assert max(map(len, heat_map(Field("x", "y", np.ones((3, 100))), width=40).plain.split("\n"))) <= 40


def test_a_field_of_three_axes_shows_its_slices():
    values = np.zeros((2, 3, 5))
    values[1, :, :] = 1
    lines = heat_map(Field("x", "y", values), colour=False).plain.split("\n")
    assert lines == ["99999 ····· ···", "99999 99999 999", "99999"]


def test_the_words_under_a_field():
    assert spread_text(Field("x", "y", np.zeros((3, 3)))) == "no contribution"
    assert spread_text(Field("x", "y", np.ones((3, 3)))).startswith("50 % in 1.00, 99 % in 1.00 of area\nmean distance")
    corner = Field("x", "y", np.eye(1, 9).reshape(3, 3), ((0, 1), (0, 1)))
    assert spread_text(corner) == "50 % in 0.11, 99 % in 0.11 of area\nmean distance 0.0"


@pytest.mark.parametrize("grid", [(9,), (6, 5), (3, 4, 5)])
def test_every_number_of_axes_can_be_drawn(grid):
    pytest.importorskip("matplotlib", reason="needs the extra pictures")
    image = pixels(draw([Field("row", "predicted", causal(*grid))], "png"))
    assert near(image, colours(np.array(1.0))) > 20
    assert near(image, (241, 239, 245)) > 100, "patches after the centre are 0 and not on the ramp"


def test_columns_are_strategies_and_rows_are_kinds():
    pytest.importorskip("matplotlib", reason="needs the extra pictures")
    one = Field("row", "predicted", causal(4, 4))
    wide = pixels(draw([one, Field("snake", "predicted", causal(4, 4))], "png")).shape
    high = pixels(draw([one, Field("row", "trained", causal(4, 4))], "png")).shape
    assert wide[1] > high[1] and high[0] > wide[0]


def test_all_fields_share_one_scale():
    pytest.importorskip("matplotlib", reason="needs the extra pictures")
    alone = draw([Field("row", "predicted", causal(4, 4))], "png")
    assert draw([Field("row", "predicted", causal(4, 4) * 1e-6)], "png") == alone


def test_files_by_suffix(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra pictures")
    fields = [Field("a $x_$", "predicted", causal(4, 4))]
    for suffix, start in ((".svg", b"<?xml"), (".png", b"\x89PNG")):
        write(fields, tmp_path / f"erf{suffix}", title="$")
        content = (tmp_path / f"erf{suffix}").read_bytes()
        assert content.startswith(start)
        write(fields, tmp_path / f"erf{suffix}", title="$")
        assert (tmp_path / f"erf{suffix}").read_bytes() == content


def test_what_cannot_be_drawn(tmp_path, monkeypatch):
    good = Field("row", "predicted", causal(4, 4))
    for fields, target, code in (
        ([good], "erf.pdf", "S501"),
        ([good], "erf", "S501"),
        ([good], "none/erf.svg", "S502"),
        ([], "erf.svg", "S503"),
        ([Field("row", "predicted", np.ones((2, 2, 2, 2)))], "erf.svg", "S636"),
    ):
        with pytest.raises(ScanlabError) as caught:
            write(fields, tmp_path / target)
        assert caught.value.code == code
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ScanlabError) as caught:
        write([good], tmp_path / "erf.svg")
    assert caught.value.code == "S500" and not list(tmp_path.iterdir())
