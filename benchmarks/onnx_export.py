"""Exported scans and models in onnxruntime beside torch with ScanLab's kernels, on a CPU.

`python benchmarks/onnx_export.py [--part scans|models] [--rounds N] [--json FILE] [--plot FILE]`. One thread each, in
turns, in one process. Figures are medians of the CPU time of that thread, and not of the clock, so that programs that
run beside take their share of the caches and not of the figures. Scans: the same inputs, from the delta before its
softplus to the merged output, over random orders; all ways of writing them. Models: published ones and one with heads,
batch 1, as `scanlab export` writes them.
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
from time import thread_time
from typing import Any

import torch

from scanlab.bench.machine import environment
from scanlab.export import FORMS, open_onnx, to_onnx
from scanlab.export.basic import softplus
from scanlab.export.diagonal import Diagonal
from scanlab.export.forms import Form
from scanlab.export.graph import Graph, Value
from scanlab.export.heads_scan import Heads
from scanlab.export.layout import Layout, layout_of
from scanlab.export.protos import model_of
from scanlab.export.scans import OF_CHANNELS, OF_HEADS, collected
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig
from scanlab.ops import index_table, selective_scan, ssd
from scanlab.zoo import create_model

__all__ = ["Figure", "models", "scans"]

# What is scanned: paths, steps, channels, states; heads where there are some.
CHANNELS = {
    "Mamba, N = 1, 14x14 (VMamba's third stage)": (4, 196, 384, 1),
    "Mamba, N = 1, 28x28": (4, 784, 192, 1),
    "Mamba, N = 1, 56x56": (4, 3136, 96, 1),
    "Mamba, N = 16, one path of 14x14": (1, 196, 384, 16),
    "Mamba, N = 16, 197 tokens both ways (Vim)": (2, 197, 384, 16),
}
HEADS = {
    "Mamba-2, 6 heads of 64, N = 16, 14x14": (1, 196, 6, 64, 16),
    "Mamba-2, 6 heads of 64, N = 16, 14x14 both ways": (2, 196, 6, 64, 16),
    "Mamba-2, 12 heads of 64, N = 64, 14x14 both ways": (2, 196, 12, 64, 64),
}
PUBLISHED = ("vim_tiny", "vmamba_tiny_s1l8", "vmamba_tiny_v0", "plainmamba_l1", "videomamba_tiny")
# The name of each way, and the form that it is written for.
WAYS = {
    "attention, onnxruntime's": ("attention", "onnxruntime"),
    "attention, standard": ("attention", "portable"),
    "blocked": ("blocked", "plain"),
    "stepped": ("stepped", "onnxruntime"),
    "chunked": ("chunked", "plain"),
}
TORCH = "ScanLab's kernel"
THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS")
# A way that takes so many times as long as torch is run less often.
SLOW = 20


@dataclass(frozen=True)
class Figure:
    """Milliseconds of CPU time of one thread, how many times torch's that is, and the largest difference to it."""

    what: str
    way: str
    cpu_ms: float
    ratio: float
    difference: float


