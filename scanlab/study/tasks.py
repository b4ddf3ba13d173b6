"""What a model learns and what it is judged by; how it learns that is in `study.learning`, which needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from scanlab.data import Dataset
from scanlab.data.target_kinds import BOXES, CLASSES, LABELS, MASKS, TEXT, TargetKind
from scanlab.imported import (
    RAISED,
    entry_named,
    function_digest,
    imported,
    is_import_path,
    shown_traceback,
    source_digest,
)
from scanlab.ir.diagnostics import ScanlabError
from scanlab.renamed import read_name, renamed_value, spaced

if TYPE_CHECKING:
    from scanlab.study.learning import Learning

__all__ = [
    "TASKS",
    "TASK_GROUP",
    "Task",
    "check_task",
    "facts_of",
    "given_task",
    "is_given_task",
    "is_own",
    "smallest_step",
    "stored_task",
    "task_named",
    "task_of",
    "task_source",
]


TASK_GROUP = "scanlab.tasks"
_INSTALL = "install the package, or run where its file lies"
_EXPECTED = "give a scanlab.study.Task, or a function without arguments that returns one"
# As it was given in Python, by the name that it goes by in this process.
_GIVEN: dict[str, Task] = {}
# What a report must know of a task, whose code it does not run.
_FACTS = ("about", "primary", "higher", "unit")


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
    name under which it was given in Python. Raises S650 for a name of nothing; of a person's own task S850 for what is
    not there, S851 for what raises and S852 for what is no task."""
    name = renamed_value(name, spaced(TASKS), "task")
    if name in TASKS:
        return TASKS[name]
    if not is_own(name):
        help = f"choose from {', '.join(TASKS)}, or name one of your own, as package.module:task"
        raise ScanlabError.at("S650", f"there is no task {name!r}", help=help)
    return _GIVEN[name] if name in _GIVEN else _imported_task(name)


def is_own(name: str) -> bool:
    """Whether a name stands for a task of a person's own."""
    return name in _GIVEN or is_import_path(name) or entry_named(TASK_GROUP, name) is not None


def is_given_task(name: str) -> bool:
    """Whether a name stands for a task that only this process has."""
    return name in _GIVEN


def given_task(task: Task) -> str:
    """The name that a task given in Python goes by in this process: its own. Raises S852 where it cannot have it."""
    checked = _checked(task.name, task)
    if not task.name.isidentifier() or task.name in TASKS:
        taken = "is a task of ScanLab's" if task.name in TASKS else "is no name"
        raise ScanlabError.at("S852", f"the task's name, {task.name!r}, {taken}", help="choose one like ordinal_age")
    _GIVEN[task.name] = checked
    return task.name


@cache
def _imported_task(name: str) -> Task:
    made = imported(name, _path(name), missing="S850", broken="S851", install=_INSTALL)
    if callable(made):
        try:
            made = made()
        except ScanlabError:
            raise
        except RAISED as error:
            problem = f"{name} raised {type(error).__name__}: {error}"
            raise ScanlabError.at("S851", problem, note=shown_traceback(error), help="mend the function") from error
    return replace(_checked(name, made), name=name)


def _checked(name: str, made: Any) -> Task:
    if not isinstance(made, Task):
        raise ScanlabError.at("S852", f"{name} is a {type(made).__name__}, and no task", help=_EXPECTED)
    for part in ("build", "loss", "measure"):
        if not callable(getattr(made.learning, part, None)):
            help = "give it a scanlab.study.Learning: how its model is built, its loss and its metrics"
            raise ScanlabError.at("S852", f"the learning of {name} has no function {part}", help=help)
    return made


def _path(name: str) -> str:
    entry = None if is_import_path(name) else entry_named(TASK_GROUP, name)
    return name if entry is None else entry.value


def task_source(name: str) -> str:
    """A digest of the code of a task of a person's own, "" for one of ScanLab's: of its module's file, or, where it was
    given in Python, of its functions. What these import or call is not seen."""
    if name in TASKS or not is_own(name):
        return ""
    if name not in _GIVEN:
        return source_digest(_path(name))
    learning: Any = _GIVEN[name].learning
    return function_digest(learning.build, learning.loss, learning.measure, learning.predict)


def facts_of(name: str) -> dict[str, Any]:
    """What a record must say of a task of a person's own, so that it is judged without its code; {} for ScanLab's."""
    return {} if name in TASKS or not is_own(name) else {fact: getattr(task_named(name), fact) for fact in _FACTS}


def task_of(problem: Mapping[str, Any]) -> Task:
    """The task of a problem as `Study.about` has it, without its code. Raises S650 where nothing is known of it."""
    return stored_task(problem) or task_named(read_name(problem["task"]))


def stored_task(problem: Mapping[str, Any]) -> Task | None:
    """The task of a problem as `Study.about` has it; None where it is not known and nothing is said of it.

    >>> facts = {"about": "how old", "primary": "mae", "higher": False, "unit": ""}
    >>> stored_task({"task": "mine:age", "task_facts": facts}).primary
    'mae'
    """
    name, facts = read_name(problem.get("task", "")), problem.get("task_facts")
    if name in TASKS:
        return TASKS[name]
    return Task(name=name, learning="", targets=None, **facts) if facts else None


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
