"""The explorer's text box."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from nicegui import ui

from scanlab.explorer.words import highlighting, words
from scanlab.ir.diagnostics import Diagnostic

__all__ = ["Editor"]

# Milliseconds from the last keystroke until the server hears of it.
DELAY_MS = 30


class Editor(ui.element, component="components/editor.js"):
    """The text box. `heard` gets the whole text after every change, `saved` is called on Ctrl+S."""

    def __init__(self, heard: Callable[[str], Any], saved: Callable[[], Any]) -> None:
        super().__init__()
        self._props["rules"] = highlighting()
        self._props["words"] = words()
        self._props["delay"] = DELAY_MS
        self.on("edit", lambda event: heard(event.args))
        self.on("save", saved)

    def show(self, text: str) -> None:
        """Put another text in."""
        self.run_method("show", text)

    def underline(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Underline what is wrong."""
        self.run_method("mark", [_mark(d) for d in diagnostics if d.span is not None])

    def replace(self, start: int, end: int, text: str) -> None:
        """Replace characters, so that the browser's undo takes it back."""
        self.run_method("replace", start, end, text)

    def go_to(self, start: int, end: int) -> None:
        """Select characters."""
        self.run_method("goTo", start, end)


def _mark(diagnostic: Diagnostic) -> dict[str, Any]:
    span = diagnostic.span
    assert span is not None
    return {"start": span.start, "end": span.end, "severity": diagnostic.severity, "message": diagnostic.message}
