import itertools

import numpy as np
import pytest

from scanlab.compiler.curves.hilbert import hilbert_grid, hilbert_ranks


@pytest.mark.parametrize("box", [(1, 1), (2, 2), (16, 16), (64, 64), (2, 2, 2), (8, 8, 8), (4, 4, 4, 4)])
def test_a_cube_of_a_power_of_two_is_walked_in_unit_steps(box):
    order = np.argsort(hilbert_grid(box, {}), axis=None)
    points = np.stack(np.unravel_index(order, box), axis=-1)
    assert (np.abs(np.diff(points, axis=0)).sum(axis=1) == 1).all()
    assert points[0].tolist() == [0] * len(box)
    assert sorted(points[-1].tolist()) == [0] * (len(box) - 1) + [box[0] - 1]


@pytest.mark.parametrize("ndim", [2, 3])
def test_each_half_sized_block_is_left_before_the_next_is_entered(ndim):
    ranks = hilbert_grid((16,) * ndim, {})
    for corner in itertools.product((0, 8), repeat=ndim):
        block = ranks[tuple(slice(c, c + 8) for c in corner)]
        assert block.max() - block.min() == 8**ndim - 1


@pytest.mark.parametrize("box", [(5, 8), (14, 14), (1, 9), (3, 70), (2, 3, 4), (4, 14, 14), (1, 1, 5)])
def test_a_box_drops_cells_of_the_enclosing_cube(box):
    side = 1 << max(extent - 1 for extent in box).bit_length()
    cube = hilbert_grid((side,) * len(box), {})
    np.testing.assert_array_equal(hilbert_grid(box, {}), cube[tuple(map(slice, box))])
    np.testing.assert_array_equal(hilbert_ranks(np.indices(box), box), cube[tuple(map(slice, box))])


def test_a_thin_box_costs_its_cells_and_not_its_cube():
    ranks = hilbert_grid((2**18, 2), {})
    assert ranks.shape == (2**18, 2) and len(np.unique(ranks)) == 2**19
