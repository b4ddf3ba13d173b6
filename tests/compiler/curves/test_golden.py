"""The curves equal what the published implementations compute (tests/golden/CURVES.md says which and how)."""

from pathlib import Path

import numpy as np
import pytest

from scanlab.compiler.curves import CURVES

GOLDEN = dict(np.load(Path(__file__).parents[2] / "golden" / "curves.npz"))

# DiffMa lists its eight spirals in this order of (heading, turn), each followed by its reverse.
DIFFMA_SPIRALS = [(0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (2, 1), (1, 1), (3, 1)]


def entries(*prefixes: str) -> list[str]:
    return [key for key in GOLDEN if key.startswith(prefixes)]


def grid_of(key: str) -> tuple[int, ...]:
    return tuple(map(int, key.rsplit("/", 1)[1].split("x")))


def order(ranks: np.ndarray) -> list[int]:
    return np.argsort(ranks, axis=None, kind="stable").tolist()


def test_every_entry_is_used():
    used = entries("ref_", "voxelmamba/", "pointmamba/", "zigma/", "mhs_vm/", "diffma/")
    assert sorted(used) == sorted(GOLDEN) and len(used) == 60


@pytest.mark.parametrize("key", entries("ref_hilbertcurve/", "ref_numpy_hilbert/", "voxelmamba/"))
def test_hilbert(key):
    assert order(CURVES["hilbert"](grid_of(key), {})) == GOLDEN[key][0].tolist()


@pytest.mark.parametrize("key", entries("pointmamba/"))
def test_hilbert_with_exchanged_axes(key):
    t, h, w = grid_of(key)
    assert order(CURVES["hilbert"]((t, h, w), {})) == GOLDEN[key][0].tolist()
    assert order(CURVES["hilbert"]((h, t, w), {}).transpose(1, 0, 2)) == GOLDEN[key][1].tolist()


@pytest.mark.parametrize("key", entries("ref_gilbert/"))
def test_gilbert(key):
    assert order(CURVES["gilbert"](grid_of(key), {})) == GOLDEN[key][0].tolist()


@pytest.mark.parametrize("key", entries("zigma/"))
def test_gilbert_orbit(key):
    ranks = CURVES["gilbert"](grid_of(key), {})
    images = [ranks.T, ranks, ranks[::-1], ranks.T[:, ::-1], ranks.T[::-1, ::-1], ranks[::-1, ::-1]]
    images += [ranks[:, ::-1], ranks.T[::-1]]
    assert [order(image) for image in images] == GOLDEN[key].tolist()


@pytest.mark.parametrize("key", entries("ref_morton/"))
def test_morton(key):
    assert order(CURVES["morton"](grid_of(key), {})) == GOLDEN[key][0].tolist()


@pytest.mark.parametrize("key", entries("mhs_vm/"))
def test_spiral_in(key):
    top = order(CURVES["spiral_in"](grid_of(key), {"corner": 0, "turn": 0}))
    bottom = order(CURVES["spiral_in"](grid_of(key), {"corner": 3, "turn": 1}))
    assert [top, top[::-1], bottom, bottom[::-1]] == GOLDEN[key].tolist()


@pytest.mark.parametrize("key", entries("diffma/"))
def test_spiral_out(key):
    for row, (heading, turn) in enumerate(DIFFMA_SPIRALS):
        path = order(CURVES["spiral_out"](grid_of(key), {"heading": heading, "turn": turn}))
        assert [path, path[::-1]] == GOLDEN[key][2 * row : 2 * row + 2].tolist()
