"""Tables that are made once: of compiled scans, and of a walk from the first row to the last."""

from __future__ import annotations

from functools import lru_cache

import torch

from scanlab.compiler.bind import CompiledScan
from scanlab.ops.path_tables import PathTable, path_table
from scanlab.ops.programs import program_for
from scanlab.ops.resolve_paths import index_table, raster_table

__all__ = ["kept_raster", "kept_table"]


# Dynamo traces what is behind a cache, and warns; what is behind this one is no graph.
@torch.compiler.disable(reason="a compiled scan is laid out: give path_table(scan) in its place")
def kept_table(scan: CompiledScan, device: torch.device) -> PathTable:
    """The table of a compiled scan on a device."""
    return _compiled(scan, device)


def kept_raster(length: int, device: torch.device) -> PathTable:
    """One path over rows 0 to length - 1 in turn."""
    if torch.compiler.is_compiling():
        return index_table(torch.arange(length, device=device)[None], length, permutations=True)
    return raster_table(length, device)


# A model scans the same few grids again and again.
@lru_cache(maxsize=256)
def _compiled(scan: CompiledScan, device: torch.device) -> PathTable:
    return path_table(scan, program_for(scan, device)).to(device)
