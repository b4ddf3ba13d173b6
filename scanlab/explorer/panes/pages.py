"""The panes that are one rendered page, with few controls or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from scanlab.explorer.html_elements import button, tag
from scanlab.explorer.panes.controls import Choice, Number
from scanlab.explorer.panes.pane import Option, Pane
from scanlab.explorer.renderers.compared import compare_page, metrics_page
from scanlab.explorer.renderers.field import Decay, field_page
from scanlab.explorer.renderers.linked import scenes_of
from scanlab.explorer.renderers.listings import code_page
from scanlab.explorer.renderers.published import published_page
from scanlab.explorer.renderers.stages import expression_page, keys_page, proof_page
from scanlab.explorer.renderers.steps import PAGE, Range, longest, steps_page
from scanlab.explorer.snapshot import Snapshot

__all__ = [
    "ComparePane",
    "CpuPane",
    "ExpressionPane",
    "FieldPane",
    "KeysPane",
    "MetricsPane",
    "ProofPane",
    "PublishedPane",
    "StepsPane",
    "TritonPane",
]

Question = tuple[Callable[..., Any], tuple[Any, ...]]


class KeysPane(Pane):
    """The sort keys, and the loops that visit them."""

    asks = staticmethod(keys_page)


class ProofPane(Pane):
    """The verdicts, and isl's relations. A text that is refuted has its counter-example here."""

    doing = "Proving"
    asks = staticmethod(proof_page)

    def show_nothing(self, snapshot: Snapshot) -> None:
        """The mistakes are the answer."""
        if snapshot.diagnostics:
            self.show_problems(snapshot.diagnostics)
        else:
            super().show_nothing(snapshot)


class ExpressionPane(Pane):
    """The index expressions."""

    doing = "Deriving"
    asks = staticmethod(expression_page)


class TritonPane(Pane):
    """The path function that GPU kernels call."""

    doing = "Generating"
    asks = staticmethod(partial(code_page, target="triton"))


class CpuPane(Pane):
    """The path function that CPU kernels call."""

    doing = "Generating"
    asks = staticmethod(partial(code_page, target="cpu"))


class MetricsPane(Pane):
    """The locality of every path."""

    doing = "Measuring"
    asks = staticmethod(metrics_page)


class ComparePane(Pane):
    """What the strategies that are shown have in common."""

    doing = "Comparing"
    limit: ClassVar[float] = 60.0
    asks = staticmethod(compare_page)


class PublishedPane(Pane):
    """What was published about the systems that the strategies belong to."""

    doing = "Looking it up in the library"
    asks = staticmethod(published_page)


class FieldPane(Pane):
    """The receptive field that ranks alone predict, for a decay and a number of layers."""

    doing = "Predicting"

    def build_tools(self) -> None:
        """Decay and layers."""
        self.decay = Decay()
        self._kept_box = Number("a state keeps", "field-decay", f"{self.decay.kept:g}", (0, 1), self._kept)
        self._layers_box = Number("layers", "field-layers", "as the plan", (1, 64), self._layers, whole=True)

    def options(self) -> dict[str, Option]:
        """See `Pane.options`."""
        kept: dict[str, Option] = {} if self.decay.kept == Decay().kept else {"kept": self.decay.kept}
        return kept if self.decay.layers is None else {**kept, "layers": self.decay.layers}

    def choose(self, options: Mapping[str, Option]) -> None:
        """See `Pane.choose`."""
        kept, layers = self._kept_box.begin(options.get("kept")), self._layers_box.begin(options.get("layers"))
        self.decay = Decay(Decay().kept if kept is None else kept, None if layers is None else int(layers))

    def question(self, snapshot: Snapshot) -> Question:
        """See `field_page`."""
        return field_page, (snapshot, self.decay)

    async def _kept(self, kept: float | None) -> None:
        self.decay = replace(self.decay, kept=Decay().kept if kept is None else kept)
        await self.chosen()

    async def _layers(self, layers: float | None) -> None:
        self.decay = replace(self.decay, layers=None if layers is None else int(layers))
        await self.chosen()


class StepsPane(Pane):
    """The patch at each step, or the step of each patch, a page at a time."""

    _KINDS: ClassVar[dict[str, str]] = {"the patch at each step": "step", "the step of each patch": "patch"}

    def build_tools(self) -> None:
        """What is listed, and from where on."""
        self.range = Range()
        self._kind = Choice("list", self._KINDS, self._listed)
        with tag("div", "turn"):
            self.back = button("‹", lambda: self._turn_to(-PAGE), "plain", aria_label="Earlier rows", title="Earlier")
            self.place = tag("span", "place")
            self.on = button("›", lambda: self._turn_to(PAGE), "plain", aria_label="Later rows", title="Later")

    def options(self) -> dict[str, Option]:
        """See `Pane.options`."""
        by: dict[str, Option] = {} if self.range.by == Range().by else {"by": self.range.by}
        return {**by, "first": self.range.first} if self.range.first else by

    def choose(self, options: Mapping[str, Option]) -> None:
        """See `Pane.choose`."""
        first, words = options.get("first"), {by: words for words, by in self._KINDS.items()}
        by = options.get("by") if options.get("by") in words else Range().by
        page = first // PAGE * PAGE if isinstance(first, int) and first > 0 else 0
        self.range = Range(page, str(by))
        self._kind.offer(self._KINDS, words[self.range.by])

    def question(self, snapshot: Snapshot) -> Question:
        """See `steps_page`."""
        last = max(0, (longest(snapshot, self.range.by) - 1) // PAGE * PAGE)
        self.range = replace(self.range, first=min(self.range.first, last))
        return steps_page, (snapshot, self.range)

    def answered(self, value: str) -> None:
        """Show the table, and where in the whole it stands."""
        super().answered(value)
        assert self.snapshot is not None
        size, first = longest(self.snapshot, self.range.by), self.range.first
        self.place.text = f"{first:,} to {min(first + PAGE, size) - 1:,} of {size:,}"
        self.back.props["disabled"] = first == 0
        self.on.props["disabled"] = first + PAGE >= size

    async def reach(self, patch: int, scene: int) -> None:
        """Turn to the page that has a patch in a path, given by its number in the picture."""
        if self.snapshot is None:
            return
        row = patch
        if self.range.by == "step":
            path = scenes_of(self.snapshot)[scene].path
            row = int((path.sequence == patch).argmax())
        if not 0 <= row - self.range.first < PAGE:
            self.range = replace(self.range, first=row // PAGE * PAGE)
            await self.chosen()

    async def _listed(self, words: str) -> None:
        self.range = Range(0, self._KINDS[words])
        await self.chosen()

    async def _turn_to(self, by: int) -> None:
        self.range = replace(self.range, first=max(0, self.range.first + by))
        await self.chosen()
