"""`scanlab bench kernels --device cuda`: the scans of VMamba-T and Vim-T, ours and theirs, beside the GPU's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import torch
from torch import Tensor

from scanlab.bench.gpu_peers import PEERS, GpuPeer
from scanlab.bench.gpu_shapes import SHAPES, GpuInputs, Shape, gpu_inputs
from scanlab.bench.gpu_timing import gpu_turns
from scanlab.bench.machine import environment
from scanlab.bench.numerics import relative_error
from scanlab.bench.timing import Times, peak_extra_memory
from scanlab.facade import compile
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import selective_scan
from scanlab.ops.dispatch import program_for

__all__ = ["GpuFigure", "GpuLimits", "GpuReport", "check_device", "measure_gpu", "measure_limits", "shape_figures"]

OURS, RANDOM = "scanlab triton", "scanlab triton, random orders"
ARITHMETIC = "scanlab triton, paths by arithmetic"
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

    times say how they were taken, see `GpuTimes`. of_limit: the shortest time that the device allows over the median
    (ours, forward only). difference: the largest of the output from ours, relative to the largest output. note: why it
    was not run.
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
    limits = measure_limits(device, turns)
    figures: list[GpuFigure] = []
    for shape in shapes:
        say(shape.name)
        figures += shape_figures(gpu_inputs(shape, device), limits, partial(gpu_turns, turns=turns))
    return GpuReport(torch.cuda.get_device_name(), limits, tuple(figures))


Timed = Callable[[Mapping[str, Call]], Mapping[str, Times]]


def shape_figures(
    given: GpuInputs, limits: GpuLimits, timed: Timed, all_peers: Sequence[GpuPeer] = PEERS
) -> Iterator[GpuFigure]:
    """Ours, with random orders and with arithmetic, and the peers of the shape's strategy; `timed` runs calls in turns.

    Arithmetic only where the scan has a path program.
    """
    shape = given.shape
    shortest = limits.shortest_ms(shape)
    peers = [peer for peer in all_peers if peer.strategy == shape.strategy]
    absent = {peer.name: why for peer in peers if (why := peer.missing())}
    outputs = {OURS: ours(given), RANDOM: ours(given.shuffled())}
    if program := program_for(compile(shape.strategy, (shape.side, shape.side)), given.u.device):
        outputs[ARITHMETIC] = ours(replace(given, table=replace(given.table, program=program)))
    differences: dict[str, float] = {}
    for peer in peers:
        if peer.name not in absent:
            outputs[peer.name], difference = _peer(peer, given, outputs[OURS][0])
            if difference is not None:
                differences[peer.name] = difference
    for backward in (False, True):
        calls = {n: forward_or_both(output, leaves, backward) for n, (output, leaves) in outputs.items()}
        times = timed(calls)
        for name, measured in times.items():
            share = shortest / measured.median_ms if name in _ALL_OURS and not backward else None
            ratio = measured.median_ms / times[OURS].median_ms
            peak = peak_extra_memory(calls[name], "cuda") if given.u.is_cuda else None
            yield GpuFigure(shape.name, name, backward, measured, ratio, peak, share, differences.get(name))
        for name, why in absent.items():
            yield GpuFigure(shape.name, name, backward, None, note=why)


_ALL_OURS = (OURS, RANDOM, ARITHMETIC)
Output = tuple[Callable[[], Tensor], tuple[Tensor, ...]]


def ours(given: GpuInputs) -> Output:
    """Our scan of the inputs, and the leaves that its gradients are taken of."""
    leaves = tuple(leaf.detach().requires_grad_() for leaf in given.leaves)
    u, delta, A, B, C, D, bias = leaves

    def output() -> Tensor:
        y = selective_scan(u, delta, A, B, C, D, delta_bias=bias, delta_softplus=True, paths=given.table)
        assert isinstance(y, Tensor), "no last state was asked for"
        return y

    return output, leaves


def _peer(peer: GpuPeer, given: GpuInputs, expected: Callable[[], Tensor]) -> tuple[Output, float | None]:
    """A peer's output and leaves, and how far its output is from ours; None where it is a part of the work."""
    prepared = peer.prepare(given)
    output = prepared.output, prepared.leaves
    if prepared.by_row is None:
        return output, None
    with torch.no_grad():
        return output, relative_error(prepared.by_row(prepared.output()), expected())


def forward_or_both(output: Callable[[], Tensor], leaves: tuple[Tensor, ...], backward: bool) -> Call:
    """A call of the forward pass, or of forward and backward for an upstream gradient drawn beforehand."""
    if backward:
        with torch.no_grad():
            upstream = torch.randn_like(output())
        return lambda: torch.autograd.grad(output(), leaves, upstream)

    def forward() -> Tensor:
        with torch.no_grad():
            return output()

    return forward


def measure_limits(
    device: torch.device, turns: int, elements: int = 1 << 28, rounds: int = 4096, block: int = 1024
) -> GpuLimits:
    """Copy float32 elements, 1 GiB of them, and chain exponentials in registers on all multiprocessors."""
    from scanlab.kernels.gpu.roofline import exp2_rate_kernel

    source = torch.zeros(elements, device=device)
    target = torch.empty_like(source)
    programs = 16 * torch.cuda.get_device_properties(0).multi_processor_count
    out = torch.empty(programs * block, device=device)
    special = torch.version.hip is None
    calls: dict[str, Call] = {
        "copy": lambda: target.copy_(source),
        "exp2": lambda: exp2_rate_kernel[(programs,)](out, rounds, BLOCK=block, ASM=special),
    }
    times = gpu_turns(calls, turns)
    exponentials = programs * block * rounds
    copied = 2 * source.nbytes / times["copy"].median_ms / 1e6
    return GpuLimits(copied, exponentials / times["exp2"].median_ms / 1e6)
