"""How compiled paths become sequences of steps."""

import numpy as np
import pytest
from handmade import ORDER, hand_path, hand_scan

from scanlab.ir.values import Scan
from scanlab.ops import PathTable, path_table
from scanlab.ops.path_tables import CHUNK

ROW = [0, 1, 2, 3]
BACK = [3, 2, 1, 0]


def test_every_path_of_a_sum_is_a_sequence():
    table = path_table(hand_scan([hand_path(ROW), hand_path(BACK)], (2, 2)))
    assert table.steps.tolist() == [[ROW, BACK]]
    assert table.segments.tolist() == [[0, 0, 0, 4, 0], [1, 1, 0, 4, 0]]
    assert (table.length, table.sequences, table.paths, table.checkpoints) == (4, 2, 2, 0)
    assert table.complete and not table.revisits and not table.disjoint


def test_a_shorter_partial_path_is_padded():
    table = path_table(hand_scan([hand_path([0, 2, 3]), hand_path([1])], (2, 2), "scatter"))
    assert table.steps.tolist() == [[[0, 2, 3], [1, -1, -1]]]
    assert table.segments.tolist() == [[0, 0, 0, 3, 0], [1, 1, 0, 1, 0]]
    assert table.disjoint and not table.complete


def test_a_chain_is_one_sequence_that_resets_only_at_its_start():
    table = path_table(hand_scan([hand_path(ROW, restarts=(0, 2)), hand_path(BACK, restarts=(0, 2))], (2, 2), "chain"))
    assert table.steps.tolist() == [[ROW + BACK]]
    assert table.segments.tolist() == [[0, 0, 0, 2, 0], [0, 0, 2, 4, 0], [0, 1, 4, 6, 1], [0, 1, 6, 8, 0]]
    assert table.revisits
    paths, resets = table.by_step()
    assert paths.tolist() == [[0] * 4 + [1] * 4]
    assert np.flatnonzero(resets[0]).tolist() == [0, 2, 6]


def test_chains_inside_a_sum_are_sequences_of_their_own():
    tree = Scan("sum", (Scan("chain", (ORDER, ORDER)), ORDER))
    table = path_table(hand_scan([hand_path(ROW), hand_path(BACK), hand_path(ROW)], (2, 2), tree=tree))
    assert table.steps.tolist() == [[ROW + BACK, ROW + [-1] * 4]]
    assert table.segments.tolist() == [[0, 0, 0, 4, 0], [0, 1, 4, 8, 1], [1, 2, 0, 4, 0]]


def test_virtual_tokens_are_rows_after_the_patches_and_shift_the_restarts():
    path = hand_path(ROW, restarts=(0, 2), tokens=(("cls", 0), ("mean", 3), ("cls", 5)))
    table = path_table(hand_scan([path], (2, 2)))
    assert table.tokens == ("cls", "mean")
    assert table.steps.tolist() == [[[4, 0, 1, 5, 2, 4, 3]]]
    assert table.segments.tolist() == [[0, 0, 0, 4, 0], [0, 0, 4, 7, 0]]
    assert table.revisits and table.complete


@pytest.mark.parametrize("seed", [0, 7])
def test_scrambling_renames_patches_and_keeps_everything_else(seed):
    paths = [hand_path(np.arange(9), tokens=(("cls", 4),)), hand_path(np.arange(9)[::-1], tokens=(("cls", 5),))]
    table = path_table(hand_scan(paths, (3, 3)))
    mixed = table.scrambled(seed)
    assert mixed.steps[0, 0].tolist() == mixed.steps[0, 1].flip(0).tolist()
    assert mixed.steps[0, 0, 4] == 9
    assert sorted(mixed.steps[0, 0].tolist()) == list(range(10))
    assert mixed.steps.tolist() != table.steps.tolist()
    assert mixed.steps.tolist() == table.scrambled(seed).steps.tolist()
    assert mixed.segments is table.segments


def test_without_memory_every_step_is_a_run_of_its_own():
    table = path_table(hand_scan([hand_path(ROW, restarts=(0, 2)), hand_path([1, 0])], (2, 2))).without_memory()
    assert table.segments[:, 2:].tolist() == [[0, 1, 0], [1, 2, 0], [2, 3, 0], [3, 4, 0], [0, 1, 0], [1, 2, 0]]
    assert table.segments[:, 0].tolist() == [0] * 4 + [1] * 2
    assert table.by_step()[1].tolist() == [[True] * 4, [True] * 2 + [False] * 2]
    assert table.checkpoints == table.chunks.checkpoints == 0


def test_chunks_cut_segments_and_keep_a_checkpoint_for_every_state_that_goes_on():
    long = CHUNK + 3
    paths = [hand_path(range(2 * CHUNK), restarts=(0, long)), hand_path(range(2 * CHUNK))]
    table = path_table(hand_scan(paths, (2 * CHUNK,)))
    assert table.chunks.rows.tolist() == [
        [0, 0, 0, CHUNK, 0, -1],
        [0, 0, CHUNK, long, 1, 0],
        [0, 0, long, 2 * CHUNK, 0, -1],
        [1, 1, 0, CHUNK, 0, -1],
        [1, 1, CHUNK, 2 * CHUNK, 1, 1],
    ]
    assert table.chunks.ranges.tolist() == [0, 3, 5]
    assert table.checkpoints == 2
    assert table.chunks is table.chunks


def test_a_sequence_may_have_no_steps_at_all():
    table = path_table(hand_scan([hand_path([], restarts=()), hand_path([0])], (1,), "scatter"))
    assert table.chunks.ranges.tolist() == [0, 0, 1]


def test_fields_that_were_others_work_and_warn():
    table = path_table(hand_scan([hand_path(ROW)], (2, 2)))
    old = {"runs": table.segments, "slots": table.checkpoints, "tracks": table.sequences}
    for name, value in old.items():
        with pytest.warns(DeprecationWarning, match=f"PathTable.{name} is now"):
            assert getattr(table, name) is value
    with pytest.warns(DeprecationWarning, match="PathTable"):
        again = PathTable(table.steps, runs=table.segments, grid_size=4, paths=1, slots=0)
    assert again.segments is table.segments and again.checkpoints == 0
