"""What a model learns and what it is judged by; how it learns that is in `study.learning`, which needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from scanlab.data import Dataset
from scanlab.data.target_kinds import BOXES, CLASSES, LABELS, MASKS, TEXT, TargetKind
from scanlab.ir.diagnostics import ScanlabError
from scanlab.renamed import renamed_value, spaced

if TYPE_CHECKING:
    from scanlab.study.learning import Learning

__all__ = [
    "TASKS",
    "Task",
    "check_task",
    "smallest_step",
    "task_named",
]


@dataclass(frozen=True)
class Task:
    """One task: what a model learns, from what, and which of its metrics a study judges by.

    about: in a few words. learning: how it is learnt, a `Learning`, or a name in `study.learning.LEARNINGS`. targets:
    what it learns from, a row of scanlab.data.target_kinds; None where images are enough. primary: the metric that a
    study judges by, one of those that `Learning.measure` gives; higher: whether more of it is better. unit: what a
    hundredth of the metric is called in words ("points"), or "" for a metric whose differences are given as they are.
    counts: the metric is a share of samples, so that it moves by one of them at least.

    >>> TASKS["segmentation"].primary, TASKS["next_patch"].higher
    ('dice', False)
    """

    name: str
    about: str
    learning: str | Learning
    targets: TargetKind | None
    primary: str
    higher: bool
    unit: str = ""
    counts: bool = False


def task_named(name: str) -> Task:
    """A task by its name, its import path (package.module:task), an entry point of the group "scanlab.tasks", or the
    name under which it was given in Python. Raises S650 for a name of nothing, and what `study.own_task` raises."""
    name = renamed_value(name, spaced(TASKS), "task")
    if name in TASKS:
        return TASKS[name]
    from scanlab.study import own_task

    if not own_task.is_own(name):
        help = f"choose from {', '.join(TASKS)}, or name one of your own, as package.module:task"
        raise ScanlabError.at("S650", f"there is no task {name!r}", help=help)
    return own_task.own_task(name)


def smallest_step(task: str, dataset: Dataset) -> float | None:
    """The smallest change that one sample of the part measured on can make to a task's metric.

    One sample of all for accuracy; for its mean over classes one of the largest class, divided by the classes that are
    there; None for metrics that are no shares of samples, and for a task that is none.
    """
    known = TASKS.get(task)
    if known is None or not known.counts or dataset.target_kind is not CLASSES:
        return None
    counts = np.unique(dataset.labels[dataset.test], return_counts=True)[1]
    return 1 / int(counts.sum()) if known.primary == "accuracy" else 1 / (len(counts) * int(counts.max()))


def check_task(task: Task, dataset: Dataset) -> None:
    """Raise S652 for data that a task cannot learn from."""
    given = dataset.target_kind
    if task.targets is not None and task.targets != given:
        raise ScanlabError.at(
            "S652",
            f"{dataset.name} has {given.of_data}, and {task.name} needs {task.targets.one}",
            help="choose another task, or other data",
        )


def _classification(name: str, primary: str, judged: str = "") -> Task:
    about = f"the class of an image, a volume or a video{judged}"
    counts = primary in ("accuracy", "balanced_accuracy")
    return Task(name, about, "classification", CLASSES, primary, higher=True, unit="points", counts=counts)


def _next_patch(name: str, primary: str) -> Task:
    return Task(name, "every patch from those before it on the path", name, None, primary, higher=False, unit="")


def _detection(name: str, primary: str, judged: str = "") -> Task:
    about = f"the boxes and classes of the objects in an image{judged}"
    return Task(name, about, "detection", BOXES, primary, higher=True, unit="points")


def _text(name: str, about: str) -> Task:
    return Task(name, about, name, TEXT, "cer", higher=False, unit="points")


_UNEQUAL = ", judged by {}, for classes of unequal size"
_ANY = "which of any number of labels an image, a volume or a video has"
_PIXELS = "the class of every pixel of an image or a volume"
_ROWS = (
    _classification("classification", "accuracy"),
    _classification("classification_by_balanced_accuracy", "balanced_accuracy", _UNEQUAL.format("balanced_accuracy")),
    _classification("classification_by_auc", "auc", _UNEQUAL.format("auc")),
    Task("multi_label_classification", _ANY, "multi_label_classification", LABELS, "auc", higher=True, unit="points"),
    Task("segmentation", _PIXELS, "segmentation", MASKS, "dice", higher=True, unit="points"),
    Task(
        "segmentation_with_unet",
        f"{_PIXELS}, by a U-Net",
        "segmentation_with_unet",
        MASKS,
        "dice",
        higher=True,
        unit="points",
    ),
    _detection("detection", "map"),
    _detection("detection_by_map50", "map50", ", judged by AP at IoU 0.5 alone"),
    _detection("detection_by_image_ap50", "image_ap50", ", judged by AP at IoU 0.5 of each image by itself"),
    Task("next_frame", "the frame after each, from all before it", "next_frame", None, "mae", higher=False, unit=""),
    _text("text_lines", "the text of a line, of whatever width"),
    _text("text_pages", "the text of a page, patch by patch in the order of the scan"),
    _next_patch("next_patch", "mse"),
    _next_patch("next_patch_in_bits", "bits_per_value"),
)
TASKS: Mapping[str, Task] = MappingProxyType({task.name: task for task in _ROWS})
