"""Fill the generated parts of docs/scale.md from what is on record: python docs/make_scale.py."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE / "scale.md"
RECORD = HERE / "../benchmarks/results/gpu-first-run-h100.json"
FOLDER = HERE / "../benchmarks/results/large-folder-2core-cpu.json"
# Of ImageNet-1k, ILSVRC 2012 (arXiv 1409.0575, table 2).
TRAINED, MEASURED = 1_281_167, 50_000
ORDERS, SEEDS, GPUS = 6, 3, 8
EPOCHS = (300, 100, 30)
DAY_S = 86_400


def times() -> str:
    """What every model on record would take, from the images a second of one GPU."""
    data = json.loads(RECORD.read_text(encoding="utf-8"))
    held = data["environment"][0]
    card, versions = held["card"].split(",")[0], f"torch {held['torch']}, triton {held['triton']}"
    waves = math.ceil(ORDERS * SEEDS / GPUS)
    lines = [
        f"Measured: `{data['command']}` on one {card}, {versions}, commit {data['commit']}: bfloat16, eager, "
        f"images of random numbers that lie on the GPU. All else in the table is that figure times {TRAINED:,} images "
        f"an epoch, with {MEASURED:,} measured on after each; {ORDERS * SEEDS} trainings on {GPUS} GPUs are {waves} "
        "rounds.",
        "",
        "| model | images/s, training | images/s, inference | memory at batch | epochs | one, days | all, days |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, training, inference in _pairs(data["models"]):
        for epochs in EPOCHS:
            seconds = epochs * (TRAINED / training["images_s"] + MEASURED / inference["images_s"])
            memory = f"{training['peak_bytes'] / 1e9:.1f} GB at {training['batch']}"
            lines.append(
                f"| {name} | {training['images_s']:,.0f} | {inference['images_s']:,.0f} | {memory} | {epochs} | "
                f"{seconds / DAY_S:.1f} | {waves * seconds / DAY_S:.1f} |"
            )
    return "\n".join(lines)


def loading() -> str:
    """How many images a second all GPUs together ask for, and what an epoch is at that pace."""
    data = json.loads(RECORD.read_text(encoding="utf-8"))
    lines = ["| model | 8 GPUs ask for, images/s | an epoch on one GPU, minutes |", "|---|---:|---:|"]
    for name, training, _ in _pairs(data["models"]):
        rate = training["images_s"]
        lines.append(f"| {name} | {GPUS * rate:,.0f} | {TRAINED / rate / 60:.0f} |")
    return "\n".join(lines)


def folder() -> str:
    """A start on a folder of as many pictures, and what loading them costs a step, with and without threads."""
    data = json.loads(FOLDER.read_text(encoding="utf-8"))
    start, shares = data["start"], data["by loaders"]
    told = {count: f"{100 * share['loading']:.1f} %" for count, share in shares.items()}
    step, model = shares["1"]["seconds per step"], data["model"]
    return (
        f"* Measured: `{data['command']}` ({data['device']}): {start['training images']:,} training images in "
        f"{start['classes']:,} folders; reading their names takes {start['seconds to read the names']:.0f} s, and "
        f"the whole process {start['resident MiB']:,.0f} MiB with its first batch. Of a step of {step:.1f} s (batch "
        f"{model['batch']}, 224 × 224, one core) loading takes {told['0']} without `loaders`, {told['1']} with one and "
        f"{told['2']} with two."
    )


def _pairs(models: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every model with its figures of training and of inference, both eager."""
    eager = {(m["model"], m["what"]): m for m in models if m["how"] == "eager"}
    return [(name, made, eager[name, "inference"]) for (name, what), made in eager.items() if what == "training"]


def filled(page: str) -> str:
    """The page with its generated parts as they are now."""
    for name, text in (("times", times()), ("loading", loading()), ("folder", folder())):
        pattern = rf"(<!-- begin {name} -->).*?(<!-- end {name} -->)"
        page, count = re.subn(pattern, lambda m, text=text: f"{m[1]}\n{text}\n{m[2]}", page, flags=re.S)
        assert count == 1, f"docs/scale.md has no place for {name}"
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {PAGE}")
