"""Whatever mode is on around a call: empty batches, no values, kept tables, mixed dtypes."""

import subprocess
import sys
from itertools import product

import numpy as np
import pytest
import torch
from torch._subclasses import FakeTensorMode

import scanlab
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import (
    causal_conv1d,
    index_table,
    path_table,
    resolve_paths,
    selective_scan,
    selective_scan_fn,
    ssd,
)


def drop_in(batch=2, length=9, dtype=torch.float32):
    # Drawn by NumPy, since vmap lets torch draw nothing.
    state = np.random.RandomState(0)
    new = lambda *s: torch.from_numpy(state.standard_normal(s).astype(np.float32)).to(dtype)  # noqa: E731
    return new(batch, 4, length), new(batch, 4, length), -new(4, 3).exp(), new(batch, 3, length), new(batch, 3, length)


def asked(tensor, grad):
    return tensor.requires_grad_() if grad else tensor


def by_drop_in(length, grad=False):
    u, *rest = drop_in(length=length)
    return selective_scan_fn(asked(u, grad), *rest, delta_softplus=True)


def by_scan(length, grad=False, paths=None):
    u, delta, A, B, C = drop_in(length=length)
    u = asked(u.mT.contiguous(), grad)
    rest = (delta.mT.contiguous()[:, None], A[None], B.mT.contiguous()[:, None], C.mT.contiguous()[:, None])
    return selective_scan(u, *rest, delta_softplus=True, paths=paths)


def by_compiled(length, grad=False):
    return by_scan(length, grad, scanlab.compile("by w, ~h", grid=(length, 1)))


def by_heads(length, grad=False):
    u, delta, A, B, C = drop_in(length=length)
    x = asked(u.mT.contiguous().unflatten(-1, (2, 2)), grad)
    dt, A = delta.mT[:, None, :, :2].expand(-1, 2, -1, -1), A[:2, 0].expand(2, -1)
    scan = scanlab.compile("heads(row, -row)", grid=(length, 1))
    B, C = (t.mT.contiguous()[:, None].expand(-1, 2, -1, -1) for t in (B, C))
    return ssd(x, dt, A, B, C, paths=scan)


def by_indices(length, grad=False):
    return by_scan(length, grad, torch.arange(length, device="cpu")[None])


def by_convolution(length, grad=False):
    x = asked(drop_in(length=length)[0].mT.contiguous(), grad)
    scan = scanlab.compile("row", grid=(1, length))
    return causal_conv1d(x, torch.ones(1, 4, 3, device="cpu"), paths=scan)


CALLS = (by_drop_in, by_compiled, by_heads, by_indices, by_convolution)
MODES = {
    "inference": torch.inference_mode,
    "default device": lambda: torch.device("meta"),
    "fake": FakeTensorMode,
    "vmap": None,
    "grad": None,
}


def under(mode, call):
    if mode == "vmap":
        torch.vmap(lambda s: s * call())(torch.ones(2))
    elif mode == "grad":
        torch.func.grad(lambda s: (s * call()).sum())(torch.tensor(1.0))
    else:
        with MODES[mode]():
            call()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("call", CALLS)
def test_a_first_call_in_any_mode_leaves_nothing_behind(mode, call):
    """Lengths that no other test uses, so that every cache is met empty."""
    length = 100 + 10 * CALLS.index(call) + list(MODES).index(mode)
    under(mode, lambda: call(length))
    y = call(length, grad=True)
    assert y.device.type == "cpu" and type(y) is torch.Tensor
    y.sum().backward()


def test_a_default_dtype_is_not_kept():
    torch.set_default_dtype(torch.float64)
    try:
        by_heads(31)
    finally:
        torch.set_default_dtype(torch.float32)
    by_heads(31, grad=True).sum().backward()


def test_a_default_device_moves_nothing_of_ours():
    table = index_table(torch.arange(9)[None], 9)
    with torch.device("meta"):
        there = by_scan(9, paths=table)
        reference = selective_scan_fn(*drop_in(dtype=torch.float64))
    torch.testing.assert_close(there, by_scan(9, paths=table))
    torch.testing.assert_close(reference, selective_scan_fn(*drop_in(dtype=torch.float64)))


