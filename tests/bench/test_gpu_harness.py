"""The GPU harness as far as it goes without a GPU: shapes, bounds, refusals, and that peers compute the same scan.

The peers' own packages are stood in for by small modules with the same functions and layouts, written in torch.
"""

import os
import sys
from types import ModuleType

import pytest
import torch
from typer.testing import CliRunner

from scanlab.bench import gpu
from scanlab.bench.gpu import OURS, RANDOM, GpuFigure, GpuLimits, GpuReport, shape_figures
from scanlab.bench.gpu_peers import PEERS
from scanlab.bench.gpu_shapes import SHAPES, Shape, gpu_inputs
from scanlab.bench.gpu_targets import gpu_checks
from scanlab.bench.problems import Size
from scanlab.bench.timing import Times, in_turns
from scanlab.cli.app import app
from scanlab.cli.bench_gpu import print_report
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import selective_scan

SMALL = {
    "cross": Shape("VMamba-T small", "cross", 3, Size(2, 9, 4, 2, 4)),
    "vim": Shape("Vim small", "vim", 2, Size(2, 5, 4, 2, 2)),
}
LIMITS = GpuLimits(4000.0, 4000.0)


def _mamba_reference(u, delta, A, B, C, D, z, bias, softplus):
    """[B, K D, L] with K groups of B and C [B, K, N, L], as mamba_ssm's extension takes them."""
    assert z is None and softplus and all(t.stride(-1) == 1 for t in (u, delta, B, C))
    paths, length = B.shape[1], u.shape[2]
    y = selective_scan(
        u.unflatten(1, (paths, -1)).transpose(2, 3),
        delta.unflatten(1, (paths, -1)).transpose(2, 3),
        A.unflatten(0, (paths, -1)),
        B.transpose(2, 3),
        C.transpose(2, 3),
        D.unflatten(0, (paths, -1)),
        delta_bias=bias.unflatten(0, (paths, -1)),
        delta_softplus=True,
        paths=torch.arange(length).expand(paths, length),
        merge="none",
        backend="reference",
    )
    return y.transpose(2, 3).flatten(1, 2)


def _extension() -> ModuleType:
    module = ModuleType("selective_scan_cuda")

    def bwd(u, delta, A, B, C, D, z, bias, dy, states, out, dz, softplus, recompute):
        assert states.shape == (1,) and out is None and dz is None and not recompute
        leaves = [t.detach().requires_grad_() for t in (u, delta, A, B, C, D, bias)]
        with torch.enable_grad():
            y = _mamba_reference(*leaves[:6], None, leaves[6], softplus)
        return [*torch.autograd.grad(y, leaves, dy), "rest"]

    module.fwd = lambda *arguments: (_mamba_reference(*arguments), torch.zeros(1))
    module.bwd = bwd
    return module


def _cross_module() -> ModuleType:
    module = ModuleType("csm_triton")

    def scan(x, in_channel_first, out_channel_first):
        assert in_channel_first and out_channel_first
        ways = torch.stack([x.flatten(2), x.transpose(2, 3).flatten(2)], 1)
        return torch.cat([ways, ways.flip(-1)], 1)

    def merge(y, in_channel_first, out_channel_first):
        assert in_channel_first and out_channel_first
        height, width = y.shape[3:]
        y = y.flatten(3)
        y = y[:, :2] + y[:, 2:].flip(-1)
        return y[:, 0] + y[:, 1].unflatten(2, (width, height)).transpose(2, 3).flatten(2)

    module.cross_scan_fn, module.cross_merge_fn = scan, merge
    return module


@pytest.fixture
def peers(monkeypatch):
    monkeypatch.setitem(sys.modules, "selective_scan_cuda", _extension())
    monkeypatch.setitem(sys.modules, "csm_triton", _cross_module())


def small(strategy: str):
    return gpu_inputs(SMALL[strategy], torch.device("cpu"), torch.float32)


def timed(calls):
    return in_turns(calls, 0.0, most=1)


@pytest.mark.parametrize("strategy", SMALL)
def test_a_peer_computes_the_scan_that_we_do(peers, strategy):
    given = small(strategy)
    [peer] = [p for p in PEERS if p.strategy == strategy]
    figures = [f for f in shape_figures(given, LIMITS, timed) if f.name == peer.name]
    assert [f.backward for f in figures] == [False, True]
    assert all(f.difference < 1e-5 and f.times_ours > 0 and not f.note for f in figures)


