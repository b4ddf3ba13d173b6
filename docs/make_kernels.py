"""Fill the tables of docs/kernels.md and README.md from the recorded results: python docs/make_kernels.py."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from scanlab.bench.gpu_shapes import SHAPES

HERE = Path(__file__).parent
PAGES = (HERE / "kernels.md", HERE.parent / "README.md")
CPU = HERE / "../benchmarks/results/kernels-2core-cpu.json"
REGISTERS = HERE / "../tests/golden/gpu_registers.json"
H100 = HERE / "../benchmarks/results/gpu-first-run-h100.json"
OURS = "scanlab cpu"
IN_SHORT = {
    OURS: "**ScanLab**, any order",
    "C++ by hand": "the same scan by hand in C++ with AVX-512, a sketch",
    "mamba.py pscan": "mamba.py, parallel scan",
    "transformers, sequential": "transformers, step by step",
    "torch associative_scan": "torch, `associative_scan`",
}


def cpu() -> str:
    """Medians at every size, as multiples of ours, and random against row."""
    data = json.loads(CPU.read_text(encoding="utf-8"))
    versions = ", ".join(f"{k} {v}" for k, v in data["versions"].items())
    lines = [
        f"`{data['command']}` on {data['device']}, {data['threads']} threads; {versions}. Medians; MB: peak extra.",
        "",
    ]
    for backward, title in ((False, "Forward"), (True, "Forward and backward")):
        lines += [*_sizes(data, backward, title), ""]
    ratios = [f["ratio"] for f in data["orders"]]
    lengths = sorted({f["length"] for f in data["orders"]})
    lines.append(
        f"A random order against row by row, L = {lengths[0]} to {lengths[-1]}, N = 1 and 16, both directions: "
        f"{min(ratios):.2f} to {max(ratios):.2f} times the time."
    )
    roof = data["roofline"]
    lines.append(f"\nThe machine: {roof['copy_gb_s']:.0f} GB/s copied, {roof['exp2_g_s']:.1f}·10⁹ exp2 a second.")
    return "\n".join(lines)


def _sizes(data: dict[str, Any], backward: bool, title: str) -> list[str]:
    figures = {(f["size"], f["name"]): f for f in data["figures"] if f["backward"] == backward}
    sizes, names = data["sizes"], list(dict.fromkeys(f["name"] for f in data["figures"]))
    lines = [f"| {title} | {' | '.join(f'{k}: {v}' for k, v in sizes.items())} |", "|---" * (len(sizes) + 1) + "|"]
    for name in names:
        cells = [_cell(figures.get((size, name)), figures[size, OURS]) for size in sizes]
        if any(cells):
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _cell(figure: dict[str, Any] | None, ours: dict[str, Any]) -> str:
    if figure is None or figure["times"] is None:
        return ""
    time = figure["times"]["median_ms"]
    memory = "" if figure["peak_bytes"] is None else f", {figure['peak_bytes'] / 1e6:.0f} MB"
    ratio = "" if figure["name"] == OURS else f" ({time / ours['times']['median_ms']:.1f}×)"
    return f"{time:.2f} ms{ratio}{memory}"


def speed() -> str:
    """A layer of Vim-T, from the same record: what a visitor sees first."""
    data = json.loads(CPU.read_text(encoding="utf-8"))
    figures = {(f["name"], f["backward"]): f for f in data["figures"] if f["size"] == "S2" and f["times"]}
    lines = ["| | forward | forward and backward |", "|---|---:|---:|"]
    for name, title in IN_SHORT.items():
        cells = [_short(figures.get((name, b)), figures[OURS, b]) for b in (False, True)]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    versions = data["versions"]
    lines.append(
        f"\nMedians of `scanlab bench kernels`, recorded in `benchmarks/results/{CPU.name}`; "
        f"torch {versions['torch']}, mamba.py {versions['mambapy']}, transformers {versions['transformers']}. "
        "All sizes, memory, and the first run on an H100 are in [docs/kernels.md](docs/kernels.md)."
    )
    return "\n".join(lines)


def _short(figure: dict[str, Any] | None, ours: dict[str, Any]) -> str:
    if figure is None:
        return "not measured"
    time = figure["times"]["median_ms"]
    return f"{time:.2f}" if figure is ours else f"{time:.2f} ({time / ours['times']['median_ms']:.1f}×)"


def gpu() -> str:
    """What each kernel takes with the newest recorded Triton; below the table, what differs with states in and out."""
    data = json.loads(REGISTERS.read_text(encoding="utf-8"))
    version = max(data, key=lambda v: tuple(map(int, v.split("."))))
    lines = [
        f"Triton {version}, bfloat16, states from zero and not returned:",
        "",
        "| kernel | N | target | registers | spills | shared bytes | barriers | instructions in the loop |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows = [
        (kernel, int(states), target, report)
        for target, by_states in data[version].items()
        for states, kernels in by_states.items()
        if states.isdigit()
        for kernel, report in kernels.items()
    ]
    for kernel, states, target, report in sorted(rows, key=lambda r: (r[0], r[1], r[2])):
        cells = (report[k] for k in ("registers", "spills", "shared", "barriers", "loop"))
        lines.append(f"| {kernel} | {states} | {target} | {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, "", *_with_states(data[version])])


def _with_states(by_target: dict[str, Any]) -> list[str]:
    """Registers and spills that the kernels take more, or less, where states are given and returned."""
    lines = ["Where states are given and returned:", ""]
    for target, by_states in by_target.items():
        for states in filter(str.isdigit, by_states):
            for kernel, plain in by_states[states].items():
                report = by_states[f"{states}, states"][kernel]
                changes = [f"{k} {plain[k]} → {report[k]}" for k in ("registers", "spills") if report[k] != plain[k]]
                if changes:
                    lines.append(f"* {kernel}, N = {states}, {target}: {', '.join(changes)}")
    return lines


def traffic() -> str:
    """Bytes per token and channel of the models' scans: at least, and as our kernels move them."""
    lines = [
        "| scan, bfloat16, 128 samples | at least | copies of y | moved | share of the byte limit at most |",
        "|---|---|---|---|---|",
    ]
    for shape in SHAPES:
        rows = shape.size.samples * shape.size.length * shape.size.channels
        least, moved = shape.forward_bytes / rows, shape.moved_bytes / rows
        share = f"{least / moved:.0%}".replace("%", " %")
        lines.append(f"| {shape.name} | {least:.1f} | {shape.copies or '–'} | {moved:.1f} | {share} |")
    return "\n".join(lines)


