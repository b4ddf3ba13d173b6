"""The keys of an order at one patch: values, numbers that come to them, and the steps that share them."""

from __future__ import annotations

import re

import numpy as np
import pytest

import scanlab
from scanlab.compiler.lattice import Lattice, evaluate_on_grid
from scanlab.compiler.sorting import kept_patches
from scanlab.compiler.worked_keys import WorkedKeys
from scanlab.ir.values import signed_keys

CASES = [
    ("snake", (5, 6)),
    ("-snake", (4, 5)),
    ("zigzag", (4, 5)),
    ("toroidal", (5, 5)),
    ("window[k=3]", (7, 5)),
    ("hilbert", (5, 7)),
    ("hilbert_windows[k=4]", (8, 8)),
    ("spiral_in", (4, 5)),
    ("snake3", (2, 3, 4)),
    ("by max(1, h) // 2 + abs(h - w), h // w if w > 0 and h > 1 else -W, h, w", (4, 5)),
    ("by h // w, h, w where w > 0", (4, 5)),
    ("within (h // 3, w // 3): ~offset(h), breadth(w) - offset(w)", (7, 5)),
    ("visit(0, 2, 1, 3, 5, 4)", (2, 3)),
]


@pytest.mark.parametrize(("name", "grid"), CASES, ids=[name for name, _ in CASES])
def test_every_key_is_worked_out_at_every_patch(name, grid):
    text = f"by {name}" if name.startswith(("within", "visit")) else name
    order = scanlab.parse(text, axes="t h w" if len(grid) == 3 else None)
    [path] = scanlab.compile(order, grid).paths
    lattice = Lattice(path.axes, grid)
    kept = kept_patches(path.order, lattice)
    columns = [lattice.flat(evaluate_on_grid(k, lattice, reached=kept)) for k in signed_keys(path.order)]
    worked = WorkedKeys(path.order, grid, path.indices)
    for patch in range(int(np.prod(grid))):
        keys, step = worked.at(patch), int(path.ranks[patch])
        if step < 0:
            assert {(key.first, key.last) for key in keys} == {(-1, -1)}
            continue
        alike = np.ones(len(path.indices), dtype=bool)
        for key, column in zip(keys, columns, strict=True):
            assert key.value == column[patch]
            alike &= column[path.indices] == column[patch]
            assert np.flatnonzero(alike).tolist() == list(range(key.first, key.last + 1))
            *texts, last = key.words.split(" = ")
            assert int(last) == key.value
            if texts and {"min", "max", "abs"}.issuperset(re.findall(r"[A-Za-z_]+", texts[-1])):
                assert eval(texts[-1]) == key.value
        assert keys[-1].first <= step <= keys[-1].last


def test_words_name_the_branch_and_fill_in_the_numbers():
    def words(text: str, grid: tuple[int, int], patch: int) -> list[str]:
        [path] = scanlab.compile(scanlab.parse(text), grid).paths
        return [key.words for key in WorkedKeys(path.order, grid, path.indices).at(patch)]

    assert words("by h, ~w", (5, 6), 9) == ["1", "-w = -3"]
    assert words("-(by h, ~w)", (5, 6), 9) == ["-1", "w = 3"]
    assert words("by h // 2, w % 2, h, w", (5, 6), 27) == ["4 // 2 = 2", "3 % 2 = 1", "4", "3"]
    assert words("by hilbert(h % 4, w % 4), h, w", (8, 8), 0)[0] == "hilbert(0 % 4, 0 % 4) = 0"
    assert words("by h // w, h, w where w > 0", (4, 5), 5)[0] == "divides by zero here"
