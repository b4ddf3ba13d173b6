"""Tables of steps from index arrays: orders that come from data, one for all samples or one per sample."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.chunks import CHUNK
from scanlab.ops.paths import PathTable

__all__ = ["index_table", "raster_table"]


def index_table(indices: Tensor, length: int, *, permutations: bool | None = None) -> PathTable:
    """The table of K paths given as indices: [K, L] for all samples, or [B, K, L] per sample.

    indices[..., k, p] is the row that path k visits at step p; every path is a track, and the state starts from zero at
    its first step. length: rows of u. permutations: True promises that every path visits every row once, False that
    nothing is known (rows visited twice add up, rows left out are 0), None looks, which waits for a GPU. Raises S708
    for rows outside 0 to length - 1, where it looks; elsewhere they are clamped, so that no kernel reads outside.
    """
    indices = indices if indices.ndim == 3 else indices[None]
    if indices.ndim != 3 or indices.dtype.is_floating_point or indices.numel() == 0:
        raise ScanlabError.at(
            "S708",
            f"indices of shape {list(indices.shape)} and dtype {indices.dtype} are no paths",
            help="give whole numbers [K, L], or [B, K, L] for one order per sample",
        )
    steps = indices.shape[2]
    if permutations is None and not torch.compiler.is_compiling():
        _check_rows(indices, length)
        permutations = steps == length and bool((indices.sort(-1).values == _rows_like(indices, length)).all())
    tracks = indices.shape[1]
    return PathTable(
        steps=indices.clamp(0, length - 1).to(torch.int32).contiguous(),
        runs=torch.tensor([[k, k, 0, steps, 0] for k in range(tracks)], dtype=torch.int32, device="cpu"),
        grid_size=length,
        paths=tracks,
        slots=tracks * ((steps - 1) // CHUNK),
        revisits=not permutations,
        complete=bool(permutations),
        disjoint=bool(permutations) and tracks == 1,
    )


def _rows_like(indices: Tensor, length: int) -> Tensor:
    return torch.arange(length, device=indices.device)


def _check_rows(indices: Tensor, length: int) -> None:
    low, high = int(indices.min()), int(indices.max())
    if low < 0 or high >= length:
        raise ScanlabError.at(
            "S708",
            f"the paths visit rows {low} to {high}, but u has rows 0 to {length - 1}",
            help="indices[k, p] is the flat index of the patch visited at step p",
        )


@lru_cache(maxsize=256)
def raster_table(length: int, device: torch.device) -> PathTable:
    """One path over rows 0 to length - 1 in turn."""
    return index_table(torch.arange(length, device=device)[None], length, permutations=True)
