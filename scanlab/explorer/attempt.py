"""Tasks for worker processes: what went wrong comes back as a value, in the words of the error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scanlab.ir.diagnostics import Diagnostic, ScanlabError

__all__ = ["Outcome", "attempt"]


@dataclass(frozen=True)
class Outcome:
    """What a task returned, or why it could not."""

    value: Any = None
    problems: tuple[Diagnostic, ...] = ()


def attempt(task: Callable[..., Any], *args: Any) -> Outcome:
    """Run a task, and catch the errors that are meant for users; others are defects and pass."""
    try:
        return Outcome(task(*args))
    except ScanlabError as error:
        return Outcome(problems=error.diagnostics)
