"""What the public Python implementations of space-filling curves take, beside which ours are timed.

The peers are optional: an installed package is timed here and now, an absent one is quoted by its published figure.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["PUBLISHED_SIDE", "PeerTime", "peer_times"]

PUBLISHED_SIDE = 1024
"""Side of the square grid of the published figures."""


@dataclass(frozen=True)
class PeerTime:
    """Seconds a public implementation takes to list all cells of a square grid along its curve.

    Attributes:
        name: the package or module.
        curve: the key function of ours to compare with.
        seconds: wall-clock time of one call, or the published figure scaled by the number of cells.
        source: "measured" here, or "published": measured with the public package on 2 cores at 1024x1024.
        note: why it was not measured; empty for a measured time.
    """

    name: str
    curve: str
    seconds: float
    source: str
    note: str = ""


@dataclass(frozen=True)
class _Peer:
    name: str
    curve: str
    module: str
    absent: str
    published_seconds: float
    run: Callable[[Any, int], object]


def peer_times(side: int) -> list[PeerTime]:
    """Time the public curve generators on a square grid.

    Args:
        side: side of the grid, a power of two, at least 1.

    Returns:
        One entry per peer, in a fixed order. Takes as long as the peers do: about ten seconds at side 1024 with all of
        them installed.

    Raises:
        ScanlabError: S481, ``side`` is no power of two, which the peers require.
    """
    if side < 1 or side & (side - 1):
        raise ScanlabError.at("S481", f"the peers cannot order a {side}x{side} grid", help="give a power of two")
    return [_time(peer, side) for peer in _peers()]


def _peers() -> tuple[_Peer, ...]:
    return (
        _Peer("gilbert2d", "gilbert", "gilbert2d", "gilbert2d.py is one file, not on PyPI", 1.5, _gilbert),
        _Peer("numpy-hilbert-curve", "hilbert", "hilbert", "not installed", 2.3, _numpy_hilbert),
        _Peer("hilbertcurve", "hilbert", "hilbertcurve.hilbertcurve", "not installed", 7.0, _hilbertcurve),
    )


def _time(peer: _Peer, side: int) -> PeerTime:
    published = peer.published_seconds * (side / PUBLISHED_SIDE) ** 2
    try:
        module = import_module(peer.module)
    except ImportError:
        return PeerTime(peer.name, peer.curve, published, "published", peer.absent)
    start = time.perf_counter()
    try:
        peer.run(module, side)
    # A peer of another version, or one broken by a newer numpy, must not take the benchmark down with it.
    except Exception as error:
        return PeerTime(peer.name, peer.curve, published, "published", f"failed: {error}")
    return PeerTime(peer.name, peer.curve, time.perf_counter() - start, "measured")


def _gilbert(module: Any, side: int) -> object:
    return list(module.gilbert2d(side, side))


def _numpy_hilbert(module: Any, side: int) -> object:
    return module.decode(np.arange(side * side), 2, _bits(side))


def _hilbertcurve(module: Any, side: int) -> object:
    return module.HilbertCurve(_bits(side), 2).points_from_distances(list(range(side * side)))


def _bits(side: int) -> int:
    return max(1, side.bit_length() - 1)
