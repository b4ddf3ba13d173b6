"""Compiled scans made by hand, so that the operators are tested without the compiler."""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from scanlab.ir.values import Order, Scan

ORDER = Order(("h", "w"), ())


@dataclass(frozen=True)
class HandPath:
    """The attributes of a compiled path that the operators read."""

    indices: np.ndarray
    sequence: np.ndarray
    restarts: np.ndarray
    token_positions: tuple = ()
    channels: tuple = (Fraction(0), Fraction(1))


@dataclass(frozen=True)
class HandScan:
    """The attributes of a compiled scan that the operators read."""

    paths: tuple
    grid: tuple
    scan: Scan = field(default=None)
    name: str = "hand"


def hand_path(indices, restarts=(0,), tokens=(), channels=(0, 1)) -> HandPath:
    """A path; tokens are (name, position in the extended sequence), in ascending position."""
    indices = np.asarray(indices, dtype=np.int64)
    sequence = indices
    for name, position in tokens:
        sequence = np.insert(sequence, position, {"cls": -2, "mean": -3}[name])
    share = (Fraction(channels[0]), Fraction(channels[1]))
    return HandPath(indices, sequence, np.asarray(restarts, dtype=np.int64), tuple(tokens), share)


def hand_scan(paths, grid, merge="sum", tree=None) -> HandScan:
    """A scan over one level of merge, or over the given tree."""
    return HandScan(tuple(paths), grid, tree or Scan(merge, (ORDER,) * len(paths)))
