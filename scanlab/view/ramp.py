"""The one colour ramp of every picture: blue for the first step, amber for the last.

Lightness rises all the way, and the hue turns from blue to yellow, the axis that red-green colour blindness leaves
intact; both ends stay visible on white and on near-black. Colours between the stops are mixed in OKLab
(Björn Ottosson, "A perceptual color space for image processing", 2020).
"""

from __future__ import annotations

import numpy as np

STOPS: tuple[tuple[int, int, int], ...] = (
    (58, 72, 200),
    (146, 70, 168),
    (208, 78, 132),
    (242, 120, 80),
    (248, 196, 70),
)

_LINEAR_TO_CONE = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_CONE_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def table(count: int) -> np.ndarray:
    """Sample the ramp at equal distances, both ends included.

    Returns uint8 [count, 3], sRGB; a count of 1 gives the first colour. Raises ValueError for a count below 1.
    """
    if count < 1:
        raise ValueError(f"a colour table needs at least one colour, not {count}")
    return colours(np.linspace(0.0, 1.0, count))


def colours(t: np.ndarray) -> np.ndarray:
    """Give the colour at every position t (float, any shape, clipped to 0..1) as uint8 sRGB [..., 3]."""
    lab = _to_oklab(np.array(STOPS, dtype=np.float64) / 255.0)
    where = np.clip(np.asarray(t, dtype=np.float64), 0.0, 1.0)
    stops = np.linspace(0.0, 1.0, len(STOPS))
    mixed = np.stack([np.interp(where, stops, lab[:, k]) for k in range(3)], axis=-1)
    return np.rint(_from_oklab(mixed) * 255.0).astype(np.uint8)


def rgb(t: float) -> tuple[int, int, int]:
    """Give the colour at one position t (clipped to 0..1) as three integers 0..255, sRGB."""
    red, green, blue = (int(value) for value in colours(np.array(t)))
    return red, green, blue


def hex_colour(t: float) -> str:
    """Give the colour at one position t (clipped to 0..1) as "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*rgb(t))


def _to_oklab(srgb: np.ndarray) -> np.ndarray:
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ _LINEAR_TO_CONE.T) @ _CONE_TO_LAB.T


def _from_oklab(lab: np.ndarray) -> np.ndarray:
    linear = (lab @ np.linalg.inv(_CONE_TO_LAB).T) ** 3 @ np.linalg.inv(_LINEAR_TO_CONE).T
    linear = np.clip(linear, 0.0, 1.0)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
