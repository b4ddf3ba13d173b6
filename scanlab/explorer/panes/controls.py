"""The browser's own controls, small, with labels that screen readers read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from scanlab.explorer.markup import tag

__all__ = ["Choice", "Number"]


class Choice:
    """A list to choose one from. `heard` gets the chosen value, one of the options."""

    def __init__(self, label: str, options: Iterable[str], heard: Callable[[str], Any]) -> None:
        self.options = list(options)
        with tag("label", "field"):
            tag("span", "", label)
            self.box = tag("select")
        self.box.on("change", lambda event: self._chosen(event.args, heard), js_handler=_VALUE)
        self.offer(self.options)

    def offer(self, options: Iterable[str], chosen: str = "") -> None:
        """Put other options in; `chosen` is the one that stands there."""
        self.options = list(options)
        self.value = chosen if chosen in self.options else next(iter(self.options), "")
        self.box.clear()
        with self.box:
            for option in self.options:
                made = tag("option", "", option, value=option)
                if option == self.value:
                    made.props["selected"] = True

    def _chosen(self, value: Any, heard: Callable[[str], Any]) -> Any:
        # What a browser sends need not be what was offered.
        if value not in self.options:
            return None
        self.value = value
        return heard(value)


class Number:
    """A number within limits; None where the box is empty. `heard` gets it after every change that is a number."""

    def __init__(
        self, label: str, value: str, limits: tuple[float, float], step: str, heard: Callable[[float | None], Any]
    ) -> None:
        self.limits = limits
        low, high = limits
        with tag("label", "field"):
            tag("span", "", label)
            box = tag("input", "", type="number", value=value, min=low, max=high, step=step, inputmode="decimal")
        box.on("input", lambda event: self._entered(event.args, heard), js_handler=_VALUE, throttle=0.1)

    def _entered(self, text: Any, heard: Callable[[float | None], Any]) -> Any:
        if text == "":
            return heard(None)
        try:
            number = float(text)
        except (TypeError, ValueError):
            return None
        # Beyond the limits nothing is asked: the browser marks the box.
        return heard(number) if self.limits[0] <= number <= self.limits[1] else None


_VALUE = "(event) => emit(event.target.value)"
