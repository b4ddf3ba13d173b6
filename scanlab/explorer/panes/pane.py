"""What all panes have in common: they ask a worker process, drop what was overtaken, and say how it stands."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ClassVar, TypeVar
from weakref import WeakKeyDictionary

from nicegui import ui

from scanlab.explorer.attempt import Outcome, attempt
from scanlab.explorer.html_elements import tag
from scanlab.explorer.renderers.markup import mistakes
from scanlab.explorer.snapshot import Snapshot
from scanlab.explorer.workers import TooLong, WorkerFailed, Workers
from scanlab.ir.diagnostics import Diagnostic

__all__ = ["Option", "Pane"]

T = TypeVar("T")
Option = str | int | float

# Seconds without another change before a pane begins: while somebody types, the paths come first.
PAUSE = 0.15
# Seconds before a pane says that it is at work: most answers come sooner, and a word would only flicker.
SILENCE = 0.4
# Tasks of panes at a time, so that the paths always find a free worker.
SEATS = 3
EMPTY = "Nothing is shown yet. Write an order on the left, as in “by h, ~w”, or take one from the library."


class Pane:
    """Builds its elements where it is made, and shows one snapshot after the other.

    A subclass says in `asks` which function of `scanlab.explorer.renderers` makes its HTML of a snapshot, in `question`
    what else that is given, and in `build_tools` which controls stand above it. What a pane cannot show it says itself;
    the others go on.
    """

    doing: ClassVar[str] = "Working"
    limit: ClassVar[float] = 30.0
    """Seconds that an answer may take."""
    asks: ClassVar[Callable[..., Any]]

    _seats: ClassVar[WeakKeyDictionary[Workers, asyncio.Semaphore]] = WeakKeyDictionary()

    def __init__(self) -> None:
        # The page gives its workers to every pane before it shows anything.
        self.workers: Workers | None = None
        self.snapshot: Snapshot | None = None
        # Called when the user has chosen something else, as the page wants to know.
        self.on_options: Callable[[], Any] = lambda: None
        self.version = ""
        self._turn = 0
        self._work: set[asyncio.Task[Any]] = set()
        with tag("div", "pane-body", data_state="empty") as self.box:
            with tag("div", "controls"):
                self.build_tools()
            self.word = tag("p", "word", role="status")
            # Everything in it comes from `renderers`, which escapes every text.
            self.page = ui.html("", sanitize=False)
        ui.context.client.on_delete(self.close)

    def build_tools(self) -> None:
        """Build the controls above the page; none by default."""

    def options(self) -> dict[str, Option]:
        """What the user chose here, by name, where it is not as usual; none by default."""
        return {}

    def choose(self, options: Mapping[str, Option]) -> None:
        """Choose what an address says, before anything is shown; what means nothing is left as usual."""

    def question(self, snapshot: Snapshot) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """The function that makes the page, and its arguments; both must pickle."""
        return self.asks, (snapshot,)

    def answered(self, value: Any) -> None:
        """Show what the question gave; HTML by default."""
        self.page.set_content(value)

    async def show(self, snapshot: Snapshot, version: str = "") -> None:
        """Show another snapshot; version: which text and grid it is of."""
        self.snapshot, self.version = snapshot, version
        await self.refresh()

    async def chosen(self) -> None:
        """Go on from another choice in the controls."""
        self.on_options()
        await self.refresh()

    async def refresh(self) -> None:
        """Ask again."""
        turn, snapshot = self.begin()
        if snapshot is None:
            return
        await asyncio.sleep(PAUSE)
        if not self.is_current(turn):
            return
        later = asyncio.get_running_loop().call_later(SILENCE, self._say_doing, turn)
        try:
            outcome = await self.ask(*self.question(snapshot))
        finally:
            later.cancel()
        if outcome is None or not self.is_current(turn):
            return
        if outcome.problems:
            self.show_problems(outcome.problems)
        else:
            self.answered(outcome.value)
            self.say("", "ready")

    def begin(self) -> tuple[int, Snapshot | None]:
        """Begin a turn: its number, and what there is to show; None, and a word on the pane, where that is nothing."""
        turn, snapshot = self.next_turn(), self.snapshot
        if snapshot is None or snapshot.subjects:
            return turn, snapshot
        self.show_nothing(snapshot)
        return turn, None

    def next_turn(self) -> int:
        """Begin a turn: whatever is under way is overtaken."""
        self._turn += 1
        for task in self._work:
            task.cancel()
        return self._turn

    def is_current(self, turn: int) -> bool:
        """Whether nothing overtook a turn, and the pane is still open."""
        return turn == self._turn and not self.box.is_deleted

    async def ask(
        self, task: Callable[..., Any], args: tuple[Any, ...], workers: Workers | None = None
    ) -> Outcome | None:
        """What a worker process, of the page's or of others, makes of a task; None where a later turn overtook it."""
        asked = workers or self.workers
        assert asked is not None, "the page gives its workers to a pane before it shows anything"
        seats = self._seats.setdefault(asked, asyncio.Semaphore(SEATS))
        try:
            return await self.unless_overtaken(_seated(seats, asked, self.limit, task, args))
        except TooLong:
            why = f"this takes more than {self.limit:g} seconds"
            return Outcome(problems=(Diagnostic("S514", why, help="make the grid smaller, or show fewer strategies"),))
        except WorkerFailed as error:
            print(error, file=sys.stderr, flush=True)
            return Outcome(problems=(Diagnostic("S515", "this pane failed; the terminal says more"),))

    async def unless_overtaken(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What some work gives; it is ended, and gives None, as soon as another turn begins."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        return None if task.cancelled() else task.result()

    def close(self) -> None:
        """End what is under way, as when the pane or the page is closed."""
        self.next_turn()

    def show_nothing(self, snapshot: Snapshot) -> None:
        """What stands here while no strategy is shown: the last page, dimmed, behind a mistake in the text."""
        if not snapshot.diagnostics:
            self.page.set_content("")
            self.say(EMPTY, "empty")
        elif self.page.content:
            self.say("Of the text before the mistake in it:", "stale")
        else:
            self.say("The text has a mistake, so there is nothing to show yet.", "empty")

    def show_problems(self, problems: tuple[Diagnostic, ...]) -> None:
        """What stands here where a question has no answer."""
        self.page.set_content(mistakes(problems))
        self.say("", "failed")

    def say(self, words: str, state: str) -> None:
        """Put a word above the page. state: "empty", "working", "ready", "stale" or "failed"."""
        self.word.text = words
        # What is shown while the pane is at work, or behind a mistake, is of the text before.
        if state in ("ready", "failed", "empty") and self.version:
            self.box.props["data-of"] = self.version
        self.box.props["data-state"] = state
        self.box.props["aria-busy"] = "true" if state == "working" else "false"

    def _say_doing(self, turn: int) -> None:
        if self.is_current(turn):
            self.say(f"{self.doing} …", "working")


async def _seated(
    seats: asyncio.Semaphore, workers: Workers, limit: float, task: Callable[..., Any], args: tuple[Any, ...]
) -> Outcome:
    async with seats:
        return await workers.run(attempt, task, *args, limit=limit)
