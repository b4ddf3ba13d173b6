"""The sizes at which scans are measured, and inputs for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from scanlab.ops import PathTable, index_table

__all__ = ["QUICK", "SIZES", "Problem", "Size", "problem"]


@dataclass(frozen=True)
class Size:
    """B samples, L steps, D channels, N states, K paths."""

    samples: int
    length: int
    channels: int
    states: int
    paths: int = 1

    def __str__(self) -> str:
        return f"B={self.samples} L={self.length} D={self.channels} N={self.states} K={self.paths}"

    @property
    def updates(self) -> int:
        """State updates of one forward pass."""
        return self.samples * self.paths * self.length * self.channels * self.states


# A Vim-S layer for one image and for eight, 64 x 64 patches, VMamba-T's first stage for two images, a long sequence.
SIZES: Mapping[str, Size] = MappingProxyType(
    {
        "S1": Size(1, 196, 384, 16),
        "S2": Size(8, 196, 384, 16),
        "S3": Size(1, 4096, 192, 16),
        "S4": Size(2, 3136, 96, 1, 4),
        "S5": Size(1, 32768, 64, 16),
    }
)
QUICK: Mapping[str, Size] = MappingProxyType({"S1": SIZES["S1"], "small K=4": Size(1, 196, 96, 1, 4)})


@dataclass(frozen=True, eq=False)
class Problem:
    """Inputs of a scan by row (see `selective_scan`), with raw delta: softplus belongs to the measured work.

    orders int64 [K, L]: the row that each path visits at each step; ranks: its inverse; table: the same for ScanLab.
    upstream [B, L, D]: the gradient of the output.
    """

    size: Size
    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor
    orders: Tensor
    ranks: Tensor
    table: PathTable
    upstream: Tensor

    @property
    def leaves(self) -> tuple[Tensor, ...]:
        """What gradients are taken of."""
        return self.u, self.delta, self.A, self.B, self.C, self.D


def problem(size: Size, *, shuffled: bool = False, seed: int = 0) -> Problem:
    """Random inputs for a size; the paths are raster and its relatives as in VMamba's cross scan, or random orders."""
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw)

    b, length, d, n, k = size.samples, size.length, size.channels, size.states, size.paths
    orders = torch.stack([torch.randperm(length, generator=draw) for _ in range(k)]) if shuffled else _cross(length, k)
    return Problem(
        size,
        normal(b, length, d),
        normal(b, k, length, d) - 2,
        -normal(k, d, n).exp(),
        normal(b, k, length, n),
        normal(b, k, length, n),
        normal(k, d),
        orders,
        orders.argsort(-1),
        index_table(orders, length, permutations=True),
        normal(b, length, d),
    )


def _cross(length: int, paths: int) -> Tensor:
    """Row by row, column by column, and both backwards, on the squarest grid of that many patches."""
    height = next(h for h in range(int(length**0.5), 0, -1) if length % h == 0)
    rows = torch.arange(length)
    columns = rows.view(height, -1).T.reshape(-1)
    return torch.stack([rows, columns, rows.flip(0), columns.flip(0)][:paths])
