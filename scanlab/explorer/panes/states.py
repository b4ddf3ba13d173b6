"""What a trained model's state remembers of a person's image, beside the paths and on them."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from scanlab.explorer.elements import Field
from scanlab.explorer.html_elements import button, tag
from scanlab.explorer.panes.controls import Number
from scanlab.explorer.panes.pane import Option, Pane
from scanlab.explorer.renderers.markup import mistakes
from scanlab.explorer.renderers.states import States, find_models, read_facts, read_states
from scanlab.explorer.scan_files import Folders
from scanlab.explorer.snapshot import Snapshot
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text

__all__ = ["StatesPane"]

ABOUT = (
    "The picture shows what a state remembers if it keeps as much of itself at every step: tick “What the state "
    "remembers” below it. With a model and an image of yours, it shows what the model's own state holds."
)


class StatesPane(Pane):
    """A model from the folders that are open, a layer of it, and the image that the player shows.

    folders: where models may lie. picture: gives the player's image as a data URL of so many rows and columns, "" where
    there is none. on_states: called with the player's shares, or none where they are of something else.
    """

    # The first question imports torch.
    limit: ClassVar[float] = 120.0
    doing: ClassVar[str] = "Reading the state"

    def __init__(self) -> None:
        self.folders: Folders | None = None
        self.picture: Callable[[tuple[int, int]], Awaitable[str]] | None = None
        self.on_states: Callable[[tuple[tuple[int, str], ...]], Any] = lambda states: None
        self.file: Path | None = None
        self.layer = 0
        self._typed = self._begun = ""
        super().__init__()

    def build_tools(self) -> None:
        """The model, its layer, and the models in the open folders."""
        with tag("div", "opening"):
            self.path = Field("model", "model-path", self._type, self.open, "out/model.safetensors")
            self._layer_box = Number("layer", "model-layer", "0", (0, 999), self._layered, whole=True)
            button("Read my image", lambda: self.open(self._typed))
            button("Look again", self.look, "plain")
        self.listing = tag("ul", "study-list")

    def options(self) -> dict[str, Option]:
        """See `Pane.options`."""
        layer: dict[str, Option] = {"layer": self.layer} if self.layer else {}
        return {"model": self._begun, **layer} if self._begun else layer

    def choose(self, options: Mapping[str, Option]) -> None:
        """See `Pane.choose`."""
        self._begun = self._typed = str(options.get("model", ""))
        self.layer = int(self._layer_box.begin(options.get("layer")) or 0)

    async def show(self, snapshot: Snapshot, version: str = "") -> None:
        """Another text has other paths: their states are read again, where a model was."""
        is_first, self.snapshot, self.version = self.snapshot is None, snapshot, version
        self.on_states(())
        if is_first:
            self.path.set(self._begun, even_focused=True)
            await self.look()
        if self.file is not None:
            await self.refresh()

    async def look(self) -> None:
        """List the models in the open folders."""
        assert self.folders is not None, "the page tells a pane its folders"
        outcome = await self.ask(find_models, (self.folders.roots,))
        if outcome is None or self.box.is_deleted:
            return
        self.listing.clear()
        with self.listing:
            for file in outcome.value:
                shown = str(self.folders.shown(file))
                with tag("li"):
                    button(shown, lambda shown=shown: self.open(shown), "plain", title=str(file))
        if self.file is None:
            self.say(ABOUT if outcome.value else f"{ABOUT} “scanlab train” makes a model.", "empty")

    async def open(self, path: str) -> None:
        """Read the image with a model, given by its file inside the open folders."""
        assert self.folders is not None, "the page tells a pane its folders"
        if not path.strip():
            self.say("Give the file of a model, or take one from the list.", "refused")
            return
        try:
            self.file = self.folders.inside(path.strip())
            if not self.file.exists():
                raise ScanlabError.at("S512", f"there is no {path}", help="give the file of a model")
        except ScanlabError as error:
            self.file = None
            self.page.set_content(mistakes(error.diagnostics))
            self.say("", "failed")
            return
        self._begun = self._typed = str(self.folders.shown(self.file))
        self.path.set(self._begun, even_focused=True)
        self.on_options()
        await self.refresh()

    async def refresh(self) -> None:
        """Ask what the model needs, then the browser for the image, then the model for its states."""
        turn, snapshot = self.begin()
        if snapshot is None or self.file is None or self.picture is None:
            return
        self.say(f"{self.doing} …", "working")
        facts = await self.ask(read_facts, (self.file,))
        if facts is None or not self.is_current(turn):
            return
        if facts.problems:
            self.show_problems(facts.problems)
            return
        extents = facts.value.extents
        if len(extents) != 2:
            self.say(f"The model reads {len(extents)} axes: only images can be given here.", "refused")
            return
        url = await self.picture(extents)
        if not self.is_current(turn):
            return
        if not url:
            needs = (
                f"the model reads {grid_text(extents)} pixels, and its layers have {_grids(facts.value.grids)} patches"
            )
            self.say(f"Choose an image below the paths (“Image”): {needs}.", "empty")
            return
        content = base64.b64decode(url.partition(",")[2])
        outcome = await self.ask(read_states, (snapshot, self.file, self.layer, content))
        if outcome is None or not self.is_current(turn):
            return
        if outcome.problems:
            self.show_problems(outcome.problems)
            return
        self.answered(outcome.value)
        self.say("", "ready")

    def answered(self, value: States) -> None:
        """Show the maps here, and the shares on the paths."""
        super().answered(value.html)
        self.on_states(value.remembered)

    def show_problems(self, problems: Any) -> None:
        """See `Pane.show_problems`."""
        self.on_states(())
        super().show_problems(problems)

    def close(self) -> None:
        """See `Pane.close`; the paths show the usual decay again."""
        super().close()
        self.on_states(())

    def _type(self, text: Any) -> None:
        self._typed = str(text)

    async def _layered(self, layer: float | None) -> None:
        self.layer = int(layer or 0)
        self.on_options()
        if self.file is not None:
            await self.refresh()


def _grids(grids: tuple[tuple[int, ...], ...]) -> str:
    return " and ".join(dict.fromkeys(map(grid_text, grids)))
