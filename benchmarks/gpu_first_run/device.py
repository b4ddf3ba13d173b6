"""The device of a run, and how its numbers are drawn."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch

from .settings import Settings
from .stub import as_for_samples, install

__all__ = ["FEW", "device", "under_a_stub"]

# Samples under a stub: strides are as divisible as those of a full batch.
FEW = 2


def device(run: Settings) -> torch.device:
    """Where tensors go: under a stub they stay on the CPU."""
    return torch.device("cpu" if run.stub else "cuda")


def under_a_stub(run: Settings, call: Callable[[], object], samples: int = 0) -> None:
    """Run something, after installing the stub where the run has one; samples: of the full size that FEW stand for."""
    if run.stub:
        records = run.records / f"{run.recording}-{os.getpid()}.jsonl" if run.recording else None
        install(run.arch, records, run.recording)
        if samples:
            as_for_samples(FEW, samples)
    call()
