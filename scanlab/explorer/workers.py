"""Processes that read and compile texts, so that no text can stop or slow the server: each can be ended at any time."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from scanlab.processes import context_with

__all__ = ["TooLong", "WorkerFailed", "Workers"]

T = TypeVar("T")

# Seconds that an overtaken task may go on: most end sooner, and a new process costs more than that.
_GRACE = 0.3


class TooLong(Exception):
    """A task took longer than its limit, in seconds, and was ended."""


class WorkerFailed(Exception):
    """A task failed in a way that its author did not foresee; the argument is its traceback."""


class Workers:
    """A few processes that take one task each; `most` bounds them, and they start when they are needed."""

    def __init__(self, most: int = 4) -> None:
        self._context = context_with("scanlab.explorer.worker_tasks")
        self._threads = ThreadPoolExecutor(most, "worker")
        self._free = asyncio.Semaphore(most)
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()

    async def do(self, name: str, *args: Any, limit: float = 10.0) -> Any:
        """As `run`, for a function of `scanlab.explorer.worker_tasks`, which this process does not import."""
        return await self.run(_named, name, args, limit=limit)

    async def run(self, task: Callable[..., T], *args: Any, limit: float = 10.0) -> T:
        """What `task(*args)` returns, from another process; both must pickle.

        A task whose caller is cancelled is ended. Raises TooLong after `limit` seconds, and WorkerFailed.
        """
        await self._free.acquire()
        worker = self._idle.pop() if self._idle else self._new()
        asked = asyncio.get_running_loop().run_in_executor(self._threads, worker.ask, task, args, limit)
        asked.add_done_callback(lambda done: self._give_back(worker, done))
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_later(_GRACE, lambda: None if asked.done() else worker.end())
            raise

    def warm_up(self) -> None:
        """Start the first process now, in the background."""
        self._idle.append(self._new())
        self._threads.submit(self._idle[0].start)

    def close(self) -> None:
        """End all processes."""
        for worker in self._all:
            worker.end()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _new(self) -> _Worker:
        worker = _Worker(self._context)
        self._all.add(worker)
        return worker

    def _give_back(self, worker: _Worker, done: asyncio.Future[Any]) -> None:
        if not done.cancelled():
            done.exception()  # an overtaken task's error is nobody's
        if worker.is_usable:
            self._idle.append(worker)
        else:
            self._all.discard(worker)
        self._free.release()


class _Worker:
    def __init__(self, context: Any) -> None:
        self._context = context
        self._starting = threading.Lock()
        self._ours: Connection | None = None
        self._process: Any = None
        self.is_usable = True

    def start(self) -> Connection:
        """Start the process, where that has not been done; this can take a second."""
        with self._starting:
            if self._ours is not None:
                return self._ours
            ours, theirs = self._context.Pipe()
            self._process = self._context.Process(target=_serve, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()
            self._ours = ours
            return ours

    def ask(self, task: Callable[..., T], args: tuple[Any, ...], limit: float) -> T:
        """Send a task and wait for its result, in a thread."""
        try:
            ours = self.start()
            ours.send((task, args))
            if not ours.poll(limit):
                self.end()
                raise TooLong(limit)
            fine, result = ours.recv()
        except (EOFError, OSError):
            self.end()
            raise WorkerFailed("the process ended") from None
        if not fine:
            raise WorkerFailed(result)
        return result

    def end(self) -> None:
        """Kill the process."""
        self.is_usable = False
        # A process that has not started yet ends with the pipe that it would listen to.
        if self._process is not None and self._process.pid is not None:
            self._process.kill()


def _named(name: str, args: tuple[Any, ...]) -> Any:
    from scanlab.explorer import worker_tasks

    return getattr(worker_tasks, name)(*args)


def _serve(theirs: Connection) -> None:
    # Ctrl-C goes to every process of the terminal; the server ends its own.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):
        while True:
            theirs.send(_done(theirs))


def _done(theirs: Connection) -> tuple[bool, Any]:
    """Do the next task: whether it was done, and what it gave, or a traceback."""
    try:
        task, args = theirs.recv()
        return True, task(*args)
    except EOFError:
        raise
    except Exception:
        return False, traceback.format_exc()
