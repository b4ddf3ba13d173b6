"""One page of the explorer: the text on the left, what it means on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nicegui import ui

from scanlab.explorer.answers import Drawn, Judged, merged
from scanlab.explorer.desk import Desk
from scanlab.explorer.documents import Documents, is_saved
from scanlab.explorer.elements import Editor, Field, Gallery, Shell, Vocabulary
from scanlab.explorer.help import help_window
from scanlab.explorer.live import Live
from scanlab.explorer.markup import button, set_props, tag
from scanlab.explorer.picture import Picture
from scanlab.explorer.problems import Problems
from scanlab.explorer.selection import Selection
from scanlab.explorer.session import Session
from scanlab.explorer.state import State, from_address, to_address
from scanlab.explorer.titles import TITLES
from scanlab.ir.diagnostics import Diagnostic, ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.ir.text import count_text, grid_text

if TYPE_CHECKING:
    from scanlab.explorer.panes import Pane
    from scanlab.explorer.snapshot import Snapshot

__all__ = ["Page"]


class Page:
    """What one browser tab shows. `state` is all that a reload needs."""

    def __init__(self, session: Session, vocabulary: Vocabulary) -> None:
        self.session = session
        self.state = session.start
        self.snapshot: Snapshot | None = None
        self.live = Live(session.workers, self._drawn, self._judged, self._failed)
        self.shell = Shell(self._moved, self._pressed)
        self.desk = Desk(self._prepare, self._arranged)
        with tag("div", "explorer") as self.frame:
            self._build_header()
            with tag("main", "work"):
                self._build_write(vocabulary)
                self._build_see()
        self.documents = Documents(session.folders, self)
        self.gallery = Gallery(self._from_library, self._beside)
        self.help = help_window(tuple(TITLES.values()))
        ui.context.client.on_delete(self.live.stop)

    def _build_header(self) -> None:
        with tag("header", "top"):
            tag("h1", "", "ScanLab")
            self.file = tag("span", "file", role="status")
            with tag("nav", "actions", aria_label="Actions"):
                button("Open", lambda: self.documents.show_open(), title="Ctrl+O")
                button("Save", lambda: self.documents.save(), title="Ctrl+S")
                button("Library", lambda: self.gallery.open(), title="Alt+L")
                button("Export", lambda: self._reveal("export"))
                button("Copy link", self._copy_link, title="Alt+C: the whole state is in the address")
                button("Copy as Python", self._copy_python)
                button("Keys", lambda: self.help.open(), title="?", aria_label="Keyboard shortcuts")

    def _build_write(self, vocabulary: Vocabulary) -> None:
        with tag("section", "write", aria_label="Definitions"):
            with tag("div", "tools"):
                self.grid = Field("grid", "grid-size", self._regridded, hint="14x14")
                self.selection = Selection(self._chosen)
            self.editor = Editor(vocabulary, self._edited)
            self.problems = Problems(self.editor, lambda example: self.picture.show_example(example))

    def _build_see(self) -> None:
        with tag("div", "see"):
            with tag("div", "arrange"):
                self.desk.build_bar()
                self.layout = button("", self._turn_layout, "plain layout", title="Alt+B")
            with tag("section", "paths", aria_label="Paths"):
                self.picture = Picture(self._coloured, self.gallery_open)
            self.desk.build()

    def gallery_open(self) -> None:
        """Open the library."""
        self.gallery.open()

    def begin(self, address: str) -> None:
        """Fill the page, once the browser is there, from the state in its address or else the server's."""
        self.take(from_address(address) if address else self.session.fresh())

    def take(self, state: State, is_new: bool = False) -> None:
        """Take on another state; `is_new` makes it a step that Back takes back."""
        if state.text != self.state.text or self.snapshot is None:
            self.editor.show(state.text)
        if state.colour != self.state.colour:
            self.picture.player.colour_by(state.colour)
        self.state = state
        self.desk.set(state.panes)
        self._follow(is_new)

    def say(self, text: str) -> None:
        """Show a short notice."""
        self.shell.say(text)

    # What the user does.

    def _edited(self, text: Any) -> None:
        if isinstance(text, str):
            self.state = replace(self.state, text=text)
            self._follow()

    def _regridded(self, text: str) -> None:
        try:
            grid = grid_of(text)
        except ScanlabError as error:
            self.grid.wrong(error.diagnostics[0].message)
            return
        self.grid.wrong(self._misfit(grid))
        self.state = replace(self.state, grid=grid)
        self._follow()

    def _misfit(self, grid: tuple[int, ...]) -> str:
        shown = self.snapshot.subjects if self.snapshot is not None else ()
        if not shown or any(len(s.value.axes) == len(grid) for s in shown):
            return ""
        axes = shown[0].value.axes
        return f"{shown[0].name} has {count_text(len(axes), 'axis')}: {', '.join(axes)}"

    def _chosen(self, names: tuple[str, ...]) -> None:
        self.state = replace(self.state, names=names)
        self._follow()

    def _coloured(self, colour: str) -> None:
        self.state = replace(self.state, colour=colour)
        self.shell.address(to_address(self.state), False)

    def _arranged(self) -> None:
        opened = [name for name in self.desk.names if name not in self.state.panes]
        self.state = replace(self.state, panes=self.desk.names)
        for name in opened:
            self.shell.reveal(f"pane-{name}")
        self._label()
        self.shell.address(to_address(self.state), False)

    def _turn_layout(self) -> None:
        self.state = replace(self.state, layout="below" if self.state.layout == "beside" else "beside")
        self._arranged()

    def _moved(self, address: str) -> None:
        self.take(from_address(address) if address else self.session.fresh())

    async def _from_library(self, name: str) -> None:
        text = await self.session.workers.do("source_of", name)
        self.take(replace(self.state, text=text, names=(), file="", base=""), is_new=True)
        self.editor.focus()

    def _beside(self, name: str) -> None:
        shown = self.snapshot.subjects if self.snapshot is not None else ()
        self._chosen(tuple(dict.fromkeys([*(s.name for s in shown), name])))

    async def _picked(self, source: str, axes: Sequence[str], grid: Sequence[int]) -> None:
        """Show a strategy of a study."""
        text = await self.session.workers.do("defined", source, tuple(axes))
        self.take(replace(self.state, text=text, grid=tuple(grid), names=(), file="", base=""), is_new=True)

    def _reveal(self, pane: str) -> None:
        self.desk.open(pane)
        self.shell.reveal(f"pane-{pane}")

    def _copy_link(self) -> None:
        self.shell.copy_link("copied a link to all that is shown")

    async def _copy_python(self) -> None:
        if self.snapshot is None or not self.snapshot.subjects:
            self.say("there is nothing to copy: no strategy is shown")
            return
        text = await self.session.workers.do("python_of", self.snapshot)
        self.shell.copy(text, "copied Python that makes the same paths")

    def _pressed(self, name: str) -> Any:
        if name.startswith("pane "):
            return self.desk.toggle_number(int(name.removeprefix("pane ")))
        actions = {
            "save": self.documents.save,
            "open": self.documents.show_open,
            "library": self.gallery.open,
            "link": self._copy_link,
            "fix": self.problems.fix,
            "problem": self.problems.go_to_next,
            "editor": self.editor.focus,
            "player": self.picture.focus,
            "grid": self.grid.focus,
            "layout": self._turn_layout,
            "help": self.help.open,
        }
        return actions[name]()

    # What comes of it.

    def _follow(self, is_new: bool = False) -> None:
        self.shell.address(to_address(self.state), is_new)
        self._label()
        self.live.follow(self.state)

    def _label(self) -> None:
        name = self.documents.name
        mark = "" if not name else "saved" if is_saved(self.state) else "not saved"
        if self.file.text != (shown := f"{name} · {mark}" if name else ""):
            self.file.text = shown
            self.shell.title(f"{name or 'ScanLab explorer'}{' · ScanLab' if name else ''}")
        set_props(self.file, data_mark=mark)
        set_props(self.frame, data_layout=self.state.layout, data_panes=len(self.desk.names))
        self.layout.text = "Panes below" if self.state.layout == "beside" else "Panes beside"
        set_props(self.layout, hidden=not self.desk.names)

    def _drawn(self, drawn: Drawn, newest: bool) -> None:
        found = drawn.snapshot
        self.snapshot = found
        self.picture.show(drawn)
        self.selection.show(found.names, tuple(subject.name for subject in found.subjects))
        self.grid.set(grid_text(found.subjects[0].grid if found.subjects else self.state.grid))
        if newest:
            self.editor.underline(found.text, found.diagnostics)
            if found.diagnostics or not found.names:
                self.problems.show(found.text, found.diagnostics, ())
            self.desk.show(found)

    def _judged(self, judged: Judged) -> None:
        found = self.snapshot
        if found is None:
            return
        problems = merged(found.diagnostics, judged)
        self.editor.underline(found.text, problems)
        self.problems.show(found.text, problems, judged.verdicts)
        if problems and not found.subjects:
            self.picture.show_failure(problems)

    def _failed(self, why: Diagnostic) -> None:
        self.problems.show(self.state.text, (why,), ())
        self.picture.show_failure((why,))

    def _prepare(self, pane: Pane) -> None:
        """Give a pane what it needs of the page."""
        from scanlab.explorer.panes.studies import StudiesPane

        pane.workers = self.session.workers
        if isinstance(pane, StudiesPane):
            pane.folders = self.session.folders
            pane.on_pick = self._picked
