"""Everything that is shown, as files to keep, and as Python to run."""

from __future__ import annotations

from typing import ClassVar

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from scanlab.explorer.html_elements import button, tag
from scanlab.explorer.panes.pane import Pane
from scanlab.explorer.renderers.exports import EXPORTS, File, exported, why_not
from scanlab.explorer.renderers.markup import code, section
from scanlab.explorer.renderers.python import as_python
from scanlab.explorer.snapshot import Snapshot

__all__ = ["ExportPane"]

_COPY = """(event) => {
  const pane = event.target.closest(".pane-body"), button = event.target;
  navigator.clipboard.writeText(pane.querySelector("pre.code").textContent).then(
    () => { button.textContent = "Copied"; setTimeout(() => { button.textContent = "Copy the Python below"; }, 1500); },
    () => { button.textContent = "The browser does not allow it"; });
}"""


class ExportPane(Pane):
    """A button for each kind of file; what this machine cannot make says why."""

    # A film of many paths takes a while.
    limit: ClassVar[float] = 120.0

    def build_tools(self) -> None:
        """The list of files."""
        self._buttons: dict[str, TextElement] = {}
        with tag("ul", "exports takes"):
            for kind, export in EXPORTS.items():
                why = why_not(kind)
                with tag("li"):
                    made = button(kind, lambda kind=kind: self.download(kind), disabled=bool(why))
                    tag("span", "", export.about)
                    if why:
                        tag("span", "why", why)
                self._buttons[kind] = made
        tag("button", "copy takes", "Copy the Python below", type="button").on("click", js_handler=_COPY)

    async def refresh(self) -> None:
        """Show the Python; files are made when they are asked for."""
        _, snapshot = self.begin()
        if snapshot is None:
            return
        outcome = await self.ask(python_page, (snapshot,))
        if outcome is not None and not self.box.is_deleted:
            self.answered(outcome.value)
            self.say("", "ready")

    async def download(self, kind: str) -> None:
        """Make a file of what is shown, and give it to the browser."""
        if self.snapshot is None:
            return
        made = self._buttons[kind]
        made.props["disabled"] = True
        self.say(f"Making the {kind} file …", "working")
        outcome = await self.ask(exported, (self.snapshot, kind))
        if self.box.is_deleted:
            return
        made.props["disabled"] = False
        if outcome is None:
            self.say("", "ready")
        elif outcome.problems:
            problem = outcome.problems[0]
            self.say(f"{problem.message}. {problem.help or ''}", "refused")
        else:
            self._give(outcome.value)

    def _give(self, file: File) -> None:
        with self.box:
            ui.download.content(file.content, file.name, file.media_type)
        self.say(f"{file.name}, {_size(len(file.content))}", "ready")


def python_page(snapshot: Snapshot) -> str:
    """The script of `as_python`, coloured."""
    return section("As Python", code(as_python(snapshot).rstrip("\n"), "python"))


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3)):,} kB"