def in_turns(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Medians of CPU time in milliseconds; each call runs once unmeasured before every measured run."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for number in range(rounds):
        for name, call in calls.items():
            slow = times[name] and times[name][0] > SLOW * times[TORCH][0]
            if slow and number > 2:
                continue
            call()
            start = thread_time()
            call()
            times[name].append(thread_time() - start)
    return {name: 1e3 * median(values) for name, values in times.items()}


def compared(
    what: str, ours: Callable[[], torch.Tensor], theirs: dict[str, Callable[[], torch.Tensor]], rounds: int
) -> Iterator[Figure]:
    """Torch and every way, a figure each."""
    times = in_turns({TORCH: ours, **theirs}, rounds)
    want = ours()
    for name, cpu_ms in times.items():
        difference = 0.0 if name == TORCH else float((theirs[name]() - want).abs().max())
        yield Figure(what, name, cpu_ms, cpu_ms / times[TORCH], difference)


def runs(graph: Graph, form: Form, y: Value, feeds: dict[str, torch.Tensor]) -> Callable[[], torch.Tensor]:
    """A call of the graph in onnxruntime."""
    graph.output(y, "y")
    session = open_onnx(model_of(graph, form, "scan", {}), threads=1)
    arrays = {name: tensor.numpy() for name, tensor in feeds.items()}
    return lambda: torch.from_numpy(session.run(None, arrays)[0])


def of_channels(shape: tuple[int, int, int, int]) -> tuple[Callable, dict[str, Callable]]:
    """Mamba's scan over random orders."""
    paths, steps, channels, states = shape
    u, delta = torch.randn(1, steps, channels), torch.randn(1, paths, steps, channels)
    bc, decay = torch.randn(1, paths, steps, 2 * states), -torch.rand(paths, channels, states) * 2
    table = index_table(torch.stack([torch.randperm(steps) for _ in range(paths)]), steps)
    b, c = bc.chunk(2, dim=-1)
    ours = lambda: selective_scan(u, delta, decay, b, c, delta_softplus=True, paths=table)  # noqa: E731

    def written(way: str, name: str) -> Callable[[], torch.Tensor]:
        form = FORMS[name]
        graph, layout = Graph(form.opset), layout_of([table])
        given = [graph.input(n, *t.shape[1:]) for n, t in (("u", u), ("delta", delta), ("bc", bc))]
        step = softplus(graph, given[1])
        x = graph.mul(step, graph.reshape(given[0], 1, steps, channels))
        flat = [graph.reshape(v, paths * steps, v.shape[3]) for v in (step, x, given[2])]
        scanned = OF_CHANNELS[way](graph, Diagonal(layout, *flat, decay.numpy()), form.domain)
        return runs(graph, form, joined(graph, scanned, layout), {"u": u, "delta": delta, "bc": bc})

    return ours, {name: written(*how) for name, how in WAYS.items() if how[0] in OF_CHANNELS}


def of_heads(shape: tuple[int, int, int, int, int]) -> tuple[Callable, dict[str, Callable]]:
    """Mamba-2's scan over random orders."""
    paths, steps, heads, width, states = shape
    x, dt = torch.randn(1, paths, steps, heads, width), torch.rand(1, paths, steps, heads)
    bc, decay = torch.randn(1, paths, steps, 2 * states), -torch.rand(paths, heads) * 2
    table = index_table(torch.stack([torch.randperm(steps) for _ in range(paths)]), steps)
    b, c = bc.chunk(2, dim=-1)
    ours = lambda: ssd(x, dt, decay, b, c, paths=table).flatten(2)  # noqa: E731

    def written(way: str, name: str) -> Callable[[], torch.Tensor]:
        form = FORMS[name]
        graph, layout = Graph(form.opset), layout_of([table])
        given = [graph.input(n, *t.shape[1:]) for n, t in (("x", x), ("dt", dt), ("bc", bc))]
        v = graph.mul(given[0], graph.reshape(given[1], paths, steps, heads, 1))
        g = graph.mul(given[1], graph.constant(decay[:, None]))
        flat = [graph.reshape(v, paths * steps, heads * width), graph.reshape(g, paths * steps, heads)]
        problem = Heads(layout, *flat, graph.reshape(given[2], paths * steps, 2 * states))
        scanned = OF_HEADS[way](graph, problem, form.domain)
        return runs(graph, form, joined(graph, scanned, layout), {"x": x, "dt": dt, "bc": bc})

    return ours, {name: written(*how) for name, how in WAYS.items() if how[0] in OF_HEADS}


def joined(graph: Graph, scanned: Any, layout: Layout) -> Value:
    """The sum of the paths, by row."""
    return collected(graph, scanned.y, scanned.positions, layout)


def scans(rounds: int) -> Iterator[Figure]:
    """Every scan in every way."""
    for what, shape in CHANNELS.items():
        yield from compared(what, *of_channels(shape), rounds)
    for what, shape in HEADS.items():
        yield from compared(what, *of_heads(shape), rounds)


def with_heads() -> Classifier:
    """A model like Vim-T whose scans have six heads."""
    mixer = MixerConfig(kind="ssd", state=64, head=64, convolution="path", taps=4, parameters="per_path", average=True)
    config = BackboneConfig(patch=16, dim=192, depth=24, norm_kind="rms", mixer=mixer)
    return Classifier(Backbone("sum(row, -row)", config, input_size=(224, 224), channels=3), 1000)


def models(rounds: int) -> Iterator[Figure]:
    """Whole models, as they are written by default."""
    builders = {name: lambda name=name: create_model(name) for name in PUBLISHED}
    builders["Mamba-2 in the shape of Vim-T, 196 tokens"] = with_heads
    for what, build in builders.items():
        model = build().eval()
        images = torch.rand(1, model.backbone.channels, *model.backbone.input_size)
        session = open_onnx(to_onnx(model).model, threads=1)
        ours = torch.inference_mode()(lambda model=model, images=images: model(images))
        feeds = {"images": images.numpy()}
        theirs = lambda session=session, feeds=feeds: torch.from_numpy(session.run(None, feeds)[0])  # noqa: E731
        yield from compared(what, ours, {"exported": theirs}, rounds)


def plot(figures: Sequence[dict[str, Any]], file: Path) -> None:
    """Draw how many times torch's CPU time every way takes."""
    import matplotlib.pyplot as plt

    shown = [figure for figure in figures if figure["way"] != TORCH]
    names = list(dict.fromkeys(figure["what"] for figure in shown))
    marks = dict(zip(dict.fromkeys(figure["way"] for figure in shown), "os^Dv*", strict=False))
    picture, axes = plt.subplots(figsize=(9, 0.42 * len(names) + 1.4))
    for way, mark in marks.items():
        own = [figure for figure in shown if figure["way"] == way]
        axes.plot([f["ratio"] for f in own], [names.index(f["what"]) for f in own], mark, label=way, alpha=0.8)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("CPU time of one thread in onnxruntime, as a multiple of ScanLab's in torch")
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.legend(fontsize=8)
    picture.savefig(file, bbox_inches="tight", metadata={"Date": None} if file.suffix == ".svg" else None)


def main(words: Sequence[str] | None = None) -> None:
    """Print every figure as it comes, and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("scans", "models", "all"), default="all")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args(words)
    if any(os.environ.get(name) != "1" for name in THREADS):
        # Libraries read these when they are loaded.
        os.environ.update(dict.fromkeys(THREADS, "1"))
        os.execv(sys.executable, [sys.executable, *sys.argv])
    torch.set_num_threads(1)
    torch.manual_seed(0)
    parts = {"scans": scans, "models": models}
    figures = []
    for name, part in parts.items():
        if options.part not in (name, "all"):
            continue
        for figure in part(options.rounds):
            figures.append({"part": name} | asdict(figure))
            print(
                f"{figure.what:50} {figure.way:26} {figure.cpu_ms:9.2f} ms {figure.ratio:6.2f} times "
                f"{TORCH}, difference {figure.difference:.0e}",
                flush=True,
            )
    if options.json:
        about = environment(("torch", "numba", "numpy", "onnx", "onnxruntime"))
        given = (Path(word).name if Path(word).is_absolute() else word for word in words or sys.argv[1:])
        about["command"] = " ".join(["python benchmarks/onnx_export.py", *given])
        about["clock"] = "CPU time of one thread; other programs ran on the machine"
        options.json.write_text(json.dumps(about | {"figures": figures}, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        plot(figures, options.plot)


if __name__ == "__main__":
    main()
