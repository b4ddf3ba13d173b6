"""`scanlab bench kernels --device cuda`: the scans of VMamba-T and Vim-T, ours and theirs, beside the GPU's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from scanlab.bench.gpu_peers import PEERS, GpuPeer
from scanlab.bench.gpu_shapes import SHAPES, GpuInputs, Shape, gpu_inputs
from scanlab.bench.machine import environment
from scanlab.bench.timing import Times
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import selective_scan

__all__ = ["GpuFigure", "GpuLimits", "GpuReport", "check_device", "measure_gpu"]

OURS, RANDOM = "scanlab triton", "scanlab triton, random orders"
PACKAGES = ("scanlab", "torch", "triton", "mamba_ssm")
Call = Callable[[], object]


@dataclass(frozen=True)
class GpuLimits:
    """copy_gb_s: 10^9 bytes a second, read and written. exp2_g_s: 10^9 exponentials a second."""

    copy_gb_s: float
    exp2_g_s: float

    def shortest_ms(self, shape: Shape) -> float:
        """How long a forward pass of a shape takes at least, by whichever limit binds."""
        return 1e-6 * max(shape.forward_bytes / self.copy_gb_s, shape.forward_exponentials / self.exp2_g_s)


@dataclass(frozen=True)
class GpuFigure:
    """One implementation at one shape. times_ours: its median over ours. peak_bytes: beyond the inputs.

    of_limit: the shortest time that the device allows over the median (forward only). difference: the largest of the
    output from ours, relative to the largest output. note: why it was not run.
    """

    shape: str
    name: str
    backward: bool
    times: Times | None
    times_ours: float | None = None
    peak_bytes: int | None = None
    of_limit: float | None = None
    difference: float | None = None
    note: str = ""


@dataclass(frozen=True)
class GpuReport:
    """All figures of a run on a GPU."""

    device: str
    limits: GpuLimits
    figures: tuple[GpuFigure, ...]

    def as_data(self) -> dict[str, object]:
        """Ready for JSON, with command, versions and device."""
        machine = environment(PACKAGES)
        return {
            **machine,
            "host": machine["device"],
            "device": self.device,
            "cuda": torch.version.cuda,
            "rocm": torch.version.hip,
            "limits": asdict(self.limits),
            "shapes": {s.name: str(s.size) for s in SHAPES},
            "figures": [asdict(f) for f in self.figures],
        }


def check_device() -> torch.device:
    """The GPU to measure. Raises S753 where torch has none."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    raise ScanlabError.at(
        "S753",
        "torch finds no GPU here",
        note=f"torch {torch.__version__}",
        help="leave --device out to measure the CPU; scanlab doctor says what this machine can run",
    )


def measure_gpu(turns: int, say: Callable[[str], object], shapes: Sequence[Shape] = SHAPES) -> GpuReport:
    """Measure every shape, forward and forward and backward, `turns` times each. Raises S753."""
    device = check_device()
    limits = measure_limits(turns)
    figures: list[GpuFigure] = []
    for shape in shapes:
        say(shape.name)
        figures += shape_figures(gpu_inputs(shape, device), limits, partial(gpu_turns, turns=turns))
    return GpuReport(torch.cuda.get_device_name(), limits, tuple(figures))


def shape_figures(
    given: GpuInputs, limits: GpuLimits, timed: Callable[[Mapping[str, Call]], dict[str, Times]]
) -> Iterator[GpuFigure]:
    """Ours, ours with random orders, and the peers of the shape's strategy; `timed` runs calls in turns."""
    shape = given.shape
    shortest = limits.shortest_ms(shape)
    peers = [peer for peer in PEERS if peer.strategy == shape.strategy]
    absent = {peer.name: why for peer in peers if (why := peer.missing())}
    outputs = {OURS: _ours(given), RANDOM: _ours(given.shuffled())}
    differences: dict[str, float] = {}
    for peer in peers:
        if peer.name not in absent:
            outputs[peer.name], differences[peer.name] = _peer(peer, given, outputs[OURS][0])
    for backward in (False, True):
        calls = {n: _call(output, leaves, backward) for n, (output, leaves) in outputs.items()}
        times = timed(calls)
        for name, found in times.items():
            share = None if backward else shortest / found.median_ms
            ratio = found.median_ms / times[OURS].median_ms
            peak = _peak_bytes(calls[name], given.u.device)
            yield GpuFigure(shape.name, name, backward, found, ratio, peak, share, differences.get(name))
        for name, why in absent.items():
            yield GpuFigure(shape.name, name, backward, None, note=why)


Output = tuple[Callable[[], Tensor], tuple[Tensor, ...]]


def _ours(given: GpuInputs) -> Output:
    leaves = tuple(leaf.detach().requires_grad_() for leaf in given.leaves)
    u, delta, A, B, C, D, bias = leaves

    def output() -> Tensor:
        y = selective_scan(u, delta, A, B, C, D, delta_bias=bias, delta_softplus=True, paths=given.table)
        assert isinstance(y, Tensor), "no last state was asked for"
        return y

    return output, leaves


def _peer(peer: GpuPeer, given: GpuInputs, ours: Callable[[], Tensor]) -> tuple[Output, float]:
    """A peer's output and leaves, and how far its output is from ours."""
    prepared = peer.prepare(given)
    with torch.no_grad():
        expected, found = ours().float(), prepared.by_row(prepared.output()).float()
    return (prepared.output, prepared.leaves), float((found - expected).abs().max() / expected.abs().max())


def _call(output: Callable[[], Tensor], leaves: tuple[Tensor, ...], backward: bool) -> Call:
    if backward:
        with torch.no_grad():
            upstream = torch.randn_like(output())
        return lambda: torch.autograd.grad(output(), leaves, upstream)

    def forward() -> Tensor:
        with torch.no_grad():
            return output()

    return forward


def _peak_bytes(call: Call, device: torch.device) -> int | None:
    if device.type != "cuda":
        return None
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    call()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def gpu_turns(calls: Mapping[str, Call], turns: int) -> dict[str, Times]:
    """Run all calls in turns, timed by the device's own events, after three runs that compile and warm up."""
    first = {name: _event_ms(call) for name, call in calls.items()}
    for _ in range(2):
        for call in calls.values():
            call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(turns):
        for name, call in calls.items():
            times[name].append(_event_ms(call))
    return {name: _summary(times[name], first[name]) for name in calls}


def _event_ms(call: Call) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end)


def _summary(times: list[float], first: float) -> Times:
    low, median, high = (float(np.quantile(times, q)) for q in (0.25, 0.5, 0.75))
    return Times(median, low, high, min(times), len(times), first)


def measure_limits(turns: int, rounds: int = 4096, block: int = 1024) -> GpuLimits:
    """Copy 1 GiB, and chain exponentials in registers on all multiprocessors."""
    from scanlab.kernels.gpu.roofline import exp2_rate_kernel

    source = torch.zeros(1 << 28, device="cuda")
    target = torch.empty_like(source)
    programs = 16 * torch.cuda.get_device_properties(0).multi_processor_count
    out = torch.empty(programs * block, device="cuda")
    special = torch.version.hip is None
    calls: dict[str, Call] = {
        "copy": lambda: target.copy_(source),
        "exp2": lambda: exp2_rate_kernel[(programs,)](out, rounds, BLOCK=block, ASM=special),
    }
    times = gpu_turns(calls, turns)
    exponentials = programs * block * rounds
    copied = 2 * source.nbytes / times["copy"].median_ms / 1e6
    return GpuLimits(copied, exponentials / times["exp2"].median_ms / 1e6)
