"""What holds of every curve: distinct ranks, agreement of its forms, defaults, and refusal of oversized boxes."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanlab.compiler.curves import CURVES, INVERSES, POINTWISE, curve_ranks
from scanlab.compiler.curves.limits import bits_of
from scanlab.ir import functions
from scanlab.ir.diagnostics import ScanlabError

DENSE = sorted(set(CURVES) - {"hilbert", "morton", "lsystem", "bit_reversal"})
SIDES = {1: 40, 2: 12, 3: 6, 4: 4, 5: 3}


@st.composite
def curves_on_boxes(draw):
    name = draw(st.sampled_from(sorted(CURVES)))
    signature = functions.CURVES[name]
    ndim = draw(st.integers(max(1, signature.fewest), signature.most))
    box = draw(st.tuples(*[st.integers(1, SIDES[ndim])] * ndim))
    options = {o.name: draw(st.integers(o.low, min(o.high, 2**31 - 1))) for o in signature.options}
    return name, box, options


@settings(max_examples=300, deadline=None)
@given(curves_on_boxes())
def test_ranks_are_distinct(case):
    name, box, options = case
    ranks = CURVES[name](box, options)
    assert ranks.shape == box and ranks.dtype == np.int64
    assert ranks.flags.c_contiguous
    assert ranks.min() >= 0 and len(np.unique(ranks)) == math.prod(box)
    if name in DENSE:
        assert ranks.max() == math.prod(box) - 1


@settings(max_examples=100, deadline=None)
@given(curves_on_boxes(), st.data())
def test_ranks_of_cells_agree_with_the_grid(case, data):
    name, box, options = case
    count = data.draw(st.integers(1, 5))
    cells = [np.array(data.draw(st.lists(st.integers(0, e - 1), min_size=count, max_size=count))) for e in box]
    expected = CURVES[name](box, options)[tuple(cells)]
    np.testing.assert_array_equal(curve_ranks(name, cells, box, options), expected)


@pytest.mark.parametrize("name", sorted(CURVES))
def test_open_grid_coordinates_broadcast(name):
    box = (5, 7)
    np.testing.assert_array_equal(curve_ranks(name, np.ogrid[:5, :7], box, {}), CURVES[name](box, {}))


@pytest.mark.parametrize("name", sorted(POINTWISE))
def test_few_cells_of_a_vast_box_need_no_table(name):
    far = [np.array([0, 2**30]), np.array([0, 2**30])]
    ranks = curve_ranks(name, far, (2**30 + 1, 2**30 + 1), {})
    assert ranks[0] == 0 and ranks[1] >= 2**60


@pytest.mark.parametrize("name", sorted(INVERSES))
@pytest.mark.parametrize("box", [(1, 1), (2, 2), (8, 8), (32, 32), (4, 4, 4), (8, 8, 8)])
def test_inverse(name, box):
    ranks = CURVES[name](box, {})
    distances = np.arange(ranks.size).reshape(-1, 1)
    points = INVERSES[name](distances, len(box), bits_of(box))
    assert points.shape == (ranks.size, 1, len(box)) and points.dtype == np.int64
    np.testing.assert_array_equal(ranks[tuple(np.moveaxis(points, -1, 0))], distances)


@pytest.mark.parametrize("name", sorted(CURVES))
def test_absent_options_take_the_declared_defaults(name):
    declared = {option.name: option.default for option in functions.CURVES[name].options}
    np.testing.assert_array_equal(CURVES[name]((5, 4), {}), CURVES[name]((5, 4), declared))


def test_curves_and_signatures_have_the_same_names():
    assert set(CURVES) == set(functions.CURVES)


@pytest.mark.parametrize("name", sorted(CURVES))
def test_an_oversized_box_is_refused(name):
    with pytest.raises(ScanlabError) as caught:
        CURVES[name]((100_000, 100_000), {})
    assert caught.value.code == "S401"
    assert caught.value.diagnostics[0].message.startswith(
        f"{name} over a box of 100000x100000 has 10000000000 cells, more than the "
    )


@pytest.mark.parametrize("name", sorted(POINTWISE))
def test_ranks_past_62_bits_are_refused(name):
    zero = np.zeros(1, dtype=np.int64)
    with pytest.raises(ScanlabError) as caught:
        curve_ranks(name, [zero] * 3, (2**21, 3, 3), {})
    assert str(caught.value).startswith(
        f"error[S401]: {name} over a box of 2097152x3x3 needs ranks of 63 bits, more than 62"
    )


def test_import_needs_neither_networkx_nor_scipy_nor_torch():
    code = "import sys, scanlab.compiler.curves as c; c.CURVES['gilbert']((3, 3), {})\n"
    code += "print(sorted({'networkx', 'scipy', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
