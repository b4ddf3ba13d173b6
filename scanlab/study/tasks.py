"""What a model learns and what it is judged by; how it learns that is in `study.learning`, which needs torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from scanlab.data import Dataset
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["TASKS", "Task", "check_task", "task_named"]


@dataclass(frozen=True)
class Task:
    """One kind of task.

    about: in a few words. kind: "classes" or "masks", which it learns from as targets, or "next patch", which needs
    none. primary: the metric that a study judges by; higher: whether more of it is better. unit: what a hundredth of
    the metric is called in words ("points"), or "" for a metric whose differences are given as they are.
    """

    name: str
    about: str
    kind: str
    primary: str
    higher: bool
    unit: str


def task_named(name: str) -> Task:
    """A task by name. Raises S650."""
    if name not in TASKS:
        raise ScanlabError.at("S650", f"there is no task {name!r}", help=f"choose from {', '.join(TASKS)}")
    return TASKS[name]


def check_task(task: Task, dataset: Dataset) -> None:
    """Raise S652 for data that a task cannot learn from."""
    if task.kind == ("classes" if dataset.masks else "masks"):
        has, needs = ("a mask per image", "a class") if dataset.masks else ("a class per image", "a mask")
        raise ScanlabError.at(
            "S652",
            f"{dataset.name} has {has}, and {task.name} needs {needs}",
            help="choose another task, or other data",
        )


def _tasks() -> Iterator[Task]:
    images = "the class of an image, a volume or a video"
    for primary in ("accuracy", "balanced_accuracy", "auc"):
        name = "classification" if primary == "accuracy" else f"classification by {primary.replace('_', ' ')}"
        about = images if primary == "accuracy" else f"{images}, judged by {primary}, for classes of unequal size"
        yield Task(name, about, "classes", primary, True, "points")
    yield Task("segmentation", "the class of every pixel of an image or a volume", "masks", "dice", True, "points")
    for name, primary in (("next patch", "mse"), ("next patch in bits", "bits_per_value")):
        yield Task(name, "every patch from those before it on the path", "next patch", primary, False, "")


TASKS: Mapping[str, Task] = MappingProxyType({task.name: task for task in _tasks()})
