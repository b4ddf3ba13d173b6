"""How the outputs of paths are weighted: every merge is one weight per path and channel, and a common factor."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

import torch
from torch import Tensor

from scanlab.compiler.bind import CompiledScan
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.merges import MERGES, merge_rule
from scanlab.ir.values import Order, Scan
from scanlab.kernels.columns import PATH, SEQUENCE
from scanlab.ops.marks import may_be_compiled, untraced
from scanlab.ops.modes import adopted, outside_modes, readable
from scanlab.ops.path_tables import PathTable
from scanlab.ops.resolve_paths import Paths

__all__ = [
    "NAMED",
    "Above",
    "fixed_weights",
    "merges_above",
    "weights_for",
]

# What a call may name as `merge` beside a table of steps; with "none" the sequences are kept apart.
NAMED = (*(name for name, rule in MERGES.items() if rule.by_tables), "none")


def weights_for(paths: Paths, table: PathTable, merge: str | Tensor | None, u: Tensor) -> tuple[Tensor | None, float]:
    """The weights of the paths, None where all count alike, and a common factor of the output."""
    if isinstance(merge, Tensor):
        _check_chains(merge, table)
        return merge, 1.0
    if merge is None:
        if not isinstance(paths, CompiledScan):
            return None, 1.0
        # Parameters are float32 beside half precision.
        weights, scale = tree_weights(paths, u.shape[-1], u.device, u.dtype == torch.float64)
        return None if weights is None else adopted(weights, u), scale
    if merge not in NAMED:
        raise ScanlabError.at(
            "S706", f"there is no merge {merge!r}", help=f"choose one of {', '.join(NAMED)}, or give weights [K, D]"
        )
    if merge == "none":
        return None, 1.0
    rule = merge_rule(merge)
    if rule.visits == "disjoint" and not table.disjoint:
        raise ScanlabError.at(
            "S706", "the paths do not share the rows out: some row is visited twice", help='merge them with "sum"'
        )
    return None, rule.weight(table.sequences)


def _check_chains(weights: Tensor, table: PathTable) -> None:
    """One state runs through all paths of a chain, so its paths must have one weight; looked at on the CPU only."""
    values = readable(weights)
    if table.sequences == table.paths or values is None or values.device.type != "cpu":
        return
    for sequence in range(table.sequences):
        members = values[table.segments[table.segments[:, SEQUENCE] == sequence, PATH].unique().long()]
        if len(members) and bool((members != members[0]).any()):
            raise ScanlabError.at(
                "S706", "the paths of a chain have different weights", help="weigh the chain as a whole: equal rows"
            )


def tree_weights(scan: CompiledScan, channels: int, device: torch.device, wide: bool) -> tuple[Tensor | None, float]:
    """The weights that a compiled scan's own merges give its paths, float64 where wide, and a common factor."""
    if may_be_compiled():
        from scanlab.ops.marked import MARKED

        return MARKED["_tree_weights"](scan, channels, device, wide)
    return _tree_weights(scan, channels, device, wide)


@untraced("the merge of a compiled scan is looked up: give path_table(scan) and merge weights")
@lru_cache(maxsize=256)
def _tree_weights(scan: CompiledScan, channels: int, device: torch.device, wide: bool) -> tuple[Tensor | None, float]:
    if any(node.rule.learned for above in merges_above(scan) for node, _ in above):
        raise ScanlabError.at(
            "S706",
            f"{scan.name or 'this scan'} has a gate, whose weights are learned",
            help="give the weights [K, D] as merge; scanlab.nn.Merge holds them",
        )
    with outside_modes():
        weights = fixed_weights(scan, channels).to(torch.float64 if wide else torch.float32)
        common = float(weights[0, 0])
        return (None, common) if bool((weights == common).all()) else (weights.to(device), 1.0)


Above = tuple[tuple[Scan, int], ...]


def fixed_weights(scan: CompiledScan, channels: int) -> Tensor:
    """float32 [K, D]: the weights that need no learning.

    Through the tree of merges the weights of their parts multiply (`MergeRule.weight`); where channels are split, a
    path has 0 outside of its own. Raises S604 when the channels cannot be shared out evenly.
    """
    weights = torch.zeros(len(scan.paths), channels)
    for row, path, above in zip(weights, scan.paths, merges_above(scan), strict=True):
        first, last = _share(path.channels, channels, scan.name)
        row[first:last] = math.prod(node.rule.weight(len(node.parts)) for node, _ in above)
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
