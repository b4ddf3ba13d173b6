"""When a training ends before its last epoch, by a part that no result is of, and what there is to say of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scanlab.ir.text import count_text
from scanlab.study.record import Epoch, StudyRecord
from scanlab.study.tasks import Task, task_of

if TYPE_CHECKING:
    from scanlab.study.recipe import Recipe

__all__ = ["best_epoch", "early_sentences", "has_stopped", "patience_sentences", "validation_metric"]


def validation_metric(task: Task) -> str:
    """The name of a task's metric on the validation part, beside those on the part that results are of."""
    return f"validation {task.primary}"


def best_epoch(epochs: Sequence[Epoch], task: Task) -> int | None:
    """The first of the epochs with the best metric on the validation part, from 0; None where none has a number.

    >>> from scanlab.study.tasks import TASKS
    >>> epochs = [Epoch(1.0, {"validation accuracy": value}) for value in (0.5, 0.75, 0.625, 0.75)]
    >>> best_epoch(epochs, TASKS["classification"])
    1
    """
    name, sign = validation_metric(task), 1 if task.higher else -1
    known = [(sign * v, -n) for n, e in enumerate(epochs) if math.isfinite(v := e.metrics.get(name, math.nan))]
    return -max(known)[1] if known else None


def has_stopped(epochs: Sequence[Epoch], recipe: Recipe, task: Task) -> bool:
    """Whether a training ends here: after all epochs of the recipe, or where the metric on the validation part has not
    become better for as many as its patience. It depends on the epochs alone, so that one that is resumed ends alike.

    >>> from scanlab.study.recipe import Recipe
    >>> from scanlab.study.tasks import TASKS
    >>> epochs = [Epoch(1.0, {"validation accuracy": value}) for value in (0.5, 0.75, 0.625, 0.75)]
    >>> [has_stopped(epochs[:n], Recipe(patience=2), TASKS["classification"]) for n in (2, 3, 4)]
    [False, False, True]
    """
    if len(epochs) >= recipe.epochs:
        return True
    best = best_epoch(epochs, task)
    return bool(recipe.patience) and len(epochs) - (0 if best is None else best + 1) >= recipe.patience


def patience_sentences(about: Mapping[str, Any]) -> list[str]:
    """What was declared of when trainings end, of problems as `Study.about` has them; once for all that agree."""
    made: dict[str, None] = {}
    for problem in about["problems"]:
        patience = problem["recipe"].get("patience", 0)
        if patience:
            metric, most = task_of(problem).primary, problem["recipe"]["epochs"]
            made[
                f"Trainings end where {metric} on the validation part has not become better for "
                f"{count_text(patience, 'epoch')}, and after {most} at the latest. Results are of the epoch that they "
                "end with, and of a part that has no say in it."
            ] = None
    return list(made)


def early_sentences(record: StudyRecord) -> list[str]:
    """What was declared, and how many of the trainings that are done ended early; nothing where none was to."""
    sentences = patience_sentences(record.about)
    patient = {p["name"]: p["recipe"]["epochs"] for p in record.about["problems"] if p["recipe"].get("patience")}
    results = {m.key: (record.trial(m).result, patient[m.problem]) for m in record.members if m.problem in patient}
    lengths = [(len(result.epochs), most) for result, most in results.values() if result]
    if lengths:
        early = [length for length, most in lengths if length < most]
        span = f"{min(early)} to {max(early)}" if early and min(early) < max(early) else f"{min(early, default=0)}"
        after = f", after {span} epochs" if early else ""
        sentences.append(f"{len(early)} of {count_text(len(lengths), 'training')} ended early{after}.")
    return sentences
