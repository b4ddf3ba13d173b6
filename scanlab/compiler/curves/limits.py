"""Bounds on the boxes that the curves accept: an oversized grid is refused, it does not exhaust the machine."""

from __future__ import annotations

import math

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text

__all__ = ["MAX_BITS", "MAX_CELLS", "bits_of", "require_bits", "require_cells", "too_many_bits"]

MAX_CELLS = 2**24
"""Most cells of a box whose ranks are tabulated (4096x4096): 128 MiB of int64, at most 1.5 GiB while at work."""

MAX_BITS = 62
"""Most bits of a rank made of interleaved coordinates: an int64 keeps its sign and one bit to spare."""


def bits_of(box: tuple[int, ...]) -> int:
    """Bits per axis of the smallest power-of-two cube around a box.

    >>> bits_of((5, 8)), bits_of((1, 1)), bits_of((9, 2))
    (3, 0, 4)
    """
    return max(extent - 1 for extent in box).bit_length()


def require_cells(name: str, box: tuple[int, ...], limit: int = MAX_CELLS) -> None:
    """Refuse a box of more than ``limit`` cells.

    Raises:
        ScanlabError: S401, naming the curve, the box and the limit.
    """
    cells = math.prod(box)
    if cells > limit:
        raise ScanlabError.at(
            "S401",
            f"{name} over a box of {grid_text(box)} has {cells} cells, more than the {limit} it can order",
            help=f"order smaller pieces, for example windows: {name} of the coordinates modulo the window's side",
        )


def require_bits(name: str, box: tuple[int, ...]) -> int:
    """Bits per axis of a box, refused when the rank would not fit an int64.

    Raises:
        ScanlabError: S401, naming the curve, the box and the bits wanted.
    """
    bits = bits_of(box)
    if bits * len(box) > MAX_BITS:
        raise too_many_bits(name, box, bits * len(box))
    return bits


def too_many_bits(name: str, box: tuple[int, ...], bits: int) -> ScanlabError:
    """S401 for ranks that do not fit an int64."""
    return ScanlabError.at(
        "S401",
        f"{name} over a box of {grid_text(box)} needs ranks of {bits} bits, more than {MAX_BITS}",
        help="make the range of its arguments smaller, for example with // or %",
    )
