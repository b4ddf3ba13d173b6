"""What a worker does that shares neither memory nor disk with the runner."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from scanlab.data import SOURCES
from scanlab.places import expand_home
from scanlab.study.checkpoint import InMemory
from scanlab.study.engines import Event, Failed, Job, Started
from scanlab.study.engines.local import portable
from scanlab.study.trial import DataChoice
from scanlab.study.work import environment, fingerprint_of, run_job

__all__ = ["NO_DATA", "OTHER_DATA", "Message", "Worker", "sent"]

NO_DATA, OTHER_DATA = "no data", "other data"
# An event, and the checkpoint's content where that has changed since the last one.
Message = tuple[Event, bytes | None]


def sent(job: Job, device: str) -> Job:
    """A job as it travels to another machine, with the content of its checkpoint.

    Data in a file or folder are named by the absolute path, since a worker runs in a folder of its own.
    """
    trial = portable(job.trial)
    trial = replace(trial, problem=replace(trial.problem, data=_anywhere(trial.problem.data)))
    # The configuration does not depend on where data lie, and holds a digest that is not cheap.
    trial.__dict__["config"] = job.trial.config
    place = job.checkpoint
    if not isinstance(place, InMemory):
        place = InMemory(place.read_bytes() if place and place.exists() else None)
    return Job(trial, place, device, job.keep)


class Worker:
    """Runs jobs in the process that it was made in, and writes nothing to its disk."""

    def name(self) -> str:
        """The machine and the process."""
        return f"{platform.node()}, process {os.getpid()}"

    def work(self, job: Job) -> Iterator[Message]:
        """Run a job that was `sent`; what happens, as it happens, the last a Finished or Failed."""
        yield Started(job.key, self.name()), None
        if wrong := _unlike(job):
            yield wrong, None
            return
        messages: SimpleQueue[Message | None] = SimpleQueue()
        # A training calls back, and a caller from afar can only ask: a thread turns one into the other.
        Thread(target=_train, args=(job, messages), daemon=True).start()
        while (message := messages.get()) is not None:
            yield message


def _train(job: Job, messages: SimpleQueue[Message | None]) -> None:
    place = job.checkpoint
    assert isinstance(place, InMemory)
    known = place.content

    def on_event(event: Event) -> None:
        nonlocal known
        # Epochs that the checkpoint held already are reported as well, and need not travel back.
        messages.put((event, None if place.content is known else place.content))
        known = place.content

    try:
        messages.put((run_job(job, on_event), None))
    finally:
        messages.put(None)


def _anywhere(data: DataChoice) -> DataChoice:
    name = data.name.rpartition("permuted:")[2]
    path = expand_home(name)
    if name in SOURCES or not path.exists():
        return data
    return replace(data, name=data.name.removesuffix(name) + str(path.resolve()))


def _unlike(job: Job) -> Failed | None:
    """What is wrong with this machine's data, compared with the data that the study was made of."""
    problem, here = job.trial.problem, platform.node()
    path = Path(problem.data.name.rpartition("permuted:")[2])
    if path.is_absolute() and not path.exists():
        words = f"{here} has no {path}: copy it to the same place on every machine, or share the folder"
        return Failed(job.key, NO_DATA, words, environment())
    try:
        fingerprint = fingerprint_of(problem.data)
    except Exception:  # The training meets the same error, and reports it as any other.
        return None
    if fingerprint == problem.fingerprint:
        return None
    prints = f"has the fingerprint {fingerprint}, the study's data have {problem.fingerprint}"
    return Failed(
        job.key,
        OTHER_DATA,
        f"{problem.data.name} on {here} {prints}: copy the same files to every machine",
        environment(),
    )
