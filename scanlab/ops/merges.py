"""How the outputs of a scan's paths are weighted: every merge is one weight per path and channel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import torch
from torch import Tensor

from scanlab.compiler.bind import CompiledScan
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Order, Scan

__all__ = ["ADDING", "Above", "fixed_weights", "merges_above"]

# Merges that count every path once.
ADDING = ("sum", "scatter", "chain")
Above = tuple[tuple[Scan, int], ...]


def fixed_weights(scan: CompiledScan, channels: int) -> Tensor:
    """float32 [K, D]: the weights that need no learning.

    Through the tree of merges the weights multiply: `sum`, `scatter`, `chain` and `gate` give every part 1, `mean` one
    over the number of parts, `heads` 1 on the part's channels and 0 elsewhere. Raises S604 when the channels cannot be
    shared out evenly.
    """
    weights = torch.zeros(len(scan.paths), channels)
    for row, path, above in zip(weights, scan.paths, merges_above(scan), strict=True):
        first, last = _share(path.channels, channels, scan.name)
        row[first:last] = math.prod(1 / len(node.parts) for node, _ in above if node.merge == "mean")
    return weights


def merges_above(scan: CompiledScan) -> list[Above]:
    """For each path, left to right: the merges above it and which of their parts it belongs to."""
    return list(_leaves(scan.scan, ()))


def _leaves(value: Order | Scan, above: Above) -> Iterator[Above]:
    if isinstance(value, Order):
        yield above
        return
    for i, part in enumerate(value.parts):
        yield from _leaves(part, (*above, (value, i)))


def _share(share: tuple[Fraction, Fraction], channels: int, name: str) -> tuple[int, int]:
    first, last = share[0] * channels, share[1] * channels
    if first.denominator != 1 or last.denominator != 1:
        parts = (share[1] - share[0]).denominator
        raise ScanlabError.at(
            "S604",
            f"{channels} channels cannot be divided into the heads of {name or 'this scan'}",
            note=f"one of its paths reads channels {float(first):g} to {float(last):g}",
            help=f"choose a width that is a multiple of {parts}",
        )
    return int(first), int(last)
