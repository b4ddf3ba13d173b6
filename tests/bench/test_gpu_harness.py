"""The GPU harness as far as it goes without a GPU: shapes, bounds, refusals, and that peers compute the same scan.

The peers' own packages are stood in for by small modules with the same functions and layouts, written in torch.
"""

import ctypes
import math
import os
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from typer.testing import CliRunner

from scanlab.bench import gpu, gpu_peer_library, gpu_timing
from scanlab.bench.gpu import ARITHMETIC, OURS, RANDOM, GpuFigure, GpuLimits, GpuReport, shape_figures
from scanlab.bench.gpu_peers import PEERS
from scanlab.bench.gpu_shapes import SHAPES, Shape, gpu_inputs
from scanlab.bench.gpu_targets import gpu_checks
from scanlab.bench.gpu_timing import QUEUED, REPLAY, GpuTimes, gpu_turns
from scanlab.bench.timing import Times, in_turns
from scanlab.bench.workloads import Size
from scanlab.cli.app import app
from scanlab.cli.bench_gpu import print_report
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import selective_scan

SMALL = {
    "cross": Shape("VMamba-T small", "cross", 3, Size(2, 9, 4, 2, 4)),
    "vim": Shape("Vim small", "vim", 2, Size(2, 5, 4, 2, 2)),
}
LIMITS = GpuLimits(4000.0, 4000.0)
PACKAGED = {"cross": PEERS[0], "vim": PEERS[4]}
BY_LIBRARY = [p for p in PEERS if p.missing is gpu_peer_library.library_missing]


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


def _at(pointer: int, *shape: int, dtype=torch.float32) -> torch.Tensor:
    """The tensor at an address, as a C library sees it."""
    raw = (ctypes.c_char * (math.prod(shape) * dtype.itemsize)).from_address(pointer)
    return torch.frombuffer(raw, dtype=dtype).view(shape)


class _Library:
    """Has the functions of the C library, and finds its arguments by their addresses."""

    def peer_forward(self, *arguments) -> int:
        given, [y, states] = self._read(arguments[:5], arguments[5])
        y.copy_(self._scan(*given))
        states.fill_(7)
        return 0

    def peer_backward(self, *arguments) -> int:
        given, [_, states, dy, *gradients] = self._read(arguments[:5], arguments[5])
        assert bool((states == 7).all()), "what the forward left"
        leaves = [t.detach().requires_grad_() for t in given]
        with torch.enable_grad():
            found = torch.autograd.grad(self._scan(*leaves), leaves, dy)
        for gradient, value in zip(gradients, found, strict=True):
            # The kernel adds to all but du and ddelta.
            gradient.copy_(value if gradient.dtype == torch.bfloat16 else gradient + value)
        return 0

    def _scan(self, u, delta, A, B, C, D, bias):
        return _mamba_reference(u.float(), delta.float(), A, B.float(), C.float(), D, None, bias, True).to(u.dtype)

    def _read(self, size, pointers):
        b, d, length, n, k = size
        half = {"dtype": torch.bfloat16}
        shapes = [(b, d, length), (b, d, length), (d, n), (b, k, n, length), (b, k, n, length), (d,), (d,)]
        kinds = [half, half, {}, half, half, {}, {}]
        given = [_at(p, *s, **o) for p, s, o in zip(pointers, shapes, kinds, strict=False)]
        rest = [((b, d, length), half), ((b, d, 1, 2 * n), {}), ((b, d, length), half)]
        rest += [(s, half if i < 2 else {}) for i, s in enumerate(shapes)]
        return given, [_at(p, *s, **o) for p, (s, o) in zip(pointers[7:], rest, strict=True) if p]


@pytest.fixture
def library(monkeypatch, tmp_path):
    path = tmp_path / "libpeer.so"
    path.write_bytes(b"")
    monkeypatch.setenv(gpu_peer_library.VARIABLE, str(path))
    monkeypatch.setattr(gpu_peer_library, "_library", lambda _: _Library())


def small(strategy: str, dtype=torch.float32):
    return gpu_inputs(SMALL[strategy], torch.device("cpu"), dtype)


def timed(calls):
    return in_turns(calls, 0.0, most=1)


@pytest.mark.parametrize("strategy", SMALL)
def test_a_peer_computes_the_scan_that_we_do(peers, strategy):
    given = small(strategy)
    peer = PACKAGED[strategy]
    figures = [f for f in shape_figures(given, LIMITS, timed) if f.name == peer.name]
    assert [f.backward for f in figures] == [False, True]
    assert all(f.difference < 1e-5 and f.times_ours > 0 and not f.note for f in figures)


@pytest.mark.parametrize("strategy", SMALL)
def test_a_peer_has_the_gradients_that_we_have(peers, strategy):
    given = small(strategy)
    found, expected = _gradients(PACKAGED[strategy], given)
    assert _size(found) == pytest.approx(_size(expected), rel=1e-5)
    assert len(found) == sum(2 if strategy == "vim" and i else 1 for i in range(7))


