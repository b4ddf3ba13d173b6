"""A stream of many frames: how fast each thousand is read, and that memory stays flat.

`python benchmarks/streams.py [--frames 10000] [--json FILE]`. A classifier of videos of 16x16 pixels in patches of
4x4, and a model of the next frame, read random frames one by one on one thread. Of every thousand: the median time
per frame, and what the process has resident after it (Linux; the C library is asked to return what it keeps). What
counts is the last thousand beside the first of the same run: the seconds alone are those of the machine as busy as it
was.
"""

from __future__ import annotations

import argparse
import ctypes
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch import nn

from scanlab.bench.machine import environment
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, NextFrame, stream

PART, FRAME = 1000, (16, 16)
LINE = "sum((by t, h, w), (by t, -h, -w))"


def _backbone(channels: int) -> Backbone:
    mixer = MixerConfig(state=8, convolution="path", taps=4)
    config = BackboneConfig(patch=(1, 4, 4), dim=32, depth=2, positions="none", mixer=mixer)
    return Backbone(LINE, config, input_size=(8, *FRAME), channels=channels)


MODELS: dict[str, Callable[[], nn.Module]] = {
    "classifier": lambda: Classifier(_backbone(1), 8),
    "next frame": lambda: NextFrame(_backbone(2)),
}


def resident() -> int | None:
    """Bytes of this process; None where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    [line] = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
    return 1024 * int(line.split()[1])


@torch.no_grad()
def measured(model: nn.Module, frames: int) -> list[dict[str, float | int | None]]:
    """Every thousand frames: the median milliseconds of one, and the memory after them."""
    live, draw = stream(model.eval()), torch.Generator().manual_seed(0)
    for _ in range(20):
        live.read(torch.rand(1, 1, 1, *FRAME, generator=draw))
    live.reset()
    parts: list[dict[str, float | int | None]] = []
    for first in range(0, frames, PART):
        times = []
        for _ in range(min(PART, frames - first)):
            frame = torch.rand(1, 1, 1, *FRAME, generator=draw)
            start = perf_counter()
            live.read(frame)
            times.append(1000 * (perf_counter() - start))
        parts.append({"frames": first + len(times), "milliseconds": round(median(times), 3), "resident": resident()})
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    figures = {}
    for name, build in MODELS.items():
        figures[name] = parts = measured(build(), options.frames)
        for part in parts:
            memory = "" if part["resident"] is None else f", {part['resident'] / 1e6:,.1f} MB resident"
            print(f"{name}: {part['frames']:,} frames, {part['milliseconds']} ms a frame{memory}", flush=True)
    if options.json:
        about = environment(("torch", "numba", "numpy")) | {"order": LINE, "figures": figures}
        options.json.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
