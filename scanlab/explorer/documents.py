"""The file that a page edits: open, save, save under another name, and asking before something is lost."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Protocol

from nicegui import run

from scanlab.explorer.elements import Field, Window
from scanlab.explorer.html_elements import button, tag
from scanlab.explorer.scan_files import DEEPEST, MOST_FILES, Folders, Opened
from scanlab.explorer.state import State
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["Documents", "is_saved"]


class Holder(Protocol):
    """The page: it has a state, and can take on another."""

    state: State

    def take(self, state: State, is_new: bool = False) -> None: ...
    def say(self, text: str) -> None: ...


class Documents:
    """The windows for files; they are built where this is made."""

    def __init__(self, folders: Folders, page: Holder) -> None:
        self.folders = folders
        self.page = page
        self._open = Window("Open")
        with self._open:
            self._filter = Field("Filter", "open-filter", self._list)
            self._listed = tag("ul", "files")
        self._save_as = Window("Save as")
        with self._save_as:
            tag("p", "", f"A .scan file in {' or '.join(map(str, folders.roots))}:")
            self._name = Field("Name", "save-name", self._named, self._enter, "mine.scan")
            with tag("div", "remedies"):
                button("Save", self._enter_named, "main")
        self._ask = Window("Not saved")
        with self._ask:
            self._why = tag("p")
            self._choices = tag("div", "remedies")
        self._typed = ""
        self._files: list[str] = []

    @property
    def name(self) -> str:
        """The file's name as shown, "" for none."""
        return self.folders.shown(self.page.state.file) if self.page.state.file else ""

    async def show_open(self) -> None:
        """Let the user choose a file."""
        files = await run.io_bound(self.folders.listed)
        self._files = [str(file) for file in files or []]
        self._filter.set("", even_focused=True)
        self._list("")
        self._open.open()

    async def open(self, path: str) -> None:
        """Open a file; the text that is left can be had again with Back."""
        try:
            opened = await run.io_bound(self.folders.open, path)
        except ScanlabError as error:
            self._tell(error)
            return
        if opened is not None:
            self._open.hide()
            self.page.take(_with(self.page.state, opened), is_new=True)

    async def save(self) -> None:
        """Save the file; without one, ask for a name."""
        if self.page.state.file:
            await self._write(self.page.state.file, self.page.state.base)
        else:
            self.show_save_as()

    def show_save_as(self) -> None:
        """Ask for a name."""
        self._typed = self.name
        self._name.set(self._typed, even_focused=True)
        self._name.wrong("")
        self._save_as.open()
        self._name.focus()

    async def _write(self, path: str, base: str, force: bool = False) -> None:
        text = self.page.state.text
        try:
            saved = await run.io_bound(self.folders.save, path, text, base, force)
        except ScanlabError as error:
            if error.code == "S513":
                self._conflict(path, error)
            else:
                self._tell(error)
            return
        if saved is not None:
            self._save_as.hide()
            self._ask.hide()
            # The text may have gone on while it was written.
            self.page.take(replace(self.page.state, file=str(saved.path), base=saved.digest))
            self.page.say(f"saved {self.folders.shown(saved.path)}")

    def _conflict(self, path: str, error: ScanlabError) -> None:
        async def overwrite() -> None:
            await self._write(path, "", force=True)

        async def reopen() -> None:
            self._ask.hide()
            self._save_as.hide()
            await self.open(path)

        self._why.text = f"{error.diagnostics[0].message}. What is in it now is not what you opened."
        self._choices.clear()
        with self._choices:
            button("Save over it", overwrite, "danger")
            button("Open what is on disk", reopen)
            button("Save as …", self._other_name)
            button("Cancel", self._ask.hide, "main")
        self._ask.open()

    def _other_name(self) -> None:
        self._ask.hide()
        self.show_save_as()

    def _tell(self, error: ScanlabError) -> None:
        first = error.diagnostics[0]
        self._why.text = f"{first.message}. {first.help}"
        self._choices.clear()
        with self._choices:
            button("Close", self._ask.hide, "main")
        self._ask.open()

    def _named(self, name: str) -> None:
        self._typed = name

    async def _enter(self, name: str) -> None:
        self._typed = name
        await self._enter_named()

    async def _enter_named(self) -> None:
        name = self._typed.strip()
        if not name:
            self._name.wrong("give it a name")
            return
        path = name if name.endswith(".scan") else f"{name}.scan"
        try:
            real = self.folders.scan_file(path)
        except ScanlabError as error:
            self._name.wrong(error.diagnostics[0].message)
            return
        base = self.page.state.base if str(real) == self.page.state.file else ""
        await self._write(str(real), base)

    def _list(self, search: str) -> None:
        fits = [file for file in self._files if search.lower() in self.folders.shown(file).lower()]
        self._listed.clear()
        with self._listed:
            for file in fits:
                with tag("li"):
                    button(self.folders.shown(file), lambda file=file: self.open(file))
            if len(self._files) >= MOST_FILES:
                tag("li", "empty", f"Only {MOST_FILES} files are listed; `scanlab explore FILE` opens any other.")
            if not fits:
                where = f"{' or '.join(map(str, self.folders.roots))}, nor {DEEPEST} folders below"
                tag("li", "empty", f"No .scan file{' matches' if self._files else f' in {where}'}.")


def is_saved(state: State) -> bool:
    """Whether the text is what is in the file, or was when it was last read or written."""
    if not state.file:
        return False
    return state.base in (_digest(state.text), _digest(state.text.replace("\n", "\r\n")))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _with(state: State, opened: Opened) -> State:
    return replace(state, text=opened.text, names=(), file=str(opened.path), base=opened.digest)
