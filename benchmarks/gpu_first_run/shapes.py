"""The headline shapes: ours, with the model's paths, random orders and arithmetic; then beside the peers; profiled."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import torch

from scanlab.bench.gpu import GpuLimits, forward_or_both, measure_limits, ours, shape_figures
from scanlab.bench.gpu_peers import PEERS, GpuPeer
from scanlab.bench.gpu_shapes import SAMPLES, SHAPES, GpuInputs, gpu_inputs
from scanlab.bench.gpu_timing import gpu_turns

from .device import FEW, device, under_a_stub
from .processes import Job
from .results import Results, read
from .settings import ROOT, Settings

__all__ = ["inputs", "limits", "once", "peer_jobs", "profile_jobs", "shape_jobs"]

# Where the part that measures them has not run.
ASSUMED = GpuLimits(copy_gb_s=2800.0, exp2_g_s=3500.0)
TURNS = 15
# Shapes whose kernels are looked at by hardware counters, N = 1 and N = 16.
PROFILED = (0, 5)
SECTIONS = ("SpeedOfLight", "ComputeWorkloadAnalysis", "MemoryWorkloadAnalysis", "WarpStateStats", "Occupancy")


def limits(run: Settings) -> None:
    """What the card copies, and how many exponentials it computes."""
    found = measure_limits(device(run), 1 if run.stub else 10, 1 << 10 if run.stub else 1 << 28)
    results = Results(run.out)
    results.note("limits", **asdict(found))
    results.show(f"limits: copy {found.copy_gb_s:.0f} GB/s, exp2 {found.exp2_g_s:.0f} G/s")


def inputs(run: Settings, number: int) -> GpuInputs:
    """Inputs of a shape, with few samples under a stub."""
    shape = SHAPES[number]
    if run.stub:
        shape = replace(shape, size=replace(shape.size, samples=FEW))
    return gpu_inputs(shape, device(run))


def shape_jobs(run: Settings, seconds: float) -> list[Job]:
    """Ours alone, a process for each shape."""
    return [Job(f"shape {n}", partial(_in_stub, run, partial(_figures, run, n, ())), seconds) for n in run.shapes]


def peer_jobs(run: Settings, seconds: float) -> list[Job]:
    """Ours and the peers in turns in one process; a process for each shape, since a peer may crash its own."""
    shapes = [n for n in run.shapes if SHAPES[n].strategy in {peer.strategy for peer in PEERS}]
    return [Job(f"peers {n}", partial(_in_stub, run, partial(_figures, run, n, PEERS)), seconds) for n in shapes]


def _in_stub(run: Settings, call: Any) -> None:
    under_a_stub(run, call, SAMPLES)


def _figures(run: Settings, number: int, peers: Sequence[GpuPeer]) -> None:
    results = Results(run.out)
    kind = "peer" if peers else "figure"
    with results.caught(kind, shape=SHAPES[number].name):
        given = inputs(run, number)
        timed = partial(gpu_turns, turns=1 if run.stub else TURNS)
        for figure in shape_figures(given, _limits(run), timed, peers):
            results.note(kind, **asdict(figure))
    if not peers and not run.stub:
        with results.caught("kernels", shape=SHAPES[number].name):
            results.note("kernels", shape=SHAPES[number].name, microseconds=_by_kernel(given))


def _limits(run: Settings) -> GpuLimits:
    found = [line for line in read(run.out) if line["kind"] == "limits" and "copy_gb_s" in line]
    return GpuLimits(found[-1]["copy_gb_s"], found[-1]["exp2_g_s"]) if found else ASSUMED


def _by_kernel(given: GpuInputs) -> list[tuple[str, int, float]]:
    """What each kernel of a forward and backward takes by the profiler: name, calls, microseconds, longest first."""
    from torch.profiler import ProfilerActivity, profile

    call = forward_or_both(*ours(given), backward=True)
    call()
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        call()
        torch.cuda.synchronize()
    events = [(e.key[:60], e.count, round(e.device_time_total, 1)) for e in seen.key_averages()]
    return sorted(events, key=lambda event: -event[2])[:12]


def profile_jobs(run: Settings, seconds: float) -> list[Job]:
    """Nsight Compute over the scan's kernels, where it is installed; its text goes to ncu.txt."""
    return [Job(f"ncu {n}", partial(_ncu, run, n), seconds) for n in PROFILED if n in run.shapes]


def _ncu(run: Settings, number: int) -> None:
    results = Results(run.out)
    program = [sys.executable, "-m", __package__ or "", "--once", str(number)]
    ncu = shutil.which("ncu")
    if run.stub:
        once(run, number)
        results.note("profile", shape=SHAPES[number].name, code=0)
        return
    if ncu is None:
        results.note("profile", shape=SHAPES[number].name, error="ncu is not installed: no hardware counters")
        results.show("profile: ncu is not installed, no hardware counters")
        return
    sections = [word for section in SECTIONS for word in ("--section", section)]
    only = ["-k", "regex:selective_scan_(forward|backward)", "-c", "2", "--clock-control", "none"]
    words = [ncu, "--target-processes", "all", *only, *sections, *program]
    with (run.out / "ncu.txt").open("a", encoding="utf-8") as file:
        file.write(f"==== {SHAPES[number].name}\n")
        file.flush()
        code = subprocess.run(words, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    results.note(
        "profile", shape=SHAPES[number].name, **({"error": f"exit {code}, see ncu.txt"} if code else {"code": 0})
    )


def once(run: Settings, number: int) -> None:
    """Forward and backward of a shape, once."""
    _in_stub(run, lambda: forward_or_both(*ours(inputs(run, number)), backward=True)())
