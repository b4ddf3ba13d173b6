"""Bound paths: equal to the definition and the lexsort oracle, with restarts, tokens, channels and layers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from brute_force import path_of, restarts_of
from hypothesis import given, settings
from random_orders import orders

import scanlab
from scanlab.compiler.bind import CompiledPlan, CompiledScan, bind, bind_order
from scanlab.compiler.lattice import Lattice
from scanlab.compiler.sorting import sorted_patches, visited_patches
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Order


@given(orders(("h", "w")))
@settings(max_examples=250)
def test_the_fast_path_the_oracle_and_the_definition_agree(order: Order) -> None:
    grid = (4, 5)
    lattice = Lattice(order.axes, grid)
    try:
        expected = sorted_patches(order, lattice)
    except ScanlabError as error:
        with pytest.raises(ScanlabError, match=error.code):
            visited_patches(order, lattice)
        return
    assert np.array_equal(visited_patches(order, lattice), expected)
    assert expected.tolist() == [h * grid[1] + w for h, w in path_of(order, grid)]
    if len(expected):
        assert bind_order(order, lattice).restarts.tolist() == restarts_of(order, grid)


@pytest.mark.parametrize("grid", [(1, 1), (1, 7), (7, 1), (5, 8), (14, 14)])
@pytest.mark.parametrize("text", ["by h, ~w", "window[4]", "by hilbert(h, w)", "atrous[3]", "by gilbert(h, w)"])
def test_ranks_undo_indices(text: str, grid: tuple[int, ...]) -> None:
    path = scanlab.compile(scanlab.parse(text), grid).paths[0]
    assert path.indices.dtype == path.ranks.dtype == np.int64
    assert np.array_equal(path.ranks[path.indices], np.arange(grid[0] * grid[1]))


def test_restarts_are_where_a_value_changes_along_the_path() -> None:
    compiled = scanlab.compile("by h, w restart by h // 2", (5, 3))
    assert compiled.paths[0].restarts.tolist() == [0, 6, 12]
    assert (-compiled.scan).parts[0].restart
    assert scanlab.compile("-(by h, w restart by h // 2)", (5, 3)).paths[0].restarts.tolist() == [0, 3, 9]


@pytest.mark.parametrize(
    ("text", "sequence"),
    [
        ("row with cls at start", [-2, 0, 1, 2, 3]),
        ("row with cls at middle", [0, 1, -2, 2, 3]),
        ("row with cls at end", [0, 1, 2, 3, -2]),
        ("row with cls at both", [-2, 0, 1, 2, 3, -2]),
        ("-(row with cls at start)", [3, 2, 1, 0, -2]),
        ("-(row with cls at start fixed)", [-2, 3, 2, 1, 0]),
        ("-(row with mean at start fixed, cls at end fixed)", [-3, 3, 2, 1, 0, -2]),
        ("(row where h == 0) with cls at middle", [0, -2, 1]),
    ],
)
def test_tokens(text: str, sequence: list[int]) -> None:
    path = scanlab.compile(scanlab.parse(text), (2, 2)).paths[0]
    assert path.sequence.tolist() == sequence
    assert [p for _, p in path.token_positions] == [i for i, v in enumerate(sequence) if v < 0]


def test_a_middle_token_on_one_patch() -> None:
    assert scanlab.compile("row with cls at middle", (1, 1)).paths[0].sequence.tolist() == [-2, 0]


def test_channels_follow_nested_heads() -> None:
    compiled = scanlab.compile("heads(row, sum(column, -column), heads(row, column))", (3, 3))
    thirds = [(0, 1), (1, 2), (1, 2), (2, Fraction(5, 2)), (Fraction(5, 2), 3)]
    assert [p.channels for p in compiled.paths] == [(Fraction(a) / 3, Fraction(b) / 3) for a, b in thirds]


def test_partial_paths_keep_their_own_length() -> None:
    compiled = scanlab.compile("scatter((row where h == 0), (row where h > 0))", (3, 2))
    assert [len(p.indices) for p in compiled.paths] == [2, 4]
    assert compiled.indices.tolist() == [[0, 1, -1, -1], [2, 3, 4, 5]]
    assert compiled.ranks.tolist() == [[0, 1, -1, -1, -1, -1], [-1, -1, 0, 1, 2, 3]]


def test_some_paths_of_a_small_grid_may_be_empty() -> None:
    compiled = scanlab.compile("scatter((row where h % 2 == 0), (row where h % 2 == 1))", (1, 3))
    assert compiled.indices.tolist() == [[0, 1, 2], [-1, -1, -1]]
    assert compiled.paths[1].form == "table" and compiled.paths[1].restarts.tolist() == []


def test_plans_give_each_layer_its_scan() -> None:
    plan = scanlab.compile("layers(cross * 2, row)", (3, 3))
    assert isinstance(plan, CompiledPlan) and plan.depth == 3
    assert [len(plan.layer(i).paths) for i in range(3)] == [4, 4, 1]
    with pytest.raises(ScanlabError, match="S406"):
        plan.layer(3)
    cycle = scanlab.compile("cycle(cross, row)", (3, 3))
    assert cycle.depth is None and len(cycle.layer(101).paths) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("by h + w", "S300"),
        ("sum(row, (row where h > 0))", "S301"),
        ("scatter((row where h < 2), (row where h > 0))", "S302"),
        ("scatter((row where h < 1), (row where h > 1))", "S301"),
        ("by h, w where h > 99", "S305"),
        ("by h // w, h, w", "S403"),
        ("visit(0, 1, 2)", "S206"),
        ("by visit(0, 1, 2)", "S404"),
        ("by (h + 1) * 2147483647 * 2147483647 * 2147483647, h, w", "S402"),
    ],
)
def test_errors(text: str, code: str) -> None:
    with pytest.raises(ScanlabError, match=code):
        scanlab.compile(text, (3, 3))


def test_the_escape_hatch() -> None:
    order = Order.from_indices([3, 0, 2, 1])
    assert bind_order(order, Lattice(order.axes, (2, 2))).indices.tolist() == [3, 0, 2, 1]
    assert isinstance(bind(order, (4, 1)), CompiledScan)
    with pytest.raises(ScanlabError, match=r"patch 0 is visited twice, at steps 1 and 2"):
        Order.from_indices([3, 0, 0, 1])


def test_arrays_are_read_only() -> None:
    path = scanlab.compile("row", (2, 2)).paths[0]
    with pytest.raises(ValueError, match="read-only"):
        path.indices[0] = 1
