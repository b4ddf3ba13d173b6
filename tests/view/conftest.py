"""Hand-made scenes for the tests of scanlab.view; the orders are written out here, without the compiler."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from scanlab.view.scene import PathScene


def make_scene(
    label: str,
    source: str,
    axes: Iterable[str],
    grid: tuple[int, ...],
    indices: Sequence[int] | np.ndarray,
    restarts: Iterable[int] = (0,),
    group: str = "",
) -> PathScene:
    visited = np.asarray(indices, dtype=np.int64)
    ranks = np.full(int(np.prod(grid)), -1, dtype=np.int64)
    ranks[visited] = np.arange(len(visited))
    resets = np.array(list(restarts), dtype=np.int64)
    return PathScene(label, source, tuple(axes), grid, visited, ranks, resets, (), group)


def sorted_by(grid: tuple[int, ...], key: Callable[..., tuple]) -> np.ndarray:
    places = [tuple(int(value) for value in place) for place in np.ndindex(*grid)]
    return np.array(sorted(range(len(places)), key=lambda patch: key(*places[patch])), dtype=np.int64)


def alternate(*keys: int) -> tuple[int, ...]:
    """Negate each key after the first where the sum of those before it is odd."""
    return tuple(-key if k and sum(keys[:k]) % 2 else key for k, key in enumerate(keys))


def row(h: int, w: int) -> PathScene:
    return make_scene("row", "by h, w", "hw", (h, w), np.arange(h * w))


def snake(h: int, w: int) -> PathScene:
    return make_scene("snake", "by h, ~w", "hw", (h, w), sorted_by((h, w), alternate))


def zigzag(h: int, w: int) -> PathScene:
    return make_scene("zigzag", "by h + w, ~w", "hw", (h, w), sorted_by((h, w), lambda y, x: alternate(y + x, x)))


def window(h: int, w: int, k: int) -> PathScene:
    indices = sorted_by((h, w), lambda y, x: (y // k, x // k, y % k, x % k))
    return make_scene("window", f"by h // {k}, w // {k}, h % {k}, w % {k}", "hw", (h, w), indices)


def shuffled(*grid: int) -> PathScene:
    order = np.random.default_rng(0).permutation(int(np.prod(grid)))
    return make_scene("shuffled", "by random(seed=0)", "athwc"[: len(grid)], grid, order)


def snake3(t: int, h: int, w: int) -> PathScene:
    return make_scene("snake3", "by t, ~h, ~w", "thw", (t, h, w), sorted_by((t, h, w), alternate))


def rows(h: int, w: int) -> PathScene:
    return make_scene("rows", "by h, w restart by h", "hw", (h, w), np.arange(h * w), restarts=range(0, h * w, w))


def skip(h: int, w: int) -> PathScene:
    kept = [y * w + x for y in range(0, h, 2) for x in range(0, w, 2)]
    return make_scene("skip", "by h, w where h % 2 == 0 and w % 2 == 0", "hw", (h, w), kept)


EVERY_KIND = (
    row(4, 4),
    snake(5, 8),
    zigzag(5, 8),
    window(7, 9, 3),
    shuffled(6, 6),
    snake3(3, 4, 5),
    rows(3, 5),
    skip(5, 8),
    snake(1, 1),
    shuffled(7),
    shuffled(2, 2, 3, 4),
    shuffled(2, 3, 2, 3, 2),
)


@pytest.fixture(params=EVERY_KIND, ids=lambda scene: f"{scene.label}-{'x'.join(map(str, scene.grid))}")
def any_scene(request: pytest.FixtureRequest) -> PathScene:
    return request.param


@pytest.fixture
def made() -> SimpleNamespace:
    """The makers above, by name."""
    makers = (make_scene, row, snake, zigzag, window, shuffled, snake3, rows, skip)
    return SimpleNamespace(every_kind=EVERY_KIND, **{maker.__name__: maker for maker in makers})
