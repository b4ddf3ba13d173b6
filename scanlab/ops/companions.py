"""What the convolution and the state space dual ask of their arguments alike."""

from __future__ import annotations

import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.path_tables import PathTable

__all__ = ["check_fit", "shape_error"]


def check_fit(name: str, x: Tensor, length: int, others: dict[str, Tensor | None], table: PathTable) -> None:
    """Refuse tensors that do not belong together.

    x, called `name`, has `length` rows and sets dtype and device. others by name, None where left out: parameters may
    be float32 beside half precision, but float64 goes with float64 only. Raises S701, S702 and S704.
    """
    if length != table.length:
        tokens = f" and {len(table.tokens)} virtual tokens" if table.tokens else ""
        raise ScanlabError.at(
            "S704",
            f"{name} has {length} rows, but the paths are over {table.grid_size} patches{tokens}",
            help=f"compile the scan for the grid of {name}; rows of virtual tokens stand after the patches",
        )
    if table.steps.shape[0] not in (1, x.shape[0]):
        raise ScanlabError.at(
            "S704", f"there are paths for {table.steps.shape[0]} samples, but {name} has {x.shape[0]}"
        )
    for other, tensor in {name: x, **others, "the table of paths": table.steps}.items():
        if tensor is None:
            continue
        if tensor.device != x.device:
            raise ScanlabError.at("S702", f"{other} is on {tensor.device}, but {name} is on {x.device}")
        if tensor is not table.steps:
            _check_dtype(other, tensor.dtype, name, x.dtype)


def shape_error(name: str, tensor: Tensor, wanted: object) -> ScanlabError:
    """S700: a tensor is not of the shape that is wanted."""
    return ScanlabError.at("S700", f"{name} has shape {list(tensor.shape)}, not {wanted}")


def _check_dtype(name: str, dtype: torch.dtype, leader: str, wanted: torch.dtype) -> None:
    if not dtype.is_floating_point:
        raise ScanlabError.at("S701", f"{name} is {dtype}", help="give float32, bfloat16, float16, or float64")
    if dtype not in (wanted, torch.float32) or (dtype != wanted and wanted == torch.float64):
        raise ScanlabError.at("S701", f"{name} is {dtype}, but {leader} is {wanted}", help="convert one of them")
