"""Whole models beside each other as images grow: time, memory, and where the scan overtakes attention."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor, nn

from scanlab.bench.timing import Times, in_turns, peak_extra_memory
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig
from scanlab.nn.measure import flop_count, matched, parameter_count
from scanlab.zoo.presets import VIM_MIXER, VMAMBA_MIXER

__all__ = ["KINDS", "Model", "Point", "Report", "crossing", "measure", "models", "sentences"]

PATCH, CHANNELS, CLASSES = 4, 3, 10
SIDES = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
ATTENTION = "attention (ViT)"
# Every kind: its scan, its mixer, its MLP, its norm.
KINDS: dict[str, tuple[str, MixerConfig, float, str]] = {
    "scan (Vim's block)": ("sum(row, -row)", VIM_MIXER, 0.0, "rms"),
    "scan (VMamba's block)": ("cross", VMAMBA_MIXER, 4.0, "layer"),
    ATTENTION: ("row", MixerConfig(kind="attention"), 4.0, "layer"),
    "convolution 7x7": ("row", MixerConfig(kind="convolution", taps=7, expand=1.0), 4.0, "layer"),
    "Vim's block, no scan": ("sum(row, -row)", replace(VIM_MIXER, kind="none"), 0.0, "rms"),
}
# Of attention; the other kinds have none.
HEADS = 4
# Widths are multiples of 8, which on small models leaves gaps.
STEP, TOLERANCE = 8, 0.15


@dataclass(frozen=True)
class Model:
    """One kind at the width that matches the first kind; gflops: of one image of `tokens` patches."""

    kind: str
    dim: int
    parameters: int
    gflops: float
    tokens: int


@dataclass(frozen=True)
class Point:
    """One kind at one number of tokens; memory in bytes beyond what was there before, None where it is not known."""

    kind: str
    tokens: int
    times: Times
    memory: int | None


@dataclass(frozen=True)
class Report:
    """What was measured: on which device, with how many images at once, backward or forward alone."""

    device: str
    batch: int
    depth: int
    backward: bool
    models: tuple[Model, ...]
    points: tuple[Point, ...]
    match: str = "parameters"
    stopped: dict[str, str] = field(default_factory=dict)


def models(dim: int, depth: int, match: str = "parameters") -> dict[str, Callable[[int], Classifier]]:
    """A builder per kind, for images of a side in patches, with equal parameters, or equal "flops" at 64 patches.

    Raises S630 where no width is near, S631 for another match.
    """
    if match not in MATCHES:
        raise ScanlabError.at("S631", f"models cannot be matched in {match!r}", help=f"choose {' or '.join(MATCHES)}")
    first, *others = KINDS
    built = {first: dim}
    count = MATCHES[match]
    target = count(_build(first, dim, depth, SIDES[0]))
    for kind in others:
        build = partial(_build, kind, depth=depth, side=SIDES[0])
        _, built[kind] = matched(build, target, count, STEP, TOLERANCE)
    return {kind: partial(_build, kind, width, depth) for kind, width in built.items()}


def measure(
    dim: int = 192,
    depth: int = 4,
    most_tokens: int = 4096,
    backward: bool = False,
    device: str = "cpu",
    batch: int = 1,
    seconds: float = 10.0,
    match: str = "parameters",
    on_tokens: Callable[[int], None] = lambda _: None,
) -> Report:
    """Time all kinds from 64 tokens up, in turns, `seconds` per number of tokens.

    A kind that needs over ten times its share of the seconds for one pass, or more memory than there is, goes no
    further; the report says so. `on_tokens` gets each number of tokens before its turn. Raises S753 without a GPU.
    """
    if device != "cpu" and not torch.cuda.is_available():
        raise ScanlabError.at("S753", f"there is no GPU for --device {device}", help="leave the option out")
    builders = models(dim, depth, match)
    sizes = [_described(kind, build, SIDES[0]) for kind, build in builders.items()]
    points: list[Point] = []
    stopped: dict[str, str] = {}
    for side in (s for s in SIDES if s * s <= most_tokens):
        on_tokens(side * side)
        going = {kind: build for kind, build in builders.items() if kind not in stopped}
        for point in _points(going, side, batch, backward, device, seconds):
            if isinstance(point, Point):
                points.append(point)
            else:
                stopped[point[0]] = point[1]
            if isinstance(point, Point) and point.times.median_ms > 1e4 * seconds / len(builders):
                stopped[point.kind] = f"{point.times.median_ms / 1e3:.1f} s at {point.tokens} tokens"
    return Report(device, batch, depth, backward, tuple(sizes), tuple(points), match, stopped)


def crossing(report: Report, kind: str, what: Callable[[Point], float | None], other: str = ATTENTION) -> float | None:
    """The number of tokens from which on a kind has less than another of something, to the end of what was measured.

    Between two measured sizes by a line through logarithms. 0 where it has less from the start, None where it ends
    with more, or where the two were not measured together.
    """
    both = _gaps(report, kind, what, other)
    if not both or both[-1][1] >= 0:
        return None
    last = max((i for i, (_, gap) in enumerate(both) if gap >= 0), default=-1)
    if last < 0:
        return 0.0
    (low, before), (high, after) = both[last], both[last + 1]
    return math.exp(math.log(low) + (math.log(high) - math.log(low)) * before / (before - after))


def _gaps(
    report: Report, kind: str, what: Callable[[Point], float | None], other: str = ATTENTION
) -> list[tuple[int, float]]:
    """The numbers of tokens at which both were measured, and the logarithm of a kind's share of the other's."""
    return [
        (n, math.log(mine / theirs))
        for n in sorted({p.tokens for p in report.points})
        if (mine := _value(report, kind, n, what)) and (theirs := _value(report, other, n, what))
    ]


def _value(report: Report, kind: str, tokens: int, what: Callable[[Point], float | None]) -> float | None:
    return next((what(p) for p in report.points if p.kind == kind and p.tokens == tokens), None)


def _flops(model: nn.Module) -> int:
    side = SIDES[0] * PATCH
    return flop_count(model, torch.zeros(1, CHANNELS, side, side))


MATCHES: dict[str, Callable[[Classifier], int]] = {"parameters": parameter_count, "flops": _flops}


def _points(
    builders: dict[str, Callable[[int], Classifier]], side: int, batch: int, backward: bool, device: str, seconds: float
) -> Iterator[Point | tuple[str, str]]:
    """All kinds at one size: what was measured, or why it could not be."""
    images = torch.rand(batch, CHANNELS, side * PATCH, side * PATCH, device=device)
    calls, memory = {}, {}
    for kind, build in builders.items():
        try:
            call = _call(build(side).to(device), images, backward, device)
            call()
            memory[kind] = _memory(call, device)
            calls[kind] = call
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            yield kind, f"out of memory at {side * side} tokens"
    for kind, times in in_turns(calls, seconds).items():
        yield Point(kind, side * side, times, memory[kind])


def _out_of_memory(error: Exception) -> bool:
    # torch has an error of its own for GPUs; on a CPU it raises a plain RuntimeError, known by its words alone.
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _build(kind: str, dim: int, depth: int, side: int) -> Classifier:
    scan, mixer, mlp, norm = KINDS[kind]
    mixer = replace(mixer, head=dim // HEADS)
    config = BackboneConfig(
        patch=PATCH, dim=dim, depth=depth, mixer=mixer, mlp=mlp, positions="none", norm_kind=norm, readout="mean"
    )
    return Classifier(Backbone(scan, config, input_size=(side * PATCH,) * 2, channels=CHANNELS), CLASSES)


def _described(kind: str, build: Callable[[int], Classifier], side: int) -> Model:
    model = build(side)
    return Model(kind, model.backbone.dim, parameter_count(model), _flops(model) / 1e9, side * side)


def _call(model: nn.Module, images: Tensor, backward: bool, device: str) -> Callable[[], object]:
    model.train(backward)

    def run() -> None:
        if backward:
            model.zero_grad()
            model(images).square().mean().backward()
        else:
            with torch.no_grad():
                model(images)
        if device != "cpu":
            torch.cuda.synchronize()

    return run


def _memory(call: Callable[[], object], device: str) -> int | None:
    if device == "cpu":
        return peak_extra_memory(call)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call()
    return torch.cuda.max_memory_allocated() - before


def sentences(report: Report) -> Sequence[str]:
    """Where the scans overtake attention in time and in memory, as far as both were measured."""
    lines = []
    for kind in (k for k in KINDS if k.startswith("scan")):
        for word, what in (("faster", lambda p: p.times.median_ms), ("smaller in memory", lambda p: p.memory)):
            gaps = _gaps(report, kind, what)
            lines.append(f"{kind} {_where(crossing(report, kind, what), word, gaps)}.")
    return lines


def _where(tokens: float | None, word: str, gaps: Sequence[tuple[int, float]]) -> str:
    if not gaps:
        return f"cannot be said to be {word} than attention or not: no size was measured for both"
    most = gaps[-1][0]
    if tokens is None and any(gap < 0 for _, gap in gaps):
        return f"is {word} than attention at some sizes, but not at {most:,} tokens, the most measured for both"
    if tokens is None:
        return f"is not {word} than attention up to {most:,} tokens"
    if tokens == 0:
        return f"is {word} than attention at every size measured, up to {most:,} tokens"
    rounded = round(tokens, 1 - math.floor(math.log10(tokens)))
    return f"is {word} than attention from about {rounded:,.0f} tokens on, as measured up to {most:,}"
