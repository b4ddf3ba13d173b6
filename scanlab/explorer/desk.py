"""The panes beside the paths: which are open, in which order, and how they get what they show."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nicegui import background_tasks
from nicegui.element import Element

from scanlab.explorer.html_elements import button, set_props, tag
from scanlab.explorer.titles import GROUPS, TITLES

if TYPE_CHECKING:
    from scanlab.explorer.panes import Pane
    from scanlab.explorer.panes.pane import Option
    from scanlab.explorer.snapshot import Snapshot

__all__ = ["Desk"]


class Desk:
    """`prepare` is called with each pane that is opened, before it shows anything; `changed` after one was opened,
    closed or moved. The panes themselves are loaded when the first is opened, with all that they know."""

    def __init__(self, prepare: Callable[[Pane], Any], changed: Callable[[], Any]) -> None:
        self.prepare = prepare
        self.changed = changed
        self.snapshot: Snapshot | None = None
        self._version = ""
        self._open: dict[str, tuple[Element, Pane]] = {}
        self._buttons: dict[str, Element] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The open panes, in order."""
        return tuple(self._open)

    @property
    def options(self) -> dict[str, dict[str, Option]]:
        """What the user chose in the open panes, where it is not as usual."""
        return {name: chosen for name, (_, pane) in self._open.items() if (chosen := pane.options())}

    def pane(self, name: str) -> Pane | None:
        """An open pane, by name."""
        return self._open[name][1] if name in self._open else None

    def build_bar(self) -> None:
        """Build the buttons that open and close the panes, here, in their groups."""
        numbers = {name: i for i, name in enumerate(TITLES, 1)}
        with tag("div", "bar", role="toolbar", aria_label="Panes"):
            for group, titles in GROUPS.items():
                with tag("div", "panes-of", role="group", aria_label=group):
                    tag("span", "", group, aria_hidden="true")
                    for name, title in titles.items():
                        self._buttons[name] = self._button(name, title, numbers[name])

    def _button(self, name: str, title: str, number: int) -> Element:
        hint = f"Alt+{number}" if number < 10 else ""
        return button(title, lambda: self.toggle(name), "chip", aria_pressed="false", title=hint)

    def build(self) -> None:
        """Build the place of the panes, here."""
        self.box = tag("div", "desk", aria_label="Panes", role="group")

    def toggle(self, name: str) -> None:
        """Open a pane, or close it."""
        self.close(name) if name in self._open else self.open(name)

    def toggle_number(self, number: int) -> None:
        """As `toggle`, counted from 1; nothing where there are not so many."""
        if 1 <= number <= len(TITLES):
            self.toggle(list(TITLES)[number - 1])

    def set(self, names: tuple[str, ...], options: Mapping[str, Mapping[str, Option]]) -> None:
        """Open exactly these, in order and with these options; names that mean nothing are left out."""
        known = [name for name in dict.fromkeys(names) if name in TITLES]
        chosen = {name: dict(given) for name in known if (given := options.get(name))}
        if list(self._open) == known and self.options == chosen:
            return
        for name in list(self._open):
            self._close(name)
        for name in known:
            self._show(name, chosen.get(name, {}))

    def open(self, name: str) -> None:
        """Open a pane, where it is not open."""
        if name in TITLES and name not in self._open:
            self._show(name)
            self.changed()

    def close(self, name: str) -> None:
        """Close a pane."""
        if name in self._open:
            self._close(name)
            self.changed()

    def move(self, name: str) -> None:
        """Put a pane one place earlier; the first becomes the last."""
        order = list(self._open)
        at = order.index(name)
        order.insert(at - 1 if at else len(order) - 1, order.pop(at))
        self._open = {n: self._open[n] for n in order}
        for place, n in enumerate(order):
            self._open[n][0].move(self.box, place)
        self.changed()

    def show(self, snapshot: Snapshot, version: str) -> None:
        """Let all open panes show this, each on its own: one that fails leaves the others as they are.

        version: which text and grid it is of.
        """
        self.snapshot, self._version = snapshot, version
        for frame, pane in self._open.values():
            self._let_show(frame, pane, snapshot)

    def _show(self, name: str, options: Mapping[str, Option] = MappingProxyType({})) -> None:
        from scanlab.explorer.panes import PANES

        with self.box, tag("section", "pane", id=f"pane-{name}", aria_label=TITLES[name]) as frame:
            with tag("header"):
                tag("h2", "", TITLES[name])
                button("↑", lambda: self.move(name), "plain", aria_label=f"Move {TITLES[name]} up", title="Move up")
                button("✕", lambda: self.close(name), "plain", aria_label=f"Close {TITLES[name]}", title="Close")
            # It scrolls, so that the keyboard must get there.
            with tag("div", "inside", tabindex="0", role="group", aria_label=f"{TITLES[name]}: what it shows"):
                pane = PANES[name]()
        self._open[name] = (frame, pane)
        self._press(name, True)
        if options:
            pane.choose(options)
        self.prepare(pane)
        if self.snapshot is not None:
            self._let_show(frame, pane, self.snapshot)

    def _close(self, name: str) -> None:
        frame, pane = self._open.pop(name)
        pane.close()
        frame.delete()
        self._press(name, False)

    def _press(self, name: str, is_open: bool) -> None:
        if name in self._buttons:
            set_props(self._buttons[name], aria_pressed="true" if is_open else "false")

    def _let_show(self, frame: Element, pane: Pane, snapshot: Snapshot) -> None:
        version = self._version

        async def showing() -> None:
            with frame:
                try:
                    await pane.show(snapshot, version)
                except Exception:
                    if not frame.is_deleted:
                        traceback.print_exc()
                        _failed(frame)

        background_tasks.create(showing(), name=type(pane).__name__)


def _failed(frame: Element) -> None:
    if any("failed" in child.classes for child in frame):
        return
    with frame:
        tag("p", "failed", "This pane failed; the terminal says why. Close it and open it again.", role="alert")
