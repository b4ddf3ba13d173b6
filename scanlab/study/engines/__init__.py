"""Where trials run: what an engine is given, and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from scanlab.study.checkpoint import Checkpoint
from scanlab.study.record import Epoch, TrialResult
from scanlab.study.trial import Trial

__all__ = ["Engine", "EpochDone", "Event", "Failed", "Finished", "Job", "Lost", "Restarted", "Started"]


@dataclass(frozen=True, eq=False)
class Job:
    """A trial to run. checkpoint: where it goes on from and writes after each epoch, a file or memory; device: as torch
    names it, "auto" for a GPU where there is one; keep: which weights come with its result; others: trials that differ
    in their seed, to train together with it."""

    trial: Trial
    checkpoint: Checkpoint | None = None
    device: str = "cpu"
    keep: tuple[str, ...] = ()
    others: tuple[Job, ...] = ()

    @property
    def key(self) -> str:
        """The trial's."""
        return self.trial.key

    @property
    def members(self) -> tuple[Job, ...]:
        """The job of every trial by itself, the first of them its own."""
        return (replace(self, others=()), *(replace(other, device=self.device) for other in self.others))


@dataclass(frozen=True)
class Started:
    """A worker took a trial up; where: a name for the worker."""

    key: str
    where: str = ""


@dataclass(frozen=True)
class Restarted:
    """A trial that had a checkpoint starts anew all the same, and why: what it had trained is lost."""

    key: str
    why: str


@dataclass(frozen=True)
class EpochDone:
    """An epoch is finished, by its number from 0; those that a checkpoint held are reported as well."""

    key: str
    number: int
    epoch: Epoch


@dataclass(frozen=True)
class Finished:
    """A trial is finished; environment: what it ran on and with."""

    key: str
    result: TrialResult
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Failed:
    """A trial raised an error. kind: "out of memory", "full disk", or the error's name; trace: its traceback."""

    key: str
    kind: str
    trace: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Lost:
    """The worker of a trial is gone, and nothing is known of the trial but its checkpoint."""

    key: str
    why: str


Event = Started | Restarted | EpochDone | Finished | Failed | Lost


class Engine(Protocol):
    """Runs jobs somewhere."""

    def run(self, take: Callable[[], Job | None], on_event: Callable[[Event], None], /) -> None:
        """Ask for jobs as there is room for them, until there are none and all are done.

        Both functions are called in the calling thread. After a Lost event, `take` may give the same job again. An
        exception from either, KeyboardInterrupt included, stops all workers and is passed on.
        """
        ...
