"""Which strategies are shown: a button for each definition of the text, and for what stands beside from the library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scanlab.explorer.markup import button, tag
from scanlab.explorer.state import MOST_SUBJECTS

__all__ = ["Selection"]


class Selection:
    """`chosen` gets the names that are to be shown, in order."""

    def __init__(self, chosen: Callable[[tuple[str, ...]], Any]) -> None:
        self.chosen = chosen
        self._names: tuple[str, ...] = ()
        self._shown: tuple[str, ...] = ()
        self.box = tag("div", "selection", role="group", aria_label="Shown strategies")

    def show(self, names: tuple[str, ...], shown: tuple[str, ...]) -> None:
        """Offer these names, with those pressed that are shown."""
        if (names, shown) == (self._names, self._shown):
            return
        self._names, self._shown = names, shown
        self.box.clear()
        with self.box:
            for name in [*names, *(n for n in shown if n not in names)]:
                pressed = name in shown
                kind = "chip" if name in names else "chip library"
                hint = "Hide" if pressed else "Show beside"
                made = button(name, lambda name=name: self._toggle(name), kind, title=hint)
                made.props["aria-pressed"] = "true" if pressed else "false"
                made.props["disabled"] = not pressed and len(shown) >= MOST_SUBJECTS

    def _toggle(self, name: str) -> None:
        shown = tuple(n for n in self._shown if n != name) if name in self._shown else (*self._shown, name)
        # The last one stays: a page without any shows the last definition anyway.
        if shown:
            self.chosen(shown)
