"""Jobs as processes with limits: forks of one process that has imported torch, so that no job imports it again.

Nothing here may touch CUDA before the fork: a child cannot use a context of its parent's.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Job", "Outcome", "run_jobs"]

# A job that has less time left than this is not begun.
LEAST_S = 3.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Job:
    """A function that runs in a process of its own, for so many seconds at most."""

    name: str
    call: Callable[[], object]
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """How a job ended. code: 0 if all went well, None if there was no time to begin; cut: stopped at its limit."""

    name: str
    code: int | None
    seconds: float = 0.0
    cut: bool = False


@dataclass(frozen=True)
class _Running:
    job: Job
    began: float
    ends: float


def run_jobs(jobs: Sequence[Job], log: Path, ends: float, at_once: int = 1) -> Iterator[Outcome]:
    """Run jobs in their order, so many at once, until a moment of time.monotonic(); what they print goes to the log.

    A job that ends at its limit is killed with all that it started. No job outlives this process.
    """
    waiting, running = deque(jobs), dict[int, _Running]()
    try:
        while waiting or running:
            now = time.monotonic()
            while waiting and len(running) < at_once:
                job = waiting.popleft()
                most = min(job.seconds, ends - now)
                if most < LEAST_S and most < job.seconds:
                    yield Outcome(job.name, None)
                else:
                    running[_start(job, log)] = _Running(job, now, now + most)
            yield from _ended(running)
            time.sleep(0.01)
    finally:
        for pid in running:
            _kill(pid)


def _ended(running: dict[int, _Running]) -> Iterator[Outcome]:
    """Take those that have ended, or whose time is over, out of those that run."""
    for pid, each in list(running.items()):
        now = time.monotonic()
        seconds = round(now - each.began, 2)
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            del running[pid]
            # What it started and left behind would compute beside the next.
            _signal_group(pid)
            yield Outcome(each.job.name, os.waitstatus_to_exitcode(status), seconds)
        elif now > each.ends:
            del running[pid]
            _kill(pid)
            yield Outcome(each.job.name, -signal.SIGKILL, seconds, cut=True)


def _start(job: Job, log: Path) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        _die_with(parent)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(out, 1)
        os.dup2(out, 2)
        # Whatever stood for them in the parent writes elsewhere.
        sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
        job.call()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    except BaseException:  # the child must not return into its parent's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Without what the parent registered for its own end.
        os._exit(code)


def _die_with(parent: int) -> None:
    """End with the parent, however that ends: what is left behind would keep the GPU. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _kill(pid: int) -> None:
    _signal_group(pid)
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        return


def _signal_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
