"""The list of shortcuts, as a window."""

from __future__ import annotations

from scanlab.explorer.elements import Window
from scanlab.explorer.html_elements import tag
from scanlab.explorer.shortcuts import EDITOR_KEYS, KEYS, PLAYER_KEYS

__all__ = ["help_window"]


def help_window(panes: tuple[str, ...]) -> Window:
    """The window, to be opened; `panes` are their titles, in order."""
    window = Window("Shortcuts")
    named = [(k.key, k.words) for k in KEYS if k.words and not k.name.startswith("pane")]
    numbered = [(f"Alt+{i}", f"open or close {title}") for i, title in enumerate(panes[:9], 1)]
    with window, tag("div", "shortcuts"):
        for title, rows in (
            ("Anywhere", named),
            ("In the text", EDITOR_KEYS),
            ("In the paths", PLAYER_KEYS),
            ("Panes", numbered),
        ):
            if rows:
                with tag("section"):
                    tag("h3", "", title)
                    with tag("dl"):
                        for key, words in rows:
                            _row(key, words)
    return window


def _row(key: str, words: str) -> None:
    with tag("div"):
        with tag("dt"):
            tag("kbd", "", key)
        tag("dd", "", words)
