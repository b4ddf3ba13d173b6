"""How compiled paths become tracks of steps."""

import numpy as np
import pytest
from handmade import ORDER, hand_path, hand_scan

from scanlab.ir.values import Scan
from scanlab.ops import path_table

ROW = [0, 1, 2, 3]
BACK = [3, 2, 1, 0]


def test_every_path_of_a_sum_is_a_track():
    table = path_table(hand_scan([hand_path(ROW), hand_path(BACK)], (2, 2)))
    assert table.patches.tolist() == [ROW, BACK]
    assert table.paths.tolist() == [[0] * 4, [1] * 4]
    assert table.resets.tolist() == [[True, False, False, False]] * 2
    assert table.length == 4


def test_a_shorter_partial_path_is_padded():
    table = path_table(hand_scan([hand_path([0, 2, 3]), hand_path([1])], (2, 2), "scatter"))
    assert table.patches.tolist() == [[0, 2, 3], [1, -1, -1]]


def test_a_chain_is_one_track_that_resets_only_at_its_start():
    table = path_table(hand_scan([hand_path(ROW, restarts=(0, 2)), hand_path(BACK, restarts=(0, 2))], (2, 2), "chain"))
    assert table.patches.tolist() == [ROW + BACK]
    assert table.paths.tolist() == [[0] * 4 + [1] * 4]
    assert np.flatnonzero(table.resets[0]).tolist() == [0, 2, 6]


def test_chains_inside_a_sum_are_tracks_of_their_own():
    tree = Scan("sum", (Scan("chain", (ORDER, ORDER)), ORDER))
    table = path_table(hand_scan([hand_path(ROW), hand_path(BACK), hand_path(ROW)], (2, 2), tree=tree))
    assert table.patches.tolist() == [ROW + BACK, ROW + [-1] * 4]
    assert table.paths[0].tolist() == [0] * 4 + [1] * 4


def test_virtual_tokens_are_rows_after_the_patches_and_shift_the_restarts():
    path = hand_path(ROW, restarts=(0, 2), tokens=(("cls", 0), ("mean", 3), ("cls", 5)))
    table = path_table(hand_scan([path], (2, 2)))
    assert table.tokens == ("cls", "mean")
    assert table.patches.tolist() == [[4, 0, 1, 5, 2, 4, 3]]
    assert np.flatnonzero(table.resets[0]).tolist() == [0, 4]


@pytest.mark.parametrize("seed", [0, 7])
def test_scrambling_renames_patches_and_keeps_everything_else(seed):
    paths = [hand_path(np.arange(9), tokens=(("cls", 4),)), hand_path(np.arange(9)[::-1], tokens=(("cls", 5),))]
    table = path_table(hand_scan(paths, (3, 3)))
    mixed = table.scrambled(seed)
    assert mixed.patches[0].tolist() == mixed.patches[1].flip(0).tolist()
    assert mixed.patches[0, 4] == 9
    assert sorted(mixed.patches[0].tolist()) == list(range(10))
    assert mixed.patches.tolist() != table.patches.tolist()
    assert mixed.patches.tolist() == table.scrambled(seed).patches.tolist()
    assert mixed.resets is table.resets
