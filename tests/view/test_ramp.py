from __future__ import annotations

import re

import numpy as np
import pytest

from scanlab.view.ramp import STOPS, colours, hex_colour, rgb, table

# Viénot, Brettel and Mollon 1999, "Digital video colourmaps for checking the legibility of displays by dichromats":
# what linear RGB turns into for an eye without one kind of cone.
PROTANOPE = np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]])
DEUTERANOPE = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])


def linear(srgb: np.ndarray) -> np.ndarray:
    share = srgb / 255.0
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def luminance(srgb: np.ndarray) -> np.ndarray:
    return linear(srgb) @ np.array([0.2126, 0.7152, 0.0722])


def test_the_stops_are_on_the_ramp():
    assert [rgb(k / (len(STOPS) - 1)) for k in range(len(STOPS))] == list(STOPS)


def test_lightness_rises_all_the_way():
    assert (np.diff(luminance(table(64))) > 0).all()


@pytest.mark.parametrize("eye", [PROTANOPE, DEUTERANOPE])
def test_quarters_stay_apart_for_colour_blind_eyes(eye):
    seen = np.cbrt(np.clip(linear(table(5)) @ eye.T, 0, 1))
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert apart[~np.eye(5, dtype=bool)].min() > 0.08


def test_both_ends_show_on_white_and_on_black():
    for shade in luminance(table(16)):
        assert 1.05 / (shade + 0.05) > 1.6 and (shade + 0.05) / 0.05 > 2.2


def test_positions_outside_are_clipped():
    assert rgb(-3) == rgb(0) and rgb(7) == rgb(1)
    assert colours(np.zeros((2, 3))).shape == (2, 3, 3)


def test_hex_form():
    assert re.fullmatch("#[0-9a-f]{6}", hex_colour(0.3))
    assert hex_colour(0) == "#{:02x}{:02x}{:02x}".format(*STOPS[0])


def test_an_empty_table_is_refused():
    with pytest.raises(ValueError, match="not 0"):
        table(0)
