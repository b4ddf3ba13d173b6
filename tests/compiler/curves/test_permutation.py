import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanlab.compiler.curves.permutation import order_of, ranks_of


@given(st.lists(st.integers(0, 60), unique=True))
def test_order_sorts_the_ranks(ranks):
    array = np.array(ranks, dtype=np.int64)
    assert order_of(array).tolist() == sorted(range(len(ranks)), key=ranks.__getitem__)


@pytest.mark.parametrize("gap", [1, 3, 1000])
def test_order_takes_a_grid_of_dense_or_sparse_ranks(gap):
    ranks = gap * np.array([[3, 0, 5], [1, 4, 2]])
    assert order_of(ranks).tolist() == [1, 3, 5, 0, 4, 2]


def test_ranks_invert_the_order():
    assert ranks_of(np.array([1, 3, 5, 0, 4, 2]), (2, 3)).tolist() == [[3, 0, 5], [1, 4, 2]]
