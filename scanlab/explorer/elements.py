"""The explorer's own elements: the text box, windows, the library, and what a page needs of its browser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from scanlab.explorer.freshness import text_version
from scanlab.explorer.shortcuts import KEYS
from scanlab.ir.diagnostics import Diagnostic, Span

__all__ = [
    "Arrays",
    "Editor",
    "Entry",
    "Field",
    "Gallery",
    "LanguageCard",
    "Shell",
    "Vocabulary",
    "Window",
    "accept_change",
    "placed",
]


@dataclass(frozen=True)
class Entry:
    """An entry of the browser's history. draft: fields of the state, by name, that are newer than its address."""

    address: str
    draft: Mapping[str, Any]


Vocabulary = tuple[list[tuple[str, str]], list[tuple[str, str, str, str, str]], dict[str, tuple[int, int]]]


class Editor(ui.element, component="components/editor.js"):
    """The text box. `on_edit` gets the whole text after every change; vocabulary: see `scanlab.explorer.words`.

    turn: of the newest change that has come, as the browser counts; so, too, in the other elements that have it.
    """

    def __init__(self, vocabulary: Vocabulary, on_edit: Callable[[str], Any]) -> None:
        super().__init__()
        self.turn = 0
        self._props["rules"], self._props["words"], self._props["limits"] = vocabulary
        self._marked: tuple[str, list[dict[str, Any]]] | None = None
        self.on("edit", lambda event: self._edited(event.args, on_edit))

    def show(self, text: str) -> None:
        """Put another text in, so that the browser's undo takes it back; the first one only fills the box."""
        self._marked = None
        self.run_method("show", text)

    def underline(self, text: str, diagnostics: Iterable[Diagnostic]) -> None:
        """Underline what is wrong with a text, unless the box holds another one by now."""
        marks = []
        for diagnostic in diagnostics:
            place = placed(diagnostic.span, text)
            if place is not None:
                marks.append({"start": place[0], "end": place[1], "severity": diagnostic.severity})
        if (text, marks) != self._marked:
            self._marked = (text, marks)
            self.run_method("mark", marks, text_version(text))

    def replace(self, text: str, span: tuple[int, int], replacement: str) -> None:
        """Replace characters of a text, where the box still holds it, so that the browser's undo takes it back."""
        self.run_method("replace", *span, replacement, text_version(text))

    def go_to(self, text: str, span: tuple[int, int]) -> None:
        """Select characters of a text, where the box still holds it."""
        self.run_method("goTo", *span, text_version(text))

    def focus(self) -> None:
        """Put the caret into it."""
        self.run_method("focus")

    def _edited(self, message: Any, on_edit: Callable[[str], Any]) -> Any:
        # The box forgets its marks with every change.
        self._marked = None
        return accept_change(self, message, on_edit)


class Field(ui.element, component="components/field.js"):
    """A one-line input with a label. `on_edit` gets every change, `on_enter` what stands there when Enter is pressed.

    kept: the name under which the browser keeps what is typed until it is in the address, "" for not at all. about:
    what to know of it beforehand.
    """

    def __init__(
        self,
        label: str,
        box: str,
        on_edit: Callable[[str], Any],
        on_enter: Callable[[str], Any] | None = None,
        hint: str = "",
        kept: str = "",
        about: str = "",
    ) -> None:
        super().__init__()
        self.turn = 0
        self._props.update({"label": label, "box": box, "hint": hint, "wrong": "", "kept": kept, "about": about})
        self.on("edit", lambda event: accept_change(self, event.args, on_edit))
        if on_enter is not None:
            self.on("enter", lambda event: on_enter(event.args))

    def begin(self, text: str) -> None:
        """Put a text in before the browser has the box."""
        self._props["start"] = text

    def set(self, text: str, even_focused: bool = False) -> None:
        """Put a text in, unless the user is typing there."""
        self.run_method("put" if even_focused else "set", text)

    def wrong(self, why: str) -> None:
        """Say what is wrong with it, "" for nothing."""
        if self.props["wrong"] != why:
            self.props["wrong"] = why

    def focus(self) -> None:
        """Put the caret into it."""
        self.run_method("focus")


class Window(ui.element, component="components/dialog.js"):
    """A modal window with a title; `with window:` puts elements in."""

    def __init__(self, title: str, kind: str = "") -> None:
        super().__init__()
        self._props["title"] = title
        self._props["kind"] = kind

    def open(self) -> None:
        """Show it."""
        self.run_method("open")

    def hide(self) -> None:
        """Take it away."""
        self.run_method("hide")