@pytest.mark.parametrize("mode", ["fake", "meta"])
def test_without_values_there_are_shapes(mode):
    wanted = [t.shape for t in (by_drop_in(9), by_compiled(9), by_heads(9), by_indices(9))]
    if mode == "fake":
        with FakeTensorMode():
            u, *rest = (torch.empty(t.shape) for t in drop_in())
            y = selective_scan_fn(u.requires_grad_(), *rest)
            y.sum().backward()
            assert u.grad.shape == u.shape
            shapes = [t.shape for t in (by_drop_in(9), by_compiled(9), by_heads(9), by_indices(9))]
        assert shapes == wanted
        return
    u, *rest = (t.to("meta") for t in drop_in())
    y, last = selective_scan_fn(u.requires_grad_(), *rest, return_last_state=True)
    assert y.is_meta and y.shape == (2, 4, 9) and last.shape == (2, 4, 3)
    y.sum().backward()
    assert u.grad.is_meta
    rows = (rest[0].mT[:, None], rest[1][None], rest[2].mT[:, None], rest[3].mT[:, None])
    for paths in (scanlab.compile("row", grid=(3, 3)), torch.arange(9, device="meta")[None]):
        assert selective_scan(u.mT.contiguous(), *(t.contiguous() for t in rows), paths=paths).shape == (2, 9, 4)


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("operator", ["scan", "convolution", "ssd"])
@pytest.mark.parametrize("paths", [torch.arange(6)[None], torch.zeros(0, 1, 6, dtype=torch.long)], ids=["one", "each"])
def test_an_empty_batch_gives_an_empty_result_with_gradients(operator, backend, paths):
    u, delta, A, B, C = (t.requires_grad_() for t in drop_in(batch=0, length=6))
    rows = [t.mT[:, None] for t in (delta, B, C)]
    if operator == "scan":
        y = selective_scan(u.mT, rows[0], A[None], *rows[1:], paths=paths, backend=backend)
    elif operator == "convolution":
        y = causal_conv1d(u.mT, A[None], paths=paths, backend=backend)
    else:
        y = ssd(u.mT.unflatten(-1, (2, 2)), rows[0][..., :2], A[:2, 0][None], *rows[1:], paths=paths, backend=backend)
    assert y.shape[0] == 0 and y.numel() == 0
    y.sum().backward()
    assert u.grad.shape == u.shape
    assert torch.equal(A.grad, torch.zeros_like(A))


def test_no_steps_are_refused_by_the_name_of_what_was_given():
    empty = torch.zeros(1, 4, 0)
    with pytest.raises(ScanlabError, match=r"u has shape \[1, 4, 0\]") as caught:
        selective_scan_fn(empty, empty, torch.zeros(4, 2), torch.zeros(1, 2, 0), torch.zeros(1, 2, 0))
    assert caught.value.code == "S700"
    rows = torch.zeros(1, 0, 4)
    paths = torch.zeros(1, 0, dtype=torch.long)
    with pytest.raises(ScanlabError, match=r"x has shape \[1, 0, 4\]"):
        causal_conv1d(rows, torch.zeros(1, 4, 3), paths=paths)
    with pytest.raises(ScanlabError, match=r"u has shape \[1, 0, 4\]"):
        selective_scan(rows, rows[:, None], torch.zeros(1, 4, 2), *[torch.zeros(1, 1, 0, 2)] * 2, paths=paths)
    with pytest.raises(ScanlabError, match=r"x has shape \[1, 0, 2, 2\]"):
        none = torch.zeros(1, 1, 0, 2)
        ssd(rows.unflatten(-1, (2, 2)), none, torch.zeros(1, 2), none, none, paths=paths)
    with pytest.raises(ScanlabError, match="paths is a list"):
        causal_conv1d(torch.zeros(1, 2, 4), torch.zeros(1, 4, 3), paths=[[0, 1]])


HALF, WIDE = torch.bfloat16, torch.float32


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("dtypes", list(product((HALF, WIDE), repeat=3)))
def test_float32_beside_half_precision_is_computed_in_float32(dtypes, backend):
    u, delta, A, B, C = drop_in(length=6)
    u, delta, B = (t.to(d).requires_grad_() for t, d in zip((u.to(HALF), delta, B), (HALF, *dtypes[:2]), strict=True))
    rows = [t.mT.contiguous()[:, None] for t in (delta, B, C.to(dtypes[2]))]
    z = torch.ones(2, 6, 4)
    y = selective_scan(
        u.mT.contiguous(), rows[0], A[None], *rows[1:], z=z, paths=torch.arange(6)[None], backend=backend
    )
    wide = [t.float() for t in (u, delta, B, C.to(dtypes[2]))]
    wanted = selective_scan_fn(wide[0], wide[1], A, *wide[2:], z=z.mT)
    assert y.dtype == HALF
    torch.testing.assert_close(y.mT.float(), wanted, rtol=2e-2, atol=2e-2)
    y.sum().backward()
    assert u.grad.dtype == HALF and delta.grad.dtype == dtypes[0] and B.grad.dtype == dtypes[1]


