"""A trained model as it is, and reading its patches along other scans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
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
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import Value
from scanlab.nn import Backbone, Classifier, set_scan
from scanlab.study.inputs import Inputs, of_dataset
from scanlab.study.matched import MatchedDifference, matched_difference
from scanlab.study.statistics import format_difference, holm
from scanlab.zoo import create_model, load
from scanlab.zoo.files import require_numbers

__all__ = ["Evaluation", "Row", "evaluate", "load_classifier", "load_model", "notes", "render"]

ORIGINAL = "original"
# Below, five guesses say little.
LEAST_FOR_TOP5 = 10
Listener = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Row:
    """The model under one scan.

    accuracy in [0, 1]; seconds: the model's own, for all images, without compiling; top5: how often the right class is
    among the first five, None for a model of fewer than ten; the rest is None for the model as it is: the difference to
    it, its p adjusted by Holm for all scans of the evaluation, and the share of images put into another class, rightly
    or wrongly.
    """

    scan: str
    accuracy: float
    seconds: float
    top5: float | None = None
    difference: MatchedDifference | None = None
    adjusted_p: float | None = None
    changed: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """A checkpoint on one part of a data set: the model as it is, then under each scan.

    trained: the scan that the checkpoint came with; usual, extents: the inputs that the model was built for, and those
    it was given, in pixels; outputs, classes: of the model, and of the data; read: how the images were read, in
    sentences.
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
    read: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Everything, JSON-ready."""
        return asdict(self)


def load_model(
    path: Path,
    name: str = "",
    classes: int | None = None,
    channels: int | None = None,
    input_size: tuple[int, ...] | None = None,
    key: str = "",
) -> nn.Module:
    """The model in a checkpoint: one of ScanLab's own, or an official one of the named model, built as asked for.

    key: which of several weights in an official one, as model_ema.

    Raises S616 for a file that does not say what model it holds, S617, S611, S640, S641, and S870 for weights that are
    no numbers.
    """
    asked = {"classes": classes, "channels": channels, "input_size": input_size}
    given: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
    # A new head would be judged by what it never learned.
    made = create_model(name, checkpoint=path, checkpoint_key=key, new_head=False, **given) if name else load(path)
    require_numbers(made, path)
    return made.eval()


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
    given: Dataset | Inputs,
    part: str = "test",
    batch: int = 64,
    progress: Listener = lambda *_: None,
) -> Evaluation:
    """Classify images with the model as it is, then under each named scan: a part of a data set ("test", "train" or
    "all"), or inputs that are read as they are needed, which have their part.

    The model is left as it was; every scan is set on the weights as they are. `progress` hears the scan's name, and how
    many images are done of how many in all. Raises S643 for labels that the model has no class for, other
    targets or no images, S614 for images that do not fit it, and what `set_scan` raises, before anything is classified.
    """
    inputs = given if isinstance(given, Inputs) else of_dataset(given, part, class_names=model.class_names)
    if model.num_classes < inputs.classes or not len(inputs.labels):
        problem = f"{count_text(model.num_classes, 'class')}, and {inputs.name} {inputs.classes}"
        problem = problem if len(inputs.labels) else f"nothing to classify in the {inputs.part} part of {inputs.name}"
        raise ScanlabError.at("S643", f"the model has {problem}", help="give the data that it was trained for")
    model.eval()
    models = [(ORIGINAL, model), *((name, set_scan(_twin(model), value)) for name, value in scans)]
    passes, extents = _passes(models, inputs, batch, progress)
    backbone = model.backbone
    return Evaluation(
        dataset=inputs.name,
        part=inputs.part,
        images=int((passes[0].places >= 0).sum()),
        trained=_scan_of(backbone),
        usual=tuple(backbone.input_size),
        extents=extents,
        outputs=model.num_classes,
        classes=inputs.classes,
        rows=_rows(passes, model.num_classes),
        read=tuple(inputs.notes),
    )


@dataclass(eq=False)
class _Pass:
    """One scan's answers: guesses [M]; places [M]: of the right class among the model's, 0 for the first, -1 for images
    that were not read."""

    scan: str
    guesses: NDArray[np.int64]
    places: NDArray[np.int64]
    seconds: float = 0.0


@torch.no_grad()
def _passes(
    models: Sequence[tuple[str, nn.Module]], inputs: Inputs, batch: int, progress: Listener
) -> tuple[list[_Pass], tuple[int, ...]]:
    """Every model on every image, which is read once; and the images' extents."""
    count = len(inputs.labels)
    passes = [_Pass(name, np.full(count, -1), np.full(count, -1)) for name, _ in models]
    extents, done = (), 0
    for indices, images in inputs.batches(batch):
        if not extents:
            extents = tuple(images.shape[2:])
            for _, model in models:
                model(images[:1])
            progress(ORIGINAL, 0, len(models) * count)
        right = torch.from_numpy(inputs.labels[indices])
        for made, (name, model) in zip(passes, models, strict=True):
            start = perf_counter()
            logits = model(images)
            made.guesses[indices] = logits.argmax(1).numpy()
            made.seconds += perf_counter() - start
            _check_numbers(logits, indices, name, inputs)
            made.places[indices] = _places(logits, right)
            done += len(images)
            progress(name, done, len(models) * count)
    if not extents:
        raise ScanlabError.at("S643", f"no image of {inputs.name} could be read", help="give other images")
    return passes, extents


