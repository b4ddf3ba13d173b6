"""How chunks are dealt out to the programs of a GPU; no GPU and no Triton needed."""

import numpy as np
import pytest
import torch
from handmade import hand_path, hand_scan

from scanlab.ops import path_table
from scanlab.ops.mamba.gpu_plan import FEWEST_PARTS, KEPT, PROGRAMS, SHORTEST_PART, Division, division_for, plan_for

CPU = torch.device("cpu")


def tables():
    draw = np.random.RandomState(0)
    long = hand_path(draw.permutation(300), restarts=(0, 40, 250))
    return {
        "two long sequences": path_table(hand_scan((long, hand_path(range(300))), (300,), "sum")),
        "a chain": path_table(hand_scan((hand_path(range(150)), hand_path(range(150, 300))), (300,), "chain")),
        "an empty path": path_table(hand_scan((hand_path([], restarts=()), hand_path(range(70))), (70,), "sum")),
        "nothing": path_table(hand_scan((hand_path([], restarts=()),), (4,), "sum")),
    }


TABLES = tables()
DIVISIONS = (Division(), Division(2), Division(chunks=1), Division(chunks=3))


@pytest.mark.parametrize("division", DIVISIONS, ids=str)
@pytest.mark.parametrize("name", TABLES)
def test_work_items_take_every_chunk_once(name, division):
    table = TABLES[name]
    if table.sequences % division.together:
        pytest.skip("sequences are scanned together by a divisor of their number")
    plan = plan_for(table, division, CPU)
    work_items = plan.work_items.tolist()
    assert [i for first, last in work_items for i in range(first, last)] == list(range(len(plan.chunks)))
    assert torch.equal(plan.chunks[:, :6], table.chunks.rows)
    assert all(first < last for first, last in work_items)


@pytest.mark.parametrize("division", DIVISIONS, ids=str)
@pytest.mark.parametrize("name", TABLES)
def test_accumulators_belong_to_the_path_of_their_chunks(name, division):
    if TABLES[name].sequences % division.together:
        pytest.skip("sequences are scanned together by a divisor of their number")
    plan = plan_for(TABLES[name], division, CPU)
    assert plan.owners[plan.chunks[:, 7].numpy()].tolist() == plan.chunks[:, 1].tolist()
    assert (np.diff(plan.owners) >= 0).all()


@pytest.mark.parametrize("name", TABLES)
def test_the_last_chunk_of_each_sequence_ends_it(name):
    table = TABLES[name]
    chunks = plan_for(table, Division(), CPU).chunks
    ends = chunks[chunks[:, 6] > 0]
    assert ends[:, 0].tolist() == sorted(set(chunks[:, 0].tolist()))
    assert [(table.steps[0, t] >= 0).sum() for t in ends[:, 0]] == ends[:, 3].tolist()


@pytest.mark.parametrize("chunks", [1, 2, 3])
@pytest.mark.parametrize("name", TABLES)
def test_a_part_lies_within_one_path_and_belongs_to_its_sequence(name, chunks):
    table = TABLES[name]
    plan = plan_for(table, Division(chunks=chunks), CPU)
    rows, ranges = plan.chunks.numpy(), plan.ranges.tolist()
    assert len(ranges) == table.sequences + 1
    for sequence in range(table.sequences):
        for first, last in plan.work_items.tolist()[ranges[sequence] : ranges[sequence + 1]]:
            assert last - first <= chunks
            assert len({tuple(row[:2]) for row in rows[first:last]}) == 1
            assert rows[first, 0] == sequence
    assert ranges[-1] == len(plan.work_items)


def row(length, sequences=1):
    return path_table(hand_scan((hand_path(range(length)),) * sequences, (length,), "sum"))


def test_sequences_are_scanned_together_as_far_as_there_are_programs_enough():
    assert division_for(row(49, 4), PROGRAMS, 64, separate=False) == Division(4)
    assert division_for(row(49, 4), PROGRAMS // 2, 64, separate=False) == Division(2)
    assert division_for(row(49, 4), PROGRAMS // 3, 64, separate=False) == Division()
    assert division_for(row(49, 3), PROGRAMS // 2, 64, separate=False) == Division()
    assert division_for(row(49, 4), PROGRAMS, 64, separate=True) == Division()
    assert division_for(row(49), PROGRAMS, 64, separate=False) == Division()


def test_rows_that_would_leave_the_cache_from_one_sequence_to_the_next_are_added_up_afterwards():
    rows = KEPT // (PROGRAMS * 4 * 64)
    assert division_for(row(rows, 2), PROGRAMS, 64, separate=False) == Division(2)
    assert division_for(row(rows + 1, 2), PROGRAMS, 64, separate=False) == Division()
    assert division_for(row(rows + 1, 2), PROGRAMS, 32, separate=False) == Division(2)


@pytest.mark.parametrize("programs", [1, 3, 12, 100, 300])
@pytest.mark.parametrize("length", [1024, 4096, 32768])
def test_long_sequences_are_cut_into_enough_parts(length, programs):
    table = row(length)
    division = division_for(table, programs, 64, separate=False)
    assert division.chunks
    work_items = len(plan_for(table, division, CPU).work_items)
    assert work_items >= FEWEST_PARTS
    assert work_items * programs >= PROGRAMS or division.chunks == SHORTEST_PART
    assert work_items * programs < 2 * PROGRAMS + programs


def test_short_sequences_are_not_cut():
    assert division_for(row(64), 1, 64, separate=False) == Division()


def test_sequences_that_visit_a_row_twice_are_not_cut():
    both_ends = path_table(hand_scan((hand_path(range(4096), tokens=(("cls", 0), ("cls", 4097))),), (4096,), "sum"))
    assert both_ends.revisits
    assert division_for(both_ends, 1, 64, separate=False) == Division()


def test_a_plan_is_made_once():
    table = TABLES["a chain"]
    assert plan_for(table, Division(), CPU) is plan_for(table, Division(), CPU)
    assert plan_for(table, Division(), CPU) is not plan_for(table, Division(chunks=1), CPU)
