"""Lanes against numpy: every operation, every storage dtype, every number of live lanes."""

import numpy as np
import pytest
import torch
from numba import njit

from scanlab.kernels.cpu.elementary import exp2, sigmoid, softplus
from scanlab.kernels.cpu.lanes import WIDTH, fma, load, splat, store, total

BITS = {torch.float32: None, torch.float16: np.uint16, torch.bfloat16: np.int16}


@njit
def both(x, y, out, i, j, live):
    a, b = load(x, i, live), load(y, j, live)
    store(out, 0, live, fma(a, b, a - b * splat(np.float32(2))))


@njit
def copied(x, out):
    store(out, 0, WIDTH, load(x, 0, WIDTH))


@njit
def one_of(function, x, out):
    for i in range(0, len(x), WIDTH):
        store(out, i, WIDTH, function(load(x, i, WIDTH)))


@njit
def total_of(x):
    return total(load(x, 0, WIDTH))


# Numba takes compiled functions as arguments, not the instructions behind them.
EXP2 = njit(lambda x: exp2(x))
SOFTPLUS = njit(lambda x: softplus(x))
SIGMOID = njit(lambda x: sigmoid(x))


def applied(function, x):
    """A function of lanes on float32 values, as many as needed."""
    padded = np.resize(np.asarray(x, dtype=np.float32), -(-len(x) // WIDTH) * WIDTH)
    out = np.full_like(padded, np.nan)
    one_of(function, padded, out)
    return out[: len(x)].astype(np.float64)


def as_array(tensor):
    bits = BITS[tensor.dtype]
    return tensor.numpy() if bits is None else tensor.view(torch.int16).numpy().view(bits)


@pytest.mark.parametrize("live", range(1, WIDTH + 1))
@pytest.mark.parametrize("dtype", BITS, ids=str)
def test_rows_are_read_and_written_with_their_rounding(dtype, live):
    draw = torch.Generator().manual_seed(live)
    x, y = (torch.randn(40, generator=draw).to(dtype) for _ in range(2))
    out = torch.full((WIDTH + 3,), 7.0, dtype=dtype)
    both(as_array(x), as_array(y), as_array(out), 3, 5, live)
    a, b = x[3 : 3 + live].double(), y[5 : 5 + live].double()
    # One rounding of the difference and one of the result in float32, before that of the storage.
    torch.testing.assert_close(out[:live].double(), a * b + (a - 2 * b), rtol=torch.finfo(dtype).eps, atol=5e-7)
    assert (out[live:] == 7).all()


@pytest.mark.parametrize("value", [1.0 + 2**-8, 1.0 + 3 * 2**-8, float("nan"), float("inf"), -3.4e38])
def test_bfloat16_rounds_ties_to_even_and_keeps_what_is_no_number(value):
    x = torch.full((WIDTH,), value)
    out = torch.zeros(WIDTH, dtype=torch.bfloat16)
    copied(as_array(x), as_array(out))
    torch.testing.assert_close(out, x.to(torch.bfloat16), equal_nan=True, rtol=0, atol=0)


def test_exp2_is_as_exact_as_float32_and_1_at_0():
    x = np.linspace(-126, 127.9, 200_003).astype(np.float32)
    error = np.abs(applied(EXP2, x) / np.exp2(x.astype(np.float64)) - 1)
    assert error.max() < 2.5e-7
    assert applied(EXP2, [0.0, -0.0]).tolist() == [1, 1]


def test_exp2_underflows_and_overflows_without_a_nan():
    assert applied(EXP2, [-1e38, -np.inf, -200.0]).max() < 1.2e-38
    assert applied(EXP2, [129.0, 1e30]).tolist() == [np.inf, np.inf]
    assert np.isnan(applied(EXP2, [np.nan])).all()


def test_softplus_and_sigmoid_are_exact_at_both_ends():
    x = np.concatenate([np.linspace(-80, 80, 100_001), [-1e-6, 0, 1e-6]]).astype(np.float32)
    wide = x.astype(np.float64)
    assert np.abs(applied(SOFTPLUS, x) / np.logaddexp(0, wide) - 1).max() < 1e-5
    near = np.abs(wide) < 20
    assert np.abs(applied(SOFTPLUS, x[near]) / np.logaddexp(0, wide[near]) - 1).max() < 2e-6
    assert np.abs(applied(SIGMOID, x[near]) / (1 / (1 + np.exp(-wide[near]))) - 1).max() < 2e-6
    assert applied(SOFTPLUS, [1e30, 300.0]).tolist() == [np.float32(1e30), 300]


def test_the_total_of_all_lanes():
    x = np.arange(1, WIDTH + 1, dtype=np.float32)
    assert total_of(x) == WIDTH * (WIDTH + 1) / 2