def h100() -> str:
    """What the first run on an H100 measured: every shape, beside random orders, and whole models."""
    data = json.loads(H100.read_text(encoding="utf-8"))
    figures = {(f["shape"], f["name"], f["backward"]): f for f in data["figures"] if f["times"]}
    lines = [
        f"`{data['command']}` at {data['commit']}, {data['environment'][0]['nvidia-smi'].split(',')[0]}, torch "
        f"{data['environment'][0]['torch']}, Triton {data['environment'][0]['triton']}. Milliseconds, medians of graph "
        "replays, bfloat16, 128 samples.",
        "",
        "| scan | forward | of the limit | forward and backward | a random order |",
        "|---|---|---|---|---|",
    ]
    for shape in SHAPES:
        ours, other = (
            [figures[shape.name, name, backward]["times"]["median_ms"] for backward in (False, True)]
            for name in ("scanlab triton", "scanlab triton, random orders")
        )
        share = f"{100 * figures[shape.name, 'scanlab triton', False]['of_limit']:.0f} %"
        ratios = " / ".join(f"{b / a:.2f}×" for a, b in zip(ours, other, strict=True))
        lines.append(f"| {shape.name} | {ours[0]:.3f} | {share} | {ours[1]:.3f} | {ratios} |")
    lines.append("")
    for model in data["models"]:
        published = f"; its authors on an A100: {model['published_a100']:.0f}" if model["published_a100"] else ""
        lines.append(
            f"* {model['model']}, {model['how']}, {model['what']}: {model['images_s']:.0f} images/s{published}."
        )
    return "\n".join(lines)


def filled(page: str) -> str:
    """The page with its tables made anew."""
    for name, made in (("speed", speed()), ("cpu", cpu()), ("gpu", gpu()), ("traffic", traffic()), ("h100", h100())):
        pattern = re.compile(rf"(<!-- begin {name} -->).*?(<!-- end {name} -->)", re.S)
        page = pattern.sub(lambda m, made=made: f"{m[1]}\n{made}\n{m[2]}", page)
    return page


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"wrote {page}")
