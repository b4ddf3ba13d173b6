"""The Triton scan for every way of reading rows of B and C and of summing over channels; and what merges its copies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from agreement import assert_agrees, random_arguments
from test_selective_scan import needs, shuffled, table

import scanlab.kernels.gpu
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import causal_conv1d, index_table, selective_scan, ssd


@pytest.fixture(autouse=True)
def interpreted():
    needs("triton")


# Sums over channels exchange halves for N = 4, 8, ..., both of dB and dC at once up to N = 16; rows of B and C are read
# in words of 8 bytes where N numbers fill them: N = 6 does in float32 and not in half precision.
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("states", [3, 4, 6, 16, 32])
def test_every_number_of_states(states, dtype):
    paths = table(shuffled(3))
    assert_agrees("triton", random_arguments(paths, batch=1, channels=5, states=states, dtype=dtype), paths=paths)


def test_two_paths_that_share_parameters_add_up_sums_of_many_states():
    paths = table(shuffled(3), shuffled(3))
    assert_agrees("triton", random_arguments(paths, batch=1, channels=3, states=8, shared=True), paths=paths)


@pytest.mark.parametrize("constant", ["B", "C"])
def test_one_of_two_sums_where_the_other_is_constant_in_time(constant):
    paths = table(shuffled(3))
    assert_agrees("triton", random_arguments(paths, batch=1, channels=3, states=8, constant=constant), paths=paths)


@pytest.mark.parametrize("offset", [1, 2, 4])
def test_rows_that_begin_anywhere(offset):
    """As in a model, whose B and C are columns of one projection."""
    paths = table(shuffled(4))
    arguments = random_arguments(paths, batch=2, channels=3, states=4, dtype=torch.bfloat16)
    columns = torch.cat([torch.zeros(2, 1, 4, offset).bfloat16(), arguments["B"], arguments["C"]], -1)
    parts = {"B": columns[..., offset : offset + 4], "C": columns[..., offset + 4 :]}
    by_parts, want = (selective_scan(**arguments | other, paths=paths, backend="triton") for other in (parts, {}))
    assert torch.equal(by_parts, want)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("shape", "size"), [((3, 5, 7, 11), 1), ((1, 2, 1030, 1), 1), ((2, 3, 2, 4, 2, 5), 2)])
def test_merged_copies_are_their_sum(shape, size, dtype):
    from scanlab.ops.gpu_sums import merged

    values = torch.randn(shape)
    shares = len(shape) == 6
    by_hand = values.double().sum(0) if shares else values.double()
    want = by_hand if by_hand.shape[1] == size else by_hand.sum(1, keepdim=True)
    torch.testing.assert_close(
        merged(values, dtype, size, shares=shares), want.to(dtype), rtol=1e-2 if dtype.itemsize < 4 else 1e-6, atol=1e-6
    )


@pytest.mark.parametrize(("width", "block"), [(32, 32), (64, 64), (96, 32), (128, 64), (160, 32), (40, 64)])
def test_blocks_leave_no_lane_idle_that_half_of_them_would_fill(width, block):
    from scanlab.kernels.gpu.variants import blocks_for

    assert blocks_for(1, width).channels == blocks_for(1, width, backward=True).channels == block


def test_grids_have_one_axis():
    """CUDA's others end at 65,535."""
    folder = Path(scanlab.kernels.gpu.__file__).parent
    text = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    assert set(re.findall(r"program_id\((.*?)\)", text)) == {"0"} and "num_programs" not in text


def test_launches_are_made_on_the_device_of_their_tensors(monkeypatch):
    seen = []
    inner = torch.cuda.device_of
    monkeypatch.setattr(torch.cuda, "device_of", lambda tensor: seen.append(tensor.shape) or inner(tensor))
    paths = table(shuffled(3))
    arguments = random_arguments(paths, batch=1, channels=3, states=1)
    u = arguments["u"].requires_grad_()
    selective_scan(**arguments, paths=paths, backend="triton").sum().backward()
    assert len(seen) == 2
    causal_conv1d(u, torch.randn(1, 3, 4), paths=paths, backend="triton").sum().backward()
    assert len(seen) == 4
    x, dt, A, B = (
        torch.randn(1, 3, 1, 16, requires_grad=True),
        torch.rand(1, 1, 3, 1),
        -torch.rand(1, 1),
        torch.randn(1, 1, 3, 1, 16),
    )
    ssd(x, dt, A, B, B, paths=paths, backend="triton").sum().backward()
    assert len(seen) == 6


