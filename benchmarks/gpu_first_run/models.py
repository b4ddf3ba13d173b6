"""Images per second of whole models at 224 x 224 and batch 128 in bfloat16: eager, then compiled, the slowest start."""

from __future__ import annotations

import time
from functools import partial

import torch

from scanlab.bench.gpu_timing import event_ms
from scanlab.bench.throughput import PUBLISHED, SIDE, run_pass
from scanlab.zoo import create_model

from .device import FEW, device, under_a_stub
from .processes import Job
from .results import Results
from .settings import Settings

__all__ = ["model_jobs"]

BATCH, TURNS = 128, 7


def model_jobs(run: Settings, seconds: float, hows: tuple[str, ...] = ("eager", "compiled")) -> list[Job]:
    """A process for each model and way, eager ones first."""
    return [
        Job(f"{name}, {how}", partial(under_a_stub, run, partial(_model, run, name, how), BATCH), seconds)
        for how in hows
        for name in run.models
    ]


def _model(run: Settings, name: str, how: str) -> None:
    results, where = Results(run.out), device(run)
    batch = FEW if run.stub else BATCH
    # Recorded are the launches of the full size; a dry run need not bear it.
    side = SIDE if run.recording or not run.stub else 64
    model = create_model(name, input_size=(side, side)).to(where)
    if run.stub:
        _keep_blocks(model)
    # Under a stub the graph is traced, and nothing is compiled.
    backend = "aot_eager" if run.stub else "inductor"
    called = model if how == "eager" else torch.compile(model, fullgraph=True, backend=backend)
    images, labels = torch.rand(batch, 3, side, side, device=where), torch.randint(1000, (batch,), device=where)
    for training in (False, True):
        what = "training" if training else "inference"
        with results.caught("model", model=name, how=how, what=what):
            model.train(training)
            call = partial(run_pass, called, images, labels, training, bfloat16=True)
            began = time.perf_counter()
            call()
            torch.cuda.synchronize()
            first = time.perf_counter() - began
            torch.cuda.reset_peak_memory_stats()
            times = sorted(event_ms(call) for _ in range(1 if run.stub else TURNS))
            median = times[len(times) // 2]
            results.note(
                "model", model=name, how=how, what=what, batch=batch, first_s=round(first, 1), ms=median,
                images_s=round(1e3 * batch / median, 1), peak_bytes=torch.cuda.max_memory_allocated(),
                published_a100=PUBLISHED.get((name, training)),
            )  # fmt: skip


def _keep_blocks(model: torch.nn.Module, most: int = 1) -> None:
    """Shorten every stage: its blocks launch alike, and tracing all of them takes a CPU most of a minute."""
    for name, module in list(model.named_modules()):
        if name.endswith(".blocks") and isinstance(module, torch.nn.ModuleList):
            del module[most:]
