"""How the outputs of a scan's paths are weighted: every merge is one weight per path and channel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import torch
from torch import Tensor, nn

from scanlab.compiler.bind import CompiledScan
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Order, Scan

Above = tuple[tuple[Scan, int], ...]


class Merge(nn.Module):
    """The weights with which the paths of a scan add up, [K, D].

    Through the tree of merges the weights multiply: `sum`, `scatter` and `chain` give every part 1, `mean` one over the
    number of parts, `heads` 1 on the part's channels and 0 elsewhere, `gate` a learned weight per part and channel that
    starts at 1. Raises S604 when the channels cannot be shared out evenly.
    """

    fixed: Tensor

    def __init__(self, scan: CompiledScan, channels: int) -> None:
        super().__init__()
        leaves = list(_leaves(scan.scan, ()))
        fixed = torch.zeros(len(leaves), channels)
        for row, path, above in zip(fixed, scan.paths, leaves, strict=True):
            first, last = _share(path.channels, channels, scan.name)
            row[first:last] = math.prod(1 / len(node.parts) for node, _ in above if node.merge == "mean")
        self.register_buffer("fixed", fixed, persistent=False)
        gates = _gates(leaves)
        self.members = [
            [place[len(at)] if place[: len(at)] == at else -1 for place in map(_place, leaves)] for at in gates
        ]
        self.gates = nn.ParameterList(nn.Parameter(torch.ones(parts, channels)) for parts in gates.values())

    def forward(self) -> Tensor:
        """The weights now, [K, D]."""
        weights = self.fixed
        for gate, members in zip(self.gates, self.members, strict=True):
            # The last row is for the paths outside this gate.
            rows = torch.cat([gate, gate.new_ones(1, gate.shape[1])])
            weights = weights * rows[members]
        return weights


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


def _leaves(value: Order | Scan, above: Above) -> Iterator[Above]:
    """For each path, left to right: the merges above it and which of their parts it belongs to."""
    if isinstance(value, Order):
        yield above
        return
    for i, part in enumerate(value.parts):
        yield from _leaves(part, (*above, (value, i)))


def _place(above: Above) -> tuple[int, ...]:
    return tuple(part for _, part in above)


def _gates(leaves: list[Above]) -> dict[tuple[int, ...], int]:
    """Each gate by its place in the tree (equal gates in two places learn apart), and its number of parts."""
    found = {}
    for above in leaves:
        for depth, (node, _) in enumerate(above):
            if node.merge == "gate":
                found[_place(above[:depth])] = len(node.parts)
    return found
