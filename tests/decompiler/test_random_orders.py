"""Any order of the language, shown on a few grids: its line comes back, or what is not settled is said."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from sweep import chunks

import scanlab
from scanlab.ir.values import Value

_KEYS = {
    1: ("w", "-w", "w % 2", "w // 2", "-(w // 3)", "w % 3", "min(w, W - 1 - w)"),
    2: (
        *("h", "w", "-h", "-w", "h + w", "h - w", "w - h", "h // 2", "w // 2", "h // 3", "w % 2", "h % 2", "w % 3"),
        *("h // (H // 2 + 1)", "max(h, w)", "min(h, H - 1 - h, w, W - 1 - w)", "(h + w) % W", "abs(h - w)"),
        *("(H - 1 - h) // 2", "2 * h + w", "h * 2 - w", "(h if w % 2 == 0 else -h)", "(w > 2)", "h // 4 + w // 4"),
        *("hilbert(h, w)", "gilbert(w, h)", "morton(h, w)", "spiral_in(h, w)", "hilbert(h // 2, w // 2)"),
    ),
    3: ("t", "h", "w", "-t", "-h", "-w", "t + h + w", "h + w", "h // 2", "w // 2", "t % 2", "morton(t, h, w)"),
}
_LAST = {1: ("w", "-w"), 2: ("h, w", "w, h", "h, ~w", "w, -h"), 3: ("t, h, w", "w, h, t", "t, ~h, ~w")}
_AXES = {1: "w", 2: "h w", 3: "t h w"}
_SIDES = {1: (2, 3, 7, 12, 31), 2: (1, 2, 3, 4, 5, 7, 8, 9, 12), 3: (1, 2, 3, 4, 5)}
_LARGER = {1: ((47,), (64,)), 2: ((13, 17), (24, 20), (31, 9)), 3: ((6, 7, 8), (9, 4, 5))}


def drawn(random: Random) -> tuple[int, str]:
    """The number of axes, and a line over them."""
    count = random.choice((1, 2, 2, 2, 2, 3))
    keys = [random.choice(_KEYS[count]) for _ in range(random.randint(0, 2))]
    turned = [f"~({key})" if i and random.random() < 0.4 else key for i, key in enumerate(keys)]
    line = f"by {', '.join([*turned, random.choice(_LAST[count])])}"
    if random.random() < 0.15:
        line += " with cls at " + random.choice(("start", "middle", "end"))
    return count, f"-({line})" if random.random() < 0.2 else line


def grids_of(random: Random, count: int) -> list[tuple[int, ...]]:
    """One to four grids, of which one has several patches."""
    grids = [tuple(random.choice(_SIDES[count]) for _ in range(count)) for _ in range(random.randint(1, 4))]
    return grids if any(max(grid) > 1 for grid in grids) else [*grids, (3,) * count]


def sequence(value: Value, grid: tuple[int, ...]) -> np.ndarray:
    [path] = scanlab.compile(value, grid).paths
    return path.sequence


@pytest.mark.sweep
@pytest.mark.parametrize("seeds", chunks(60, sweep=3_000), ids=str)
def test_a_random_order_comes_back_or_is_not_settled(seeds: range) -> None:
    wrong = [said for seed in seeds if (said := _wrong(Random(seed)))]
    assert not wrong, "\n".join(wrong)


def _wrong(random: Random) -> str:
    count, line = drawn(random)
    value = scanlab.parse(line, _AXES[count])
    given = {grid: sequence(value, grid) for grid in grids_of(random, count)}
    answer = scanlab.decompile(given, axes=_AXES[count])
    about = f"{line!r} on {list(given)}: {answer.verdict} {answer.source!r} {answer.notes}"
    if answer.value is None:
        return f"{about}: it is an order" if answer.verdict in ("padded", "not a permutation") else ""
    if any(not np.array_equal(sequence(answer.value, grid), path) for grid, path in given.items()):
        return f"{about}: it gives something else"
    if answer.proof.verdict == "refuted":
        return f"{about}: it is no order"
    if answer.verdict != "line":
        return "" if answer.notes else f"{about}: nothing says what is not settled"
    differs = [
        grid for grid in _LARGER[count] if not np.array_equal(sequence(answer.value, grid), sequence(value, grid))
    ]
    return f"{about}: another order on {differs}" if differs and not answer.notes else ""
