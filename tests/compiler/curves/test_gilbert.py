import itertools

import numpy as np
import pytest

from scanlab.compiler.curves.gilbert import gilbert_grid, gilbert_order


def steps(box):
    points = np.stack(np.unravel_index(gilbert_order(box), box), axis=-1)
    return np.abs(np.diff(points, axis=0))


@pytest.mark.parametrize("ndim,most", [(2, 12), (3, 5)])
def test_every_small_box_is_visited_once(ndim, most):
    for box in itertools.product(range(1, most + 1), repeat=ndim):
        assert sorted(gilbert_order(box).tolist()) == list(range(np.prod(box))), box


def test_a_rectangle_costs_a_diagonal_step_exactly_as_documented():
    for box in itertools.product(range(1, 25), repeat=2):
        short, long = sorted(box)
        moves = steps(box)
        unavoidable = long % 2 == 1 and short % 2 == 0 and short >= 4
        assert (moves.sum(axis=1) != 1).sum() == unavoidable, box
        assert moves.max(initial=0) <= 1, box


def test_the_path_ends_in_the_next_corner_on_the_longer_side_or_one_short_of_it_in_an_odd_strip_of_two():
    for h, w in itertools.product(range(1, 17), repeat=2):
        end = tuple(int(c) for c in np.unravel_index(gilbert_order((h, w))[-1], (h, w)))
        short = min(h, w) == 2 and max(h, w) % 2 == 1
        assert end == ((0, w - 1 - short) if w >= h else (h - 1 - short, 0)), (h, w)


def test_an_even_cuboid_is_walked_in_unit_steps():
    for box in itertools.product(range(2, 13, 2), repeat=3):
        assert (steps(box).sum(axis=1) == 1).all(), box


def test_a_side_of_one_cell_counts_as_absent():
    for h, w in itertools.product(range(1, 9), repeat=2):
        for box in ((1, h, w), (h, 1, w), (h, w, 1)):
            assert gilbert_order(box).tolist() == gilbert_order((h, w)).tolist(), box


def test_an_odd_cuboid_costs_short_steps_only():
    assert max(steps(box).max(initial=0) for box in itertools.product(range(1, 8), repeat=3)) <= 3


def test_ranks_invert_the_order():
    ranks = gilbert_grid((7, 10), {})
    np.testing.assert_array_equal(ranks.ravel()[gilbert_order((7, 10))], np.arange(70))


def test_the_result_belongs_to_the_caller():
    gilbert_order((6, 6))[:] = 0
    assert gilbert_order((6, 6))[-1] != 0


@pytest.mark.parametrize("box", [(1, 100_000), (100_000, 2), (3, 30_000), (2, 2, 30_000)])
def test_a_thin_box_does_not_exhaust_the_stack(box):
    assert np.bincount(gilbert_order(box)).tolist() == [1] * int(np.prod(box))
