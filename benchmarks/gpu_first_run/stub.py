"""A device that is not there: launches are specialised and checked as on a GPU, recorded where wanted, and go nowhere.

With it the launch code runs on a CPU, so that a first run on a GPU does not begin with an error of shapes or grids, and
what a GPU will have to compile is known before. It changes Triton, torch and scanlab in the process that installs it,
for good: install it in a process that does nothing else.
"""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from triton.backends.compiler import GPUTarget
from triton.compiler import make_backend
from triton.language.core import constexpr, dtype
from triton.runtime import driver
from triton.runtime.jit import JITCallable, JITFunction

__all__ = ["as_for_samples", "install"]

# CUDA's limit of the second and third axis of a grid.
MOST_PROGRAMS = 65535
MULTIPROCESSORS = 132


def as_for_samples(few: int, many: int) -> None:
    """Let few samples be divided among programs as many would be, so that a CPU's memory holds what is launched."""
    from scanlab.ops.mamba import gpu_plan

    gpu_plan.PROGRAMS = gpu_plan.PROGRAMS * few / many


def install(arch: int = 90, records: Path | None = None, tag: str = "") -> None:
    """Let CPU tensors pass for tensors on a GPU of that compute capability.

    records: a file that gets a line for each specialisation, with the tag, see `compiling`.
    """
    target = GPUTarget("cuda", arch, 32)
    driver.set_active(_driver(target))
    _never_compile(target, records, tag)
    _no_torch_cuda()
    _scanlab_takes_cpu_tensors()
    _quick_convolutions()


def _driver(target: GPUTarget) -> Any:
    return SimpleNamespace(
        get_current_device=lambda: 0,
        get_current_stream=lambda device=0: 0,
        get_current_target=lambda: target,
        get_active_torch_device=lambda: torch.device("cpu"),
        get_device_interface=lambda: torch.cuda,
        set_current_device=lambda device: None,
        utils=SimpleNamespace(),
        launcher_cls=None,
    )


class _Compiled:
    """What a launch asks of a compiled kernel."""

    function = packed_metadata = None

    def launch_metadata(self, *_: Any) -> None:
        return None

    def run(self, *_: Any) -> None:
        return None


def _never_compile(target: GPUTarget, records: Path | None, tag: str) -> None:
    defaults = vars(make_backend(target).parse_options({}))
    launch = JITFunction.run

    def compiled(
        self: JITFunction,
        key: str,
        signature: Any,
        device: int,
        constants: Any,
        options: Any,
        attributes: Any,
        warmup: bool,
    ) -> Any:
        if records is not None:
            record = {
                "tag": tag,
                "kernel": _name(self),
                "signature": dict(signature),
                "constants": [[list(path), _plain(value)] for path, value in constants.items()],
                "attributes": [[list(path), value] for path, value in attributes.items()],
                "options": {n: v for n, v in vars(options).items() if n not in defaults or defaults[n] != v},
                "arch": target.arch,
            }
            with records.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        found = self.device_caches[device][0][key] = _Compiled()
        return found

    def checked(self: JITFunction, *arguments: Any, grid: Any, warmup: bool, **options: Any) -> Any:
        wanted: Any = grid({}) if callable(grid) else grid
        sizes = tuple(wanted)
        if min(sizes) < 1 or max(sizes[1:], default=1) > MOST_PROGRAMS:
            raise RuntimeError(f"CUDA error: invalid argument: a grid of {sizes} for {self.fn.__name__}")
        return launch(self, *arguments, grid=sizes, warmup=warmup, **options)

    setattr(JITFunction, "_do_compile", compiled)  # noqa: B010
    JITFunction.run = checked


def _name(function: Any) -> str:
    return f"{function.fn.__module__}:{function.fn.__name__}"


def _plain(value: Any) -> Any:
    """A constant as JSON; `compiling` reads it back."""
    if isinstance(value, JITCallable):
        return {"function": _name(value)}
    if isinstance(value, constexpr):
        return {"constexpr": value.value}
    return {"dtype": str(value)} if isinstance(value, dtype) else value


class _Event:
    """Tells the time of the CPU, so that something is measured."""

    def __init__(self, **_: Any) -> None:
        self.at = 0.0

    def record(self, *_: Any) -> None:
        self.at = time.perf_counter()

    def synchronize(self) -> None:
        return None

    def elapsed_time(self, end: _Event) -> float:
        return max(1e3 * (end.at - self.at), 1e-6)


def _no_torch_cuda() -> None:
    """Streams, events, graphs and counters that do nothing, in the place of torch.cuda's."""
    stream = SimpleNamespace(wait_stream=lambda other: None, cuda_stream=0)
    properties = SimpleNamespace(
        name="a stub", multi_processor_count=MULTIPROCESSORS, total_memory=80 << 30, L2_cache_size=50 << 20
    )
    stand_ins: dict[str, Any] = {
        "Event": _Event,
        "Stream": lambda *_: stream,
        "current_stream": lambda *_: stream,
        "CUDAGraph": lambda: SimpleNamespace(replay=lambda: None),
        "get_device_properties": lambda *_: properties,
        **dict.fromkeys(("stream", "graph", "device", "device_of"), lambda *_: nullcontext()),
        **dict.fromkeys(("synchronize", "reset_peak_memory_stats", "empty_cache"), lambda *_: None),
        **dict.fromkeys(("memory_allocated", "max_memory_allocated"), lambda *_: 0),
    }
    for name, value in stand_ins.items():
        setattr(torch.cuda, name, value)


def _scanlab_takes_cpu_tensors() -> None:
    from scanlab.bench import gpu
    from scanlab.nn import layer_paths
    from scanlab.ops import dispatch, resolve_paths

    checked, program = dispatch._checked, dispatch.program_for.__wrapped__
    cuda: Any = SimpleNamespace(type="cuda")
    dispatch._checked = lambda name, device, kind: name if name == "triton" else checked(name, device, kind)
    dispatch._FAST["cpu"] = "triton"
    as_on_a_gpu = cache(lambda scan: program(scan, cuda))
    for module in (dispatch, resolve_paths, layer_paths, gpu):
        setattr(module, "program_for", lambda scan, device: as_on_a_gpu(scan))  # noqa: B010


def _quick_convolutions() -> None:
    """Depthwise convolutions in half precision, which autocast asks for, take minutes on many CPUs."""
    convolve = torch.nn.functional.conv2d

    def conv2d(
        x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None, *rest: Any, **options: Any
    ) -> Any:
        low = torch.is_autocast_enabled("cpu")
        with torch.autocast("cpu", enabled=False):
            y = convolve(x.float(), weight.float(), None if bias is None else bias.float(), *rest, **options)
        return y.to(torch.bfloat16) if low else y

    torch.nn.functional.conv2d = conv2d
