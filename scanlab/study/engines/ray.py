"""Trials on the machines of a Ray cluster, which need not share a disk."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.checkpoint import write_whole
from scanlab.study.engines import Event, Failed, Finished, Job, Lost
from scanlab.study.engines.cluster import connected, unusable
from scanlab.study.engines.isolated import Message, Worker, sent

__all__ = ["RayEngine"]

PATIENCE_S = 300.0
MOST_FAILED_STARTS = 3


@dataclass(frozen=True)
class RayEngine:
    """Several trials at once, each worker a Ray actor with one CPU, kept from trial to trial.

    address: HOST:PORT of a cluster's head node, or "auto" for the cluster that this machine belongs to, which is left
    running; None starts a cluster on this machine, and ends it. workers: at most so many at once; those that the
    cluster has no room for wait for it, without a trial. device: "cpu", "cuda" or "auto" (a GPU where the cluster has
    any), in place of the job's own. gpus: of a worker on a GPU; 0.5 lets two share one.

    The machines need ScanLab and the data's files, but nothing of the study's folder: a checkpoint travels with its
    job, and comes back with every epoch. A worker whose process or machine dies is reported as lost and replaced;
    workers end with the calling process, even when that is killed.
    """

    address: str | None = None
    workers: int = 1
    device: str = ""
    gpus: float = 1.0

    def run(self, take: Callable[[], Job | None], on_event: Callable[[Event], None]) -> None:
        """See Engine. Raises S660 without Ray, S661 for a cluster on which no worker can start, and S608 where there
        is no GPU and one is wanted."""
        job = take()
        if job is None:
            return
        with connected(self.address, self.workers) as ray:
            device = self._device(ray, job)
            actors = ray.remote(Worker).options(num_cpus=1, num_gpus=self.gpus if device == "cuda" else 0)
            workers = _Actors(ray, actors, self.workers, device, deque([job]))
            try:
                while workers.supplied(take):
                    workers.pass_on(on_event)
            finally:
                workers.dismiss()

    def _device(self, ray: Any, job: Job) -> str:
        wanted = self.device or job.device
        if wanted == "cpu":
            return "cpu"
        has = ray.cluster_resources().get("GPU", 0) > 0
        if not has and wanted != "auto":
            raise ScanlabError.at("S608", "no machine of the Ray cluster has a GPU", help="choose --device cpu")
        return "cuda" if has else "cpu"


@dataclass
class _Actor:
    """A worker. name_to_come: its first answer, until it has come; messages: what it reports of its job."""

    actor: Any
    name_to_come: Any
    name: str = ""
    job: Job | None = None
    messages: Any = None

    @property
    def next(self) -> Any:
        """What is to come from it, None while it is idle."""
        return self.messages if self.name_to_come is None else self.name_to_come


@dataclass
class _Actors:
    """The workers, and the jobs that wait for one of them to start."""

    ray: Any
    actors: Any
    size: int
    device: str
    waiting: deque[Job]
    workers: list[_Actor] = field(default_factory=list)
    failed_starts: int = 0

    def supplied(self, take: Callable[[], Job | None]) -> bool:
        """Give every idle worker a job, and start workers for more; whether there is anything to wait for then."""
        for worker in self.workers:
            if worker.name_to_come is None and worker.job is None:
                job = self.waiting.popleft() if self.waiting else take()
                if job is None:
                    break
                self._give(worker, job)
        while len(self.workers) < max(1, self.size):
            # A job is bound to no worker before that has started: there may never be room for it.
            if sum(worker.name_to_come is not None for worker in self.workers) >= len(self.waiting):
                job = take()
                if job is None:
                    break
                self.waiting.append(job)
            actor = self.actors.remote()
            self.workers.append(_Actor(actor, actor.name.remote()))
        return bool(self.waiting) or any(worker.job for worker in self.workers)

    def pass_on(self, on_event: Callable[[Event], None]) -> None:
        """Wait until some worker starts, says something or dies, and pass it on."""
        awaited = [(worker.next, worker) for worker in self.workers if worker.next is not None]
        busy = any(worker.job for worker in self.workers)
        ready, _ = self.ray.wait([ref for ref, _ in awaited], timeout=None if busy else PATIENCE_S)
        if not ready:
            raise unusable(
                f"the Ray cluster has had no room for a worker for {PATIENCE_S:.0f} s",
                "see `ray status`: a worker needs one CPU, and on a GPU the share of it that the engine was given",
            )
        for _, worker in (pair for pair in awaited if pair[0] in ready):
            if worker.name_to_come is not None:
                self._started(worker)
            else:
                self._pass_on(worker, on_event)

    def dismiss(self) -> None:
        """End all workers, whatever they do."""
        for worker in self.workers:
            self._end(worker)
        self.workers.clear()

    def _give(self, worker: _Actor, job: Job) -> None:
        worker.messages = worker.actor.work.options(num_returns="streaming").remote(sent(job, self.device))
        worker.job = job

    def _started(self, worker: _Actor) -> None:
        errors = self.ray.exceptions
        try:
            worker.name = self.ray.get(worker.name_to_come)
        except errors.RayError as error:
            self._leave(worker)
            self.failed_starts += 1
            if self.failed_starts >= MOST_FAILED_STARTS or isinstance(error, errors.RayTaskError):
                last = str(error).strip().rpartition("\n")[2]
                raise unusable(
                    f"a worker cannot start on the Ray cluster: {last}",
                    "see that every machine has the same ScanLab, Ray and Python, and room in its memory",
                ) from error
        else:
            worker.name_to_come, self.failed_starts = None, 0

    def _pass_on(self, worker: _Actor, on_event: Callable[[Event], None]) -> None:
        job = worker.job
        assert job is not None
        errors = self.ray.exceptions
        try:
            message: Message = self.ray.get(next(worker.messages))
        except errors.RayTaskError as error:
            message = Failed(job.key, type(error.cause).__name__, str(error), {}), None
        except (errors.RayError, StopIteration) as error:
            self._leave(worker)
            on_event(Lost(job.key, _cause(worker, error)))
            return
        event, content = message
        if content is not None and isinstance(job.checkpoint, Path):
            write_whole(job.checkpoint, lambda stream: stream.write(content))
        if isinstance(event, Finished | Failed):
            worker.job = worker.messages = None
        on_event(event)

    def _leave(self, worker: _Actor) -> None:
        self.workers.remove(worker)
        # It may only be out of reach; nobody listens to it any more.
        self._end(worker)

    def _end(self, worker: _Actor) -> None:
        with contextlib.suppress(self.ray.exceptions.RayError):
            self.ray.kill(worker.actor)


def _cause(worker: _Actor, error: Exception) -> str:
    """Why a worker is lost, from the many lines that Ray says of it."""
    text = str(error)
    if "node has died" in text:
        why = "its machine left the cluster"
    elif "unavailable" in text:
        why = "its machine is out of reach"
    else:
        why = "its process died: perhaps the machine is out of memory"
    return f"the worker on {worker.name} is gone: {why}"