class Arrays(ui.element, component="components/arrays.js"):
    """An array that is pasted or dropped, and what is known of it; `found` gets a text that defines its line, and its
    grid."""

    def __init__(self, found: Callable[[str, list[int]], Any]) -> None:
        super().__init__()
        self.on("line", lambda event: self._found(event.args, found))

    def _found(self, message: Any, found: Callable[[str, list[int]], Any]) -> Any:
        fields = message if isinstance(message, dict) else {}
        text, grid = fields.get("text"), fields.get("grid")
        return found(text, grid) if isinstance(text, str) and isinstance(grid, list) else None


class Gallery(ui.element, component="components/gallery.js"):
    """The library. `opened` gets the name of the strategy that is to be edited, `compared` of one to show beside."""

    def __init__(self, opened: Callable[[str], Any], compared: Callable[[str], Any]) -> None:
        super().__init__()
        self._props["full"] = ""
        self.on("open", lambda event: opened(event.args))
        self.on("compare", lambda event: compared(event.args))

    def open(self) -> None:
        """Show it."""
        self.run_method("open")

    def full(self, why: str) -> None:
        """Say why no more can be shown beside, "" where more can."""
        if self.props["full"] != why:
            self.props["full"] = why


class LanguageCard(ui.element, component="components/card.js"):
    """The language on one page. `opened` gets the text of a line that is clicked."""

    def __init__(self, opened: Callable[[str], Any]) -> None:
        super().__init__()
        self.on("open", lambda event: opened(event.args) if isinstance(event.args, str) else None)

    def open(self) -> None:
        """Show it."""
        self.run_method("open")


class Shell(ui.element, component="components/shell.js"):
    """The browser around a page. `moved` gets the entry of its history after Back or Forward, `pressed` the name of a
    shortcut, `dropped` the name and the text of a file that was dropped on the page."""

    def __init__(
        self, moved: Callable[[Entry], Any], pressed: Callable[[str], Any], dropped: Callable[[str, str], Any]
    ) -> None:
        super().__init__()
        self.turn = 0
        # Whether the page was opened, and not loaded again.
        self.is_fresh = False
        self._props["keys"] = [[shortcut.key, shortcut.name] for shortcut in KEYS]
        self.on("address", lambda event: moved(self.entry(event.args)))
        self.on("shortcut", lambda event: pressed(event.args))
        self.on("dropped", lambda event: self._dropped(event.args, dropped))

    def _dropped(self, message: Any, dropped: Callable[[str, str], Any]) -> Any:
        fields = message if isinstance(message, dict) else {}
        name, text = fields.get("name"), fields.get("text")
        return dropped(name, text) if isinstance(name, str) and isinstance(text, str) else None

    def entry(self, message: Any) -> Entry:
        """What the browser says of the entry of its history that it stands at."""
        fields = message if isinstance(message, dict) else {}
        address, draft, turn = fields.get("address"), fields.get("draft"), fields.get("turn")
        self.turn = turn if isinstance(turn, int) else self.turn
        self.is_fresh = fields.get("fresh") is True
        return Entry(address if isinstance(address, str) else "", draft if isinstance(draft, dict) else {})

    def address(self, text: str, is_new: bool, turn: int) -> None:
        """Put the state into the address; `is_new` makes it a step that Back takes back. turn: of the newest change
        that is in it."""
        self.run_method("address", text, is_new, turn)

    def copy(self, text: str, said: str) -> None:
        """Put a text on the clipboard, and say so."""
        self.run_method("copy", text, said)

    def copy_link(self, said: str) -> None:
        """Put the page's address on the clipboard, and say so."""
        self.run_method("copyLink", said)

    def say(self, text: str) -> None:
        """Show a short notice, and read it out to those who cannot see it."""
        self.run_method("say", text)

    def title(self, text: str) -> None:
        """Set the title of the browser's tab."""
        self.run_method("title", text)

    def reveal(self, element: str) -> None:
        """Scroll an element into view, by its id."""
        self.run_method("reveal", element)


def accept_change(element: Any, message: Any, on_change: Callable[[Any], Any]) -> Any:
    """Note the turn of a change, and pass on its value; a message of another form is dropped."""
    if not isinstance(message, dict) or not isinstance(message.get("turn"), int):
        return None
    element.turn = max(element.turn, message["turn"])
    return on_change(message.get("value"))


def placed(span: Span | None, text: str) -> tuple[int, int] | None:
    """Where a span stands in a text, in the browser's UTF-16 units; None for a span of another text."""
    if span is None:
        return None
    # A line on its own is read without the space around it.
    shift = 0 if span.source.text == text else len(text) - len(text.lstrip())
    if span.source.text not in (text, text.strip()):
        return None
    return _units(text[: span.start + shift]), _units(text[: span.end + shift])


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
