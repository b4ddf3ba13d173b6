"""A table that is made or changed by hand is checked before a kernel follows it."""

from dataclasses import replace

import pytest
import torch
from agreement import random_arguments
from handmade import hand_path, hand_scan

import scanlab
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import PathTable, causal_conv1d, index_table, path_table, selective_scan
from scanlab.ops.soundness import check_table


def sound():
    return path_table(hand_scan([hand_path(range(40), (0, 35)), hand_path(range(39, -1, -1))], (40,)))


def scanned(arguments, paths, backend=None):
    return selective_scan(**arguments, paths=paths, delta_softplus=True, backend=backend)


def changed(table, name, place, value):
    tensor = getattr(table, name).clone()
    tensor[place] = value
    return replace(table, **{name: tensor})


WRONG = {
    "a row beyond the last": lambda t: changed(t, "steps", (0, 0, 7), 40),
    "a row far out": lambda t: changed(t, "steps", (0, 1, 0), 2**30),
    "a negative row": lambda t: changed(t, "steps", (0, 0, 3), -5),
    "a missing row within a run": lambda t: changed(t, "steps", (0, 0, 3), -1),
    "a row twice": lambda t: changed(t, "steps", (0, 0, 0), 1),
    "a segment beyond the steps": lambda t: changed(t, "segments", (2, 3), 41),
    "a segment that is not there": lambda t: replace(t, segments=t.segments[1:]),
    "a gap between segments": lambda t: changed(t, "segments", (0, 3), 30),
    "another sequence": lambda t: changed(t, "segments", (2, 0), 2),
    "another path": lambda t: changed(t, "segments", (0, 1), 2),
    "a path in two sequences": lambda t: changed(t, "segments", (2, 1), 0),
    "paths that fall": lambda t: changed(t, "segments", (slice(None), 1), torch.tensor([1, 1, 0], dtype=torch.int32)),
    "a path that comes back": lambda t: changed(
        replace(t, paths=3), "segments", (slice(None), 1), torch.tensor([1, 0, 2])
    ),
    "a state from nowhere": lambda t: changed(t, "segments", (0, 4), 1),
    "too few checkpoints": lambda t: replace(t, checkpoints=0),
    "too many paths left out": lambda t: replace(t, paths=1),
    "other dtypes": lambda t: replace(t, steps=t.steps.long()),
    "a smaller grid": lambda t: replace(t, grid_size=39),
    "disjoint, which it is not": lambda t: replace(t, disjoint=True),
    "no rows at all": lambda t: PathTable(t.steps[..., :0], t.segments, 40, 2, t.checkpoints),
}


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("name", WRONG)
def test_an_unsound_table_is_refused(name, backend):
    table = WRONG[name](sound())
    arguments = random_arguments(sound())
    for _ in range(2):
        with pytest.raises(ScanlabError) as caught:
            scanned(arguments, table, backend)
        assert caught.value.code in ("S713", "S704"), caught.value
    with pytest.raises(ScanlabError):
        causal_conv1d(arguments["u"], torch.ones(2, 6, 3), paths=table, backend=backend)


def test_the_error_says_which_path_is_out_of_order():
    said = "segment 2 is of path 0 after one of path 0: paths rise, each in one sequence"
    with pytest.raises(ScanlabError, match=f"S713.*{said}"):
        changed(sound(), "segments", (2, 1), 0).checked()


def test_a_sound_one_made_by_hand_is_taken_and_checked_once(monkeypatch):
    from scanlab.ops import path_tables as module

    checks = []
    monkeypatch.setattr(module, "check_table", lambda *a: checks.append(1) or check_table(*a))
    good = sound()
    by_hand = PathTable(good.steps.clone(), good.segments.clone(), 40, 2, good.checkpoints)
    arguments = random_arguments(good)
    wanted = scanned(arguments, good)
    for _ in range(3):
        assert torch.equal(scanned(arguments, by_hand), wanted)
    assert len(checks) == 1


def test_a_table_altered_in_place_is_checked_again_and_planned_anew():
    table, arguments = sound(), random_arguments(sound())
    before = scanned(arguments, table)
    table.segments[1, 4] = 1  # without the restart; a chunk that goes on needs a checkpoint more
    with pytest.raises(ScanlabError, match="checkpoints is 2, but the segments need 3"):
        scanned(arguments, table)
    table.segments[1, 4] = 0
    assert torch.equal(scanned(arguments, table), before)
    table.steps[0, 0] = table.steps[0, 0].flip(0)
    wanted = path_table(hand_scan([hand_path(range(39, -1, -1), (0, 35)), hand_path(range(39, -1, -1))], (40,)))
    torch.testing.assert_close(scanned(arguments, table), scanned(arguments, wanted))
    table.steps.fill_(10**6)
    with pytest.raises(ScanlabError, match="S713"):
        scanned(arguments, table)


def test_a_compiled_graph_checks_what_it_was_not_given_as_sound():
    table, arguments = sound(), random_arguments(sound())
    torch._dynamo.reset()
    run = torch.compile(lambda paths, **a: scanned(a, paths), backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(run(table, **arguments), scanned(arguments, table))
    bad = changed(table, "steps", (0, 0, 7), 4000)
    with pytest.raises(ScanlabError, match="S713"):
        run(bad, **arguments)
    good = replace(table, steps=table.steps.clone())
    torch.testing.assert_close(run(good, **arguments), scanned(arguments, table))


def test_a_changed_table_does_not_go_by_its_old_program():
    table = replace(path_table(scanlab.compile("row", grid=(4, 10)), "patch_at_c188ca5546a2f1d0"))
    assert table.program and not table.checked().program


def test_every_table_of_ours_is_sound():
    """What the package vouches for passes the check that others have to."""
    tables = [sound(), sound().part(1, 2), sound().without_memory(), sound().scrambled(3)]
    tables += [
        path_table(scanlab.compile(s, grid=(5, 7))) for s in ("cross", "chain(row, -row)", "vim", "scatter(row)")
    ]
    tables += [index_table(torch.randint(0, 9, (2, 2, 70)), 9), index_table(torch.arange(9)[None], 9)]
    for table in tables:
        assert table.sound and table.checked() is table
        assert replace(table).checked().sound
