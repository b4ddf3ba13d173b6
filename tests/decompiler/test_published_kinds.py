"""What published code showed to be unclear: passes, patches read three times, paths that stop early, near misses."""

from __future__ import annotations

import numpy as np

import scanlab
from scanlab.compiler.relations import prove_same


def test_a_grid_read_several_times_pass_by_pass_is_a_chain():
    lines = ("by h, ~w", "by w, h", "by -h, w")
    passes = {g: np.concatenate([scanlab.compile(n, g).indices[0] for n in lines]) for g in ((3, 5), (6, 4))}
    answer = scanlab.decompile(passes)
    assert (answer.source, answer.verdict) == ("chain((by h, ~w), (by w, h), (by -h, w))", "line")
    assert all(
        np.array_equal(np.concatenate([p.indices for p in scanlab.compile(answer.value, grid).paths]), given)
        for grid, given in passes.items()
    )
    assert scanlab.decompile(passes, merge="sum").verdict == "not a permutation"
    assert scanlab.decompile({(2, 2): [0, 1, 2, 3, 0, 1, 2, 2]}).verdict == "not a permutation"


def test_patches_read_three_times_are_not_called_read_twice():
    answer = scanlab.decompile({(2, 2): [0, 0, 0, 1]})
    assert answer.notes[0] == "on 2x2 it reads patch 0 several times and patches 2, 3 never"


def test_no_constant_is_as_large_as_its_axis_on_every_grid():
    """Two images, one after the other: that `t % 2` is `t` on such grids is no doubt about the line."""
    answer = scanlab.decompile({grid: scanlab.compile("by t, h, w", grid).indices for grid in ((2, 4, 4), (2, 5, 8))})
    assert (answer.source, answer.verdict) == ("by t, h, w", "line")


def test_where_a_path_stops_early_its_steps_are_counted():
    given = {(n, n): scanlab.compile("zigzag", (n, n)).indices[0] for n in (4, 7, 8)}
    given[(7, 7)] = given[(7, 7)][:28]
    assert "on 7x7 there are 28 steps, and `by h + w, ~w` has 49 steps" in scanlab.decompile(given).notes


def test_an_order_of_the_library_that_no_search_finds_is_its_line():
    """MaIR's strips of 4, the first of 2: conditions within conditions, right on grids that 4 does not divide too."""
    strips = scanlab.load("strips[k=4, offset=2]")
    answer = scanlab.decompile({g: scanlab.compile(strips, g).indices[0] for g in ((5, 8), (7, 7), (8, 8))})
    assert answer.verdict == "line" and answer.value is not None
    assert prove_same(answer.value, strips).verdict == "proved"


def test_a_near_miss_names_a_grid_on_which_it_is_one():
    """Right on 8x8 and at fault on 5x8 is not "0 of 64 steps differ"."""
    given = {g: scanlab.compile("by w // 4, ~h, ~w", g).indices[0] for g in ((5, 8), (8, 8), (9, 9))}
    given[(5, 8)] = np.roll(given[(5, 8)], 1)
    answer = scanlab.decompile(given)
    assert answer.source is None
    assert answer.nearest is None or answer.nearest.differing or answer.nearest.how != "near miss"


def test_a_line_that_is_an_order_on_all_grids_is_preferred():
    """`h // (H // 2)` has no value on a grid of one row; the quadrants of QuadMamba have a line that has."""
    given = {g: scanlab.compile("quadrants", g).indices[0] for g in ((4, 4), (8, 8), (8, 12), (12, 8))}
    answer = scanlab.decompile(given)
    assert answer.proof is not None and answer.proof.verdict == "proved"


def test_of_patches_that_are_left_out_the_order_of_the_others_is_named():
    """Samba's salient patches of a disc, which the library has."""
    answer = scanlab.decompile({(8, 8): scanlab.compile("samba_disc", (8, 8)).paths[0].sequence})
    assert answer.verdict == "not a permutation" and answer.source is None
    assert answer.nearest is not None and str(answer.nearest).startswith(
        "of the patches that are read: by h + 1, ~w where"
    )
