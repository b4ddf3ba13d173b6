"""Digits of a number in reverse: orders that visit every second, fourth, … element last."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scanlab.compiler.curves.limits import require_cells

__all__ = ["bit_reversal_grid"]


def bit_reversal_grid(box: tuple[int, ...], options: Mapping[str, int]) -> np.ndarray:
    """The digits of every number below a bound, read backwards.

    Args:
        box: the bound, one extent in the language; of several axes the first is the slowest.
        options: ``base``, from 2 up (default 2).

    Returns:
        int64 of shape ``box``: the number that the digits make in reverse, all written with as many digits as the last
        one needs. Dense only where the bound is a power of the base.

    Raises:
        ScanlabError: S401 for a box too large to tabulate.

    J. G. van der Corput, "Verteilungsfunktionen", Proc. Ned. Akad. v. Wet. 38 (1935): n → this over base**digits.

    >>> bit_reversal_grid((8,), {})
    array([0, 4, 2, 6, 1, 5, 3, 7])
    """
    require_cells("bit_reversal", box)
    ranks = np.zeros(box[:0], dtype=np.int64)
    for extent in box:
        turned, bound = _reversed(extent, options.get("base", 2))
        ranks = ranks[..., None] * bound + turned
    return ranks


def _reversed(extent: int, base: int) -> tuple[np.ndarray, int]:
    """The numbers below a bound with their digits in reverse, and the power of the base that bounds these."""
    rest, turned, bound = np.arange(extent, dtype=np.int64), np.zeros(extent, dtype=np.int64), 1
    while bound < extent:
        turned, rest, bound = turned * base + rest % base, rest // base, bound * base
    return turned, bound
