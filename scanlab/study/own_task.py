"""Tasks of a person's own: by import path, by entry point, or as they were given in Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from scanlab.imported import entry_named, function_digest, imported, is_import_path, shown_traceback, source_digest
from scanlab.ir.diagnostics import ScanlabError
from scanlab.renamed import read_name
from scanlab.study.tasks import TASKS, Task, task_named

__all__ = [
    "TASK_GROUP",
    "facts_of",
    "given_task",
    "is_given_task",
    "is_own",
    "own_task",
    "stored_task",
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


def own_task(name: str) -> Task:
    """A task that is not one of `TASKS`. Raises S850, S851 and S852."""
    return _GIVEN[name] if name in _GIVEN else _imported_task(name)


@cache
def _imported_task(name: str) -> Task:
    made = imported(name, _path(name), missing="S850", broken="S851", install=_INSTALL)
    if callable(made):
        try:
            made = made()
        except ScanlabError:
            raise
        except Exception as error:
            problem = f"{name} raised {type(error).__name__}: {error}"
            raise ScanlabError.at("S851", problem, note=shown_traceback(error), help="mend the function") from error
    return replace(_checked(name, made), name=name)


def _checked(name: str, made: Any) -> Task:
    from scanlab.study.learning import Learning

    if not isinstance(made, Task):
        raise ScanlabError.at("S852", f"{name} is a {type(made).__name__}, and no task", help=_EXPECTED)
    if not isinstance(made.learning, Learning):
        help = "give it a scanlab.study.Learning: how its model is built, its loss and its metrics"
        raise ScanlabError.at("S852", f"the learning of {name} is {made.learning!r}", help=help)
    for part in ("build", "loss", "measure"):
        if not callable(getattr(made.learning, part)):
            raise ScanlabError.at("S852", f"{part} of {name} is no function", help="give one")
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
    return {} if name in TASKS or not is_own(name) else {fact: getattr(own_task(name), fact) for fact in _FACTS}


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
