"""``scanlab data``: what a data set holds, and what it looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console, print_json
from scanlab.data import SOURCES, Dataset, load, whole
from scanlab.data.lazy import Lazy
from scanlab.data.parts import PARTS
from scanlab.data.placed import PLACED, place_of
from scanlab.data.ragged import RaggedImages
from scanlab.data.samples import Sample, caption, samples
from scanlab.data.summary import class_name, dataset_summary, kind
from scanlab.data.target_kinds import BOXES, TEXT
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.view.samples import Picture, Row, check_sheet, write

__all__ = ["Options", "run", "spacing_of"]

RAMP, MARKS = " .:-=+*#%@", "·123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ#"
BOX_MARKS = "·0" + MARKS[1:]
# In the terminal.
MOST_SAMPLES, MOST_SLICES, WIDEST = 4, 4, 24
# On a sheet.
MOST_ROWS, IMAGES_EACH, VOLUMES_EACH, SHEET_SLICES = 10, 6, 2, 6
MOST_LISTED = 40
# The width of a line of text, and of a page, on a sheet.
LINE_INCHES, PAGE_INCHES = 6.5, 3.0


@dataclass(frozen=True)
class Options:
    """What is asked for.

    size: extents to resize to. part: "" for all parts as they are, else what a study sees that measures on "test" or
    "val". limit: training samples at most. out: a sheet of samples, .png or .svg. layout, spacing, lazy,
    window: how files are read.
    """

    size: tuple[int, ...] | None = None
    part: str = ""
    limit: int | None = None
    out: Path | None = None
    layout: str = ""
    spacing: tuple[float, ...] | None = None
    lazy: Lazy = "auto"
    window: tuple[int, ...] | None = None


def spacing_of(text: str) -> tuple[float, ...] | None:
    """Millimetres along each axis, of a text such as 1x1x2.5; None of an empty one. Raises S695."""
    try:
        return tuple(float(number) for number in text.split("x")) if text else None
    except ValueError:
        help = "write millimetres along three axes, as 1x1x2.5"
        raise ScanlabError.at("S695", f"the spacing is {text!r}", help=help) from None


def run(name: str, options: Options, as_json: bool) -> None:
    """Print a data set's facts, what was assumed to read it, and one sample of some classes, or draw a sheet; without a
    name, the names there are."""
    screen = console()
    if not name:
        _print_names(screen, as_json)
        return
    if options.out is not None:
        check_sheet(options.out)
    if options.part or options.limit is not None:
        how = {"layout": options.layout, "spacing": options.spacing, "lazy": options.lazy, "window": options.window}
        dataset = load(name, size=options.size, part=options.part or "test", limit=options.limit, **how)
    else:
        dataset = whole(name, options.size, options.layout, options.spacing, options.lazy, options.window)
    summary = dataset_summary(dataset)
    if as_json:
        print_json(summary)
    else:
        print_table(screen, _summary(summary))
        if not dataset.target_kind.unlabelled:
            print_table(screen, _classes(dataset, summary))
        if len(summary["train per class"]) > MOST_LISTED:
            screen.print(f"and {count_text(dataset.classes - MOST_LISTED, 'more class')}")
        for kind_of_note, texts in summary["notes"].items():
            for text in texts:
                screen.print(Text(f"{kind_of_note}: {text}"))
    if options.out is not None:
        _sheet(dataset, options.out)
        console(stderr=True).print(f"wrote {options.out}", soft_wrap=True)
    elif not as_json:
        for line in _drawn(dataset, screen.width):
            screen.print(line, soft_wrap=True)


def _print_names(screen: Console, as_json: bool) -> None:
    """The data sets that have a name, each with what it is."""
    known = {source: f"{(build.__doc__ or '').split('.')[0]}." for source, build in SOURCES.items()}
    for name, placed in PLACED.items():
        missing = "" if place_of(name) else f" Not in a folder of data here: {placed.source}."
        known[name] = placed.about + missing
    if as_json:
        print_json(known)
        return
    for source, about in known.items():
        screen.print(f"{source}: {about}")


def _summary(summary: Mapping[str, Any]) -> Table:
    table = Table(title=summary["name"], title_justify="left", show_header=False)
    low, mean, high = summary["values"] or (0, 0, 0)
    parts = [f"{summary[part]:,} {part}" for part in PARTS if summary[part]]
    rows = {
        summary["kind"]: f"{summary['samples']:,}: {', '.join(parts)}",
        "extents": f"{grid_text(summary['extents'])} pixels{_widths(summary)}, "
        f"{count_text(summary['channels'], 'channel')}",
        "values": f"{low:g} to {high:g}, {mean:g} on average" if summary["values"] else "",
        "targets": summary["targets"]
        + ("" if summary["unlabelled"] else f", {count_text(summary['classes'], 'class')}"),
        "groups": "" if summary["groups"] is None else f"{summary['groups']:,}, none of them in two parts",
        "credit": summary["credit"],
    }
    for label, value in rows.items():
        if value:
            table.add_row(label, value)
    return table


def _widths(summary: Mapping[str, Any]) -> str:
    """Of images that differ in width from which to which they go."""
    return f" (widths {summary['widths'][0]} to {summary['widths'][-1]})" if "widths" in summary else ""


def _classes(dataset: Dataset, summary: Mapping[str, Any]) -> Table:
    """A row per class: of every part how many samples, and which share of them or of their pixels; or how many symbols
    or boxes, and which share of all."""
    table = Table()
    parts = [part for part in PARTS if summary[part]]
    table.add_column("class")
    for part in parts:
        what = dataset.target_kind.members or f"{summary['kind']}{' with it' if dataset.masks else ''}"
        holding = f"{part} {what}"
        table.add_column(holding, justify="right")
        table.add_column("% of pixels" if dataset.masks else "%", justify="right")
    for label in range(min(dataset.classes, MOST_LISTED)):
        cells = []
        for part in parts:
            count = summary[f"{part} per class"][label]
            whole = sum(summary[f"{part} per class"]) if dataset.target_kind.filled else summary[part]
            share = summary[f"{part} share of pixels"][label] if dataset.masks else count / max(1, whole)
            cells += [f"{count:,}", f"{100 * share:.1f}"]
        name = class_name(dataset, label)
        table.add_row(f"{label}: {name}" if dataset.class_names else name, *cells)
    return table


def _drawn(dataset: Dataset, width: int) -> list[str]:
    """A training sample of a few classes in characters, from dark to bright, its mask beside it."""
    lines = []
    if isinstance(dataset.images, RaggedImages):
        shown = samples(dataset, MOST_SAMPLES, 1, 1)
        return [f"sample {s.number}, {grid_text(s.pictures.shape[1:])}: {caption(dataset, s)}" for s in shown]
    for sample in samples(dataset, MOST_SAMPLES, 1, MOST_SLICES if not dataset.masks else 2):
        grey = sample.pictures.mean(-1) if sample.pictures.ndim == 4 else sample.pictures
        count = len(grey) * (1 if sample.masks is None and sample.boxes is None else 2)
        widest = max(4, min(WIDEST, (width - 3 * (count - 1)) // (2 * count)))
        blocks = []
        for number, picture in enumerate(grey):
            blocks.append(_shaded(picture, widest))
            if sample.masks is not None:
                blocks.append(_marked(sample.masks[number], widest))
            if sample.boxes is not None:
                blocks.append(_outlined(sample.boxes, picture.shape, widest))
        where = f", {_places(dataset, sample)}" if len(dataset.extents) > 2 else ""
        lines += [f"{caption(dataset, sample)}{where}", *("   ".join(row) for row in _rows(blocks)), ""]
    return [line.rstrip() for line in lines]


def _rows(blocks: list[list[str]]) -> list[tuple[str, ...]]:
    return list(zip(*blocks, strict=True))


def _shaded(picture: NDArray[np.float32], widest: int) -> list[str]:
    """[H, W] in [0, 1] as rows of text, two characters for the mean of a square of pixels."""
    step = -(-max(picture.shape) // widest)
    down, right = (np.arange(0, n, step) for n in picture.shape)
    sums = np.add.reduceat(np.add.reduceat(picture, down, 0), right, 1)
    counts = np.add.reduceat(np.add.reduceat(np.ones_like(picture), down, 0), right, 1)
    shades = (sums / counts * (len(RAMP) - 1)).round().astype(int)
    return ["".join(2 * RAMP[shade] for shade in row) for row in shades]


def _marked(mask: NDArray[np.uint8], widest: int) -> list[str]:
    """A mask as rows of text, two characters for the class in the middle of a square of pixels."""
    step = -(-max(mask.shape) // widest)
    down, right = (np.minimum(np.arange(0, n, step) + step // 2, n - 1) for n in mask.shape)
    return ["".join(2 * MARKS[label] for label in row) for row in mask[np.ix_(down, right)]]


def _outlined(boxes: NDArray[np.float32], extents: tuple[int, ...], widest: int) -> list[str]:
    """The outlines of boxes as rows of text, two characters for a square of pixels: the class of the smallest box whose
    outline goes through it."""
    step = -(-max(extents) // widest)
    marks = np.zeros(tuple(-(-n // step) for n in extents), np.int64)
    sizes = (boxes[:, 2:4] - boxes[:, :2]).prod(1)
    for x0, y0, x1, y1, label in boxes[np.argsort(-sizes, kind="stable")].tolist():
        left, top = int(x0 // step), int(y0 // step)
        right, low = max(left, -int(-x1 // step) - 1), max(top, -int(-y1 // step) - 1)
        marks[[top, low], left : right + 1] = marks[top : low + 1, [left, right]] = 1 + min(int(label), len(MARKS) - 3)
    return ["".join(2 * BOX_MARKS[mark] for mark in row) for row in marks]


def _places(dataset: Dataset, sample: Sample) -> str:
    word = "frames" if dataset.video else "slices"
    return f"{word} {', '.join(map(str, sample.places))} of {dataset.extents[0]}"


def _sheet(dataset: Dataset, out: Path) -> None:
    """A sheet with a row per class, or per volume or video with its slices or frames."""
    if dataset.target_kind is TEXT:
        _sheet_of_lines(dataset, out)
        return
    deep = len(dataset.extents) > 2
    rows: dict[tuple[int, int], list[Picture]] = {}
    for sample in samples(dataset, MOST_ROWS, VOLUMES_EACH if deep else IMAGES_EACH, SHEET_SLICES):
        masks = sample.masks if sample.masks is not None else [None] * len(sample.pictures)
        word = "frame" if dataset.video else "slice"
        row = rows.setdefault((sample.label, sample.number if deep else 0), [])
        for picture, mask, place in zip(sample.pictures, masks, sample.places, strict=True):
            row.append(Picture(picture, mask, f"{word} {place}" if deep else "", sample.boxes))
    names = [class_name(dataset, label) for label in range(dataset.classes)]
    if not dataset.masks:
        # Where there are masks, the first name is that of the background.
        names = ["", *names] if dataset.target_kind is BOXES else []
    title = f"{dataset.name}: training {kind(dataset)}, {grid_text(dataset.extents)}"
    labelled = [Row(class_name(dataset, label), pictures) for (label, _), pictures in rows.items()]
    write(labelled, out, title, names)


def _sheet_of_lines(dataset: Dataset, out: Path) -> None:
    """A row per line, as long as it is, or per page, with its text below."""
    rows = [
        Row(f"sample {sample.number}", [Picture(sample.pictures[0], None, caption(dataset, sample))])
        for sample in samples(dataset, MOST_ROWS, 1, 1)
    ]
    lines = isinstance(dataset.images, RaggedImages)
    size = f"lines, {dataset.extents[0]} pixels high" if lines else f"pages, {grid_text(dataset.extents)}"
    write(rows, out, f"{dataset.name}: training {size}", side=LINE_INCHES if lines else PAGE_INCHES)