@pytest.mark.parametrize("dtypes", [(WIDE, HALF, WIDE, HALF), (HALF, WIDE, torch.float16, HALF), (HALF,) * 4])
def test_the_drop_in_mixes_as_mamba_ssm_does(dtypes):
    u, delta, A, B, C = drop_in()
    u, delta, B, C = (t.to(d) for t, d in zip((u, delta, B, C), dtypes, strict=True))
    y = selective_scan_fn(u, delta, A, B, C, delta_softplus=True, use_mambapy=True)
    wanted = selective_scan_fn(u.float(), delta.float(), A, B.float(), C.float(), delta_softplus=True)
    assert y.dtype == u.dtype
    torch.testing.assert_close(y.float(), wanted, rtol=2e-2, atol=2e-2)


def test_ssd_takes_float32_coefficients_beside_half_precision():
    draw = torch.Generator().manual_seed(0)
    new = lambda *s: torch.randn(*s, generator=draw)  # noqa: E731
    x, dt, A, B = new(1, 6, 2, 4).to(HALF), new(1, 1, 6, 2), -new(1, 2).exp(), new(1, 1, 6, 3)
    y = ssd(x, dt, A, B, B, dt_softplus=True, paths=torch.arange(6)[None])
    wanted = ssd(x.float(), dt, A, B, B, dt_softplus=True, paths=torch.arange(6)[None])
    assert y.dtype == HALF
    torch.testing.assert_close(y.float(), wanted, rtol=2e-2, atol=2e-2)


def test_the_same_indices_are_planned_once(monkeypatch):
    made = []
    plain = resolve_paths.index_table
    monkeypatch.setattr(resolve_paths, "index_table", lambda *a, **k: made.append(1) or plain(*a, **k))
    order = torch.randperm(57)
    for _ in range(3):
        by_scan(57, paths=order[None])
    assert len(made) == 1
    before = by_scan(57, paths=order[None])
    order.numpy()[:] = order.numpy()[::-1].copy()
    after = by_scan(57, paths=order[None])
    assert len(made) == 2
    torch.testing.assert_close(after, by_scan(57, paths=plain(order[None].clone(), 57)))
    assert not torch.equal(before, after)


def test_a_part_of_a_table_is_made_once():
    table = path_table(scanlab.compile("cross", grid=(4, 4)))
    assert table.part(0, 2) is table.part(0, 2)
    assert table.part(0, 2).sound


def test_compiling_the_drop_in_warns_of_nothing():
    text = """
import warnings, torch
from scanlab.ops import selective_scan_fn
warnings.simplefilter("error", UserWarning)
u, b = torch.randn(1, 4, 9), torch.randn(1, 3, 9)
run = torch.compile(lambda *a: selective_scan_fn(*a), fullgraph=True, backend="aot_eager")
run(u, u, -torch.rand(4, 3), b, b)
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "lru_cache" not in done.stderr, done.stderr[-800:]


def test_a_graph_ends_at_what_is_marked_and_nothing_behind_it_is_traced():
    scan = scanlab.compile(scanlab.parse("mean(row, -row)", axes="h w"), grid=(3, 3))
    u, x = torch.randn(1, 9, 4), torch.rand(1, 2, 9, 4)
    run = lambda v: 2 * selective_scan(v, x, -x[0, :, :4, :3], x[..., :3], x[..., 1:], paths=scan)  # noqa: E731
    torch._dynamo.reset()
    # What a transform calls is no graph, nor is the table that is made there; both doublings are.
    told = torch._dynamo.explain(lambda v: 2 * torch.func.grad(lambda w: run(w).sum())(v))(u)
    assert told.graph_count == 2
    torch._dynamo.reset()
    told = torch._dynamo.explain(run)(u)
    assert "give path_table(scan) in its place" in told.break_reasons[0].reason
    # Before the table is looked up, before the weights are, and after.
    assert told.graph_count == 3
