"""The paths, or what stands in their place: nothing yet, a counter-example, a word on what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from scanlab.explorer.answers import Drawn
from scanlab.explorer.freshness import version_of
from scanlab.explorer.html_elements import button, prose_tag, set_props, tag
from scanlab.explorer.player_element import Player
from scanlab.explorer.renderers.markup import prose
from scanlab.ir.diagnostics import CounterExample, Diagnostic

__all__ = ["Picture"]


class Picture:
    """`coloured` gets what the user colours by, `viewed` the view; `browse` opens the library."""

    def __init__(
        self, coloured: Callable[[str], Any], viewed: Callable[[dict[str, Any]], Any], browse: Callable[[], Any]
    ) -> None:
        self._example: CounterExample | None = None
        self._has_paths = False
        with tag("div", "drawing", data_state="loading") as self.box:
            with tag("div", "word"):
                self.word = prose_tag("p", "", "Drawing …")
                set_props(self.word, role="status")
                self.browse = button("Open the library", browse, "main", hidden=True)
            self.player = Player(on_colour=coloured, on_view=viewed)

    def show(self, drawn: Drawn, grid: tuple[int, ...], view: dict[str, Any] | None = None) -> bool:
        """Draw paths, as another view has them where one is given; whether there are any. Where a text has none, say
        why; the last ones stay, dimmed, behind a mistake."""
        snapshot = drawn.snapshot
        version = version_of(snapshot.text, grid)
        if snapshot.subjects:
            self._forget_example()
            self._has_paths = True
            # Made in another process, which spares the one that serves all pages.
            self.player.show_data(drawn.data, view)
            self._state("paths", version)
        elif not snapshot.text.strip():
            self._forget_example()
            self._state(
                "empty", version, "Write an order, as in `by h, ~w`, or take one from the library.", browse=True
            )
        elif not snapshot.diagnostics:
            self._forget_example()
            self._state(
                "empty", version, "Nothing here stands alone: use it in an order or a scan, with its parameters."
            )
        else:
            self.show_failure(snapshot.diagnostics, version)
        return bool(snapshot.subjects)

    def show_failure(self, problems: Iterable[Diagnostic], version: str) -> None:
        """Draw the first counter-example, or leave the last paths, dimmed; version: which text the problems are of."""
        example = next((d.counterexample for d in problems if d.counterexample and d.counterexample.patches), None)
        if example is not None:
            self.show_example(example, version)
            return
        self._forget_example()
        if self._has_paths:
            self._state("wrong")
        else:
            self._state("empty", version, "There is no path to show. What is wrong stands below the text.")

    def show_example(self, example: CounterExample, version: str) -> None:
        """Draw a counter-example on its grid; version: which text it is of."""
        if example != self._example:
            self._example = example
            self.player.counterexample(example.grid, example.patches, str(example))
        self._state("example", version)

    def focus(self) -> None:
        """Put the focus on the paths' controls."""
        self.player.run_method("focus")

    def _forget_example(self) -> None:
        if self._example is not None:
            self._example = None
            self.player.clear_counterexample()

    def _state(self, name: str, version: str = "", word: str = "", browse: bool = False) -> None:
        # Without a version what is shown is of the text that it was of before.
        set_props(self.box, data_state=name, **({"data_of": version} if version else {}))
        self.word.set_content(prose(word))
        set_props(self.browse, hidden=not browse)
