"""Trials on this machine: in this process, or in processes of their own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from scanlab.compiler.bind import CompiledPlan, CompiledScan
from scanlab.processes import TRAINING, context_with
from scanlab.study.engines import Event, Failed, Finished, Job, Lost, Started
from scanlab.study.trial import Problem, Trial
from scanlab.study.work import collected_as_before, run_job

__all__ = ["InProcess", "Processes", "local_engine", "portable"]

PATIENCE_S = 5.0


def local_engine(workers: int, devices: tuple[str, ...] = ("cpu",)) -> InProcess | Processes:
    """One worker in this process, or several in processes of their own, shared out over the devices."""
    return InProcess(devices[0]) if workers < 2 else Processes(workers, devices)


@dataclass(frozen=True)
class InProcess:
    """One trial after the other, in the calling process."""

    device: str = "cpu"

    def run(self, take: Callable[[], Job | None], on_event: Callable[[Event], None]) -> None:
        """See Engine."""
        with collected_as_before():
            while (job := take()) is not None:
                for member in job.members:
                    on_event(Started(member.key, "this process"))
                on_event(run_job(replace(job, device=self.device), on_event))


@dataclass
class _Worker:
    name: str
    process: BaseProcess
    pipe: Connection
    job: Job | None = None


@dataclass
class Processes:
    """Several trials at once, each worker a process that is kept from trial to trial.

    A worker that dies, by whatever hand, is reported as lost and replaced. Workers end with the calling process, even
    when that is killed.
    """

    workers: int
    devices: tuple[str, ...] = ("cpu",)
    _alive: list[_Worker] = field(default_factory=list, repr=False)

    def run(self, take: Callable[[], Job | None], on_event: Callable[[Event], None]) -> None:
        """See Engine."""
        try:
            while self._supplied(take, on_event):
                self._pass_on(on_event)
        finally:
            self._stop()

    def _supplied(self, take: Callable[[], Job | None], on_event: Callable[[Event], None]) -> bool:
        """Give every idle worker a job; whether any has one then."""
        for number in range(self.workers):
            idle = number >= len(self._alive) or self._alive[number].job is None
            if not idle:
                continue
            job = take()
            if job is None:
                break
            if number >= len(self._alive):
                self._alive.append(_started(number))
            worker = self._alive[number]
            worker.job = job
            device = self.devices[number % len(self.devices)]
            with contextlib.suppress(OSError):  # A dead worker is noticed when its answer is waited for.
                first, *others = (replace(own, trial=portable(own.trial), device=device) for own in job.members)
                worker.pipe.send(replace(first, others=tuple(others)))
            for member in job.members:
                on_event(Started(member.key, worker.name))
        return any(worker.job for worker in self._alive)

    def _pass_on(self, on_event: Callable[[Event], None]) -> None:
        """Wait until some worker says something or dies, and pass it on."""
        ready = wait([w.pipe for w in self._alive if w.job])
        for number, worker in enumerate(self._alive):
            if worker.job is None or worker.pipe not in ready:
                continue
            try:
                event = worker.pipe.recv()
            except (EOFError, OSError):
                self._alive[number] = _started(number)
                why = _cause(worker.process)
                for member in worker.job.members:
                    on_event(Lost(member.key, why))
                continue
            # Trials that were trained together with it are finished before it.
            if isinstance(event, Finished | Failed) and event.key == worker.job.key:
                worker.job = None
            on_event(event)

    def _stop(self) -> None:
        for worker in self._alive:
            worker.pipe.close()
            if worker.job is not None:
                worker.process.terminate()
        for worker in self._alive:
            worker.process.join(PATIENCE_S)
            if worker.process.is_alive():
                worker.process.kill()
        self._alive.clear()


def portable(trial: Trial) -> Trial:
    """A trial without what its paths have computed lazily, which may hold objects that no process can send."""
    problem: Problem = trial.problem
    strategies = tuple((label, _light(plan)) for label, plan in problem.strategies if plan is trial.plan)
    light = Trial(replace(problem, strategies=strategies), _light(trial.plan), trial.seed, trial.control)
    # Known already, and not cheap: the configuration holds a digest of the steps.
    light.__dict__["config"] = trial.config
    return light


def _light(plan: CompiledScan | CompiledPlan) -> CompiledScan | CompiledPlan:
    if isinstance(plan, CompiledPlan):
        return replace(plan, scans=tuple(map(_light_scan, plan.scans)))
    return _light_scan(plan)


def _light_scan(scan: CompiledScan) -> CompiledScan:
    return replace(scan, paths=tuple(replace(path) for path in scan.paths))


def _started(number: int) -> _Worker:
    context: Any = context_with(*TRAINING)
    ours, theirs = context.Pipe()
    given = (theirs, dict(os.environ))
    process = context.Process(target=_work, args=given, name=f"worker {number + 1}", daemon=True)
    process.start()
    theirs.close()
    return _Worker(process.name, process, ours)


def _work(pipe: Connection, environ: dict[str, str]) -> None:
    """A worker's life: jobs in, events out, until the other end is closed."""
    # The process that it was forked from may have begun before the caller set something.
    os.environ.clear()
    os.environ.update(environ)
    # Numba makes a lock that outlives a killed process where it believes that processes are forked from this one.
    multiprocessing.set_start_method("spawn", force=True)
    # Ctrl-C reaches the whole group of processes; the parent decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while True:
            job = pipe.recv()
            pipe.send(run_job(job, pipe.send))
    except (EOFError, OSError):
        # The parent is gone or has closed the pipe: nobody waits for a result.
        os._exit(0)


def _cause(process: BaseProcess) -> str:
    process.join(PATIENCE_S)
    code = process.exitcode
    if code is not None and code < 0:
        doubt = ": perhaps the machine is out of memory" if -code == signal.SIGKILL else ""
        return f"the worker died (signal {-code}){doubt}"
    return f"the worker ended with exit code {code}"
