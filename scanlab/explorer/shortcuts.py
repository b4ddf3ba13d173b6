"""The keyboard: what each shortcut does."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EDITOR_KEYS", "KEYS", "PLAYER_KEYS", "Shortcut"]


@dataclass(frozen=True)
class Shortcut:
    """key: as the browser names it, after Ctrl+ and Alt+; name: what the page does; words: for the help."""

    key: str
    name: str
    words: str


KEYS = (
    Shortcut("Ctrl+S", "save", "save the file"),
    Shortcut("Ctrl+O", "open", "open a file"),
    Shortcut("Alt+L", "library", "open the library"),
    Shortcut("Alt+K", "language", "the language on one page"),
    Shortcut("Alt+A", "array", "find the line of an array"),
    Shortcut("Alt+C", "link", "copy a link to all that is shown"),
    Shortcut("Ctrl+.", "fix", "take the first suggested fix"),
    Shortcut("F8", "problem", "go to the next problem"),
    Shortcut("Alt+E", "editor", "go to the text"),
    Shortcut("Alt+P", "player", "go to the paths"),
    Shortcut("Alt+G", "grid", "go to the grid's size"),
    Shortcut("Alt+B", "layout", "panes beside the paths, or below"),
    *(Shortcut(f"Alt+{n}", f"pane {n}", f"open or close pane {n}") for n in range(1, 10)),
    Shortcut("?", "help", "this list"),
    Shortcut("F1", "help", ""),
)
EDITOR_KEYS = (
    ("Ctrl+Space", "complete a word; ↑ ↓ choose, Tab takes it"),
    ("F2", "what the word at the caret means; so does a pointer that rests on it"),
    ("Ctrl+Z", "undo; fixes, and texts that took the place of yours, too"),
    ("Tab", "leave the text, where no word is offered"),
)
PLAYER_KEYS = (
    ("space", "play or pause"),
    ("← →", "one step back or on"),
    ("home end", "first or last step"),
    ("shift+arrow", "turn a volume"),
    ("enter", "on a picture: pin the patch that the arrows chose"),
    ("Esc", "let go of it"),
)
