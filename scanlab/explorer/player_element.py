"""The player of paths as an element of the explorer's page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from nicegui import app, ui
from starlette.responses import Response

from scanlab.explorer.elements import accept_change
from scanlab.view.player import player_data, player_markup, player_script, player_style
from scanlab.view.scene import PathScene

__all__ = ["Player", "serve_player"]

# Seconds between two reports of the step while the paths play: enough for a caption, little on the wire.
_STEP_EVERY = 0.1


class Player(ui.element, component="components/player.js"):
    """The paths with their clock: see `scanlab.view.player`.

    on_step: called with the step that the clock shows, at most ten times a second. on_colour: called with "step",
    "path" or "gap" when the user chooses another. on_view: called with the view once it has changed and rests. turn: as
    in `Editor`.
    """

    def __init__(
        self,
        on_step: Callable[[int], Any] | None = None,
        on_colour: Callable[[str], Any] | None = None,
        on_view: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:
        super().__init__()
        self.turn = 0
        if on_step is not None:
            self.on("step", lambda event: on_step(event.args), throttle=_STEP_EVERY)
        if on_colour is not None:
            self.on("colour", lambda event: accept_change(self, event.args, on_colour))
        if on_view is not None:
            self.on("view", lambda event: accept_change(self, event.args, on_view))

    def show(self, scenes: Iterable[PathScene]) -> None:
        """Draw other paths, also in place of a counter-example; the clock keeps its place."""
        self.show_data(player_data(scenes))

    def show_data(self, data: dict[str, Any], view: dict[str, Any] | None = None) -> None:
        """As `show`, of what `player_data` made of the scenes, and with a view in place of the one that there is."""
        self.run_method("show", data, view)

    def go_to(self, step: int) -> None:
        """Move the clock."""
        self.run_method("goTo", step)

    def set_playing(self, playing: bool) -> None:
        """Start or stop the clock."""
        self.run_method("setPlaying", playing)

    def autoplay(self) -> None:
        """Play once from the start, unless the user prefers less motion."""
        self.run_method("autoplay")

    def colour_by(self, name: str) -> None:
        """Colour by "step", "path" or "gap"."""
        self.run_method("colourBy", name)

    def counterexample(self, grid: Sequence[int], patches: Iterable[Sequence[int]], label: str) -> None:
        """Draw a grid on which an order fails, in place of the paths, until `clear_counterexample` or `show`.

        grid: extents. patches: coordinates of the patches that show it. label: what is wrong with them.
        """
        where = [list(patch) for patch in patches]
        self.run_method("counterexample", {"grid": list(grid), "patches": where, "label": label})

    def clear_counterexample(self) -> None:
        """Draw the paths again."""
        self.run_method("clearCounterexample")

    def image(self, url: str | None) -> None:
        """Show the patches of an image, given as a data URL, as the paths read them; None takes it away."""
        self.run_method("image", url)

    async def picture(self, extents: tuple[int, int]) -> str:
        """The middle of the image that is shown, as a data URL of so many rows and columns; "" where there is none."""
        return await self.run_method("picture", *extents, timeout=10) or ""

    def remembered(self, states: Iterable[tuple[int, str]]) -> None:
        """Show a model's own states, of scenes by their numbers, base64 of float32 [P, P]; none for the usual decay."""
        self.run_method("remembered", [list(each) for each in states])

    def focus(self) -> None:
        """Put the focus on the controls."""
        self.run_method("focus")


def serve_player() -> None:
    """Serve what the element loads beside its own file: the player, and what all elements share."""
    app.add_static_files("/scanlab/static", Path(__file__).parent / "static")
    source = f"export const MARKUP = {json.dumps(player_markup())};\nexport {player_script()}"

    @app.get("/scanlab/player_source.js")
    def script() -> Response:
        return Response(source, media_type="text/javascript")

    @app.get("/scanlab/player.css")
    def style() -> Response:
        return Response(player_style(), media_type="text/css")
