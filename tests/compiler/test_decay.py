"""What ranks predict of the receptive field, and the figures of a field: by hand, and against their definitions."""

import math

import numpy as np
import pytest

import scanlab
from scanlab.compiler.decay import mean_distance, predicted_decay
from scanlab.compiler.spread import SHARES, centre_cell, normalised, spread
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Entry, Plan, Scan, Token


def scan(merge, *lines, **fields):
    axes = "h w" if "," in lines[0] else "w"
    return Scan(merge, tuple(scanlab.parse(line, axes) for line in lines), **fields)


def field(value, grid, decay=0.5, **options):
    return predicted_decay(scanlab.compile(value, grid), decay, **options)


def test_a_row_by_hand():
    np.testing.assert_array_equal(field("by w", (5,)), [0.25, 0.5, 1, 0, 0])
    np.testing.assert_array_equal(field("by w", (5,), patch=(4,)), [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1])


def test_two_ways_add_up_and_a_mean_divides():
    both = np.array([0.25, 0.5, 2, 0.5, 0.25])
    np.testing.assert_array_equal(field(scan("sum", "by w", "by -w"), (5,)), both)
    np.testing.assert_array_equal(field(scan("gate", "by w", "by -w"), (5,)), both)
    np.testing.assert_array_equal(field(scan("mean", "by w", "by -w"), (5,)), both / 2)
    np.testing.assert_array_equal(field(scan("heads", "by w", "by -w"), (5,)), both / 2)


def test_a_restart_forgets():
    found = field("by h, w restart by h", (3, 3))
    np.testing.assert_array_equal(found, [[0, 0, 0], [0.5, 1, 0], [0, 0, 0]])


def test_a_chain_carries_its_state_from_part_to_part():
    # Steps 0 1 2 3, then 3 2 1 0: patch 2 is read at steps 2 and 5.
    first = np.array([2.0**-2, 2.0**-1, 1, 0])
    second = np.array([2.0**-5, 2.0**-4, 2.0**-3 + 1, 2.0**-2 + 2.0**-1])
    np.testing.assert_array_equal(field(scan("chain", "by w", "by -w"), (4,)), first + second)


def test_partial_paths_keep_to_their_patches():
    even = field(scan("scatter", "by w where w % 2 == 0", "by w where w % 2 == 1"), (6,), patch=(4,))
    np.testing.assert_array_equal(even, [0.25, 0, 0.5, 0, 1, 0])


def test_a_patch_that_no_path_visits_keeps_itself():
    np.testing.assert_array_equal(field("by w where w > 3", (6,)), [0, 0, 0, 1, 0, 0])


def test_a_class_token_takes_a_step():
    np.testing.assert_array_equal(
        field(scan("sum", "by w", tokens=(Token("cls", "middle"),)), (4,), patch=(2,)), [0.125, 0.25, 1, 0]
    )


def test_a_mean_token_holds_every_patch():
    plain = field("by w", (4,), patch=(1,))
    np.testing.assert_array_equal(
        field(scan("sum", "by w", tokens=(Token("mean", "start"),)), (4,), patch=(1,)), plain + np.full(4, 0.25 * 0.25)
    )


def matrix(value, **options):
    return np.stack([field(value, (3, 4), 0.7, patch=patch, **options).ravel() for patch in np.ndindex(3, 4)])


@pytest.mark.parametrize(
    "value", ["by h, ~w", scan("sum", "by h, w", "by -h, -w"), scan("chain", "by h, w", "by w, h")], ids=str
)
def test_layers_multiply(value):
    one, three = matrix(value), matrix(value, layers=3)
    np.testing.assert_allclose(three, one @ one @ one, rtol=1e-12)


def test_a_plan_counts_each_of_its_layers_last_one_first():
    row, column = scan("sum", "by h, w"), scan("sum", "by w, h")
    plan = Plan("cycle", (Entry(row), Entry(column)))
    np.testing.assert_allclose(matrix(plan), matrix(column) @ matrix(row), rtol=1e-12)
    np.testing.assert_allclose(matrix(plan, layers=1), matrix(row))


def test_extreme_decays():
    np.testing.assert_array_equal(field("by h, w", (2, 3), 0), [[0, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(field("by h, w", (2, 3), 1), [[1, 1, 1], [1, 1, 0]])


@pytest.mark.parametrize("grid", [(1,), (7,), (5, 6), (2, 3, 4)])
def test_the_definition_written_out(grid):
    patches = math.prod(grid)
    indices = np.random.RandomState(3).permutation(patches)
    ranks = np.argsort(indices)
    axes = ["w", "h w", "t h w"][len(grid) - 1]
    found = predicted_decay(scanlab.compile(scanlab.Order.from_indices(indices, axes), grid), 0.8).ravel()
    centre = np.ravel_multi_index(tuple(n // 2 for n in grid), grid)
    for patch in range(patches):
        gap = ranks[centre] - ranks[patch]
        assert found[patch] == pytest.approx(0.8**gap if gap >= 0 else 0)


def test_the_mean_over_all_patches():
    both = scanlab.compile(scan("sum", "by h, ~w", "by -w, h"), (3, 5))
    each = [
        spread(predicted_decay(both, 0.6, patch=p), tuple((c, c + 1) for c in p)).mean_distance
        for p in np.ndindex(3, 5)
    ]
    assert mean_distance(both, 0.6) == pytest.approx(np.mean(each))


@pytest.mark.parametrize(
    "options,code",
    [
        ({"decay": 1.5}, "S634"),
        ({"decay": -0.1}, "S634"),
        ({"decay": math.nan}, "S634"),
        ({"layers": 0}, "S634"),
        ({"patch": (3, 0)}, "S480"),
        ({"patch": (0,)}, "S480"),
    ],
)
def test_what_cannot_be_predicted(options, code):
    with pytest.raises(ScanlabError) as caught:
        predicted_decay(scanlab.compile("by h, w", (3, 3)), **options)
    assert caught.value.code == code


def test_spread_by_hand():
    values = np.zeros((5, 5))
    values[2, 2], values[2, 3], values[0, 0] = 2, 4, 4
    found = spread(values)
    assert found.areas == (1 / 25, 9 / 25, 9 / 25, 1)
    assert found.mean_distance == pytest.approx((4 * 1 + 4 * math.sqrt(8)) / 10)


def test_a_box_is_cut_off_at_the_border():
    values = np.ones((2, 8))
    # From (1, 4) the boxes reach 1, 2 x 3, 2 x 5, 2 x 7 and 2 x 8 patches.
    assert spread(values).areas == (6 / 16, 6 / 16, 10 / 16, 1)


def test_a_cell_of_several_elements_counts_whole():
    assert spread(np.ones((4, 4)), ((1, 3), (1, 3))).areas == (4 / 16, 1, 1, 1)
    assert spread(np.ones(4), ((1, 3),)).mean_distance == 1


def test_every_share_of_all_of_it_in_the_cell():
    values = np.zeros((3, 3))
    values[1, 1] = 7
    assert spread(values).areas == (1 / 9,) * len(SHARES) and spread(values).mean_distance == 0


def test_no_contribution_has_no_figures():
    found = spread(np.zeros((3, 3)))
    assert all(map(math.isnan, found.areas)) and math.isnan(found.mean_distance)
    assert normalised(np.zeros(3)).tolist() == [0, 0, 0] and normalised(np.array([1.0, 4])).tolist() == [0.25, 1]


def test_the_centre_cell():
    assert centre_cell((14, 7, 1)) == ((7, 8), (3, 4), (0, 1))
