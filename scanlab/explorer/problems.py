"""The list of what is wrong with the text, each with its place, its reason and its remedy."""

from __future__ import annotations

from nicegui import ui

from scanlab.explorer.elements import Editor
from scanlab.explorer.snapshot import Snapshot
from scanlab.ir.diagnostics import Diagnostic

__all__ = ["Problems"]


class Problems:
    """Below the text box; empty where nothing is wrong."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        self.box = ui.element("div").classes("problems").props('id="editor-problems" role="status"')

    def show(self, snapshot: Snapshot) -> None:
        """List them."""
        self.box.clear()
        with self.box:
            for diagnostic in snapshot.diagnostics:
                self._one(diagnostic)

    def _one(self, diagnostic: Diagnostic) -> None:
        span, edit = diagnostic.span, diagnostic.edit
        with ui.element("div").classes(f"problem {diagnostic.severity}"):
            head = f"{diagnostic.severity} {diagnostic.code}"
            if span is not None:
                place = ui.element("button").classes("place").props('type="button"')
                place.on("click", lambda: self.editor.go_to(span.start, span.end))
                with place:
                    ui.label(f"{head}, line {span.line}, column {span.column}")
            else:
                ui.label(head).classes("place")
            ui.label(diagnostic.message)
            if diagnostic.counterexample is not None:
                ui.label(f"counter-example: {diagnostic.counterexample}")
            for line in (diagnostic.note, diagnostic.help):
                if line:
                    ui.label(line).classes("help")
            if edit is not None and edit.span is not None:
                where = edit.span
                fix = ui.element("button").classes("fix").props('type="button"')
                fix.on("click", lambda: self.editor.replace(where.start, where.end, edit.replacement))
                with fix:
                    ui.label(f"Write {edit.replacement}")