def _gradients(peer, given):
    prepared = peer.prepare(given)
    found = torch.autograd.grad(prepared.by_row(prepared.output()), prepared.leaves, given.upstream)
    output, leaves = gpu.ours(given)
    return found, torch.autograd.grad(output(), leaves, given.upstream)


def _size(tensors) -> float:
    return sum(float(t.double().square().sum()) for t in tensors)


@pytest.mark.parametrize(
    "peer", BY_LIBRARY, ids=[f"{p.strategy}, {'whole' if p.whole else 'alone'}" for p in BY_LIBRARY]
)
def test_the_kernels_of_the_c_library_compute_the_scan_that_we_do(library, peer):
    given = small(peer.strategy, torch.bfloat16)
    figures = [f for f in shape_figures(given, LIMITS, timed, [peer]) if f.name == peer.name]
    assert [f.backward for f in figures] == [False, True]
    assert all(f.difference < 2e-2 and f.times_ours > 0 for f in figures)
    found, expected = _gradients(peer, given)
    # Alone, the kernel has a gradient of u per path; between copies all are as ours.
    first = 0 if peer.whole else 1
    assert _size(found[first:]) == pytest.approx(_size(expected[first:]), rel=3e-2)


@pytest.mark.parametrize("strategy", SMALL)
def test_copies_alone_are_a_row_that_claims_no_scan(strategy):
    [copies] = [p for p in PEERS if p.strategy == strategy and not p.missing() and not p.whole]
    assert "stand in for" in copies.name
    prepared = copies.prepare(small(strategy))
    assert prepared.by_row is None and len(prepared.leaves) == 1
    # Every path's copy comes back to its rows, and is added.
    paths = SMALL[strategy].size.paths
    torch.testing.assert_close(prepared.output(), paths * prepared.leaves[0])
    figures = [f for f in shape_figures(small(strategy), LIMITS, timed, [copies]) if f.name == copies.name]
    assert all(f.difference is None and f.of_limit is None for f in figures)


def test_a_library_that_is_not_there_or_is_none_is_named(monkeypatch, tmp_path):
    missing = gpu_peer_library.library_missing
    monkeypatch.delenv(gpu_peer_library.VARIABLE, raising=False)
    assert "SCANLAB_PEER" in missing()
    monkeypatch.setenv(gpu_peer_library.VARIABLE, str(tmp_path / "libpeer.so"))
    assert "is not there" in missing()
    (tmp_path / "libpeer.so").write_bytes(b"no library")
    assert "cannot be used (OSError" in missing()


def test_an_error_of_the_library_is_raised(library, monkeypatch):
    monkeypatch.setattr(_Library, "peer_forward", lambda *_: 700)
    with pytest.raises(RuntimeError, match="CUDA error 700"):
        BY_LIBRARY[0].prepare(small("cross", torch.bfloat16)).output()


def test_a_missing_peer_is_named_and_the_rest_is_measured():
    figures = list(shape_figures(small("cross"), LIMITS, timed))
    absent = [f for f in figures if f.times is None]
    assert [f.name for f in absent] == [p.name for p in PEERS[:3]] * 2
    assert "selective_scan_cuda.fwd cannot be imported" in absent[0].note and "mamba_ssm" in absent[0].note
    assert "SCANLAB_PEER" in absent[1].note
    assert [f.name for f in figures if f.times] == [OURS, RANDOM, PEERS[3].name] * 2
    assert [f.of_limit is None for f in figures if f.times] == [False, False, True, True, True, True]


def test_a_path_that_arithmetic_serves_is_measured_by_it_too(monkeypatch):
    given = small("cross")
    asked = []
    monkeypatch.setattr(gpu, "program_for", lambda scan, device: asked.append(device) or "a_program")
    made = {}
    monkeypatch.setattr(gpu, "forward_or_both", lambda output, leaves, backward: lambda: None)
    ours = gpu.ours
    monkeypatch.setattr(gpu, "ours", lambda g: made.setdefault(g.table.program, ours(g)))
    figures = list(shape_figures(given, LIMITS, timed, []))
    assert [f.name for f in figures] == [OURS, RANDOM, ARITHMETIC] * 2
    assert set(made) == {"", "a_program"} and asked == [torch.device("cpu")]


def test_inputs_are_drawn_where_they_are_used(monkeypatch):
    draw, asked = torch.randn, []

    def watched(*size, device, generator, **options):
        asked.append((device, generator.device))
        return draw(*size, device=device, generator=generator, **options)

    monkeypatch.setattr(torch, "randn", watched)
    given = small("vim", torch.bfloat16)
    assert asked == [(torch.device("cpu"),) * 2] * (len(given.leaves) + 1)
    assert given.u.dtype == given.delta.dtype == torch.bfloat16 and given.A.dtype == torch.float32


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
    assert sizes[SHAPES[-1].name] == (3136, 96, 1, 2), "a scan whose paths arithmetic may serve"
    assert len(sizes) == 11


