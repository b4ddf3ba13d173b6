"""What brightest value pixels were stored for, so that all of a set are brought into [0, 1] alike."""

from __future__ import annotations

from math import isfinite

import numpy as np
from numpy.typing import NDArray

from scanlab.data.notes import Note
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["check_divisor", "reflectance_scale", "scale_by_range", "scale_of"]

BYTE, DEEPEST = 255, 65535
# Brightest values of 8, 10, 12 and 16 bits; and before them of masks and of 16 shades.
_TOPS = (1, 16, BYTE, 1023, 4095, DEEPEST)
# A byte's values that stay below this leave the most of its range unused, which hints at another scale.
DARK = 26
# Values on both sides of 0 up to so much have a scale that models take: -1 to 1, or a mean of 0 and a spread of 1.
CENTRED = 32
# Sentinel-2's files hold so many times the reflectance.
REFLECTANCE = 10_000


def scale_of(low: float, high: float, kind: str, what: str, notes: list[Note]) -> float | None:
    """The divisor for values from low to high; None where nothing says what they mean.

    kind: "B" for bytes, "H" for 16 bits, "i" for other whole numbers, "f" for floats. Bytes are divided by 255, and
    floats in [0, 1] by 1, without a word; everything else that is decided is noted.
    """
    bounds = f"{what} have values from {low:g} to {high:g}"
    if kind == "B":
        if 0 < high < DARK:
            notes.append(
                Note("assumed", f'{bounds}, and are divided by {BYTE}; layout = "scaled_values" would widen them')
            )
        return BYTE
    if kind == "f" and low >= 0 and high <= 1:
        return 1
    if low < 0:
        if kind != "H" and max(-low, high) <= CENTRED:
            notes.append(Note("assumed", f"{bounds}, and are taken as they are"))
            return 1
        return None
    if kind == "f":
        # Of floats only those that fill the range of a byte are surely stored for one.
        top = BYTE if BYTE / 2 < high <= BYTE else None
    else:
        top = next((top for top in _TOPS[2 if kind == "H" else 0 :] if high <= top), None)
    # Sixteen bits that reach far into their range need no word.
    if top is not None and not (kind == "H" and top == DEEPEST):
        notes.append(Note("assumed", f"{bounds}, and are divided by {top}"))
    return top


def reflectance_scale(low: float, high: float, kind: str, what: str, notes: list[Note]) -> float:
    """The divisor of values that are ten thousandths of a reflectance, noted. kind: as of `scale_of`. Raises S644 for
    values that are none: bytes, and floats up to 1.

    >>> reflectance_scale(0, 8000, "H", "bands", [])
    10000
    """
    bounds = f"{what} have values from {low:g} to {high:g}"
    if kind == "B" or (kind == "f" and high <= 1):
        how = f"bytes are divided by {BYTE}" if kind == "B" else "floats up to 1 are read as they are"
        problem = f"{bounds}{' in bytes' if kind == 'B' else ''}: they are no ten thousandths of a reflectance"
        raise ScanlabError.at("S644", problem, help=f"leave reflectance out: {how}")
    notes.append(Note("assumed", f"{bounds}, and are divided by {REFLECTANCE}"))
    return REFLECTANCE


def check_divisor(scale: float) -> None:
    """Raise S724 for what values cannot be divided by.

    >>> check_divisor(10_000)
    """
    if not (isfinite(scale) and scale > 0):
        help = "give the divisor that the training data had, a number above 0"
        raise ScanlabError.at("S724", f"values cannot be divided by {scale:g}", help=help)


def scale_by_range(pixels: NDArray[np.float32], notes: list[Note]) -> None:
    """Bring all values into [0, 1], in place: the smallest of the set to 0, the largest to 1."""
    low, high = float(pixels.min()), float(pixels.max())
    pixels -= low
    pixels /= max(high - low, np.finfo(np.float32).tiny)
    notes.append(Note("assumed", f"values from {low:g} to {high:g} are scaled to 0 to 1, all alike"))
