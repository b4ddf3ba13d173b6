"""CT-sized volumes through a scan and through attention: time and memory, forward and backward.

`python benchmarks/volumes.py [--pairs N] [--json FILE]`. A synthetic volume of 128 voxels a side in patches of 4, and
one of 256 in patches of 8: 32,768 tokens each, batch 1, float32, on the CPU. One block each with equal parameters: the
three paths of SegMamba, and softmax attention by torch's fused kernel; then the whole segmenter, that block with a
U-Net. Both kinds take turns, so that a machine that does other things meets both; seconds are by the clock and of the
processor, which counts what the process itself had of all cores. Memory is the most that the process grew by in one
pass (Linux tells). Attention that keeps its scores is not run: what they alone would take is computed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import torch

from scanlab.bench.machine import environment
from scanlab.cpus import cores
from scanlab.nn import Backbone, BackboneConfig, MixerConfig, Segmenter
from scanlab.nn.measure import PeakMemory, matched, parameter_count
from scanlab.zoo.presets import VMAMBA_MIXER

__all__ = ["Case", "Figure", "lines", "measure"]

SCAN = "segmamba"
DIM, HEADS, CLASSES, WIDTH = 64, 4, 14, 8
FUSED, UNFUSED, OURS = "attention, fused kernel", "attention, scores in memory", "scan, SegMamba's three paths"
# At least so many arrays of the scores' size are there at once: scores and weights; and a gradient of them.
SCORES = {False: 2, True: 3}
# Of the free memory, what a pass may take before it is not tried.
SHARE = 0.7


@dataclass(frozen=True)
class Case:
    """A volume, and what reads it. kind: OURS or FUSED; whole: the segmenter, not the backbone alone."""

    extent: int
    patch: int
    kind: str
    whole: bool = False

    @property
    def tokens(self) -> int:
        """Patches of the volume."""
        return (self.extent // self.patch) ** 3


@dataclass(frozen=True)
class Figure:
    """One case, forward alone or with its backward pass. seconds: by the clock, of every pass; processor: of all cores;
    peak_bytes: what the process grew by; note: why there are none."""

    case: Case
    training: bool
    parameters: int
    seconds: tuple[float, ...] = ()
    processor: tuple[float, ...] = ()
    peak_bytes: int | None = None
    note: str = ""


def build(case: Case, dim: int = DIM) -> torch.nn.Module:
    """The model of a case: a block over patches, or with a U-Net around it."""
    mixers = {OURS: (SCAN, VMAMBA_MIXER), FUSED: ("slices", MixerConfig(kind="attention", head=dim // HEADS))}
    scan, mixer = mixers[case.kind]
    config = BackboneConfig(patch=case.patch, dim=dim, depth=1, mixer=mixer, mlp=2.0, positions="none")
    backbone = Backbone(scan, config, input_size=(case.extent,) * 3)
    return Segmenter(backbone, CLASSES, WIDTH, decoder="unet") if case.whole else backbone


def widths() -> dict[str, int]:
    """Of both kinds, so that their blocks have as many parameters."""
    first, other = Case(16, 4, OURS), Case(16, 4, FUSED)
    target = parameter_count(build(first))
    return {OURS: DIM, FUSED: matched(lambda dim: build(other, dim), target, parameter_count, 8, 0.15)[1]}


def measure(pairs: int, say: Callable[[Figure], object] = lambda _: None) -> Iterator[Figure]:
    """All cases, the two kinds of each in turns."""
    dims = widths()
    for extent, patch in ((128, 4), (256, 8)):
        for training in (False, True):
            for figure in _in_turns([Case(extent, patch, kind) for kind in (OURS, FUSED)], dims, training, pairs):
                say(figure)
                yield figure
            yield _unfused(Case(extent, patch, UNFUSED), dims[FUSED], training)
    smaller = {}
    for extent, patch in ((128, 4), (256, 8)):
        for training in (False, True):
            case = Case(extent, patch, OURS, whole=True)
            expected = 8 * smaller.get(training, 0)
            if expected > SHARE * _free():
                note = f"about {expected / 1e9:.0f} GB, eight times what 128 voxels a side take; not run here"
                figure = Figure(case, training, parameter_count(build(case)), note=note)
            else:
                [figure] = _in_turns([case], dims, training, 1)
                smaller.setdefault(training, figure.peak_bytes or 0)
            say(figure)
            yield figure


def _in_turns(cases: Sequence[Case], dims: dict[str, int], training: bool, pairs: int) -> Iterator[Figure]:
    torch.manual_seed(0)
    models = {case: build(case, dims[case.kind]).train(training) for case in cases}
    volume = torch.rand(1, 1, *(cases[0].extent,) * 3)
    clock: dict[Case, list[float]] = {case: [] for case in cases}
    processor: dict[Case, list[float]] = {case: [] for case in cases}
    peaks: dict[Case, int | None] = {}
    for turn in range(pairs + 1):
        for case, model in models.items():
            with PeakMemory() as memory:
                before = perf_counter(), process_time()
                _pass(model, volume, training)
                after = perf_counter(), process_time()
            # In the first turn kernels are compiled and threads start.
            if turn or pairs == 0:
                clock[case].append(after[0] - before[0])
                processor[case].append(after[1] - before[1])
                peaks[case] = memory.peak
    for case, model in models.items():
        count = parameter_count(model)
        yield Figure(case, training, count, tuple(clock[case]), tuple(processor[case]), peaks[case])


def _pass(model: torch.nn.Module, volume: torch.Tensor, training: bool) -> None:
    with torch.set_grad_enabled(training):
        y = model(volume)
        if training:
            y.square().mean().backward()
    model.zero_grad(set_to_none=True)


def _unfused(case: Case, dim: int, training: bool) -> Figure:
    """What attention needs at least that keeps its scores; it is never run: a system would end the process."""
    needed = 4 * HEADS * case.tokens**2 * SCORES[training]
    count = parameter_count(build(Case(case.extent, case.patch, FUSED), dim))
    free = f"{_free() / 1e9:.0f} GB were free"
    return Figure(case, training, count, note=f"its scores alone take {needed / 1e9:.0f} GB, computed; {free}; not run")


def _free() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def lines(figures: Sequence[Figure]) -> Iterator[str]:
    """A line for every figure."""
    for figure in figures:
        case = figure.case
        what = f"{case.extent}³ at patch {case.patch}, {'segmenter' if case.whole else 'block'}, {case.kind}"
        yield f"{what}, {'forward and backward' if figure.training else 'forward'}: {_measured(figure)}"


def _measured(figure: Figure) -> str:
    if figure.note:
        return figure.note
    memory = "memory not known" if figure.peak_bytes is None else f"{figure.peak_bytes / 1e6:,.0f} MB"
    return f"{median(figure.seconds):.1f} s, {median(figure.processor):.1f} s of the processor, {memory}"


def as_data(figures: Sequence[Figure], pairs: int) -> dict[str, object]:
    """Ready for JSON, with command, versions and device."""
    about = environment(("scanlab", "torch", "numba", "numpy"))
    load = os.getloadavg()[0]
    sizes = {"threads": torch.get_num_threads(), "cores": cores(), "pairs": pairs, "load": round(load, 1), "scan": SCAN}
    sizes |= {"widths": widths(), "heads": HEADS, "classes": CLASSES, "unet_width": WIDTH, "precision": "float32"}
    return {**about, **sizes, "figures": [asdict(f) | {"tokens": f.case.tokens} for f in figures]}


def main() -> None:
    """Measure, print the figures, and write JSON where asked for."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--pairs", type=int, default=3, help="measured passes of each kind, in turns")
    ask.add_argument("--json", type=Path)
    given = ask.parse_args()
    figures = []
    for figure in measure(given.pairs, lambda f: print(next(lines([f])), file=sys.stderr, flush=True)):
        figures.append(figure)
    print("\n".join(lines(figures)))
    if given.json:
        data = json.dumps(as_data(figures, given.pairs), indent=1, ensure_ascii=False)
        given.json.write_text(data + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
