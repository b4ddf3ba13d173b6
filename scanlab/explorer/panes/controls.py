"""The browser's own controls, small, with labels that screen readers read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from scanlab.explorer.elements import Field
from scanlab.explorer.html_elements import tag

__all__ = ["Choice", "Number"]


class Choice:
    """A list to choose one from. `on_choice` gets the chosen value, one of the options."""

    def __init__(self, label: str, options: Iterable[str], on_choice: Callable[[str], Any]) -> None:
        self.options = list(options)
        with tag("label", "field"):
            tag("span", "", label)
            self.box = tag("select")
        self.box.on("change", lambda event: self._chosen(event.args, on_choice), js_handler=_VALUE)
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

    def _chosen(self, value: Any, on_choice: Callable[[str], Any]) -> Any:
        # What a browser sends need not be what was offered.
        if value not in self.options:
            return None
        self.value = value
        return on_choice(value)


class Number:
    """A number within limits; None where the box is empty. `on_number` gets it after every change that is one.

    box: the id of the input. hint: what an empty box stands for. whole: whether only whole numbers will do.
    """

    def __init__(
        self,
        label: str,
        box: str,
        hint: str,
        limits: tuple[float, float],
        on_number: Callable[[float | None], Any],
        whole: bool = False,
    ) -> None:
        self.limits = limits
        self.whole = whole
        self.field = Field(label, box, lambda text: self._entered(text, on_number), hint=hint)

    def begin(self, number: Any) -> float | None:
        """Begin with a number, or with nothing where it is none within the limits; which of both."""
        if not isinstance(number, int | float) or not self._fits(number):
            return None
        self.field.begin(f"{number!r}")
        return number

    def _fits(self, number: float | None) -> bool:
        low, high = self.limits
        return number is not None and low <= number <= high and not (self.whole and number % 1)

    def _entered(self, text: Any, on_number: Callable[[float | None], Any]) -> Any:
        typed = str(text).strip()
        number = _number(typed)
        low, high = self.limits
        fits = self._fits(number)
        kind = "a whole number" if self.whole else "a number"
        self.field.wrong("" if fits or not typed else f"give {kind} from {low:g} to {high:g}")
        return on_number(number) if fits or not typed else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


_VALUE = "(event) => emit(event.target.value)"