@pytest.mark.parametrize("strategy", SMALL)
def test_a_peer_has_the_gradients_that_we_have(peers, strategy):
    given = small(strategy)
    [peer] = [p for p in PEERS if p.strategy == strategy]
    prepared = peer.prepare(given)
    y = prepared.output()
    found = torch.autograd.grad(prepared.by_row(y), prepared.leaves, given.upstream)
    output, leaves = gpu._ours(given)
    expected = torch.autograd.grad(output(), leaves, given.upstream)
    total = {"found": sum(float(g.double().square().sum()) for g in found)}
    total["expected"] = sum(float(g.double().square().sum()) for g in expected)
    assert total["found"] == pytest.approx(total["expected"], rel=1e-5)
    assert len(found) == sum(2 if strategy == "vim" and i else 1 for i in range(7))


def test_a_missing_peer_is_named_and_the_rest_is_measured():
    figures = list(shape_figures(small("cross"), LIMITS, timed))
    [absent, _] = [f for f in figures if f.times is None]
    assert "selective_scan_cuda.fwd cannot be imported" in absent.note and "mamba_ssm" in absent.note
    assert [f.name for f in figures if f.times] == [OURS, RANDOM] * 2
    assert all((f.of_limit is None) == f.backward for f in figures if f.times)


def test_a_random_order_is_the_same_work_on_other_rows():
    given = small("cross")
    other = given.shuffled()
    assert other.u is given.u and other.table.steps.shape == given.table.steps.shape
    assert not torch.equal(other.table.steps, given.table.steps)


def test_the_shapes_are_vmamba_tiny_and_vim_tiny():
    sizes = {s.name: (s.size.length, s.size.channels, s.size.states, s.size.paths) for s in SHAPES}
    assert sizes["VMamba-T stage 1, N=1"] == (3136, 96, 1, 4)
    assert sizes["VMamba-T stage 4, N=16"] == (49, 768, 16, 4)
    assert sizes["Vim-T, N=16"] == (197, 384, 16, 2)
    assert len(sizes) == 10


def test_bytes_and_exponentials_per_row_and_channel():
    shape = SHAPES[0]
    rows = shape.size.samples * shape.size.length * shape.size.channels
    # s (2 + K) + 2 s K N / D bytes with s = 2, K = 4, N = 1, D = 96; K (N + 2) exponentials.
    assert shape.forward_bytes / rows == pytest.approx(12 + 16 / 96)
    assert shape.forward_exponentials / rows == 12
    assert GpuLimits(1.0, 1e9).shortest_ms(shape) == pytest.approx(shape.forward_bytes * 1e-6)
    assert GpuLimits(1e9, 1.0).shortest_ms(shape) == pytest.approx(shape.forward_exponentials * 1e-6)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_the_command_says_what_to_do():
    result = CliRunner().invoke(app, ["bench", "kernels", "--device", "cuda"])
    assert isinstance(result.exception, ScanlabError)
    assert "S753" in str(result.exception) and "scanlab doctor" in str(result.exception)


def test_an_unknown_device_is_refused():
    result = CliRunner().invoke(app, ["bench", "kernels", "--device", "tpu"])
    assert isinstance(result.exception, ScanlabError) and "S754" in str(result.exception)


def _report() -> GpuReport:
    def figure(name, backward, ratio, share=None):
        times = Times(ratio, 0.9 * ratio, 1.1 * ratio, 0.8 * ratio, 5, 9.0)
        return GpuFigure("VMamba-T stage 1, N=1", name, backward, times, ratio, 1, share)

    peer = PEERS[0].name
    figures = (
        figure(OURS, False, 1.0, 0.7),
        figure(RANDOM, False, 1.2),
        figure(OURS, True, 1.0),
        figure(peer, True, 3.0),
    )
    return GpuReport("a GPU", LIMITS, (*figures, GpuFigure("Vim-T, N=1", PEERS[1].name, True, None, note="absent")))


def test_promises_are_checked_against_figures():
    found = {check.text.split(": ")[1]: check.holds for check in gpu_checks(_report())}
    assert found == {"share of the limit": True, "random over row": False, f"{PEERS[0].name.split(': ')[0]}": True}


def test_the_tables_show_every_figure(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "220")
    print_report(_report())
    shown = capsys.readouterr().out
    assert "70 %" in shown and "absent" in shown and "missed" in shown and "4000 GB/s" in shown


def test_the_data_name_versions_and_device():
    data = _report().as_data()
    assert data["device"] == "a GPU" and data["versions"]["torch"] == torch.__version__
    assert len(data["figures"]) == 5


@pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="interpreted kernels are not compiled")
def test_the_kernel_of_the_exponential_limit_is_one_instruction_per_round():
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, compile

    from scanlab.kernels.gpu.roofline import exp2_rate_kernel

    signature = {"out": "*fp32", "rounds": "i32", "BLOCK": "constexpr", "ASM": "constexpr"}
    source = ASTSource(exp2_rate_kernel, signature, {(2,): 1024, (3,): True})
    text = compile(source, target=GPUTarget("cuda", 90, 32)).asm["ptx"]
    assert text.count("ex2.approx.ftz.f32") >= 8 and "bar.sync" not in text
