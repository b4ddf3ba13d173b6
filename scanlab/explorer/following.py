"""Following a text as it is typed: the newest is drawn, then judged; what was overtaken is dropped."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from nicegui import background_tasks

from scanlab.explorer.answers import Drawn, Judged
from scanlab.explorer.state import State
from scanlab.explorer.workers import TooLong, WorkerFailed, Workers
from scanlab.ir.diagnostics import Diagnostic

__all__ = ["Live"]

# Seconds until a text is given up. A drawing that takes this long already is no pleasure to wait for.
LIMIT = 10.0
# Seconds without another change before the library is searched for equivalences: that takes longer than all the rest.
REST = 0.5
# Seconds that a drawing may be behind the text before it is ended for a newer one; most are done by then.
PATIENCE = 0.15


class Live:
    """`drawn` gets each picture, the state that it is of, and whether that is the newest; `judged` gets the proofs of
    the newest text only, and its state, once without and once with its equivalences; `failed` gets what kept a
    state from being drawn, and that."""

    def __init__(
        self,
        workers: Workers,
        drawn: Callable[[Drawn, State, bool], Any],
        judged: Callable[[Judged, State], Any],
        failed: Callable[[Diagnostic, State], Any],
    ) -> None:
        self.workers = workers
        self.drawn = drawn
        self.judged = judged
        self.failed = failed
        self._newest: State | None = None
        self._drawing: asyncio.Task[Any] | None = None
        self._judging: asyncio.Task[Any] | None = None
        self._loop: asyncio.Task[Any] | None = None

    def follow(self, state: State) -> None:
        """Draw and judge this state, and nothing older."""
        self._newest = state
        if self._judging is not None:
            self._judging.cancel()
        if self._loop is None or self._loop.done():
            self._loop = background_tasks.create(self._draw_newest(), name="drawing")
        elif self._drawing is not None:
            asyncio.get_running_loop().call_later(PATIENCE, _cancel, self._drawing)

    def stop(self) -> None:
        """Do nothing more, as when the page is closed."""
        self._newest = None
        for task in (self._loop, self._drawing, self._judging):
            if task is not None:
                task.cancel()

    async def _draw_newest(self) -> None:
        done: State | None = None
        while self._newest is not None and self._newest is not done:
            state = done = self._newest
            self._drawing = background_tasks.create(self._draw(state), name="one drawing")
            try:
                await asyncio.shield(self._drawing)
            except asyncio.CancelledError:
                if not self._drawing.cancelled():
                    self._drawing.cancel()
                    raise

    async def _draw(self, state: State) -> None:
        drawn = await self._ask(
            self.workers.do("draw", state.text, state.grid, state.names, state.file or "<text>", limit=LIMIT)
        )
        newest = state is self._newest
        if self._newest is None:
            return
        if isinstance(drawn, Diagnostic):
            if newest:
                self.failed(drawn, state)
            return
        self.drawn(drawn, state, newest)
        if newest:
            shown = tuple(subject.name for subject in drawn.snapshot.subjects)
            beside = tuple(name for name in shown if drawn.snapshot.is_of_library(name))
            self._judging = background_tasks.create(self._judge(state, shown, beside), name="judging")

    async def _judge(self, state: State, shown: tuple[str, ...], beside: tuple[str, ...]) -> None:
        known = Judged()
        for names in ((), shown) if shown else ((),):
            if names:
                await asyncio.sleep(REST)
            file = state.file or "<text>"
            judged = await self._ask(self.workers.do("judge", state.text, state.grid, names, file, beside, limit=LIMIT))
            if state is not self._newest:
                return
            if isinstance(judged, Diagnostic):
                late = replace(judged, severity="warning")
                judged = replace(known, diagnostics=(*known.diagnostics, late))
            known = judged
            self.judged(judged, state)

    async def _ask(self, asked: Coroutine[Any, Any, Any]) -> Any:
        """The result, or a diagnostic that says why there is none."""
        try:
            return await asked
        except TooLong:
            return Diagnostic(
                "S514",
                f"this text was not compiled within {LIMIT:g} seconds",
                help="make the grid smaller, or the keys simpler",
            )
        except WorkerFailed as error:
            print(error, file=sys.stderr, flush=True)
            return Diagnostic("S515", "the compiler failed on this text; the terminal says more")


def _cancel(task: asyncio.Task[Any]) -> None:
    if not task.done():
        task.cancel()
