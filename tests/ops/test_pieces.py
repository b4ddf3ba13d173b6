"""Pieces of walks: where they are cut, what they belong to, and how visits are counted."""

from __future__ import annotations

import torch
from ops.walks import CASES, walk

from scanlab.ops import PathTable
from scanlab.ops.partition import Pieces, owners_of, path_sums, pieces_of


def _pieces(table: PathTable, limit: int, plain: bool = False) -> Pieces:
    return pieces_of(table.steps, table.runs, table.paths, table.length, limit, plain=plain)


def test_a_chain_goes_on_and_a_restart_begins_anew() -> None:
    # The first path restarts at its fifth patch; the second goes on from it.
    rows = _pieces(CASES["chain"], 4).rows.tolist()
    assert rows == [
        [0, 0, 0, 4, 0, 4],
        [0, 0, 4, 8, 4, 18],
        [0, 0, 8, 9, 4, 18],
        [0, 1, 9, 13, 4, 18],
        [0, 1, 13, 17, 4, 18],
        [0, 1, 17, 18, 4, 18],
    ]
    assert owners_of(CASES["chain"].runs, CASES["chain"].steps.shape[1:]).tolist() == [[0] * 9 + [1] * 9]


def test_pieces_hold_every_step_once() -> None:
    for name, table in CASES.items():
        for limit in (1, 3, 256):
            rows = _pieces(table, limit).rows.tolist()
            steps = [(track, path) for track, path, first, last, _, _ in rows for _ in range(first, last)]
            assert steps == [(track, path) for track, path, _, _ in walk(table, 0)], (name, limit)
            assert all(0 < last - first <= limit for _, _, first, last, _, _ in rows)


def test_visits_are_counted_by_path() -> None:
    token = _pieces(CASES["token twice"], 64)
    assert token.levels == 2 and token.complete
    assert token.visits[0, 0].tolist() == [0] * 10 + [1]
    # A chain visits rows again, but none of its paths does.
    assert _pieces(CASES["chain"], 64).levels == 1 and _pieces(CASES["chain"], 64).complete
    assert not _pieces(CASES["partial"], 64).complete
    table = CASES["any indices"]
    counted = _pieces(table, 64)
    for sample in range(2):
        for track in range(2):
            rows = table.steps[sample, track].tolist()
            assert counted.visits[sample, track].tolist() == [rows[:i].count(row) for i, row in enumerate(rows)]
    assert counted.levels == int(counted.visits.max()) + 1


def test_a_plan_that_counts_nothing_is_no_plan_that_counts() -> None:
    assert _pieces(CASES["token twice"], 32, plain=True).levels == 1
    assert _pieces(CASES["token twice"], 32).levels == 2
    assert _pieces(CASES["token twice"], 32) is _pieces(CASES["token twice"], 32)


def test_sums_by_path() -> None:
    pieces = _pieces(CASES["restarts"], 4)
    partial = torch.randn(2, len(pieces.rows), 3)
    expected = [partial[:, pieces.rows[:, 1] == k].sum((0, 1)) for k in range(2)]
    torch.testing.assert_close(path_sums(partial, pieces, 2), torch.stack(expected))
    torch.testing.assert_close(path_sums(partial, pieces, 1), partial.sum((0, 1))[None])
