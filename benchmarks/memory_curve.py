"""Memory against tokens: a block that scans beside a block that attends, with a fused kernel and without.

`python benchmarks/memory_curve.py [--device cuda] [--most TOKENS] [--json FILE]`. One block each, equal parameters, one
square image; inference, and training (forward and backward), 256 tokens and up. What is counted is the peak beyond
weights and image: on a GPU what torch has allocated there at most, in bfloat16 under autocast; on a CPU the most that
the process has resident during the second pass (Linux tells; the C library returns what it kept before), in float32.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from scanlab.bench.machine import environment
from scanlab.bench.models import ATTENTION, CHANNELS, HEADS, KINDS, PATCH, models
from scanlab.nn.measure import PeakMemory, parameter_count

__all__ = ["Figure", "lines", "measure"]

SIDES = (16, 24, 32, 48, 64, 96, 128, 192, 256)
MOST = {"cpu": 4096, "cuda": 65536}
DIM, DEPTH = 192, 1
FUSED, UNFUSED = "attention, fused kernel", "attention, scores in memory"
KERNELS = {
    FUSED: [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.CUDNN_ATTENTION],
    UNFUSED: [SDPBackend.MATH],
}
SCANS = tuple(kind for kind in KINDS if kind.startswith("scan"))
# How many arrays of the scores' size are there at once at least: scores and weights, and a gradient of them.
SCORES = {False: 2, True: 3}
Build = Callable[[int], torch.nn.Module]


@dataclass(frozen=True)
class Figure:
    """One kind at one number of tokens. peak_bytes: None where it was not measured, and note says why."""

    kind: str
    tokens: int
    training: bool
    peak_bytes: int | None
    note: str = ""


def measure(
    device: str, sides: Sequence[int], batch: int = 1, say: Callable[[Figure], object] = lambda _: None
) -> Iterator[Figure]:
    """All kinds at every size, inference and training; what does not fit is not tried at larger sizes."""
    full: dict[tuple[str, bool], str] = {}
    for side in sides:
        for kind, build in builders().items():
            for training in (False, True):
                if (kind, training) in full:
                    figure = Figure(kind, side * side, training, None, full[kind, training])
                else:
                    figure = _figure(kind, build, side, training, device, batch)
                if figure.note:
                    full.setdefault((kind, training), f"not tried, as at {figure.tokens:,} tokens: {figure.note}")
                say(figure)
                yield figure


def builders() -> dict[str, Build]:
    """A builder for each kind, for images of a side in patches, all with equal parameters."""
    made = models(DIM, DEPTH)
    return {**{kind: made[kind] for kind in SCANS}, FUSED: made[ATTENTION], UNFUSED: made[ATTENTION]}


def _figure(kind: str, build: Build, side: int, training: bool, device: str, batch: int) -> Figure:
    tokens = side * side
    if why := _too_much(kind, tokens, training, device, batch):
        return Figure(kind, tokens, training, None, why)
    try:
        model = build(side).to(device).train(training)
        images = torch.rand(batch, CHANNELS, side * PATCH, side * PATCH, device=device)
        # Compiles, plans, starts threads: what happens once is not the block's memory.
        _pass(model, images, kind, training)
        with PeakMemory(device) as memory:
            _pass(model, images, kind, training)
    except (MemoryError, RuntimeError) as error:
        if not (isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)):
            raise
        return Figure(kind, tokens, training, None, "out of memory")
    return Figure(kind, tokens, training, memory.peak, "" if memory.peak is not None else "this system does not tell")


def _too_much(kind: str, tokens: int, training: bool, device: str, batch: int) -> str:
    """Why a CPU should not try: it would not fail, but the system would end the process. "" where there is room."""
    if kind != UNFUSED or device != "cpu":
        return ""
    needed = 4 * batch * HEADS * tokens**2 * SCORES[training]
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"its scores alone take {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free" if needed > 0.8 * free else ""


def _pass(model: torch.nn.Module, images: torch.Tensor, kind: str, training: bool) -> None:
    on_gpu = images.device.type == "cuda"
    kernel = sdpa_kernel(KERNELS[kind]) if kind in KERNELS else nullcontext()
    precision: AbstractContextManager[object] = torch.autocast("cuda", torch.bfloat16) if on_gpu else nullcontext()
    with torch.set_grad_enabled(training), precision, kernel:
        y = model(images)
        if training:
            y.float().square().mean().backward()
    model.zero_grad(set_to_none=True)
    if on_gpu:
        torch.cuda.synchronize()


def lines(figures: Sequence[Figure]) -> Iterator[str]:
    """A table of megabytes, then a sentence for each scan beside each kind of attention."""
    peaks = {(f.kind, f.tokens, f.training): f for f in figures}
    kinds, sizes = list(dict.fromkeys(f.kind for f in figures)), sorted({f.tokens for f in figures})
    for training in (False, True):
        yield f"{'training' if training else 'inference'}, MB:"
        yield f"  {'tokens':30}" + "".join(f"{tokens:>10,}" for tokens in sizes)
        for kind in kinds:
            yield f"  {kind:30}" + "".join(_cell(peaks.get((kind, tokens, training))) for tokens in sizes)
        yield from (f"  {note}" for note in dict.fromkeys(_notes(figures, training)))
    for scan in [kind for kind in kinds if kind in SCANS]:
        for other in (FUSED, UNFUSED):
            for training in (False, True):
                yield f"{scan}, {'training' if training else 'inference'}: {_compared(peaks, scan, other, training)}."


def _cell(figure: Figure | None) -> str:
    return f"{figure.peak_bytes / 1e6:10.1f}" if figure is not None and figure.peak_bytes is not None else f"{'–':>10}"


def _notes(figures: Sequence[Figure], training: bool) -> Iterator[str]:
    for figure in figures:
        if figure.note and figure.training == training:
            yield f"{figure.kind}, {figure.tokens:,} tokens: {figure.note}"


def _compared(peaks: dict[tuple[str, int, bool], Figure], scan: str, other: str, training: bool) -> str:
    """From how many tokens on a scan takes less than attention, and how much at the most that both were measured at."""
    both = [
        (tokens, math.log(mine.peak_bytes / theirs.peak_bytes))
        for (kind, tokens, mode), mine in sorted(peaks.items(), key=lambda item: item[0][1])
        if kind == scan and mode == training and mine.peak_bytes
        if (theirs := peaks.get((other, tokens, training))) is not None and theirs.peak_bytes
    ]
    if not both:
        return f"was measured nowhere beside {other}"
    most, last = both[-1]
    ratio = f"{math.exp(last):.2f} times as much memory as {other} at {most:,} tokens"
    above = [tokens for tokens, gap in both if gap >= 0]
    if not above:
        return f"less than {other} at every size; {ratio}"
    if above[-1] == most:
        return f"no less than {other} at the largest size; {ratio}"
    return f"less than {other} beyond {above[-1]:,} tokens; {ratio}"


def as_data(figures: Sequence[Figure], device: str, batch: int) -> dict[str, object]:
    """Ready for JSON, with command, versions and device."""
    about = environment(("scanlab", "torch", "triton", "numba", "numpy"))
    counts = {kind: parameter_count(build(SIDES[0])) for kind, build in builders().items()}
    about |= {"host": about["device"]}
    if device == "cuda":
        about["device"] = torch.cuda.get_device_name()
    precision = "bfloat16 under autocast" if device == "cuda" else "float32"
    sizes = {"dim": DIM, "depth": DEPTH, "batch": batch, "precision": precision, "parameters": counts}
    return {**about, **sizes, "figures": [asdict(figure) for figure in figures]}


def main() -> None:
    """Measure, print the table, and write JSON where asked for."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--device", choices=tuple(MOST), default="cpu")
    ask.add_argument("--most", type=int, help=f"tokens of the largest image; {MOST['cpu']:,} on a CPU unless given")
    ask.add_argument("--batch", type=int, default=1)
    ask.add_argument("--json", type=Path)
    given = ask.parse_args()
    most = given.most or MOST[given.device]
    sides = [side for side in SIDES if side * side <= most]

    def say(figure: Figure) -> None:
        print(f"{figure.kind}, {figure.tokens:,} tokens", file=sys.stderr, flush=True)

    figures = list(measure(given.device, sides, given.batch, say))
    print("\n".join(lines(figures)))
    if given.json:
        data = json.dumps(as_data(figures, given.device, given.batch), indent=1, ensure_ascii=False)
        given.json.write_text(data + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
