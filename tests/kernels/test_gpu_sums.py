"""Sums over the channels of a program, for fewer numbers than it has channels and for as many."""

import os

import pytest
import torch

pytest.importorskip("triton")
if os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("needs TRITON_INTERPRET=1", allow_module_level=True)

import triton
import triton.language as tl

from scanlab.kernels.gpu.sums import put_both_sums, put_sums


@triton.jit
def _blocks(x, N: tl.constexpr, BLOCK: tl.constexpr):
    blocks = ()
    for n in tl.static_range(N):
        blocks = blocks + (tl.load(x + n * BLOCK + tl.arange(0, BLOCK)),)  # noqa: RUF005  # no stars in Triton
    return blocks


@triton.jit
def sums_kernel(x, one, dB, dC, N: tl.constexpr, BLOCK: tl.constexpr, ADD: tl.constexpr):
    to_B, to_C = _blocks(x, N, BLOCK), _blocks(x + N * BLOCK, N, BLOCK)
    put_sums(one, to_B, True, True, N, BLOCK, ADD)
    put_both_sums(dB, dC, to_B, to_C, True, True, N, BLOCK, ADD)


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize(("numbers", "channels"), [(1, 8), (4, 4), (4, 8), (4, 32), (8, 64), (16, 16), (16, 64)])
def test_every_number_is_summed_over_all_channels(numbers: int, channels: int, add: bool) -> None:
    x = torch.randn(2, numbers, channels, generator=torch.Generator().manual_seed(0))
    before = torch.arange(3.0 * numbers).reshape(3, numbers)
    one, dB, dC = after = before.clone()
    sums_kernel[(1,)](x, one, dB, dC, N=numbers, BLOCK=channels, ADD=add)
    to_B, to_C = x.double().sum(-1).float()
    torch.testing.assert_close(after, before * add + torch.stack([to_B, to_B, to_C]))