def test_bytes_and_exponentials_per_row_and_channel():
    shape = SHAPES[0]
    rows = shape.size.samples * shape.size.length * shape.size.channels
    # s (2 + K) + 2 s K N / D bytes with s = 2, K = 4, N = 1, D = 96; K (N + 2) exponentials.
    assert shape.forward_bytes / rows == pytest.approx(12 + 16 / 96)
    # Four float32 copies of y, written and read.
    assert shape.copies == 4 and shape.moved_bytes - shape.forward_bytes == 32 * rows
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

    peer, part = PEERS[0].name, PEERS[2].name
    figures = (
        figure(OURS, False, 1.0, 0.7),
        figure(RANDOM, False, 1.2),
        figure(OURS, True, 1.0),
        figure(peer, True, 3.0),
        figure(part, True, 2.0),
    )
    return GpuReport("a GPU", LIMITS, (*figures, GpuFigure("Vim-T, N=1", PEERS[4].name, True, None, note="absent")))


def test_promises_are_checked_against_figures():
    found = {check.text.split(": ")[1]: check.holds for check in gpu_checks(_report())}
    assert found == {"share of the limit": True, "random over row": False, f"{PEERS[0].name.split(': ')[0]}": True}


def test_the_tables_show_every_figure(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "220")
    print_report(_report())
    shown = capsys.readouterr().out
    assert "70 %" in shown and "not measured: absent" in shown and "missed" in shown and "4000 GB/s" in shown


def test_the_data_name_versions_and_device():
    data = _report().as_data()
    assert data["device"] == "a GPU" and data["versions"]["torch"] == torch.__version__
    assert len(data["figures"]) == 6


@pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="interpreted kernels are not compiled")
def test_the_kernel_of_the_exponential_limit_is_one_instruction_per_round():
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, compile

    from scanlab.kernels.gpu.roofline import exp2_rate_kernel

    signature = {"out": "*fp32", "rounds": "i32", "BLOCK": "constexpr", "ASM": "constexpr"}
    source = ASTSource(exp2_rate_kernel, signature, {(2,): 1024, (3,): True})
    text = compile(source, target=GPUTarget("cuda", 90, 32)).asm["ptx"]
    assert text.count("ex2.approx.ftz.f32") >= 8 and "bar.sync" not in text


class _Event:
    """Stands in for torch.cuda.Event: what it tells is how much work was queued between two of them."""

    def __init__(self, enable_timing):
        assert enable_timing

    def record(self):
        self.at = _Event.work

    def synchronize(self):
        pass

    def elapsed_time(self, end):
        return end.at - self.at


class _Graph:
    def replay(self):
        _Event.work += 0.25


class _Context:
    def __init__(self, *_):
        pass

    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass

    def wait_stream(self, _):
        pass


@pytest.fixture
def fake_cuda(monkeypatch):
    """A GPU on which a call takes 2 ms by itself, all of them Python's, and 0.25 ms as the replay of a graph."""
    _Event.work = 0.0
    synchronized = []
    fake = {
        "Event": _Event,
        "Stream": _Context,
        "stream": _Context,
        "graph": _Context,
        "CUDAGraph": _Graph,
        "current_stream": _Context,
        "synchronize": lambda: synchronized.append(1),
    }
    for name, value in fake.items():
        monkeypatch.setattr(gpu_timing.torch.cuda, name, value)
    return SimpleNamespace(synchronized=synchronized)


def _two_milliseconds():
    _Event.work += 2.0


def test_a_call_is_timed_as_the_replay_of_a_graph(fake_cuda):
    found = gpu_turns({"call": _two_milliseconds}, turns=5)["call"]
    assert (found.how, found.why, found.runs) == (REPLAY, "", 5)
    assert found.median_ms == found.fastest_ms == pytest.approx(0.25), "several replays between events, for one of them"
    assert found.first_ms == pytest.approx(2.0)


def test_a_call_that_no_graph_can_hold_is_queued_and_says_so(fake_cuda, monkeypatch):
    def capture(_):
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(gpu_timing.torch.cuda, "graph", capture)
    calls = []
    found = gpu_turns({"call": lambda: calls.append(_two_milliseconds())}, turns=3)["call"]
    assert found.how == QUEUED == "10 queued calls"
    assert found.why == "no graph was captured: RuntimeError: operation not permitted when stream is capturing"
    assert found.median_ms == pytest.approx(2.0) and fake_cuda.synchronized
    assert len(calls) == 1 + 2 + 3 * 10, "the first, the warm-up of the capture, and ten queued in each turn"


def test_the_tables_say_how_a_time_was_taken(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "300")
    times = GpuTimes(1.0, 0.9, 1.1, 0.8, 5, 9.0, QUEUED, "no graph was captured: E")
    print_report(GpuReport("a GPU", LIMITS, (GpuFigure("VMamba-T stage 1, N=1", OURS, False, times, 1.0),)))
    assert "10 queued calls (no graph was captured: E)" in capsys.readouterr().out
