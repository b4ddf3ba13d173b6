"""What the operators make of their arguments alike: the table of paths, the weights of a merge, autocast."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from scanlab.compiler.bind import CompiledScan
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.kept import kept_table
from scanlab.ops.merges import fixed_weights, merges_above
from scanlab.ops.modes import adopted, check_no_graph, outside_modes, readable
from scanlab.ops.path_tables import PathTable
from scanlab.ops.resolve_paths import indexed

__all__ = ["MERGES", "Paths", "autocast", "in_one_dtype", "table_for", "weights_for"]

MERGES = ("sum", "mean", "scatter", "none")
Paths = CompiledScan | PathTable | Tensor


def table_for(paths: Paths, name: str, x: Tensor, axis: int = -2) -> PathTable:
    """The table of whatever an operator takes as paths over the rows of x, called `name`, which lie along an axis.

    Raises S700, S708, S713, S714.
    """
    check_no_graph(name)
    if x.ndim < 1 - axis or x.shape[axis] == 0:
        lacks = "no rows to walk over" if x.ndim > -axis else "too few axes"
        wanted = "[B, L, D]" if axis == -2 else "[B, L, H, P]"
        raise ScanlabError.at(
            "S700", f"{name} has shape {list(x.shape)}: {lacks}", help=f"give {wanted}, with L from 1"
        )
    if isinstance(paths, PathTable):
        return paths.checked()
    if isinstance(paths, CompiledScan):
        return kept_table(paths, x.device)
    if not isinstance(paths, Tensor):
        raise ScanlabError.at(
            "S708",
            f"paths is a {type(paths).__name__}",
            help="give scanlab.compile(…), a PathTable, or a tensor of whole numbers [K, L]",
        )
    return indexed(paths, x.shape[axis])


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
    values = readable(weights)
    if table.tracks == table.paths or values is None or values.device.type != "cpu":
        return
    for track in range(table.tracks):
        members = values[table.runs[table.runs[:, 0] == track, 1].unique().long()]
        if len(members) and bool((members != members[0]).any()):
            raise ScanlabError.at(
                "S706", "the paths of a chain have different weights", help="weigh the chain as a whole: equal rows"
            )


# As `kept_table`.
@torch.compiler.disable(reason="the merge of a compiled scan is looked up: give path_table(scan) and merge weights")
def tree_weights(scan: CompiledScan, channels: int, device: torch.device, wide: bool) -> tuple[Tensor | None, float]:
    """The weights that a compiled scan's own merges give its paths, float64 where wide, and a common factor."""
    return _tree_weights(scan, channels, device, wide)


@lru_cache(maxsize=256)
def _tree_weights(scan: CompiledScan, channels: int, device: torch.device, wide: bool) -> tuple[Tensor | None, float]:
    if any(node.merge == "gate" for above in merges_above(scan) for node, _ in above):
        raise ScanlabError.at(
            "S706",
            f"{scan.name or 'this scan'} has a gate, whose weights are learned",
            help="give the weights [K, D] as merge; scanlab.nn.Merge holds them",
        )
    with outside_modes():
        weights = fixed_weights(scan, channels).to(torch.float64 if wide else torch.float32)
        common = float(weights[0, 0])
        return (None, common) if bool((weights == common).all()) else (weights.to(device), 1.0)


def autocast(activation: Tensor) -> Tensor:
    """In the dtype of autocast, where it is on; A, D and the bias are left as they are, and states are float32."""
    device = activation.device.type
    if device == "meta":
        return activation
    if activation.dtype == torch.float64 or not torch.is_autocast_enabled(device):
        return activation
    return activation.to(torch.get_autocast_dtype(device))


def in_one_dtype(u: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
    """Activations as kernels take them: in the dtype of u, or all in float32 where one of them is.

    Those that are constant in time, [K, D, N], are parameters and left as they are.
    """
    varying = [t.ndim > 3 and t.dtype != u.dtype for t in others]
    if not any(varying):
        return u, *others
    return u.float(), *(t.float() if t.ndim > 3 else t for t in others)
