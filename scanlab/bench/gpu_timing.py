"""Time calls on a GPU as replays of CUDA graphs, so that no Python is in the time; queued where none can be captured.

A single call between two events lasts as long as Python takes to launch it: below about 0.3 ms that is what would be
measured, and every ratio of two such times would be near 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from scanlab.bench.timing import Times

__all__ = ["QUEUED", "REPLAY", "GpuTimes", "event_ms", "gpu_turns", "replayed"]

Call = Callable[[], object]
REPLAY = "graph replay"
CALLS = 10
QUEUED = f"{CALLS} queued calls"
# Replays last this long together between two events, which tell half a microsecond apart. At most MOST of them.
SPAN_MS, MOST = 1.0, 50


@dataclass(frozen=True)
class GpuTimes(Times):
    """Milliseconds of one call; how: REPLAY or QUEUED, and why no graph was captured."""

    how: str = REPLAY
    why: str = ""


@dataclass(frozen=True)
class _Run:
    """What stands between two events: `run`, `repeats` times."""

    run: Call
    repeats: int
    how: str
    why: str = ""


def gpu_turns(calls: Mapping[str, Call], turns: int) -> dict[str, GpuTimes]:
    """Run all calls in turns, timed by the device's own events, after runs that compile and warm up."""
    first = {name: event_ms(call) for name, call in calls.items()}
    runs = {name: _prepared(call) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(turns):
        for name, run in runs.items():
            times[name].append(event_ms(run.run, run.repeats))
    return {name: GpuTimes.of(times[name], first[name], run.how, run.why) for name, run in runs.items()}


def event_ms(call: Call, repeats: int = 1) -> float:
    """Milliseconds of the device between two events around `repeats` calls in a row, for one of them."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(repeats):
        call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / repeats


def replayed(call: Call) -> Call:
    """The replay of a CUDA graph of a call. Raises whatever the capture raises, where something waits or is copied."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    # Kernels are loaded, plans copied and workspaces made before the capture, on a stream like its own.
    with torch.cuda.stream(side):
        call()
        call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def _prepared(call: Call) -> _Run:
    try:
        replay = replayed(call)
        once = event_ms(replay)
    except Exception as error:  # a capture fails with whatever the call does that no graph may hold
        torch.cuda.synchronize()
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return _Run(call, CALLS, QUEUED, f"no graph was captured: {reason}")
    return _Run(replay, min(MOST, max(1, math.ceil(SPAN_MS / max(once, 1e-3)))), REPLAY)