def _check_numbers(logits: Tensor, indices: NDArray[np.int64], scan: str, inputs: Inputs) -> None:
    """Raise S870 for logits that are no numbers: no class is then before the right one, which would count as right."""
    odd = (~logits.isfinite().all(1)).numpy()
    if odd.any():
        problem = f"what the model says of image {indices[odd][0]} of {inputs.name} is NaN or infinite (scan: {scan})"
        raise ScanlabError.at("S870", problem, help="give images with values as in training, or other weights")


def _places(logits: Tensor, right: Tensor) -> NDArray[np.int64]:
    """How many classes are before the right one in each row; of equal ones the first counts, as with `argmax`."""
    own = logits.gather(1, right[:, None])
    before = (logits > own) | ((logits == own) & (torch.arange(logits.shape[1]) < right[:, None]))
    return before.sum(1).numpy()


def _scan_of(backbone: Backbone) -> str:
    """By name, or as a line where that is one for all layers."""
    scans = {str(block.mixer.paths.value) for block in backbone.blocks}
    return backbone.strategy.name or (scans.pop() if len(scans) == 1 else f"a plan of {len(scans)} scans")


def _twin(model: Classifier) -> Classifier:
    """A copy that shares its weights with the model: only what a scan replaces is its own."""
    shared: dict[int, Any] = {id(p): p for p in model.parameters()}
    return deepcopy(model, shared)


def _rows(passes: Sequence[_Pass], outputs: int) -> tuple[Row, ...]:
    first, *others = passes
    seen = first.places >= 0
    right = first.places[seen] == 0
    differences = [matched_difference(each.places[seen] == 0, right) for each in others]
    adjusted = holm([d.p for d in differences])
    rows = []
    for k, each in enumerate(passes):
        accuracy, top5 = (float((each.places[seen] < n).mean()) for n in (1, 5))
        row = Row(each.scan, accuracy, each.seconds, top5 if outputs >= LEAST_FOR_TOP5 else None)
        if k:
            changed = float((each.guesses != first.guesses)[seen].mean())
            row = replace(row, difference=differences[k - 1], adjusted_p=adjusted[k - 1], changed=changed)
        rows.append(row)
    return tuple(rows)


def render(evaluation: Evaluation) -> Table:
    """One row per scan, accuracies in percent, differences in points of accuracy."""
    table = Table(
        title=f"{evaluation.images:,} images of {evaluation.dataset}, part: {evaluation.part}",
        caption="Differences are paired by image; 95 % intervals (Agresti and Min); exact McNemar p, adjusted by Holm.",
    )
    table.add_column("scan")
    top5 = evaluation.rows[0].top5 is not None
    headings = ("accuracy %", "top 5 %", "difference", "95 % interval", "p", "changed %", "seconds")
    for heading in headings:
        if top5 or heading != "top 5 %":
            table.add_column(heading, justify="right")
    for row in evaluation.rows:
        cells = _cells(row, evaluation.trained)
        table.add_row(*(cells if top5 else [*cells[:2], *cells[3:]]))
    return table


def _cells(row: Row, trained: str) -> list[Text]:
    name = f"{row.scan}: {trained}" if row.difference is None else row.scan
    top5 = "" if row.top5 is None else f"{100 * row.top5:.2f}"
    cells = [name, f"{100 * row.accuracy:.2f}", top5, "", "", "", ""]
    if row.difference is not None and row.adjusted_p is not None and row.changed is not None:
        d = row.difference
        interval = f"{format_difference(d.low)} to {format_difference(d.high)}"
        cells[3:] = [format_difference(d.difference), interval, f"{row.adjusted_p:.3f}", f"{100 * row.changed:.1f}"]
    return [Text(cell) for cell in (*cells, f"{row.seconds:.1f}")]


def notes(evaluation: Evaluation) -> list[str]:
    """What the table does not say by itself."""
    sentences = list(evaluation.read)
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
