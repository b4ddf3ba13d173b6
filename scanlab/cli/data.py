"""``scanlab data``: what a data set holds, and what it looks like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from scanlab.cli.output import console, print_json
from scanlab.data import SOURCES, Dataset, load

__all__ = ["run"]

RAMP = " .:-=+*#%@"
MOST_SAMPLES = 4
WIDEST = 24


def run(name: str, as_json: bool) -> None:
    """Print a data set's facts and one sample of some classes; without a name, the names there are."""
    screen = console()
    if not name:
        for source, build in SOURCES.items():
            about = (build.__doc__ or "").split(".")[0]
            screen.print(f"{source}: {about}.", soft_wrap=True)
        return
    dataset = load(name)
    if as_json:
        print_json(_facts(dataset))
        return
    table = Table(title=dataset.name, title_justify="left", show_header=False)
    for label, value in _facts(dataset).items():
        table.add_row(label, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
    screen.print(table)
    for line in _samples(dataset):
        screen.print(line, markup=False, highlight=False, soft_wrap=True)


def _facts(dataset: Dataset) -> dict[str, object]:
    counts = {part: _counts(dataset, getattr(dataset, part)) for part in ("train", "test")}
    return {
        "images": len(dataset.images),
        "extents": list(dataset.extents),
        "channels": dataset.images.shape[1],
        "classes": dataset.classes,
        "train images": len(dataset.train),
        "test images": len(dataset.test),
        "train images per class": counts["train"],
        "test images per class": counts["test"],
        "values": [round(float(dataset.images.min()), 3), round(float(dataset.images.max()), 3)],
        "credit": dataset.credit,
    }


def _counts(dataset: Dataset, part: NDArray[np.int64]) -> list[int]:
    return np.bincount(dataset.labels[part], minlength=dataset.classes).tolist()


def _samples(dataset: Dataset) -> list[str]:
    """The first training image of a few classes, each as a row of slices, from dark to bright."""
    lines = []
    for label in np.unique(dataset.labels[dataset.train])[:MOST_SAMPLES]:
        first = dataset.train[dataset.labels[dataset.train] == label][0]
        lines += [f"class {label}", *_drawn(dataset.images[first].mean(0)), ""]
    return lines


def _drawn(picture: NDArray[np.float32]) -> list[str]:
    """[H, W] or [D, H, W] as text, two characters per pixel; of volumes and videos up to four slices side by side."""
    slices = picture[None] if picture.ndim == 2 else picture[:: max(1, -(-len(picture) // MOST_SAMPLES))]
    step = max(1, -(-max(slices.shape[1:]) // WIDEST))
    shades = (slices[:, ::step, ::step].clip(0, 1) * (len(RAMP) - 1)).round().astype(int)
    return [
        "   ".join("".join(2 * RAMP[v] for v in row) for row in rows).rstrip() for rows in shades.transpose(1, 0, 2)
    ]
