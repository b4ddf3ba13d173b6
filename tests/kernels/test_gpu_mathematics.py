"""exp2, softplus and its slope as the Triton kernels compute them, without the instruction only NVIDIA has."""

import os

import pytest
import torch

pytest.importorskip("triton")
if os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("needs TRITON_INTERPRET=1", allow_module_level=True)

import triton
import triton.language as tl

from scanlab.kernels.gpu import mathematics
from scanlab.kernels.gpu.mathematics import exp2, sigmoid, softplus

X = torch.cat([torch.linspace(-80, 80, 4001), torch.tensor([0.0, -1e4, 1e4, 3e38, -3e38]), torch.linspace(-9, 0, 999)])


@triton.jit
def every_kernel(x, powers, sums, slopes, count, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    value = tl.load(x + at, mask=at < count, other=0.0)
    tl.store(powers + at, exp2(value, False), mask=at < count)
    tl.store(sums + at, softplus(value, False), mask=at < count)
    tl.store(slopes + at, sigmoid(value, False), mask=at < count)


@pytest.fixture(scope="module")
def computed():
    results = torch.empty(3, len(X)).fill_(float("nan"))
    every_kernel[(1,)](X, *results, len(X), BLOCK=8192)
    return dict(zip(("exp2", "softplus", "sigmoid"), results.double(), strict=True))


WANTED = {"exp2": torch.exp2, "softplus": lambda x: torch.logaddexp(x, x.new_zeros(())), "sigmoid": torch.sigmoid}


@pytest.mark.parametrize("name", WANTED)
def test_relative_errors_are_a_few_units_in_the_last_place(name, computed):
    want = WANTED[name](X.double())
    # Below, float32 is subnormal, and NVIDIA GPUs have 0. Rounding x log2(e) costs |x| units of e^x.
    inside = (want > 1e-37) & (want < 3e38)
    error = ((computed[name] - want) / want).abs() / (4 + X.double().abs())
    assert error[inside].max() < 2**-23
    assert (computed[name][want < 1e-37] < 2e-37).all()


def test_nothing_decays_at_a_step_of_zero(computed):
    assert (computed["exp2"][X == 0] == 1).all()


def test_softplus_does_not_overflow(computed):
    assert computed["softplus"].isfinite().all()
    assert torch.equal(computed["softplus"][X > 80], X.double()[X > 80])


def test_the_constants_are_exact():
    assert mathematics.LN_2.value * mathematics.LOG2_E.value == pytest.approx(1, abs=1e-16)