@pytest.mark.parametrize("backend", ["cpu", "triton"])
def test_no_sample_and_two_paths(backend):
    paths = table(shuffled(3), shuffled(3))
    arguments = {n: t.requires_grad_() for n, t in random_arguments(paths, batch=0, channels=4, states=2).items()}
    y = selective_scan(**arguments, paths=paths, backend=backend)
    assert isinstance(y, torch.Tensor) and y.shape == (0, 3, 4)
    x = torch.randn(0, 3, 4, requires_grad=True)
    of_convolution = causal_conv1d(x, torch.randn(2, 4, 3), paths=paths, backend=backend)
    heads, B = torch.randn(0, 3, 1, 16, requires_grad=True), torch.randn(0, 2, 3, 1, 16)
    of_dual = ssd(heads, torch.rand(0, 2, 3, 1), -torch.rand(2, 1), B, B, paths=paths, backend=backend)
    assert isinstance(of_dual, torch.Tensor)
    (y.sum() + of_convolution.sum() + of_dual.sum()).backward()
    assert x.grad is not None and heads.grad is not None


@pytest.mark.parametrize("backend", ["reference", "cpu", "triton"])
def test_b_and_c_have_as_many_groups(backend):
    paths = table(shuffled(3))
    arguments = random_arguments(paths, batch=1, channels=4, states=2, groups=2)
    for name in "BC":
        with pytest.raises(ScanlabError, match=r"S700.*groups"):
            selective_scan(**arguments | {name: arguments[name][:, :, 0]}, paths=paths, backend=backend)


def test_a_part_of_orders_per_sample_visits_rows_again():
    """Its visits lie as its steps do."""
    orders = torch.tensor([[[0, 1, 1], [2, 0, 1]]] * 3)
    part = index_table(orders, 3).part(0, 1)
    x, taps = torch.randn(3, 3, 4), torch.randn(1, 4, 3)
    computed, want = (causal_conv1d(x, taps, paths=part, backend=b) for b in ("triton", "reference"))
    torch.testing.assert_close(computed, want)


def far_apart(values, axis):
    """The same values, with 2^30 elements from one to the next along an axis: their third lies beyond 2^31."""
    strides = [*values.contiguous().stride()]
    strides[axis] = 1 << 30
    # Memory that is never touched takes none.
    spread = values.new_empty((2 << 30) + values.numel()).as_strided(values.shape, strides)
    return spread.copy_(values)


def test_groups_of_coefficients_may_lie_beyond_two_to_the_31():
    paths = index_table(torch.arange(3)[None], 3)
    draw = torch.Generator().manual_seed(0)
    u, delta, B, C = (
        torch.rand(shape, generator=draw).half()
        for shape in ((1, 3, 3), (1, 1, 3, 3), (1, 1, 3, 3, 2), (1, 1, 3, 3, 2))
    )
    A = -torch.ones(1, 3, 2)
    near = selective_scan(u, delta, A, B, C, paths=paths, backend="triton")
    assert torch.equal(selective_scan(u, delta, A, far_apart(B, 2), C, paths=paths, backend="triton"), near)
    assert torch.equal(selective_scan(u, delta, A, B, far_apart(C, 2), paths=paths, backend="triton"), near)


def test_heads_may_lie_beyond_two_to_the_31():
    paths = index_table(torch.arange(3)[None], 3)
    draw = torch.Generator().manual_seed(0)
    x, B = torch.rand(1, 3, 3, 2, generator=draw).half(), torch.rand(1, 1, 3, 3, 2, generator=draw).half()
    dt, A = torch.rand(1, 1, 3, 3, generator=draw), -torch.ones(1, 3)
    near = ssd(x, dt, A, B, B, paths=paths, chunk=16, backend="triton")
    assert torch.equal(ssd(far_apart(x, 2), dt, A, B, B, paths=paths, chunk=16, backend="triton"), near)
    assert torch.equal(ssd(x, dt, A, far_apart(B, 3), B, paths=paths, chunk=16, backend="triton"), near)
