"""The paths, or what stands in their place: nothing yet, a counter-example, a word on what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from scanlab.explorer.answers import Drawn
from scanlab.explorer.markup import button, set_props, tag
from scanlab.explorer.player_element import Player
from scanlab.ir.diagnostics import CounterExample, Diagnostic

__all__ = ["Picture"]


class Picture:
    """`coloured` gets what the user colours by; `browse` opens the library."""

    def __init__(self, coloured: Callable[[str], Any], browse: Callable[[], Any]) -> None:
        self._example: CounterExample | None = None
        with tag("div", "drawing", data_state="loading") as self.box:
            with tag("div", "word"):
                self.word = tag("p", "", "Drawing …", role="status")
                self.browse = button("Open the library", browse, "main", hidden=True)
            self.player = Player(on_colour=coloured)

    def show(self, drawn: Drawn) -> None:
        """Draw paths. Where a text has none, say why; the last ones stay, dimmed, behind a mistake."""
        found = drawn.snapshot
        if found.subjects:
            self._forget_example()
            # Made in another process, which spares the one that serves all pages.
            self.player.run_method("show", drawn.data)
            self._state("paths")
        elif not found.text.strip():
            self._forget_example()
            self._state("empty", "Write an order, as in `by h, ~w`, or take one from the library.", browse=True)
        elif not found.diagnostics:
            self._forget_example()
            self._state("empty", "Nothing here stands alone: use it in an order or a scan, with its parameters.")
        else:
            self.show_failure(found.diagnostics)

    def show_failure(self, problems: Iterable[Diagnostic]) -> None:
        """Draw the first counter-example, or leave the last paths, dimmed."""
        example = next((d.counterexample for d in problems if d.counterexample and d.counterexample.patches), None)
        if example is not None:
            self.show_example(example)
        else:
            self._forget_example()
            self._state("wrong")

    def show_example(self, example: CounterExample) -> None:
        """Draw a counter-example on its grid."""
        if example != self._example:
            self._example = example
            self.player.counterexample(example.grid, example.patches, f"counter-example: {example}")
        self._state("example")

    def focus(self) -> None:
        """Put the focus on the paths' controls."""
        self.player.run_method("focus")

    def _forget_example(self) -> None:
        if self._example is not None:
            self._example = None
            self.player.clear_counterexample()

    def _state(self, name: str, word: str = "", browse: bool = False) -> None:
        set_props(self.box, data_state=name)
        self.word.text = word
        set_props(self.browse, hidden=not browse)
