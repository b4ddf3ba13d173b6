"""What a mixer keeps between parts of a path, and what it has to know of images that lie side by side."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from scanlab.ops import PathTable

__all__ = ["Memory", "MixerState", "Pack", "ScanInputs"]


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


@dataclass(frozen=True, eq=False)
class ScanInputs:
    """What the scan of a layer reads of a batch, once its mixer has projected and convolved it.

    u [B, K, L, D]; delta [B, K, L, D], after softplus; decay [K, D, N], rates below 0; B, C [B, K, L, N]; each with K =
    1 where all paths share it. table: the steps of the paths over the L rows.
    """

    u: Tensor
    delta: Tensor
    decay: Tensor
    B: Tensor
    C: Tensor
    table: PathTable


class Memory:
    """A mixer's state as it is read and replaced within one call; without one, paths begin and end in the call."""

    def __init__(self, state: MixerState) -> None:
        self.scan, self.convolution = state.scan, state.convolution
