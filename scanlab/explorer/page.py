"""One page of the explorer: the text on the left, what it means on the right."""

from __future__ import annotations

from dataclasses import replace

from nicegui import run, ui

from scanlab.explorer.elements import Editor
from scanlab.explorer.player_element import Player
from scanlab.explorer.problems import Problems
from scanlab.explorer.snapshot import Snapshot, snapshot
from scanlab.explorer.state import State
from scanlab.facade import parse_grid
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["Page"]


class Page:
    """What one browser tab shows. `state` is all that a reload needs."""

    def __init__(self) -> None:
        self.state = State()
        self.shown: Snapshot | None = None
        self._turn = 0
        with ui.element("main").classes("explorer"):
            with ui.element("section").classes("write").props('aria-label="Definitions"'):
                self._toolbar()
                self.editor = Editor(self.edited, self.saved)
                self.problems = Problems(self.editor)
            with ui.element("section").classes("see").props('aria-label="Paths"'):
                self.player = Player()

    def _toolbar(self) -> None:
        with ui.element("div").classes("tools"):
            self.grid = ui.input("grid", value="x".join(map(str, self.state.grid)), on_change=self.regridded)
            self.grid.props('dense outlined debounce=60 aria-label="Grid, as in 14x14"').classes("grid")
            self.names = ui.select([], multiple=True, label="shown", on_change=self.chosen)
            self.names.props("dense outlined options-dense").classes("names")

    async def begin(self, state: State) -> None:
        """Fill the page, once the browser is there."""
        self.state = state
        self.grid.value = "x".join(map(str, state.grid))
        self.editor.show(self.state.text)
        await self.refresh()

    async def edited(self, text: str) -> None:
        """The text is another."""
        self.state = replace(self.state, text=text)
        await self.refresh()

    def saved(self) -> None:
        """Ctrl+S."""

    async def regridded(self) -> None:
        """The grid is another, or is being typed."""
        try:
            grid = parse_grid(self.grid.value or "")
        except ScanlabError as error:
            self.grid.props(f'error error-message="{error.diagnostics[0].message}"')
            return
        self.grid.props(remove="error")
        self.state = replace(self.state, grid=grid)
        await self.refresh()

    async def chosen(self) -> None:
        """Other definitions are to be shown."""
        names = tuple(self.names.value or ())
        if names != self.state.names:
            self.state = replace(self.state, names=names)
            await self.refresh()

    async def refresh(self) -> None:
        """Compile what the state says, and draw it unless a later change overtook it."""
        self._turn += 1
        turn, state = self._turn, self.state
        found = await run.io_bound(snapshot, state.text, state.grid, state.names)
        if turn != self._turn or found is None:
            return
        self.shown = found
        self.names.set_options(list(found.names), value=[s.name for s in found.subjects])
        self.editor.underline(found.diagnostics)
        self.problems.show(found)
        if found.subjects:
            self.player.show(scene for subject in found.subjects for scene in subject.scenes)
