"""Which strategies are shown: a button for each definition of the text, and for what stands beside from the library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scanlab.explorer.html_elements import button, set_props, tag
from scanlab.explorer.state import MOST_SUBJECTS

__all__ = ["FULL", "Selection"]

FULL = f"{MOST_SUBJECTS} are shown, which is the most: hide one first"


class Selection:
    """`chosen` gets the names to show, in order. requested: those that are shown, or would be without a mistake."""

    def __init__(self, chosen: Callable[[tuple[str, ...]], Any]) -> None:
        self.chosen = chosen
        self.requested: tuple[str, ...] = ()
        self._names: tuple[str, ...] = ()
        self.box = tag("div", "selection", role="group", aria_label="Shown strategies")

    def show(self, names: tuple[str, ...], requested: tuple[str, ...], version: str) -> None:
        """Offer these names, with those pressed that are shown; version: which text they are of."""
        set_props(self.box, data_of=version)
        if (names, requested) == (self._names, self.requested):
            return
        self._names, self.requested = names, requested
        self.box.clear()
        with self.box:
            for name in [*names, *(n for n in requested if n not in names)]:
                pressed = name in requested
                is_full = not pressed and len(requested) >= MOST_SUBJECTS
                kind = "chip" if name in names else "chip library"
                hint = "Hide" if pressed else "Show beside"
                made = button(name, lambda name=name: self._toggle(name), kind, title=FULL if is_full else hint)
                made.props["aria-pressed"] = "true" if pressed else "false"
                made.props["disabled"] = is_full
            if len(requested) >= MOST_SUBJECTS:
                tag("small", "full", f"{MOST_SUBJECTS} of {MOST_SUBJECTS}: hide one to show another")

    def _toggle(self, name: str) -> None:
        shown = tuple(n for n in self.requested if n != name) if name in self.requested else (*self.requested, name)
        # The last one stays: a page without any shows the last definition anyway.
        if shown:
            self.chosen(shown)
