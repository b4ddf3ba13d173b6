"""A study's database, opened beside the paths: how far it is while it runs, and its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

from nicegui import app, background_tasks, ui

from scanlab.explorer.elements import Field
from scanlab.explorer.html_elements import button, set_props, tag
from scanlab.explorer.panes.pane import Option, Pane
from scanlab.explorer.renderers.markup import mistakes
from scanlab.explorer.scan_files import Folders
from scanlab.explorer.snapshot import Snapshot
from scanlab.explorer.study_state import (
    Progress,
    Strategy,
    StudyState,
    find_studies,
    load_judging,
    read_results,
    read_state,
)
from scanlab.explorer.workers import Workers
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["StudiesPane"]

EVERY = 1.0
MOST_RUNNING = 8


Picked = Callable[[str, Sequence[str], Sequence[int]], Any]


@cache
def _judges() -> Workers:
    """One process for all pages, which has loaded what judging needs and is kept for that."""
    workers = Workers(1)
    app.on_shutdown(workers.close)
    return workers


class StudiesPane(Pane):
    """Lists the studies in the folders that are open; one that is opened is read again every second until it is over.

    folders: where studies may lie. on_pick: called with a strategy's text, axes and grid when it is clicked.
    """

    # A large study takes long to judge.
    limit: ClassVar[float] = 120.0

    def __init__(self) -> None:
        self.folders: Folders | None = None
        self.on_pick: Picked = lambda source, axes, grid: None
        self.place: Path | None = None
        # The study's name in the address.
        self._begun = ""
        self.state: StudyState | None = None
        self._judged = self._judging = ""
        self._is_reading = False
        super().__init__()
        with self.box:
            self.problem = ui.html("", sanitize=False)
            # What was asked, then the answer, then all else: results are what one opens a study for.
            self.head = tag("div", "study")
            self.strategies = tag("div", "strategies")
        for element, place in ((self.problem, 2), (self.head, 3)):
            element.move(self.box, place)
        with self.box:
            self.clock = ui.timer(EVERY, self._tick, active=False)

    def build_tools(self) -> None:
        """The path, and the studies in the open folders."""
        self.other = button("Open another study", self._turn_choice, aria_expanded="true", hidden=True)
        with tag("div", "choice") as self.choice:
            with tag("div", "opening"):
                self.path = Field("study", "study-path", self._typed_path, self.open, "out/study")
                button("Open it", lambda: self.open(self._typed))
                button("Look again", self.look, "plain")
            self.listing = tag("ul", "study-list")
        self._typed = ""

    def _typed_path(self, text: str) -> None:
        self._typed = text

    def _turn_choice(self) -> None:
        self._show_choice(bool(self.choice.props.get("hidden")))

    def _show_choice(self, shown: bool) -> None:
        """Show what there is to open; once a study is open, it stands in nobody's way."""
        set_props(self.choice, hidden=not shown)
        set_props(self.other, hidden=self.place is None, aria_expanded="true" if shown else "false")

    def options(self) -> dict[str, Option]:
        """See `Pane.options`."""
        return {"study": self._begun} if self._begun else {}

    def choose(self, options: Mapping[str, Option]) -> None:
        """See `Pane.choose`."""
        self._begun = str(options.get("study", ""))

    async def show(self, snapshot: Snapshot, version: str = "") -> None:
        """What is shown in the paths changes nothing here; the first time, the folders are looked through, and the
        study of the address is opened."""
        if self.snapshot is None:
            self.snapshot = snapshot
            background_tasks.create(_judges().run(load_judging, limit=self.limit), name="loading what judges")
            if self._begun:
                await self.open(self._begun)
            await self.look()

    async def look(self) -> None:
        """List the studies in the open folders."""
        assert self.folders is not None, "the page tells a pane its folders"
        if self.place is None:
            self.say("Looking for studies …", "working")
        outcome = await self.ask(find_studies, (self.folders.roots,))
        if outcome is None or self.box.is_deleted:
            return
        self.listing.clear()
        with self.listing:
            for file in outcome.value:
                with tag("li"):
                    shown = self.folders.shown(file.parent if file.name == "study.sqlite" else file)
                    button(str(shown), lambda file=file: self.open(str(file)), "plain", title=str(file))
        missing = "No study is in the open folders. “scanlab ablate” makes one, and you can open it here while it runs."
        # An open study has a word of its own.
        if self.place is None:
            self.say("" if outcome.value else missing, "ready" if outcome.value else "empty")

    async def open(self, path: str) -> None:
        """Show a study, given by its folder or its database, inside the open folders."""
        assert self.folders is not None, "the page tells a pane its folders"
        self.path.wrong("" if path.strip() else "name the folder of a study, or click one below")
        if not path.strip():
            return
        try:
            place = self.folders.inside(path.strip())
        except ScanlabError as error:
            self.problem.set_content(mistakes(error.diagnostics))
            return
        self.next_turn()
        self._begun = self.folders.shown(place)
        self.on_options()
        self.place, self.state, self._judged, self._judging, self._is_reading = place, None, "", "", False
        self.path.set(self._begun, even_focused=True)
        self._show_choice(False)
        self.problem.set_content("")
        self.page.set_content("")
        self.strategies.clear()
        self.head.clear()
        self.say("Reading the study …", "working")
        await self._tick()

    async def _tick(self) -> None:
        """Read how far it is; where a trial has ended since, begin to judge the results."""
        place, turn = self.place, self._turn
        if self._is_reading or place is None:
            return
        self._is_reading = True
        try:
            outcome = await self.ask(read_state, (place,))
        finally:
            self._is_reading = False
        if outcome is None or not self.is_current(turn):
            return
        if outcome.problems:
            self.clock.deactivate()
            self.problem.set_content(mistakes(outcome.problems))
            self._show_choice(True)
            self.say("", "failed")
            return
        self._show_progress(outcome.value)
        # One at a time. The first takes long, as it imports torch: how far the study is goes on being read meanwhile.
        if self.state is not None and self.state.ended != self._judged and not self._judging:
            background_tasks.create(self._judge(place, turn, self.state.ended), name="judging a study")

    async def _judge(self, place: Path, turn: int, ended: str) -> None:
        self._judging = ended
        self._say_how()
        results = await self.ask(read_results, (place,), _judges())
        if results is None or not self.is_current(turn):
            return
        self._judging, self._judged = "", ended
        self.page.set_content(mistakes(results.problems) if results.problems else results.value)
        self._say_how()

    def _say_how(self) -> None:
        if self._judging:
            words = "Judging the results …" if not self._judged else ""
            self.say(words, "working")
        else:
            self.say("", "ready")

    def _show_progress(self, state: StudyState) -> None:
        if self.state is None or self.state.strategies != state.strategies:
            self._show_strategies(state.strategies)
        if self.state != state:
            self.head.clear()
            with self.head:
                tag("h3", "", state.name)
                if state.question:
                    tag("p", "question", state.question)
                _progress(state.progress)
        self.state = state
        self.clock.active = not (state.progress.is_over and state.ended == self._judged)

    def _show_strategies(self, strategies: Sequence[Strategy]) -> None:
        self.strategies.clear()
        problems = list(dict.fromkeys(s.problem for s in strategies))
        with self.strategies:
            for problem in problems:
                shown = [s for s in strategies if s.problem == problem]
                with tag("details", open=len(problems) == 1):
                    tag("summary", "", f"Paths on {problem}: {count_text(len(shown), 'strategy')} to show")
                    with tag("div", "picks", role="group", aria_label=f"Strategies on {problem}"):
                        for s in shown:
                            pick = partial(self.on_pick, s.source, s.axes, s.grid)
                            button(s.label, pick, "chip", title=f"Show {s.source}")


def _progress(progress: Progress) -> None:
    """The bar, while there is something to wait for, the counts, and the trials under way."""
    done, total = progress.epochs
    counts = [f"{n} {status}" for status, n in sorted(progress.trials.items(), key=lambda item: _ORDER.index(item[0]))]
    words = f"{', '.join(counts)} of {progress.total} trials · {done} of {total} epochs"
    if not progress.is_over:
        tag("progress", "", max=max(total, 1), value=done, aria_label="epochs that are done")
    tag("p", "counts", words)
    for trial in progress.running[:MOST_RUNNING]:
        metric = "" if trial.metric is None else f", {trial.metric[0].replace('_', ' ')} {trial.metric[1]:.4f}"
        tag("p", "note", f"{trial.name}: epoch {trial.epoch} of {trial.epochs}{metric}")
    if len(progress.running) > MOST_RUNNING:
        tag("p", "note", f"and {len(progress.running) - MOST_RUNNING} more under way")


_ORDER = ("done", "running", "waiting", "failed")
