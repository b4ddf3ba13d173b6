"""One page of the explorer: the text on the left, what it means on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nicegui import ui

from scanlab.explorer.answers import Drawn, Judged, merged
from scanlab.explorer.desk import Desk
from scanlab.explorer.documents import Documents, is_saved
from scanlab.explorer.elements import Arrays, Editor, Entry, Field, Gallery, LanguageCard, Shell, Vocabulary, Window
from scanlab.explorer.examples import EXAMPLES, Example, build_introduction
from scanlab.explorer.following import Live
from scanlab.explorer.freshness import text_version, version_of
from scanlab.explorer.help import help_window
from scanlab.explorer.html_elements import button, set_props, tag
from scanlab.explorer.linked_element import Linked
from scanlab.explorer.picture import Picture
from scanlab.explorer.problems import Problems
from scanlab.explorer.resting import Rest
from scanlab.explorer.selection import FULL, Selection
from scanlab.explorer.session import Session
from scanlab.explorer.state import (
    MOST_CHARACTERS,
    MOST_PATCHES,
    MOST_SUBJECTS,
    State,
    draft_fields,
    from_address,
    to_address,
    view_of,
    with_fields,
    with_plain_ends,
    with_text,
)
from scanlab.explorer.titles import TITLES
from scanlab.ir.diagnostics import Diagnostic, ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.ir.text import count_text, grid_text

if TYPE_CHECKING:
    from scanlab.explorer.panes import Pane
    from scanlab.explorer.snapshot import Snapshot

__all__ = ["Page"]

LIMITS = f"{MOST_PATCHES:,} patches at most, all paths together, of {MOST_SUBJECTS} strategies at most"
IN_THE_ADDRESS = "text, grid, panes with their options, and how the paths are looked at; not an image of yours"


class Page:
    """What one browser tab shows. `state` is all that a reload needs."""

    def __init__(self, session: Session, vocabulary: Vocabulary) -> None:
        self.session = session
        self.state = session.start
        self.snapshot: Snapshot | None = None
        # The view that the next picture is to have, where that is not the player's own.
        self._view: dict[str, Any] | None = None
        self._is_no_grid = False
        # Whether the next picture is to play once.
        self._plays = False
        self._shown_of = _asked(self.state)
        self.rest = Rest()
        self.live = Live(session.workers, self._drawn, self._judged, self._failed)
        self.shell = Shell(self._moved, self._pressed, self._dropped)
        self.desk = Desk(self._prepare, self._arranged)
        self.linked = Linked(session.workers, self._reach)
        with tag("div", "explorer") as self.frame:
            self._build_header()
            # NiceGUI's own element around the page is the main landmark.
            with tag("div", "work"):
                self._build_write(vocabulary)
                self._build_see()
        self.documents = Documents(session.folders, self)
        self.gallery = Gallery(self._from_library, self._beside)
        self.language = LanguageCard(self._from_card)
        self.arrays = Window("From an array", "arrays-window")
        with self.arrays:
            Arrays(self._from_array)
        self.help = help_window(tuple(TITLES.values()))
        ui.context.client.on_delete(self.live.stop)

    def _build_header(self) -> None:
        with tag("header", "top"):
            tag("h1", "", "ScanLab")
            self.file = tag("span", "file", role="status")
            with tag("nav", "actions", aria_label="Actions"):
                button("Open", lambda: self.documents.show_open(), title="Ctrl+O")
                button("Save", lambda: self.documents.save(), title="Ctrl+S")
                button(
                    "From an array", lambda: self.arrays.open(), title="Alt+A: the line of an order that is an array"
                )
                button("Language", lambda: self.language.open(), title="Alt+K: all of it on one page")
                button("Library", lambda: self.gallery.open(), title="Alt+L")
                button("Copy link", self._copy_link, title=f"Alt+C: {IN_THE_ADDRESS}")
                button("Copy as Python", self._copy_python)
                button("Shortcuts", lambda: self.help.open(), title="?")

    def _build_write(self, vocabulary: Vocabulary) -> None:
        with tag("section", "write", aria_label="Definitions"):
            build_introduction(self._from_example)
            with tag("div", "tools"):
                self.grid = Field("grid", "grid-size", self._regridded, hint="14x14", kept="grid", about=LIMITS)
                self.selection = Selection(self._chosen)
            self.editor = Editor(vocabulary, self._edited)
            self.problems = Problems(self.editor, lambda example, version: self.picture.show_example(example, version))

    def _build_see(self) -> None:
        with tag("div", "see"):
            with tag("div", "arrange"):
                self.desk.build_bar()
                self.layout = button("", self._turn_layout, "plain layout", title="Alt+B")
            with tag("section", "paths", aria_label="Paths", tabindex="0"):
                self.picture = Picture(self._coloured, self._viewed, self.gallery_open)
            self.desk.build()

    def gallery_open(self) -> None:
        """Open the library."""
        self.gallery.open()

    @property
    def turn(self) -> int:
        """Of the newest change in the browser that has come."""
        return max(self.shell.turn, self.editor.turn, self.grid.turn, self.picture.player.turn)

    def begin(self, said: Any) -> None:
        """Fill the page, once the browser is there and has said which entry of its history it stands at."""
        self._moved(self.shell.entry(said))
        self._plays = self.state.step < 0 and self.shell.is_fresh

    def take(self, state: State, is_new: bool = False) -> None:
        """Take on another state; `is_new` makes it a step that Back takes back."""
        before, state = self.state, replace(state, text=with_plain_ends(state.text))
        if state.text != before.text or self.snapshot is None:
            self.editor.show(state.text)
        if state.colour != before.colour:
            self.picture.player.colour_by(state.colour)
        if state.grid != before.grid:
            self.grid.set(grid_text(state.grid), even_focused=True)
        if view_of(state) != view_of(before):
            self._view = view_of(state)
        self.state = state
        self.desk.set(state.panes, state.options)
        self._follow(is_new)

    def say(self, text: str) -> None:
        """Show a short notice."""
        self.shell.say(text)

    # What the user does.

    def _edited(self, text: Any) -> None:
        if isinstance(text, str):
            self.state = replace(self.state, text=text)
            self.rest.typed()
            self._follow()

    def _regridded(self, text: Any) -> None:
        self._is_no_grid = True
        try:
            grid = grid_of(str(text))
        except ScanlabError as error:
            self.grid.wrong(error.diagnostics[0].message)
            self._write_down()
            return
        state = with_fields(self.state, {"grid": list(grid)})
        if state.grid != grid:
            self.grid.wrong("a grid has 1 to 5 axes, and less than 2³¹ along each")
            self._write_down()
            return
        self._is_no_grid = False
        self.grid.wrong(self._misfit(grid))
        self.state = state
        self._follow()

    def _misfit(self, grid: tuple[int, ...]) -> str:
        shown = self.snapshot.subjects if self.snapshot is not None else ()
        if not shown or any(len(s.value.axes) == len(grid) for s in shown):
            return ""
        axes = shown[0].value.axes
        drawn = f"it is drawn on {grid_text(shown[0].grid)}"
        return f"{shown[0].name} has {count_text(len(axes), 'axis')}: {', '.join(axes)}; {drawn}"

    def _chosen(self, names: tuple[str, ...]) -> None:
        self.state = replace(self.state, names=names)
        self._follow()

    def _coloured(self, colour: str) -> None:
        self.state = with_fields(self.state, {"colour": colour})
        self._write_down()

    def _viewed(self, view: Any) -> None:
        self.state = with_fields(self.state, draft_fields({"view": view}))
        self._write_down()

    def _optioned(self) -> None:
        self.state = replace(self.state, options=self.desk.options)
        self._write_down()

    def _arranged(self) -> None:
        opened = [name for name in self.desk.names if name not in self.state.panes]
        self.state = replace(self.state, panes=self.desk.names, options=self.desk.options)
        for name in opened:
            self.shell.reveal(f"pane-{name}")
        self._label()
        self._write_down()

    def _turn_layout(self) -> None:
        self.state = replace(self.state, layout="below" if self.state.layout == "beside" else "beside")
        self._arranged()

    def _moved(self, entry: Entry) -> None:
        state = from_address(entry.address) if entry.address else self.session.fresh()
        draft = draft_fields(entry.draft)
        self.take(with_fields(state, {name: value for name, value in draft.items() if name != "grid"}))
        if isinstance(typed := draft.get("grid"), str):
            self.grid.set(typed, even_focused=True)
            self._regridded(typed)

    async def _from_library(self, name: str) -> None:
        text = await self.session.workers.do("source_of", name)
        self._put_in(with_text(self.state, text), name)
        self.editor.focus()

    def _from_array(self, text: str, grid: list[int]) -> None:
        state = with_fields(with_text(self.state, text), {"grid": grid})
        self._put_in(state, "the line of the array")

    def _from_card(self, text: str) -> None:
        self._put_in(with_text(self.state, text), "the line of the card")
        self._plays = True

    def _from_example(self, example: Example) -> None:
        state = replace(with_text(self.state, example.text), grid=example.grid)
        self._put_in(state, "the example")
        self._plays = True

    def _dropped(self, name: str, text: str) -> None:
        if len(text) > MOST_CHARACTERS:
            self.say(f"{name} is longer than {MOST_CHARACTERS:,} characters, which is the most")
            return
        self._put_in(with_text(self.state, text), name)

    def _put_in(self, state: State, name: str) -> None:
        """Take on a state in the place of the text that there is, and say how that comes back."""
        left = self.state.text
        is_kept = left == state.text or not left.strip() or any(left == example.text for example in EXAMPLES)
        self.take(state, is_new=True)
        if not is_kept:
            self.say(f"{name} stands in the place of your text: Ctrl+Z or Back brings that back")

    def _beside(self, name: str) -> None:
        shown = self.selection.requested
        if name not in shown and len(shown) >= MOST_SUBJECTS:
            self.say(f"{MOST_SUBJECTS} strategies are shown, which is the most: hide one to show {name}")
            return
        self._chosen(tuple(dict.fromkeys([*shown, name])))

    async def _picked(self, source: str, axes: Sequence[str], grid: Sequence[int]) -> None:
        """Show a strategy of a study."""
        text = await self.session.workers.do("defined", source, tuple(axes))
        self._put_in(replace(with_text(self.state, text), grid=tuple(grid)), source)

    def _copy_link(self) -> None:
        self.shell.copy_link("copied a link to what is shown")

    async def _copy_python(self) -> None:
        if self.snapshot is None or not self.snapshot.subjects:
            self.say("there is nothing to copy: no strategy is shown")
            return
        if self._shown_of != _asked(self.state):
            self.say("nothing was copied: what is shown is of an older text; copy once it is of this one")
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
            "language": self.language.open,
            "array": self.arrays.open,
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
        self._write_down(is_new)
        self._label()
        self.rest.forget()
        self.live.follow(self.state)

    def _write_down(self, is_new: bool = False) -> None:
        self.shell.address(to_address(self.state), is_new, self.turn)

    def _label(self) -> None:
        name = self.documents.name
        mark = "" if not name else "saved" if is_saved(self.state) else "not saved"
        if self.file.text != (shown := f"{name} · {mark}" if name else ""):
            self.file.text = shown
            self.shell.title(f"{name or 'ScanLab explorer'}{' · ScanLab' if name else ''}")
        set_props(self.file, data_mark=mark, data_of=text_version(self.state.text))
        set_props(self.frame, data_layout=self.state.layout, data_panes=len(self.desk.names))
        self.layout.text = "Panes below" if self.state.layout == "beside" else "Panes beside"
        set_props(self.layout, hidden=not self.desk.names)

    def _drawn(self, drawn: Drawn, state: State, newest: bool) -> None:
        if not drawn.snapshot.diagnostics:
            self._show(drawn, state, newest)
        elif newest:
            self.rest.hold(lambda: self._show(drawn, state, newest))

    def _show(self, drawn: Drawn, state: State, newest: bool) -> None:
        snapshot = drawn.snapshot
        self.snapshot, self._shown_of = snapshot, _asked(state)
        if self.picture.show(drawn, state.grid, self._view if newest else None) and newest:
            self._view = None
            if self._plays:
                self._plays = False
                self.picture.player.autoplay()
        self.selection.show(snapshot.names, snapshot.requested, version_of(snapshot.text, state.grid))
        self.gallery.full(FULL if len(snapshot.requested) >= MOST_SUBJECTS else "")
        if newest:
            self._tell_grid(snapshot)
            self.editor.underline(snapshot.text, snapshot.diagnostics)
            if snapshot.diagnostics or not snapshot.names:
                self.problems.show(snapshot.text, state.grid, snapshot.diagnostics, ())
            self.linked.follow(snapshot, version_of(snapshot.text, state.grid))
            self.desk.show(snapshot, version_of(snapshot.text, state.grid))

    def _tell_grid(self, snapshot: Snapshot) -> None:
        """Say where the grid that is asked for fits nothing; put in the one that is shown where that is another."""
        if self._is_no_grid:
            return
        self.grid.wrong(self._misfit(self.state.grid))
        if not self.grid.props["wrong"]:
            self.grid.set(grid_text(snapshot.subjects[0].grid if snapshot.subjects else self.state.grid))

    def _judged(self, judged: Judged, state: State) -> None:
        if judged.diagnostics:
            self.rest.hold(lambda: self._show_proofs(judged, state))
        else:
            self._show_proofs(judged, state)

    def _show_proofs(self, judged: Judged, state: State) -> None:
        snapshot = self.snapshot
        if snapshot is None:
            return
        problems = merged(snapshot.diagnostics, judged)
        self.editor.underline(snapshot.text, problems)
        self.problems.show(snapshot.text, state.grid, problems, judged.verdicts)
        if problems and not snapshot.subjects:
            self.picture.show_failure(problems, version_of(snapshot.text, state.grid))

    def _failed(self, why: Diagnostic, state: State) -> None:
        self.problems.show(state.text, state.grid, (why,), ())
        self.picture.show_failure((why,), version_of(state.text, state.grid))

    async def _reach(self, patch: int, scene: int) -> None:
        """Turn the table of indices to a patch in a path."""
        from scanlab.explorer.panes.pages import StepsPane

        if isinstance(pane := self.desk.pane("indices"), StepsPane):
            await pane.reach(patch, scene)

    def _prepare(self, pane: Pane) -> None:
        """Give a pane what it needs of the page."""
        from scanlab.explorer.panes.states import StatesPane
        from scanlab.explorer.panes.studies import StudiesPane

        pane.workers = self.session.workers
        pane.on_options = self._optioned
        if isinstance(pane, StudiesPane):
            pane.folders = self.session.folders
            pane.on_pick = self._picked
        if isinstance(pane, StatesPane):
            pane.folders = self.session.folders
            pane.picture = self.picture.player.picture
            pane.on_states = self.picture.player.remembered


def _asked(state: State) -> tuple[Any, ...]:
    """What a picture is drawn of."""
    return state.text, state.grid, state.names
