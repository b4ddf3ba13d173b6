"""What the operators make of their arguments alike: the table of paths, the weights of a merge, autocast."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from scanlab.compiler.bind import CompiledScan
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.indices import index_table
from scanlab.ops.merges import fixed_weights, merges_above
from scanlab.ops.paths import PathTable, path_table
from scanlab.ops.programs import program_for

__all__ = ["MERGES", "Paths", "autocast", "table_for", "weights_for"]

MERGES = ("sum", "mean", "scatter", "none")
Paths = CompiledScan | PathTable | Tensor


def table_for(paths: Paths, u: Tensor) -> PathTable:
    """The table of whatever an operator takes as paths over the rows of u [..., L, D]. Raises S708."""
    if isinstance(paths, CompiledScan):
        return _compiled_table(paths, u.device)
    return index_table(paths, u.shape[-2]) if isinstance(paths, Tensor) else paths


# A model scans the same few grids again and again.
@lru_cache(maxsize=256)
def _compiled_table(scan: CompiledScan, device: torch.device) -> PathTable:
    return path_table(scan, program_for(scan, device)).to(device)


def weights_for(paths: Paths, table: PathTable, merge: str | Tensor | None, u: Tensor) -> tuple[Tensor | None, float]:
    """The weights of the paths, None where all count alike, and a common factor of the output."""
    if isinstance(merge, Tensor):
        _check_chains(merge, table)
        return merge, 1.0
    if merge is None:
        return _tree_weights(paths, u.shape[-1], u.device) if isinstance(paths, CompiledScan) else (None, 1.0)
    if merge not in MERGES:
        raise ScanlabError.at(
            "S706", f"there is no merge {merge!r}", help=f"choose one of {', '.join(MERGES)}, or give weights [K, D]"
        )
    if merge == "scatter" and not table.disjoint:
        raise ScanlabError.at(
            "S706", "the paths do not share the rows out: some row is visited twice", help='merge them with "sum"'
        )
    return None, 1 / table.tracks if merge == "mean" else 1.0


def _check_chains(weights: Tensor, table: PathTable) -> None:
    """One state runs through all paths of a chain, so its paths must have one weight; looked at on the CPU only."""
    if table.tracks == table.paths or torch.compiler.is_compiling() or weights.device.type != "cpu":
        return
    for track in range(table.tracks):
        members = weights[table.runs[table.runs[:, 0] == track, 1].unique().long()]
        if len(members) and bool((members != members[0]).any()):
            raise ScanlabError.at(
                "S706", "the paths of a chain have different weights", help="weigh the chain as a whole: equal rows"
            )


@lru_cache(maxsize=256)
def _tree_weights(scan: CompiledScan, channels: int, device: torch.device) -> tuple[Tensor | None, float]:
    if any(node.merge == "gate" for above in merges_above(scan) for node, _ in above):
        raise ScanlabError.at(
            "S706",
            f"{scan.name or 'this scan'} has a gate, whose weights are learned",
            help="give the weights [K, D] as merge; scanlab.nn.Merge holds them",
        )
    weights = fixed_weights(scan, channels)
    common = float(weights[0, 0])
    return (None, common) if bool((weights == common).all()) else (weights.to(device), 1.0)


def autocast(activation: Tensor) -> Tensor:
    """In the dtype of autocast, where it is on; A, D and the bias are left as they are, and states are float32."""
    device = activation.device.type
    if activation.dtype == torch.float64 or not torch.is_autocast_enabled(device):
        return activation
    return activation.to(torch.get_autocast_dtype(device))
