"""What a mixer keeps between parts of a path, and what it has to know of images that lie side by side."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ["Memory", "MixerState", "Pack"]


@dataclass(frozen=True, eq=False)
class MixerState:
    """What a mixer keeps of the part of a path that it has read: last states of its scan, float32, and the last inputs
    of its convolution along paths; None before the first part, and where it has no such thing.

    >>> MixerState().scan is None
    True
    """

    scan: Tensor | None = None
    convolution: Tensor | None = None


@dataclass(frozen=True)
class Pack:
    """Images side by side in one batch: their grids, and how many rows each has, patches and class tokens."""

    grids: tuple[tuple[int, ...], ...]
    lengths: tuple[int, ...]


class Memory:
    """A mixer's state as it is read and replaced within one call; without one, paths begin and end in the call."""

    def __init__(self, state: MixerState) -> None:
        self.scan, self.convolution = state.scan, state.convolution
