"""The learned part of a scan's merge, as of `gate`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from scanlab.compiler.bind import CompiledScan
from scanlab.nn.exempt import Exempt
from scanlab.ops.merge_weights import Above, fixed_weights, merges_above
from scanlab.ops.modes import beside, outside_modes


class Merge(Exempt):
    """The weights with which the paths of a scan add up, [K, D].

    The fixed weights of all merges, times a learned weight per part and channel for each that learns (`gate`), which
    starts at 1. Raises S604 when the channels cannot be shared out evenly.

    >>> import scanlab
    >>> merge = Merge(scanlab.compile("gate(row, -row)", (4, 4)), channels=6)
    >>> merge().shape, [name for name, _ in merge.named_parameters()]
    (torch.Size([2, 6]), ['gates.0'])
    """

    fixed: Tensor

    def __init__(self, scan: CompiledScan, channels: int) -> None:
        super().__init__()
        with outside_modes():
            self._values = fixed_weights(scan, channels)
        self.register_buffer("fixed", beside(self._values, torch.empty(0)), persistent=False)
        leaves = merges_above(scan)
        gates = _gates(leaves)
        self.members = [
            [place[len(at)] if place[: len(at)] == at else -1 for place in map(_place, leaves)] for at in gates
        ]
        self.gates = nn.ParameterList(nn.Parameter(torch.ones(parts, channels)) for parts in gates.values())
        self.mark()
        self.plain = all(node.rule.adds for above in leaves for node, _ in above)

    def exempted(self) -> Iterable[nn.Parameter]:
        """The gates, which start at 1."""
        return list(self.gates) if "gates" in self._modules else []

    def _apply(self, *arguments: Any, **named: Any) -> Any:
        before = self.fixed
        moved = super()._apply(*arguments, **named)
        # A model that leaves the meta device gets memory there, and no values.
        if before.is_meta and not self.fixed.is_meta:
            self.fixed = beside(self._values, self.fixed).to(self.fixed.dtype)
        return moved

    def forward(self) -> Tensor | None:
        """The weights now, [K, D]; None where every path counts once."""
        if self.plain:
            return None
        weights = self.fixed
        for gate, members in zip(self.gates, self.members, strict=True):
            # The last row is for the paths outside this gate.
            rows = torch.cat([gate, gate.new_ones(1, gate.shape[1])])
            weights = weights * rows[members]
        return weights


def _place(above: Above) -> tuple[int, ...]:
    return tuple(part for _, part in above)


def _gates(leaves: list[Above]) -> dict[tuple[int, ...], int]:
    """Each gate by its place in the tree (equal gates in two places learn apart), and its number of parts."""
    gates = {}
    for above in leaves:
        for depth, (node, _) in enumerate(above):
            if node.rule.learned:
                gates[_place(above[:depth])] = len(node.parts)
    return gates
