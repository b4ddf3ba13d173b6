"""Tiles of sequences: where they are cut, what they belong to, and how visits are counted."""

from __future__ import annotations

import torch
from ops.traversals import CASES, traversal

from scanlab.ops import PathTable
from scanlab.ops.partition import Tiles, owners_of, path_sums, tiles_of


def _tiles(table: PathTable, limit: int, plain: bool = False) -> Tiles:
    return tiles_of(table.steps, table.segments, table.paths, table.length, limit, plain=plain)


def test_a_chain_goes_on_and_a_restart_begins_anew() -> None:
    # The first path restarts at its fifth patch; the second goes on from it.
    rows = _tiles(CASES["chain"], 4).rows.tolist()
    assert rows == [
        [0, 0, 0, 4, 0, 4],
        [0, 0, 4, 8, 4, 18],
        [0, 0, 8, 9, 4, 18],
        [0, 1, 9, 13, 4, 18],
        [0, 1, 13, 17, 4, 18],
        [0, 1, 17, 18, 4, 18],
    ]
    assert owners_of(CASES["chain"].segments, CASES["chain"].steps.shape[1:]).tolist() == [[0] * 9 + [1] * 9]


def test_tiles_hold_every_step_once() -> None:
    for name, table in CASES.items():
        for limit in (1, 3, 256):
            rows = _tiles(table, limit).rows.tolist()
            steps = [(sequence, path) for sequence, path, first, last, _, _ in rows for _ in range(first, last)]
            assert steps == [(sequence, path) for sequence, path, _, _ in traversal(table, 0)], (name, limit)
            assert all(0 < last - first <= limit for _, _, first, last, _, _ in rows)


def test_visits_are_counted_by_path() -> None:
    token = _tiles(CASES["token twice"], 64)
    assert token.rounds == 2 and token.complete
    assert token.visits[0, 0].tolist() == [0] * 10 + [1]
    # A chain visits rows again, but none of its paths does.
    assert _tiles(CASES["chain"], 64).rounds == 1 and _tiles(CASES["chain"], 64).complete
    assert not _tiles(CASES["partial"], 64).complete
    table = CASES["any indices"]
    counted = _tiles(table, 64)
    for sample in range(2):
        for sequence in range(2):
            rows = table.steps[sample, sequence].tolist()
            assert counted.visits[sample, sequence].tolist() == [rows[:i].count(row) for i, row in enumerate(rows)]
    assert counted.rounds == int(counted.visits.max()) + 1


def test_a_plan_that_counts_nothing_is_no_plan_that_counts() -> None:
    assert _tiles(CASES["token twice"], 32, plain=True).rounds == 1
    assert _tiles(CASES["token twice"], 32).rounds == 2
    assert _tiles(CASES["token twice"], 32) is _tiles(CASES["token twice"], 32)


def test_sums_by_path() -> None:
    tiles = _tiles(CASES["restarts"], 4)
    partial = torch.randn(2, len(tiles.rows), 3)
    expected = [partial[:, tiles.rows[:, 1] == k].sum((0, 1)) for k in range(2)]
    torch.testing.assert_close(path_sums(partial, tiles, 2), torch.stack(expected))
    torch.testing.assert_close(path_sums(partial, tiles, 1), partial.sum((0, 1))[None])
