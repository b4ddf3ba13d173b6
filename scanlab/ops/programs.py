"""Which scans walk by generated arithmetic instead of their table."""

from __future__ import annotations

from functools import cache

import torch

from scanlab.compiler.bind import CompiledScan
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.dispatch import missing, say_once

__all__ = ["program_for"]


@cache
def program_for(scan: CompiledScan, device: torch.device) -> str:
    """The name of the scan's path program, "" where the table serves as well or better: on CPUs always.

    Where the cache of generated code cannot be used, the user is told once, and the table serves.
    """
    if device.type != "cuda" or missing("triton"):
        return ""
    from scanlab.codegen import program

    try:
        return program(scan).name
    except ScanlabError as error:
        say_once(f"paths are read from tables, since generated code cannot be kept: {error.diagnostics[0].message}")
        return ""
