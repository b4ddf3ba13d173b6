"""A trained model as it is, and reading its patches along other scans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text
from torch import Tensor, nn

from scanlab.data import Dataset
from scanlab.data.target_kinds import CLASSES
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import Value
from scanlab.nn import Backbone, Classifier, set_scan
from scanlab.study.matched import MatchedDifference, matched_difference
from scanlab.study.statistics import format_difference, holm
from scanlab.zoo import create_model, load

__all__ = ["PARTS", "Evaluation", "Row", "evaluate", "load_classifier", "load_model", "notes", "render"]

PARTS = ("test", "train", "all")
ORIGINAL = "original"
Listener = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Row:
    """The model under one scan.

    accuracy in [0, 1]; seconds: one pass over the images, without compiling; the rest is None for the model as it is:
    the difference to it, its p adjusted by Holm for all scans of the evaluation, and the share of images put into
    another class, rightly or wrongly.
    """

    scan: str
    accuracy: float
    seconds: float
    difference: MatchedDifference | None = None
    adjusted_p: float | None = None
    changed: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """A checkpoint on one part of a data set: the model as it is, then under each scan.

    trained: the scan that the checkpoint came with; usual, extents: the inputs that the model was built for, and those
    it was given, in pixels; outputs, classes: of the model, and of the data.
    """

    dataset: str
    part: str
    images: int
    trained: str
    usual: tuple[int, ...]
    extents: tuple[int, ...]
    outputs: int
    classes: int
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """Everything, JSON-ready."""
        return asdict(self)


def load_model(
    path: Path,
    name: str = "",
    classes: int | None = None,
    channels: int | None = None,
    input_size: tuple[int, ...] | None = None,
) -> nn.Module:
    """The model in a checkpoint: one of ScanLab's own, or an official one of the named model, built as asked for.

    Raises S616 for a file that does not say what model it holds, S617, S611, S640 and S641.
    """
    asked = {"classes": classes, "channels": channels, "input_size": input_size}
    given: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
    # A new head would be judged by what it never learned.
    return (create_model(name, checkpoint=path, new_head=False, **given) if name else load(path)).eval()


def load_classifier(path: Path, *arguments: Any, **options: Any) -> Classifier:
    """As `load_model`, of a model that classifies. Raises S643 for another, and what that raises."""
    model = load_model(path, *arguments, **options)
    if not isinstance(model, Classifier):
        raise ScanlabError.at(
            "S643", f"{path} holds a {type(model).__name__}, which gives no classes", help="evaluate a Classifier"
        )
    return model


def evaluate(
    model: Classifier,
    scans: Sequence[tuple[str, Value]],
    dataset: Dataset,
    part: str = "test",
    batch: int = 64,
    progress: Listener = lambda *_: None,
) -> Evaluation:
    """Classify a part of a data set ("test", "train" or "all") with the model as it is, then under each named scan.

    The model is left as it was; every scan is set on the weights as they are. `progress` hears the scan's name, and how
    many images are done of how many in all. Raises S643 for labels that the model has no class for, other
    targets or no images, S614 for images that do not fit it, and what `set_scan` raises, before anything is classified.
    """
    if dataset.target_kind is not CLASSES:
        given = f"{dataset.name} has {dataset.target_kind.of_data}"
        raise ScanlabError.at("S643", given, help="give data with a class for every image")
    images, labels = _part(dataset, part)
    if model.num_classes < dataset.classes or not len(labels):
        problem = f"{count_text(model.num_classes, 'class')}, and {dataset.name} {dataset.classes}"
        problem = problem if len(labels) else f"nothing to classify in the {part} part of {dataset.name}"
        raise ScanlabError.at("S643", f"the model has {problem}", help="give the data that it was trained for")
    model.eval()
    models = [(ORIGINAL, model), *((name, set_scan(_twin(model), value)) for name, value in scans)]
    for _, each in models:
        with torch.no_grad():
            each(images[:1])
    total, passes = len(models) * len(labels), []
    for k, (name, each) in enumerate(models):
        progress(name, k * len(labels), total)
        start = perf_counter()
        guesses = _guesses(
            each, images, batch, lambda done, k=k, name=name: progress(name, k * len(labels) + done, total)
        )
        passes.append((name, guesses, perf_counter() - start))
    backbone = model.backbone
    return Evaluation(
        dataset=dataset.name,
        part=part,
        images=len(labels),
        trained=_scan_of(backbone),
        usual=tuple(backbone.input_size),
        extents=tuple(images.shape[2:]),
        outputs=model.num_classes,
        classes=dataset.classes,
        rows=_rows(passes, labels),
    )


def _scan_of(backbone: Backbone) -> str:
    """By name, or as a line where that is one for all layers."""
    scans = {str(block.mixer.paths.value) for block in backbone.blocks}
    return backbone.strategy.name or (scans.pop() if len(scans) == 1 else f"a plan of {len(scans)} scans")


def _part(dataset: Dataset, part: str) -> tuple[Tensor, NDArray[np.int64]]:
    if part not in PARTS:
        raise ScanlabError.at("S643", f"there is no part {part!r} to evaluate", help=f"choose from {', '.join(PARTS)}")
    chosen = {"test": dataset.test, "train": dataset.train, "all": np.arange(len(dataset.labels))}[part]
    return torch.from_numpy(dataset.images[chosen]), dataset.labels[chosen]


def _twin(model: Classifier) -> Classifier:
    """A copy that shares its weights with the model: only what a scan replaces is its own."""
    shared: dict[int, Any] = {id(p): p for p in model.parameters()}
    return deepcopy(model, shared)


@torch.no_grad()
def _guesses(model: nn.Module, images: Tensor, batch: int, on_progress: Callable[[int], None]) -> NDArray[np.int64]:
    guesses, done = [], 0
    for some in images.split(batch):
        guesses.append(model(some).argmax(1))
        done += len(some)
        on_progress(done)
    return torch.cat(guesses).numpy()


def _rows(passes: Sequence[tuple[str, NDArray[np.int64], float]], labels: NDArray[np.int64]) -> tuple[Row, ...]:
    (name, first, seconds), *others = passes
    right = first == labels
    differences = [matched_difference(guesses == labels, right) for _, guesses, _ in others]
    adjusted = holm([d.p for d in differences])
    rows = [Row(name, float(right.mean()), seconds)]
    for (name, guesses, seconds), difference, p in zip(others, differences, adjusted, strict=True):
        accuracy, changed = float((guesses == labels).mean()), float((guesses != first).mean())
        rows.append(Row(name, accuracy, seconds, difference, p, changed))
    return tuple(rows)


def render(evaluation: Evaluation) -> Table:
    """One row per scan, accuracies in percent, differences in points of accuracy."""
    table = Table(
        title=f"{evaluation.images:,} images of {evaluation.dataset}, part: {evaluation.part}",
        caption="Differences are paired by image; 95 % intervals (Agresti and Min); exact McNemar p, adjusted by Holm.",
    )
    table.add_column("scan")
    for heading in ("accuracy %", "difference", "95 % interval", "p", "changed %", "seconds"):
        table.add_column(heading, justify="right")
    for row in evaluation.rows:
        table.add_row(*_cells(row, evaluation.trained))
    return table


def _cells(row: Row, trained: str) -> list[Text]:
    name = f"{row.scan}: {trained}" if row.difference is None else row.scan
    cells = [name, f"{100 * row.accuracy:.2f}", "", "", "", ""]
    if row.difference is not None and row.adjusted_p is not None and row.changed is not None:
        d = row.difference
        interval = f"{format_difference(d.low)} to {format_difference(d.high)}"
        cells[2:] = [format_difference(d.difference), interval, f"{row.adjusted_p:.3f}", f"{100 * row.changed:.1f}"]
    return [Text(cell) for cell in (*cells, f"{row.seconds:.1f}")]


def notes(evaluation: Evaluation) -> list[str]:
    """What the table does not say by itself."""
    sentences = []
    if len(evaluation.rows) > 1:
        sentences.append(
            f"Caution: the model was trained with {evaluation.trained} and never for another order. A loss shows how "
            "much it relies on its own, not that another is worse; `scanlab ablate` trains with each."
        )
    if evaluation.usual != evaluation.extents:
        usual, given = (grid_text(e) for e in (evaluation.usual, evaluation.extents))
        sentences.append(
            f"The images are {given}, the model was built for {usual}: embeddings of positions are resized."
        )
    if evaluation.outputs != evaluation.classes:
        sentences.append(
            f"The model knows {count_text(evaluation.outputs, 'class')}, the data have {evaluation.classes}."
        )
    return sentences
