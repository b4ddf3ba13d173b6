"""What every head has."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from scanlab.nn.backbone import Backbone
from scanlab.nn.exempt import no_weight_decay

__all__ = ["Head"]


class Head(nn.Module):
    """A backbone, and what reads it."""

    backbone: Backbone
    # One per class, or none; kept in files, and nothing is computed with them.
    class_names: tuple[str, ...] = ()
    # Of one that reads text: whether the pictures that it learned from came with dark_ink or light_ink, words of a data
    # set's layout; kept likewise.
    ink: str = ""

    def check_scan(self) -> None:
        """That the head can read what the backbone's scan shows it; any by default."""

    def inputs(self, images: Tensor) -> Tensor:
        """What the backbone reads of images; they themselves by default."""
        return images

    def own_stream(self, latency: int) -> Any:
        """What reads a video frame by frame for this head (`nn.streaming.FrameReader`); None for the usual."""
        return None

    def no_weight_decay(self) -> set[str]:
        """The names of parameters that are usually not decayed; see `scanlab.nn.exempt`."""
        return no_weight_decay(self)

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """What it is built with, beside the backbone."""

    @staticmethod
    def names_now(names: Iterable[str]) -> dict[str, str]:
        """Of names that parameters had in an earlier version, those that they have now; none by default."""
        return {}
